using Scheduler.Host.Api.Client;
using Scheduler.Host.CommandLine;

namespace Scheduler.Host.Tests.CommandLine.Top;

/// <summary>What two readings of a service's counters say of the time between them, and how it is shown.</summary>
public sealed class TopRatesTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Rates_are_differences_over_the_interval()
    {
        GuestStats a = new()
        {
            Volume = "v",
            Guest = "a",
            Weight = 300,
            DeviceTimeSeconds = 5,
            Requests = Counts(("read", 100), ("flush", 40)),
            Bytes = Counts(("read", 4096)),
            FlushRequests = 40,
            LatencySecondsSum = 1,
            LatencyCount = 140,
            DrainSecondsSum = 2,
        };
        GuestStats later = a with
        {
            DeviceTimeSeconds = 6.5,
            Requests = Counts(("read", 300), ("write", 20), ("flush", 60)),
            Bytes = Counts(("read", 8192), ("write", 1000)),
            FlushRequests = 60,
            LatencySecondsSum = 1.12,
            LatencyCount = 380,
            DrainSecondsSum = 3,
            Rings = 2,
            Queued = 3,
            InFlight = 4,
        };
        GuestStats b = new() { Volume = "v", Guest = "b", DeviceTimeSeconds = 1 };
        TopRates rates = TopRates.Between(
            At(0, [new VolumeStats { Name = "v", DeviceFlushes = 10, FlushesServed = 10 }], [a, b]),
            At(2, [new VolumeStats { Name = "v", Policy = "fair", Depth = 32, DeviceFlushes = 14, FlushesServed = 30 }], [later, b with { DeviceTimeSeconds = 1.5 }]),
            TimeSpan.FromSeconds(99));

        GuestRates guest = rates.Guests[0];
        Assert.Equal((2.0, 300, 0.75, 110.0, 2548.0), (rates.Seconds, guest.Weight, guest.Share, guest.Iops, guest.BytesPerSecond));
        Assert.Equal(0.0005, guest.LatencySeconds!.Value, 9);
        Assert.Equal((10.0, 0.5, 2, 3, 4), (guest.FlushesPerSecond, guest.DrainSecondsPerSecond, guest.Rings, guest.Queued, guest.InFlight));
        Assert.Equal(0.25, rates.Guests[1].Share);
        Assert.Null(rates.Guests[1].LatencySeconds);
        VolumeRates volume = Assert.Single(rates.Volumes);
        Assert.Equal(("v", "ok", "fair", 32, 110.0, 10.0, 2.0, 5.0), (volume.Volume, volume.State, volume.Policy, volume.Depth, volume.Iops, volume.FlushesPerSecond, volume.DeviceFlushesPerSecond, volume.ServedPerFlush));
    }

    [Fact]
    public void A_service_that_was_started_again_counts_from_0()
    {
        GuestStats before = new() { Volume = "v", Guest = "g", DeviceTimeSeconds = 90, Requests = Counts(("read", 1000)), FlushRequests = 7 };
        TopRates rates = TopRates.Between(
            At(5, [], [before]),
            At(6, [], [before with { DeviceTimeSeconds = 0.5, Requests = Counts(("read", 10)), FlushRequests = 0 }]),
            TimeSpan.FromSeconds(1));
        Assert.Equal((10.0, 0.0, 1.0), (rates.Guests[0].Iops, rates.Guests[0].FlushesPerSecond, rates.Guests[0].Share));
    }

    [Fact]
    public void A_clock_that_stands_still_is_replaced_by_the_clients() =>
        Assert.Equal(0.5, TopRates.Between(At(1, [], []), At(1, [], []), TimeSpan.FromSeconds(0.5)).Seconds);

    [Fact]
    public void Volumes_say_what_is_wrong_with_them()
    {
        Stats stats = At(1, [new() { Name = "a", Fenced = true }, new() { Name = "b", Fenced = true, Stopped = true }], []);
        TopRates rates = TopRates.Between(stats, stats, TimeSpan.FromSeconds(1));
        Assert.Equal(["fenced", "stopped"], rates.Volumes.Select(volume => volume.State));
        Assert.All(rates.Volumes, volume => Assert.Null(volume.ServedPerFlush));
    }

    [Fact]
    public void Guests_are_in_the_order_that_is_asked_for()
    {
        TopView view = new();
        TopRates rates = new(s_start, 1, [], [Guest("b", 0.1, 30), Guest("a", 0.1, 10), Guest("c", 0.8, 20)]);
        Assert.Equal("cab", Order());
        view.Reverse();
        Assert.Equal("abc", Order());
        view.Move(1);
        Assert.Equal("acb", Order());
        view.Reverse();
        view.SortBy("guest");
        Assert.Equal("abc", Order());
        view.Move(-1);
        Assert.Equal("guest", view.Sort.Name);

        string Order() => string.Concat(view.Lines(rates, 100).SkipWhile(line => !line.StartsWith(TopView.HeadingMark + "guest", StringComparison.Ordinal)).Skip(1).Select(line => line[0]));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(12)]
    [InlineData(24)]
    public void What_does_not_fit_is_counted(int lines)
    {
        VolumeRates[] volumes = [.. Enumerable.Range(0, 20).Select(i => new VolumeRates($"v{i}", "ok", "fair", 1, 0, 0, 0, 0, 0, 0, null))];
        TopRates rates = new(s_start, 1, volumes, [.. Enumerable.Range(0, 50).Select(i => Guest($"g{i}", 0, 0))]);
        IReadOnlyList<string> shown = new TopView().Lines(rates, lines);
        Assert.InRange(shown.Count, 1, lines);
        if (lines < 7)
            return;
        int guests = shown.Count(line => line.StartsWith('g'));
        Assert.Equal($"and {50 - guests} more guests", shown[^1]);
        Assert.Contains($"and {20 - shown.Count(line => line.StartsWith('v'))} more volumes", shown);
        Assert.Equal(lines, shown.Count);
    }

    private static GuestRates Guest(string name, double share, double iops) => new(name, "v", 100, share, iops, 0, null, 0, 0, 0, 0, 0);

    private static Stats At(int seconds, VolumeStats[] volumes, GuestStats[] guests) => new(s_start.AddSeconds(seconds), volumes, guests);

    private static Dictionary<string, long> Counts(params (string Key, long Value)[] counts) => counts.ToDictionary(count => count.Key, count => count.Value);
}
