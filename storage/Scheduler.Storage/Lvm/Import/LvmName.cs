// Rules of names: LVM2's lib/misc/lvm-string.c (_validate_name).
using System.Buffers;
using Scheduler.Storage.Lvm.Disk;
using Scheduler.Storage.Lvm.Text;

namespace Scheduler.Storage.Lvm.Import;

/// <summary>Names and identities in a metadata text, which end up in messages and in paths.</summary>
internal static class LvmName
{
    private const int LengthMax = 127;

    private static readonly SearchValues<char> s_allowed =
        SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+_.-");

    /// <summary>Checks the name of a group, a physical or a logical volume.</summary>
    public static void Check(string name)
    {
        if (name.Length is 0 or > LengthMax || name is "." or ".." || name[0] == '-' || name.AsSpan().ContainsAnyExcept(s_allowed))
            throw new MetadataException($"'{Printable.Of(name)}' is no name");
    }

    /// <summary>The identity of what a section describes.</summary>
    public static string Uuid(ConfigSection section)
    {
        string uuid = section.RequiredText("id");
        return LvmUuid.IsUuid(uuid) ? uuid : throw new MetadataException($"'{Printable.Of(uuid)}' is no identity");
    }
}
