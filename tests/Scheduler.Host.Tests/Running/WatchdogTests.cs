using Scheduler.Host.Running;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Tests.Running;

/// <summary>The watchdog is fed only while every loop turns. Beats are given by hand.</summary>
public sealed class WatchdogTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly EventLoop _first = new("first");
    private readonly EventLoop _second = new("second");
    private readonly SemaphoreSlim _alive = new(0);
    private IReadOnlyList<EventLoop> _loops;

    public WatchdogTests()
    {
        _loops = [_first, _second];
        _first.Start();
        _second.Start();
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _alive.Dispose();
    }

    [Fact]
    public void Each_beat_is_one_sign_of_life()
    {
        using Watchdog watchdog = Start();
        for (int beat = 0; beat < 10; beat++)
        {
            watchdog.Beat();
            Assert.True(_alive.Wait(s_patience));
        }

        Settle();
        Assert.Equal(0, _alive.CurrentCount);
    }

    [Fact]
    public void A_loop_that_hangs_ends_them_and_one_that_turns_again_brings_them_back()
    {
        using Watchdog watchdog = Start();
        using ManualResetEventSlim hangs = new(false);
        _second.Post(() => hangs.Wait(s_patience));
        for (int beat = 0; beat < 10; beat++)
            watchdog.Beat();

        // The other loop has had all that it was given.
        Settle(_first);
        Assert.Equal(0, _alive.CurrentCount);

        // What was asked once is answered once.
        hangs.Set();
        Assert.True(_alive.Wait(s_patience));
        Settle();
        Assert.Equal(0, _alive.CurrentCount);
        watchdog.Beat();
        Assert.True(_alive.Wait(s_patience));
    }

    [Fact]
    public void A_loop_that_is_gone_owes_nothing_and_one_that_comes_is_asked()
    {
        using Watchdog watchdog = Start();
        using ManualResetEventSlim hangs = new(false);
        _second.Post(() => hangs.Wait(s_patience));
        watchdog.Beat();
        Settle(_first);
        Assert.Equal(0, _alive.CurrentCount);

        _loops = [_first];
        watchdog.Beat();
        Assert.True(_alive.Wait(s_patience));
        _loops = [_first, _second];
        watchdog.Beat();
        Settle(_first);
        Assert.Equal(0, _alive.CurrentCount);
        hangs.Set();
        Assert.True(_alive.Wait(s_patience));
    }

    // The first beat comes by itself.
    private Watchdog Start()
    {
        Watchdog watchdog = new(Timeout.InfiniteTimeSpan, () => _loops, () => _alive.Release());
        Assert.True(_alive.Wait(s_patience));
        return watchdog;
    }

    private void Settle()
    {
        Settle(_first);
        Settle(_second);
    }

    // All that was posted before has run, and what that gave to the thread pool too, as far as can be told.
    private static void Settle(EventLoop loop)
    {
        using ManualResetEventSlim reached = new(false);
        loop.Post(reached.Set);
        Assert.True(reached.Wait(s_patience));
        Thread.Sleep(50);
    }
}
