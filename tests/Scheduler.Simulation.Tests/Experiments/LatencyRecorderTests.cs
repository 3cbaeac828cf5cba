namespace Scheduler.Simulation.Tests.Experiments;

public sealed class LatencyRecorderTests
{
    private static readonly double[] _parts = [0.01, 0.5, 0.9, 0.99, 0.999, 1];

    [Fact]
    public void Percentiles_are_within_1_of_128()
    {
        SplitMix64 random = new(7);
        LatencyRecorder recorder = new();
        List<long> all = [];
        for (int i = 0; i < 20_000; i++)
        {
            long time = (long)random.Exponential(50_000 * (1 + (i % 5)));
            recorder.Add(LatencyRecorder.BucketOf(time), 1);
            all.Add(time);
        }

        all.Sort();
        foreach (double part in _parts)
        {
            long exact = all[(int)Math.Ceiling(part * all.Count) - 1];
            Assert.InRange(recorder.Percentile(part), exact * (1 - (1 / 128.0)) - 1, exact * (1 + (1 / 128.0)) + 1);
        }
    }

    [Fact]
    public void Every_power_of_two_is_told_from_its_neighbours()
    {
        for (int bit = 0; bit < 41; bit++)
        {
            foreach (long time in new[] { (1L << bit) - 1, 1L << bit, (1L << bit) + (1L << bit >> 1) })
            {
                LatencyRecorder recorder = new();
                recorder.Add(LatencyRecorder.BucketOf(time), 1);
                Assert.InRange(recorder.Percentile(0.5), time * (127 / 128.0), time * (129 / 128.0));
            }
        }
    }

    [Fact]
    public void Recorders_add_up()
    {
        LatencyRecorder one = new();
        LatencyRecorder other = new();
        one.Add(LatencyRecorder.BucketOf(10), 1);
        other.Add(LatencyRecorder.BucketOf(20), 1);
        other.Add(LatencyRecorder.BucketOf(long.MaxValue), 1);
        one.Add(other);
        Assert.Equal(3, one.Count);
        Assert.Equal(20, one.Percentile(0.5));
        Assert.True(double.IsNaN(new LatencyRecorder().Percentile(0.5)));
    }
}
