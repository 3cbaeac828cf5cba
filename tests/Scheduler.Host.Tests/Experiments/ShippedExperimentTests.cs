using Scheduler.Host.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.Experiments;

/// <summary>The files in hocon/experiments show what they say.</summary>
public sealed class ShippedExperimentTests
{
    // As it stands it takes the better part of a minute: here it runs for a moment only.
    private const string Large = "thousand-guests";

    public static TheoryData<string> Names => [.. ExperimentCatalog.Files(Folder).Select(file => Path.GetFileNameWithoutExtension(file))];

    public static TheoryData<string> NamesOfSmall => [.. ExperimentCatalog.Files(Folder).Select(file => Path.GetFileNameWithoutExtension(file)).Where(name => name != Large)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, ExperimentCatalog.Directory);

    [Theory]
    [MemberData(nameof(Names))]
    public void It_loads_says_what_it_shows_and_expects_something(string name)
    {
        ExperimentSpec spec = Load(name);
        Assert.Equal(name, spec.Name);
        Assert.NotEmpty(spec.Description);
        Assert.NotEmpty(spec.Expectations);
        Assert.All(spec.Policies, policy => Assert.Contains(spec.Expectations, expectation => expectation.Policy == policy || policy is Core.PolicyKind.Fifo or Core.PolicyKind.RingDrain));
    }

    [Theory]
    [MemberData(nameof(NamesOfSmall))]
    public void What_it_expects_comes_out(string name)
    {
        ExperimentReport report = Experiment.Run(Load(name), null, CancellationToken.None);
        Assert.All(report.Check(), result => Assert.True(result.Met, $"{result.Expectation}: {result.Value}"));
    }

    [Theory]
    [InlineData("idle-and-bursty", 1)]
    [InlineData("noisy-neighbour", 1)]
    [InlineData("reservation", 4)]
    [InlineData("thousand-guests", 2)]
    [InlineData("weights", 4)]
    public void What_it_expects_of_shares_does_not_come_out_under_fifo(string name, int count)
    {
        ExperimentSpec spec = Load(name);
        spec = spec with
        {
            Policies = [Core.PolicyKind.Fifo],
            Seeds = [1],
            DurationNs = Math.Min(spec.DurationNs, 400_000_000),
            Expectations = [.. SharesUnderFair(spec).Select(expectation => expectation with { Policy = Core.PolicyKind.Fifo })],
        };
        IReadOnlyList<ExpectationResult> results = Experiment.Run(spec, null, CancellationToken.None).Check();
        Assert.Equal(count, results.Count);
        Assert.All(results, result => Assert.True(result is { Met: false, Value: not null }, $"{result.Expectation}: {result.Value}"));
    }

    [Fact]
    public void No_other_file_expects_anything_of_shares() => Assert.Equal(
        ["idle-and-bursty", "noisy-neighbour", "reservation", "thousand-guests", "weights"],
        ExperimentCatalog.Files(Folder).Select(file => Path.GetFileNameWithoutExtension(file)).Where(name => SharesUnderFair(Load(name)).Any()));

    [Fact]
    public void A_thousand_guests_go_at_a_rate_that_makes_ten_million_requests_and_share_fairly()
    {
        ExperimentSpec spec = Load(Large);
        Assert.Equal(1000, spec.Groups.Sum(group => group.Count));
        Assert.Contains(spec.Expectations, expectation => expectation is { Metric: "requests", AtLeast: >= 10_000_000 });

        // At the rate of a part of the time the whole time is enough; all else that is expected holds for that part.
        ExperimentSpec part = spec with { DurationNs = 200_000_000, WarmupNs = 20_000_000 };
        ExperimentReport report = Experiment.Run(part, null, CancellationToken.None);
        double requests = report.Find(Core.PolicyKind.Fair, null, "requests")!.Mean;
        Assert.True(requests * (spec.DurationNs + spec.WarmupNs) / (part.DurationNs + part.WarmupNs) >= 10_000_000, $"{requests}");
        Assert.All(
            report.Check().Where(result => result.Expectation.Metric != "requests"),
            result => Assert.True(result.Met, $"{result.Expectation}: {result.Value}"));
    }

    [Fact]
    public void All_that_were_promised_are_there() => Assert.Equal(
        [
            "barrier-storm", "discard-burst", "flush-storm", "fua-storm", "idle-and-bursty", "noisy-neighbour", "reservation", "thousand-guests", "weights",
        ],
        ExperimentCatalog.Files(Folder).Select(file => Path.GetFileNameWithoutExtension(file)));

    private static IEnumerable<Expectation> SharesUnderFair(ExperimentSpec spec) => spec.Expectations.Where(
        expectation => expectation is { Policy: Core.PolicyKind.Fair, Metric: "share-error" or "share-error-max" or "jain" });

    private static ExperimentSpec Load(string name) => ExperimentLoader.Load(Path.Combine(Folder, name + ".conf"), _ => null);
}
