using System.CommandLine;
using System.Globalization;
using Scheduler.Host.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.Lvm;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler lvm show [--system-id ID] PATH...</c></summary>
public static class LvmCommand
{
    /// <summary>Exit code when a group cannot be read.</summary>
    public const int ExitFailed = 1;

    /// <summary>Makes the command.</summary>
    /// <returns>The command.</returns>
    public static Command Create()
    {
        Argument<string[]> paths = new("PATH")
        {
            Description = "The physical volumes of one group: block devices or image files",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> systemId = new("--system-id")
        {
            Description = "This host's LVM2 system id (lvm systemid). Default: none",
            HelpName = "ID",
        };
        Command show = new("show", "Prints a volume group, its logical volumes and where their bytes are. Changes nothing.")
        {
            paths,
            systemId,
        };
        show.SetAction(async (parsed, _) =>
        {
            try
            {
                VolumeGroup group = LvmGroupReader.Read(parsed.GetValue(paths)!, new LvmReadOptions { SystemId = parsed.GetValue(systemId) });
                await PrintAsync(group, parsed.InvocationConfiguration.Output);
                return 0;
            }
            catch (VolumeOpenException e)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
                return ExitFailed;
            }
        });
        return new Command("lvm", "Looks at LVM2 volume groups.") { show };
    }

    private static async Task PrintAsync(VolumeGroup group, TextWriter output)
    {
        string change = group.SequenceNumber.ToString(CultureInfo.InvariantCulture);
        await output.WriteLineAsync($"group {group.Name} {group.Uuid}, change {change}, extents of {ByteSize.Format(group.ExtentSize)}");
        foreach (string warning in group.Warnings)
            await output.WriteLineAsync($"  warning: {warning}");
        await PrintRefusalAsync(group.Refusal, output);

        await output.WriteLineAsync("physical volumes");
        foreach (PhysicalVolume volume in group.PhysicalVolumes)
        {
            string data = $"{ByteSize.Format(volume.ExtentCount * group.ExtentSize)} from {ByteSize.Format(volume.DataOffset)}";
            await output.WriteLineAsync($"  {NameOf(volume)} {volume.Uuid}, {data}");
        }

        await output.WriteLineAsync("logical volumes");
        foreach (LogicalVolume volume in group.LogicalVolumes)
        {
            await output.WriteLineAsync($"  {volume.Name} {volume.Uuid}, {ByteSize.Format(volume.Size)}");

            // The group's own refusal is said once.
            if (volume.Refusal != group.Refusal)
                await PrintRefusalAsync(volume.Refusal, output);
            foreach (LvmSegment segment in volume.Segments)
                await output.WriteLineAsync($"    {SegmentText(segment, group)}");
        }
    }

    private static async Task PrintRefusalAsync(LvmRefusal? refusal, TextWriter output)
    {
        if (refusal != null)
            await output.WriteLineAsync($"    not served: {refusal.Problem}; {refusal.Remedy}");
    }

    private static string NameOf(PhysicalVolume volume) =>
        volume.Path == null ? $"missing (last seen as {(volume.DeviceHint.Length > 0 ? volume.DeviceHint : "nothing")})"
        : volume.MarkedMissing ? $"{volume.Path} (marked as missing)"
        : volume.Path;

    // In bytes: to be compared with what other tools say.
    private static string SegmentText(LvmSegment segment, VolumeGroup group)
    {
        IEnumerable<string> stripes = segment.Stripes.Select(
            stripe => string.Create(CultureInfo.InvariantCulture, $"{group.PhysicalVolumes[stripe.PhysicalVolume].Path} {stripe.DeviceOffset}"));
        string chunks = segment.Stripes.Count == 1 ? "" : $" in chunks of {ByteSize.Format(segment.ChunkLength)}";
        return string.Create(CultureInfo.InvariantCulture, $"{segment.DiskOffset} + {segment.Length}{chunks}: {string.Join(", ", stripes)}");
    }
}
