// What a text must have at its top: LVM2's lib/format_text/import_vsn1.c (_vsn1_check_version, _read_vg).
using Scheduler.Storage.Lvm.Disk;
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>A group's metadata, parsed but not yet understood.</summary>
/// <param name="Path">The physical volume that it was read from.</param>
/// <param name="Group">The section of the group.</param>
/// <param name="Uuid">The group's identity.</param>
/// <param name="SequenceNumber">The number of its last change.</param>
internal sealed record GroupText(string Path, ConfigSection Group, string Uuid, long SequenceNumber);

/// <summary>
/// The copies of a group's metadata on its physical volumes, of which the newest counts. One that is damaged is passed over
/// with a warning. One whose checksum is right but that cannot be understood is an error: it may be the newest.
/// </summary>
internal sealed class MetadataCopies
{
    private const string Contents = "Text Format Volume Group";
    private const int Version = 1;

    private readonly List<string> _warnings = [];
    private readonly List<(string Where, long SequenceNumber)> _read = [];
    private GroupText? _newest;
    private byte[] _newestText = [];

    /// <summary>About copies that were not used; complete once <see cref="Newest"/> was called.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Takes a copy.</summary>
    /// <param name="path">The physical volume.</param>
    /// <param name="number">Which of its areas, from 1.</param>
    /// <param name="copy">What the area holds.</param>
    public void Add(string path, int number, MetadataCopy copy)
    {
        string where = $"{path}, metadata area {number}";
        if (copy.Damage != null)
            _warnings.Add($"{where}: {copy.Damage}; that copy is not used; vgck --updatemetadata or pvck --repair restores it");
        if (copy.Text == null)
            return;
        if (_newest != null && copy.Text.AsSpan().SequenceEqual(_newestText))
        {
            _read.Add((where, _newest.SequenceNumber));
            return;
        }

        GroupText text = Parse(path, copy.Text);
        if (_newest != null)
            Compare(text, _newest);
        _read.Add((where, text.SequenceNumber));
        if (_newest == null || text.SequenceNumber > _newest.SequenceNumber)
        {
            _newest = text;
            _newestText = copy.Text;
        }
    }

    /// <summary>The newest copy of all.</summary>
    /// <param name="path">For the error that there is none: one of the physical volumes.</param>
    public GroupText Newest(string path)
    {
        if (_newest == null)
        {
            throw _warnings.Count > 0
                ? new VolumeOpenException(path, $"no copy of the group's metadata can be trusted: {_warnings[0]}", "see vgcfgrestore")
                : new VolumeOpenException(
                    path,
                    "the physical volumes that were given hold no group's metadata",
                    "name all those of the group; some may hold none");
        }

        foreach ((string where, long number) in _read.Where(read => read.SequenceNumber < _newest.SequenceNumber))
            _warnings.Add($"{where}: change {number} of the group, where {_newest.Path} has {_newest.SequenceNumber}, which is used");
        return _newest;
    }

    private static void Compare(GroupText text, GroupText newest)
    {
        if (text.Uuid != newest.Uuid)
        {
            throw new VolumeOpenException(
                text.Path,
                $"it belongs to group {text.Group.Name} ({text.Uuid}), and {newest.Path} to {newest.Group.Name} ({newest.Uuid})",
                "name the physical volumes of one group");
        }

        if (text.SequenceNumber == newest.SequenceNumber)
        {
            throw new VolumeOpenException(
                text.Path,
                $"its metadata differs from that of {newest.Path}, and both are change {text.SequenceNumber} of the group",
                "find out which is right, and put it on both with vgcfgrestore");
        }
    }

    private static GroupText Parse(string path, byte[] bytes)
    {
        try
        {
            ConfigSection top = ConfigParser.Parse(bytes);
            if (top.RequiredText("contents") != Contents || top.RequiredNumber("version", 0, long.MaxValue) != Version)
                throw new MetadataException($"it is not of the kind \"{Contents}\", version {Version}");
            ConfigSection[] sections = [.. top.Sections.Take(2)];
            if (sections.Length != 1)
                throw new MetadataException("it is not of one group");
            ConfigSection group = sections[0];
            LvmName.Check(group.Name);
            return new GroupText(path, group, LvmName.Uuid(group), group.RequiredNumber("seqno", 0, uint.MaxValue));
        }
        catch (MetadataException e)
        {
            throw GroupImport.NotUnderstood(path, e);
        }
    }
}
