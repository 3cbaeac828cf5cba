namespace Scheduler.Simulation.Tests.Experiments;

public sealed class IdealSharesTests
{
    private const double Any = double.PositiveInfinity;

    [Fact]
    public void Without_reservations_and_caps_shares_go_by_weight() =>
        Same([0.125, 0.375], IdealShares.Fill([new Claim(2, 100, 0, Any), new Claim(2, 300, 0, Any)], 1));

    [Fact]
    public void What_one_does_not_take_the_others_share_by_weight() =>
        Same([0.1, 0.3, 0.6], IdealShares.Fill([new Claim(1, 100, 0, 0.1), new Claim(1, 100, 0, Any), new Claim(1, 200, 0, Any)], 1));

    [Fact]
    public void A_cap_that_binds_only_after_another_one_did_is_found() =>
        Same([0.1, 0.4, 0.5], IdealShares.Fill([new Claim(1, 100, 0, 0.1), new Claim(1, 100, 0, 0.4), new Claim(1, 100, 0, Any)], 1));

    [Fact]
    public void Reservations_are_met_first_and_come_on_top_of_shares() =>
        Same([0.75, 0.25], IdealShares.Fill([new Claim(1, 100, 0.5, Any), new Claim(1, 100, 0, Any)], 1));

    [Fact]
    public void A_reservation_that_is_not_used_is_left_to_the_others() =>
        Same([0.2, 0.8], IdealShares.Fill([new Claim(1, 100, 0.5, 0.2), new Claim(1, 100, 0, Any)], 1));

    [Fact]
    public void Reservations_beyond_what_there_is_are_met_to_the_same_part() =>
        Same([0.4, 0.6, 0], IdealShares.Fill([new Claim(1, 100, 0.8, Any), new Claim(1, 100, 1.2, Any), new Claim(1, 100, 0, Any)], 1));

    [Fact]
    public void If_nobody_wants_more_some_is_left() =>
        Same([0.2, 0.3], IdealShares.Fill([new Claim(1, 100, 0, 0.2), new Claim(1, 1, 0, 0.3)], 1));

    [Fact]
    public void Over_time_a_group_shares_only_while_it_is_active()
    {
        ExperimentGroup always = Specs.Group("always", ExperimentWorkloadKind.RandomRead, 8);
        ExperimentGroup half = always with { Name = "half", Weight = 300, StartNs = 50 * Specs.Ms };
        IdealShare[] ideal = IdealRun.Compute(Specs.Of(always, half), 0.1, [Any, Any]);
        Assert.Equal(0.5 + (0.5 * 0.25), ideal[0].Share, 9);
        Assert.Equal(0.5 * 0.75, ideal[1].Share, 9);
        Assert.Equal([false, true], ideal.Select(share => share.IsCapped));
    }

    [Fact]
    public void A_limit_is_in_4_KiB_reads_of_the_device()
    {
        // The device does 10,000 of them in a second.
        ExperimentGroup free = Specs.Group("free", ExperimentWorkloadKind.RandomRead, 8);
        ExperimentGroup limited = free with { Name = "limited", Limit = 1_000 };
        IdealShare[] ideal = IdealRun.Compute(Specs.Of(free, limited), 0.1, [Any, Any]);
        Assert.Equal(0.1, ideal[1].Share, 9);
    }

    private static void Same(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 12);
    }
}
