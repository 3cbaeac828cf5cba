using System.Diagnostics;

namespace Scheduler.Host.Tests.Experiments;

/// <summary>What is wrong is said in one line with file, line, key and remedy, before anything runs.</summary>
public sealed class ExperimentErrorTests
{
    [Theory]
    [InlineData("seeds = [1, 2]", "sedes = [1]", "x.conf:3: sedes: unknown key; did you mean seeds?")]
    [InlineData("seeds = [1, 2]", "seeds = []", "x.conf:3: seeds: needs at least one item")]
    [InlineData("seeds = [1, 2]", "seeds = [1, 1]", "x.conf:3: seeds: '1' is listed twice")]
    [InlineData("seeds = [1, 2]", "seeds = [-1]", "x.conf:3: seeds: '-1' is not a whole number from 0 to 2147483647")]
    [InlineData("[fair, fifo]", "[fair, cfq]", "x.conf:2: policies: 'cfq' is not one of fair, fifo, queue-drain, ring-drain")]
    [InlineData("duration = 20ms", "duration = 20", "x.conf:4: duration: '20' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("duration = 20ms", "duration = 2h", "x.conf:4: duration: '2h' is out of range; write 1ms to 1h")]
    [InlineData("duration = 20ms", "depth = 2000", "x.conf:4: depth: '2000' is not a whole number from 1 to 1024")]
    [InlineData("duration = 20ms", "device.read = 0s", "x.conf:4: device.read: '0s' is out of range; write 100ns to 10s")]
    [InlineData("duration = 20ms", "device.spread = 1.5", "x.conf:4: device.spread: '1.5' is not a number from 0 to 1")]
    [InlineData("duration = 20ms", "device { include required(\"none.conf\") }", "x.conf:4: cannot include 'none.conf': no such file")]
    public void In_general(string valid, string bad, string error) => Assert.Equal(error, ErrorOf(valid, bad));

    [Theory]
    [InlineData("weight = -5", "groups.reader.weight: '-5' is not a whole number from 1 to 10000")]
    [InlineData("wieght = 5", "groups.reader.wieght: unknown key; did you mean groups.reader.weight?")]
    [InlineData("count = 0", "groups.reader.count: '0' is not a whole number from 1 to 10000")]
    [InlineData("count = 9999", "groups.flusher: there are 10001 guests up to this group; write a count that makes 10000 or fewer")]
    [InlineData("disk = 5000", "groups.reader.disk: '5000' is not a multiple of 4096 bytes")]
    [InlineData("disk = 65TiB", "groups.reader.disk: '65TiB' is out of range; write 4KiB to 64TiB")]
    [InlineData("reservation = 10, limit = 5", "groups.reader.limit: 5 is below the reservation of 10; 0 means no limit")]
    [InlineData("count = 2, reservation = 60000", "groups.reader.reservation: the reservations up to this group are 120000 a second, the device has 97617; write smaller ones, or a faster device")]
    [InlineData("ordered = sorted", "groups.reader.ordered: 'sorted' is not one of none, drain, drain-flush, drain-fua, tag, tag-flush, tag-fua, flush-fua")]
    [InlineData("start = 2s, stop = 1s", "groups.reader.stop: '1s' is not after the start at '2s'")]
    [InlineData("workload.kind = random", "groups.reader.workload.kind: 'random' is not one of random-read, random-write, sequential-read, sequential-write, database, log-writer, barrier-writer, flush-storm, fua-storm, discard, replay")]
    [InlineData("workload.kind = null", "groups.reader.workload.kind: must be set")]
    [InlineData("workload.kind = barrier-writer", "groups.reader.workload.kind: the group's ordered mode flush-fua takes no barriers; write e.g. ordered = tag-flush")]
    [InlineData("ordered = none, workload.kind = barrier-writer", "groups.reader.workload.kind: the group's ordered mode none takes no barriers; write e.g. ordered = tag-flush")]
    [InlineData("workload.request = 0", "groups.reader.workload.request: '0' is out of range; write 512B to 16MiB")]
    [InlineData("workload.request = 17MiB", "groups.reader.workload.request: '17MiB' is out of range; write 512B to 16MiB")]
    [InlineData("workload.request = 1000", "groups.reader.workload.request: '1000' is not a multiple of 512 bytes")]
    [InlineData("disk = 4KiB, workload.request = 8KiB", "groups.reader.workload.request: '8KiB' is larger than the disk of 4KiB")]
    [InlineData("workload.rate = -1", "groups.reader.workload.rate: '-1' is not a number from 0 to 1000000000")]
    [InlineData("workload.active = 1ms", "groups.reader.workload.active: bursts need both active and idle; without bursts both are 0s")]
    [InlineData("workload.active = 100ns, workload.idle = 9800ns", "groups.reader.workload.active: '100ns' and idle '9800ns' are less than 10us together; write longer ones")]
    [InlineData("workload.trace = t.csv", "groups.reader.workload.trace: a random-read takes no trace; write kind = replay")]
    [InlineData("workload.kind = replay", "groups.reader.workload.trace: must be set")]
    public void Of_a_group(string members, string error)
    {
        string line = error.StartsWith("groups.flusher", StringComparison.Ordinal) ? "8" : "7";
        Assert.Equal($"x.conf:{line}: {error}", ErrorOf("reader { workload { kind = random-read } }", $"reader {{ workload {{ kind = random-read }}, {members} }}"));
    }

    [Theory]
    [InlineData("policy = queue-drain, metric = throughput, at-least = 1", "expect.0.policy: the experiment does not run queue-drain; add it to policies")]
    [InlineData("policy = best, metric = throughput, at-least = 1", "expect.0.policy: 'best' is not one of fair, fifo, queue-drain, ring-drain")]
    [InlineData("policy = fair, group = raeder, metric = throughput, at-least = 1", "expect.0.group: there is no group 'raeder'; did you mean reader?")]
    [InlineData("policy = fair, metric = throughput", "expect.0.at-least: needs a bound: at-least, at-most or both")]
    [InlineData("policy = fair, metric = throughput, at-least = 2, at-most = 1", "expect.0.at-most: '1' is below at-least")]
    [InlineData("policy = fair, metric = throughput, at-least = much", "expect.0.at-least: 'much' is not a number from -1000000000000000 to 1000000000000000")]
    [InlineData("policy = fair, at-least = 1", "expect.0.metric: must be set")]
    [InlineData("policy = fair, metric = througput, at-least = 1", "expect.0.metric: there is no metric 'througput'; did you mean throughput?")]
    [InlineData("policy = fair, metric = slowdown, at-most = 1", "expect.0.metric: slowdown is one of a group; add group = NAME")]
    [InlineData("policy = fair, group = reader, metric = jain, at-most = 1", "expect.0.metric: jain is one of the whole volume; leave out the group")]
    [InlineData("policy = fair, group = reader, metric = latency-p99, at-most = 5", "expect.0.at-most: '5' is not a duration; write a number with ns, us, ms, s, m, h or d, e.g. 100ms")]
    [InlineData("policy = fair, metric = throughput, at-leats = 1", "expect.at-leats: unknown key; did you mean expect.at-least?")]
    public void Of_an_expectation(string members, string error) =>
        Assert.Equal($"x.conf:11: {error}", ErrorOf("policy = fair, group = reader, metric = throughput, at-least = 1", members));

    [Theory]
    [InlineData("groups {}", "x.conf: groups: needs at least one group")]
    [InlineData("groups { \"a b\" { workload.kind = discard } }", "x.conf:1: groups.\"a b\": is not a name for a group: up to 63 letters, digits, '.', '_' and '-', a letter or digit first")]
    [InlineData("groups.g.workload.kind = discard\nexpect = 5", "x.conf:2: expect: is a list of sections; write expect = [{ key = value }]")]
    [InlineData("groups.g.workload.kind = discard\nexpect = [5]", "x.conf:2: expect: is a list of sections; write expect = [{ key = value }]")]
    [InlineData("groups.g.workload.kind = discard\nspare = 5", "x.conf:2: spare: unknown key")]
    [InlineData("groups {", "x.conf:1: groups: this '{' is never closed")]
    public void Of_the_whole(string text, string error) => Assert.StartsWith(error, ExperimentFile.ErrorOf(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "t.csv: has no requests; a line is time-us,guest,operation,offset,length")]
    [InlineData("0,0,read,0,4096\n\n", "t.csv:2: is not time-us,guest,operation,offset,length")]
    [InlineData("0,0,read,0", "t.csv:1: is not time-us,guest,operation,offset,length")]
    [InlineData("x,0,read,0,4096", "t.csv:1: the time 'x' is not a number of microseconds from 0 to 7200000000")]
    [InlineData("-1,0,read,0,4096", "t.csv:1: the time '-1' is not a number of microseconds from 0 to 7200000000")]
    [InlineData("5,0,read,0,4096\n4,0,read,0,4096", "t.csv:2: the time '4' is before that of the line above; sort the lines by time")]
    [InlineData("0,2,read,0,4096", "t.csv:1: the guest '2' is not a whole number from 0 to 1")]
    [InlineData("0,0,erase,0,4096", "t.csv:1: the operation 'erase' is not one of read, write, flush, barrier-write, empty-barrier, discard or zero; write, discard and zero also with +fua")]
    [InlineData("0,0,empty-barrier,0,0", "t.csv:1: the group's ordered mode flush-fua takes no barriers; write e.g. ordered = tag-flush")]
    [InlineData("0,0,flush,0,4096", "t.csv:1: the length '4096' is not a whole number from 0 to 0")]
    [InlineData("0,0,read,0,0", "t.csv:1: the length '0' is not a whole number from 512 to 16777216")]
    [InlineData("0,0,read,0,1000", "t.csv:1: offset and length must be multiples of 512")]
    [InlineData("0,0,read,1073741824,4096", "t.csv:1: the request ends beyond the disk of 1073741824 bytes")]
    [InlineData("0,0,read,9223372036854775296,4096", "t.csv:1: the offset '9223372036854775296' is not a whole number from 0 to 1073741824")]
    [InlineData("\u0000,0,read,0,4096", "t.csv:1: the time '?' is not a number of microseconds from 0 to 7200000000")]
    public void Of_a_trace(string lines, string error)
    {
        using ExperimentFile file = new("groups.g { count = 2, workload { kind = replay, trace = t.csv } }");
        file.Write("t.csv", lines);
        Assert.Equal(error, file.Error());
    }

    [Fact]
    public void Of_a_trace_that_is_not_there_or_too_large()
    {
        using ExperimentFile file = new("groups.g { workload { kind = replay, trace = t.csv } }");
        Assert.Equal("t.csv: no such file", file.Error());
        using (FileStream large = File.Create(Path.Combine(file.Folder, "t.csv")))
            large.SetLength((64 << 20) + 1);
        Assert.Equal("t.csv: is larger than 64MiB", file.Error());
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/dev/null")]
    public void Of_a_trace_that_is_a_device(string device) => Assert.Equal(
        $"{device}: is not a regular file; copy the trace to one", ExperimentFile.ErrorOf($"groups.g {{ workload {{ kind = replay, trace = \"{device}\" }} }}"));

    [Fact]
    public async Task Of_a_trace_that_is_a_pipe_which_nobody_writes_to()
    {
        using ExperimentFile file = new("groups.g { workload { kind = replay, trace = pipe } }");
        using (Process process = Process.Start("mkfifo", [Path.Combine(file.Folder, "pipe")]))
            await process.WaitForExitAsync();
        Assert.True(File.Exists(Path.Combine(file.Folder, "pipe")));
        Assert.Equal("pipe: is not a regular file; copy the trace to one", await Task.Run(file.Error).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Of_a_trace_that_is_a_directory()
    {
        using ExperimentFile file = new("groups.g { workload { kind = replay, trace = t } }");
        Directory.CreateDirectory(Path.Combine(file.Folder, "t"));
        Assert.Equal("t: is a directory, not a file", file.Error());
    }

    [Theory]
    [InlineData(256, "t.csv:2: the operation 'read")]
    [InlineData(257, "t.csv:2: is longer than 256 characters")]
    [InlineData(10_000_000, "t.csv:2: is longer than 256 characters")]
    public void Of_a_trace_with_a_long_line(int length, string error)
    {
        using ExperimentFile file = new("groups.g { workload { kind = replay, trace = t.csv } }");
        file.Write("t.csv", "0,0,read,0,4096\n" + "0,0,read,0,4096".Insert(8, new string('d', length - 15)));
        Assert.StartsWith(error, file.Error(), StringComparison.Ordinal);
    }

    private static string ErrorOf(string valid, string bad)
    {
        Assert.Contains(valid, ExperimentFile.Valid, StringComparison.Ordinal);
        return ExperimentFile.ErrorOf(ExperimentFile.Valid.Replace(valid, bad, StringComparison.Ordinal));
    }
}
