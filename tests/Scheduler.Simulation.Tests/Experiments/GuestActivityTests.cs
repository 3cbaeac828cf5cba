namespace Scheduler.Simulation.Tests.Experiments;

public sealed class GuestActivityTests
{
    private static readonly ExperimentGroup _group = new()
    {
        Name = "g",
        StartNs = 100,
        StopNs = 1_000,
        Workload = new ExperimentWorkload { Kind = ExperimentWorkloadKind.RandomRead, ActiveNs = 30, IdleNs = 70 },
    };

    [Theory]
    [InlineData(0, 100)]
    [InlineData(100, 100)]
    [InlineData(129, 129)]
    [InlineData(130, 200)]
    [InlineData(929, 929)]
    [InlineData(930, long.MaxValue)]
    public void Bursts_begin_at_the_start_and_end_with_the_stop(long time, long next) => Assert.Equal(next, new GuestActivity(_group).NextActiveNs(time));

    [Theory]
    [InlineData(0, 1_000, 9 * 30)]
    [InlineData(110, 120, 10)]
    [InlineData(120, 210, 20)]
    [InlineData(130, 200, 0)]
    public void Activity_adds_up(long from, long to, long sum) => Assert.Equal(sum, new GuestActivity(_group).ActiveWithinNs(from, to));

    [Fact]
    public void Without_bursts_it_is_active_from_start_to_stop()
    {
        GuestActivity activity = new(_group with { Workload = new ExperimentWorkload { Kind = ExperimentWorkloadKind.RandomRead } });
        Assert.Equal(900, activity.ActiveWithinNs(0, 5_000));
        Assert.Equal(1_000, activity.ActiveUntilNs(500));
    }
}
