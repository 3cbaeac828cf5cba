using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// Power cuts during acknowledged flushes and FUA writes. Killing the service alone would prove little, because the
/// kernel keeps its page cache; here the disk itself forgets.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Cuts = 20;
    private const int DiskMib = 16;
    private const int BlocksPerDisk = 256;

    [SkippableFact]
    public void Everything_acknowledged_as_durable_survives_twenty_power_cuts()
    {
        Findings findings = Run(Cuts, "writeback");

        Assert.Empty(findings.Wrong);

        // The test has teeth only if the cuts do lose what was not flushed.
        Assert.True(findings.VolatileLost > 0, "the cuts lost nothing at all");
        Assert.True(findings.DurableCount > 20 * Cuts, $"only {findings.DurableCount} writes became durable");
    }

    [SkippableFact]
    public void A_flush_that_does_nothing_is_found_out()
    {
        Findings findings = Run(1, "unsafe");

        Assert.NotEmpty(findings.Wrong);
        Assert.All(findings.Wrong, wrong => Assert.Contains("found number 0, durable was", wrong));
    }

    private Findings Run(int cuts, string diskCache)
    {
        using TemporaryDirectory directory = new();
        using VolatileDisk platter = new(directory, Config.VolumeBytes(2, DiskMib), diskCache);
        PatternDisk[] disks = [new("d0", OffsetOf(0), BlocksPerDisk), new("d1", OffsetOf(1), BlocksPerDisk)];
        List<string> wrong = [];
        int volatileLost = 0;
        for (int cut = 0; cut < cuts; cut++)
        {
            platter.PowerOn();
            string cache = cut % 2 == 0 ? "buffered" : "direct";
            string io = cut % 4 < 2 ? "threads" : "io-uring";
            Requires.Io(io);
            using (ServiceProcess service = ServiceProcess.Start(
                directory, Config.OneVolume(directory, $"cache = {cache}, io = {io}", diskMib: DiskMib, path: platter.VolumePath)))
            {
                ReadBack(service, disks, platter.RawPath, wrong);

                // Two connections on the first disk, one on the second.
                PatternWriter[] writers =
                [
                    new(service, disks[0], 0, 2, seed: 100 + cut),
                    new(service, disks[0], 1, 2, seed: 200 + cut),
                    new(service, disks[1], 0, 1, seed: 300 + cut),
                ];
                Thread.Sleep(new Random(cut).Next(100, 500));
                service.AssertNothingBroke();
                platter.CutPower();
                service.Process.Kill();
                foreach (PatternWriter writer in writers)
                    writer.Join();
            }

            platter.Remove();

            // The whole machine lost power at once: what the service may have noted of the failing disk, it did not.
            foreach (string marker in Directory.GetFiles(directory.Path, "*.fault*"))
                File.Delete(marker);

            using FileStream raw = File.OpenRead(platter.RawPath);
            foreach (PatternDisk disk in disks)
            {
                (List<string> found, int lost) = disk.Check(raw);
                wrong.AddRange(found.Select(line => $"cut {cut} ({Matrix.Name(io, cache)}): {line}"));
                volatileLost += lost;
            }
        }

        Findings findings = new(wrong, volatileLost, disks.Sum(disk => disk.DurableCount));
        output.WriteLine($"{cuts} cuts: {findings.DurableCount} writes became durable, {wrong.Count} wrong");
        output.WriteLine($"{volatileLost} blocks whose latest write was not durable are back at an earlier one");
        return findings;
    }

    // What is written of a disk lies in one piece there.
    private static long OffsetOf(int disk) => Config.OffsetOf(disk, diskMib: DiskMib);

    // The service that starts on what is left serves what is left.
    private static void ReadBack(ServiceProcess service, PatternDisk[] disks, string rawPath, List<string> wrong)
    {
        byte[] raw = new byte[BlocksPerDisk * PatternDisk.BlockBytes];
        for (int i = 0; i < disks.Length; i++)
        {
            using FileStream file = File.OpenRead(rawPath);
            file.Position = OffsetOf(i);
            file.ReadExactly(raw);
            using NbdClient client = NbdClient.Open(service, disks[i].Name);
            if (!client.CallRead(0, raw.Length).AsSpan().SequenceEqual(raw))
                wrong.Add($"disk {disks[i].Name} is not served as it is on the platter");
        }
    }

    /// <param name="Wrong">Blocks that aren't as they must be.</param>
    /// <param name="VolatileLost">Blocks whose latest acknowledged write was not durable, and is gone.</param>
    /// <param name="DurableCount">Writes that were acknowledged as durable.</param>
    private sealed record Findings(List<string> Wrong, int VolatileLost, long DurableCount);
}
