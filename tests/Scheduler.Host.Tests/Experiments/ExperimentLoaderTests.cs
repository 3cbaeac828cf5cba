using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.Experiments;

/// <summary>What a file says is what the experiment is.</summary>
public sealed class ExperimentLoaderTests
{
    [Fact]
    public void Every_key_arrives()
    {
        ExperimentSpec spec = ExperimentFile.LoadText("""
            description = "all keys", policies = [fair, queue-drain], seeds = [7, 8], duration = 2s, warmup = 0s, depth = 16, alone = false
            device { channels = 4, read = 100us, write = 50us, per-mib = 1ms, write-per-mib = 2ms, flush = 2ms, flush-per-mib = 0s
                     durable-write = null, discard = 1ms, discard-per-mib = 10us, spread = 0 }
            groups.db {
              count = 3, weight = 300, reservation = 10, limit = 20, flush-latency-max = 5ms, unflushed-max = 1MiB
              ordered = tag-flush, disk = 64MiB, start = 1ms, stop = 1s
              workload { kind = barrier-writer, request = 8KiB, depth = 2, rate = 0.5, sync-every = 9, other-percent = 30, active = 1ms, idle = 2ms }
            }
            expect = [{ policy = fair, group = db, metric = throughput, at-least = 1.5, at-most = 2e3 }]
            """);
        Assert.Equal(("x", "all keys", 2_000_000_000L, 0L, 16, false), (spec.Name, spec.Description, spec.DurationNs, spec.WarmupNs, spec.Depth, spec.Alone));
        Assert.Equal([PolicyKind.Fair, PolicyKind.QueueDrain], spec.Policies);
        Assert.Equal([7, 8], spec.Seeds);
        Assert.Equal(
            new ExperimentDevice
            {
                Channels = 4,
                ReadNs = 100_000,
                WriteNs = 50_000,
                ByteNs = 1e6 / 1048576,
                WriteByteNs = 2e6 / 1048576,
                FlushNs = 2_000_000,
                FlushByteNs = 0,
                DurableWriteNs = -1,
                DiscardNs = 1_000_000,
                DiscardByteNs = 10_000 / 1048576.0,
                Spread = 0,
            },
            spec.Device);
        ExperimentGroup group = Assert.Single(spec.Groups);
        Assert.Equal(
            new ExperimentGroup
            {
                Name = "db",
                Count = 3,
                Weight = 300,
                Reservation = 10,
                Limit = 20,
                FlushLatencyNsMax = 5_000_000,
                UnflushedBytesMax = 1 << 20,
                Ordered = OrderedMode.TagFlush,
                DiskBytes = 64 << 20,
                StartNs = 1_000_000,
                StopNs = 1_000_000_000,
                Workload = group.Workload,
            },
            group);
        Assert.Equal(
            new ExperimentWorkload
            {
                Kind = ExperimentWorkloadKind.BarrierWriter,
                RequestBytes = 8192,
                Depth = 2,
                RatePerSecond = 0.5,
                SyncEvery = 9,
                OtherPercent = 30,
                ActiveNs = 1_000_000,
                IdleNs = 2_000_000,
                Trace = group.Workload.Trace,
            },
            group.Workload);
        Assert.Equal([new Expectation(PolicyKind.Fair, "db", "throughput", 1.5, 2000)], spec.Expectations);
    }

    [Fact]
    public void What_a_file_leaves_out_has_the_defaults()
    {
        ExperimentSpec spec = ExperimentFile.LoadText("groups.g.workload.kind = random-read");
        Assert.Equal([PolicyKind.Fair], spec.Policies);
        Assert.Equal(new ExperimentDevice().ReadNs, spec.Device.ReadNs);
        Assert.Equal((1, 100, long.MaxValue), (spec.Groups[0].Count, spec.Groups[0].Weight, spec.Groups[0].StopNs));
        Assert.Empty(spec.Expectations);
    }

    [Fact]
    public void A_profile_is_included_and_variables_are_substituted()
    {
        using ExperimentFile file = new("""
            slow = 3ms
            device { include required("disk.conf"), flush = ${slow} }
            groups.g.workload.kind = random-read
            """);
        file.Write("disk.conf", "channels = 2\nread = 1ms");
        ExperimentDevice device = file.Load().Device;
        Assert.Equal((2, 1e6, 3e6), (device.Channels, device.ReadNs, device.FlushNs));
    }

    [Fact]
    public void A_trace_is_read_beside_the_file_that_names_it()
    {
        using ExperimentFile file = new("groups.g { count = 2, ordered = tag-flush, workload { kind = replay, trace = t.csv } }");
        file.Write("t.csv", "time-us,guest,operation,offset,length\n0,0,read,0,4096\n1.5,1,write+fua,512,512\n1.5,0,flush,0,0\n2,1,zero,0,1073741824\n3,1,empty-barrier,0,0\n");
        Assert.Equal(
            [
                new TraceRequest(0, 0, RequestOp.Read, RequestFlags.None, 0, 4096),
                new TraceRequest(1500, 1, RequestOp.Write, RequestFlags.Fua, 512, 512),
                new TraceRequest(1500, 0, RequestOp.Flush, RequestFlags.None, 0, 0),
                new TraceRequest(2000, 1, RequestOp.Zero, RequestFlags.None, 0, 1 << 30),
                new TraceRequest(3000, 1, RequestOp.EmptyBarrier, RequestFlags.None, 0, 0),
            ],
            file.Load().Groups[0].Workload.Trace);
    }

    [Fact]
    public void The_reference_has_a_comment_above_each_key_and_each_is_read()
    {
        string[] lines = ExperimentLoader.ReadReference().Split('\n');
        foreach ((string key, HoconPosition position) in ReferenceKeys())
        {
            Assert.True(lines[position.Line - 2].TrimStart().StartsWith('#'), $"experiment-reference.conf:{position.Line}: {key} has no comment");

            // Any text describes; everything else must complain.
            if (key == "description")
                continue;
            string bad = key switch
            {
                "policies" or "seeds" => $"{key} = [bad-value]",
                _ when key.StartsWith("expect.", StringComparison.Ordinal) =>
                    $"expect = [{{ policy = fair, metric = throughput, at-least = 1, {key["expect.".Length..]} = bad-value }}]",
                _ => $"{key.Replace("<name>", "g", StringComparison.Ordinal)} = bad-value",
            };
            string kind = key.EndsWith(".trace", StringComparison.Ordinal) ? "replay" : "random-read";
            Assert.Contains("bad-value", ExperimentFile.ErrorOf($"groups.g.workload.kind = {kind}\n{bad}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_program_carries_the_reference_of_the_repository() => Assert.Equal(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "experiment-reference.conf")), ExperimentLoader.ReadReference());

    /// <summary>All keys of the reference; those of the list's sections as <c>expect.key</c>.</summary>
    internal static IEnumerable<(string Key, HoconPosition Position)> ReferenceKeys() => Keys("", ExperimentLoader.LoadReference());

    private static IEnumerable<(string Key, HoconPosition Position)> Keys(string path, HoconObject section) =>
        section.Members.SelectMany(member =>
        {
            string key = path.Length == 0 ? member.Key : $"{path}.{member.Key}";
            return member.Value switch
            {
                HoconObject inner => Keys(key, inner),
                HoconList { Items: [HoconObject item] } => Keys(key, (HoconObject)item[KnownKeys.ItemTemplate]),
                _ => [(key, member.Value.Position)],
            };
        });
}
