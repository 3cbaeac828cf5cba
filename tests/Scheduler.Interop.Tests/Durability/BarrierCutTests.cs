using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// Power cuts among barriers of guests that never wait: the disk itself forgets what was not flushed. SCHEDULER_CUT_ROUNDS sets the
/// number of cuts.
/// </summary>
public sealed class BarrierCutTests(ITestOutputHelper output)
{
    private const int DiskMib = 16;
    private const int BlocksPerDisk = 128;

    private static readonly int s_rounds = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_CUT_ROUNDS"), out int rounds) ? rounds : 4;

    [SkippableFact]
    public void No_write_after_a_barrier_survives_a_power_cut_unless_everything_before_it_does()
    {
        using TemporaryDirectory directory = new();
        using VolatileDisk platter = new(directory, Config.VolumeBytes(2, DiskMib));
        PatternDisk[] disks = [new("d0", Config.OffsetOf(0, diskMib: DiskMib), BlocksPerDisk), new("d1", Config.OffsetOf(1, diskMib: DiskMib), BlocksPerDisk)];
        List<string> wrong = [];
        int lost = 0;
        int barriers = 0;
        for (int round = 0; round < s_rounds; round++)
        {
            platter.PowerOn();
            string how = $"cache = {(round % 2 == 0 ? "buffered" : "direct")}, io = {(round % 4 < 2 ? "threads" : "io-uring")}";
            Requires.Io(round % 4 < 2 ? "threads" : "io-uring");
            List<BarrierWriter> writers = [];
            using (ServiceProcess service = ServiceProcess.Start(
                directory,
                $"{Config.OneVolume(directory, how, diskMib: DiskMib, path: platter.VolumePath)}\ndisks {{ d0.ordered = tag-flush, d1.ordered = tag-flush }}\nrings.listen = \"unix:rings.sock\""))
            {
                // Two rings on the first disk, one on the second.
                string path = directory.File("rings.sock");
                writers.Add(new BarrierWriter(path, disks[0], 0, 2, seed: 100 + round));
                writers.Add(new BarrierWriter(path, disks[0], 1, 2, seed: 200 + round));
                writers.Add(new BarrierWriter(path, disks[1], 0, 1, seed: 300 + round));
                Thread.Sleep(new Random(round).Next(100, 500));
                service.AssertNothingBroke();
                platter.CutPower();
                service.Process.Kill();
                writers.ForEach(writer => writer.Join());
            }

            platter.Remove();

            // The whole machine lost power at once: what the service may have noted of the failing disk, it did not.
            foreach (string marker in Directory.GetFiles(directory.Path, "*.fault*"))
                File.Delete(marker);

            using FileStream raw = File.OpenRead(platter.RawPath);
            foreach (BarrierWriter writer in writers)
            {
                (List<string> found, int gone) = writer.Check(raw);
                wrong.AddRange(found.Select(line => $"round {round} ({how}): {line}"));
                lost += gone;
                barriers += writer.Barriers;
            }
        }

        output.WriteLine($"{s_rounds} cuts: {barriers} barriers acknowledged, {lost} writes gone, {wrong.Count} wrong");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));

        // The test has teeth only if there were barriers and the cuts lost something.
        Assert.True(barriers > 10 * s_rounds, $"only {barriers} barriers");
        Assert.True(lost > 0, "the cuts lost nothing at all");
    }
}
