using Scheduler.Host.Running;

namespace Scheduler.Host.Tests.Running;

public sealed class RecentFiguresTests : IDisposable
{
    private readonly RecentFigures _recent;
    private GuestCounters[] _now = [Of("v", "a", 100, 10, 10), Of("v", "b", 50, 10, 10)];

    public RecentFiguresTests() => _recent = new RecentFigures(() => _now, Timeout.InfiniteTimeSpan);

    public void Dispose() => _recent.Dispose();

    [Fact]
    public void A_share_is_of_the_device_time_that_was_charged_since_on_the_guests_volumes()
    {
        Assert.Empty(_recent.Guests);
        _now = [Of("v", "a", 103, 10.5, 15), Of("v", "b", 51, 10, 10), Of("w", "b", 4, 0, 0), Of("w", "c", 12, 6, 2)];
        _recent.Take();
        Assert.Equal(new RecentGuest(0.75, 0.1), _recent.Guests["a"]);
        Assert.Equal(new RecentGuest(5.0 / 20, null), _recent.Guests["b"]);
        Assert.Equal(new RecentGuest(0.75, 3), _recent.Guests["c"]);
        Assert.Equal(3, _recent.Guests.Count);
    }

    [Fact]
    public void Where_nothing_was_charged_there_is_no_share()
    {
        _recent.Take();
        Assert.Equal(new RecentGuest(null, null), _recent.Guests["a"]);
    }

    [Fact]
    public void Counters_that_began_anew_count_as_a_whole_and_who_has_gone_is_not_there()
    {
        _now = [Of("v", "a", 3, 1, 5)];
        _recent.Take();
        Assert.Equal(new RecentGuest(1, 0.2), _recent.Guests["a"]);
        _ = Assert.Single(_recent.Guests);
    }

    [Fact]
    public void It_looks_again_and_again()
    {
        using RecentFigures timed = new(() => _now, TimeSpan.FromMilliseconds(20));
        Assert.True(SpinWait.SpinUntil(() => timed.Guests.ContainsKey("a"), TimeSpan.FromSeconds(60)));
        _now = [Of("v", "z", 1, 1, 1)];
        Assert.True(SpinWait.SpinUntil(() => timed.Guests.ContainsKey("z"), TimeSpan.FromSeconds(60)));
    }

    private static GuestCounters Of(string volume, string guest, double deviceTime, double latencySum, long count) => new(volume, guest, deviceTime, latencySum, count);
}
