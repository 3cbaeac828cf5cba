using System.Diagnostics;
using Scheduler.Xen.Tests.Vbd;

namespace Scheduler.Host.Tests.Running;

/// <summary>What one guest, or the service's stop, does while something else is under way.</summary>
public sealed partial class VbdServiceTests
{
    [Fact]
    public async Task A_guest_that_changes_its_nodes_all_the_time_keeps_nothing_waiting()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        Attach(2, "through");
        _store.WaitFor(Back(2, "state"), "2");
        _ = Connect(2, 0);
        string storming = Front(1, "state");
        bool storms = true;
        int looks = 0;
        long began = Stopwatch.GetTimestamp();
        _store.Before = (type, path) =>
        {
            if (type != 2 || path != storming || !Volatile.Read(ref storms))
                return;
            _ = Interlocked.Increment(ref looks);
            _store[storming] = "1";
        };
        _store[storming] = "1";
        try
        {
            Assert.Equal(1, _xen.Close(view => view.Disk == "through", "the test"));
            _store.WaitFor(Back(2, "state"), "5");
            await Task.Delay(100);
            Assert.InRange(Volatile.Read(ref looks), 1, (Stopwatch.GetElapsedTime(began).TotalNanoseconds / _times.LookNs) + 1);
            await Task.Run(_xen.Dispose).WaitAsync(TimeSpan.FromMilliseconds(Timeout));
        }
        finally
        {
            Volatile.Write(ref storms, false);
        }
    }

    [Fact]
    public void While_a_ring_is_made_nobody_waits()
    {
        bool waited = true;
        _hypervisor.Binding = _ => waited = !Task.Run(() => _xen.ConnectionCount).Wait(3000);
        IsServed(1);
        Assert.False(waited);
    }

    [Fact]
    public void A_disk_that_is_taken_away_while_its_ring_is_made_gets_none()
    {
        _hypervisor.Binding = _ => _gone = "plain";
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        foreach ((string node, string value) in Guest(1, 0).Nodes())
            _store[Front(1, node)] = value;
        _store[Front(1, "state")] = "3";
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("disk 'plain' is gone", Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));

        // All that was made was given back: it is served as before when the disk is there again.
        (_gone, _hypervisor.Binding) = (null, _ => { });
        _store[Front(1, "state")] = "6";
        _store.WaitFor(Back(1, "state"), "6");
        _store[Front(1, "state")] = "1";
        _store.WaitFor(Back(1, "state"), "2");
        WriteAndRead(Connect(1, 0).Ring);
    }

    /// <summary>A stop that comes between the nodes of the guest, which are read, and the rings, which are not there to be seen yet.</summary>
    /// <summary>A stop that comes when the nodes of the guest are read, and its ring is not there to be seen yet.</summary>
    [Theory]
    [InlineData("4")]
    [InlineData("2")]
    public async Task A_disk_that_a_stop_finds_half_connected_is_left_for_the_next_backend(string state)
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        TestGuest guest = state == "4" ? Connect(1, 0) : Guest(1, 0);
        foreach ((string node, string value) in guest.Nodes())
            _store[Front(1, node)] = value;
        _xen.Dispose();
        Wait(() => _xen.ConnectionCount == 0);
        _store[Front(1, "state")] = state == "4" ? "4" : "3";
        Task stopped = Task.CompletedTask;
        int stops = 0;
        _store.Before = (type, path) =>
        {
            if (type != 2 || path != Front(1, "event-channel") || Interlocked.Increment(ref stops) != 1)
                return;
            stopped = Task.Run(_xen.StopAccepting);
            Wait(() => _xen.IsStopping);
        };
        StartBackend();
        Wait(() => Volatile.Read(ref stops) > 0);
        await Task.Run(_xen.Dispose).WaitAsync(TimeSpan.FromMilliseconds(Timeout));
        await stopped;
        _ = _xen.Close(_ => true, "the test");
        Wait(() => _xen.ConnectionCount == 0);
        Assert.Equal((0, 0), (_hypervisor.Maps, _hypervisor.Bound));
        Assert.Equal(state, _store[Back(1, "state")]);
        StartBackend();
        WriteAndRead(guest.Ring);
        Assert.Equal("4", _store[Back(1, "state")]);
        Assert.Empty(_store.Errors);
    }

    [Fact]
    public async Task A_stop_between_two_rings_of_a_disk_parks_the_first_and_makes_no_second()
    {
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        TestGuest[] queues = [Guest(1, 0), Guest(1, 0)];
        _store[Front(1, "multi-queue-num-queues")] = "2";
        for (int i = 0; i < queues.Length; i++)
        {
            foreach ((string name, string value) in queues[i].Nodes())
                _store[Front(1, $"queue-{i}/{name}")] = value;
        }

        _store[Front(1, "state")] = "3";
        _store.WaitFor(Back(1, "state"), "4");
        _store[Front(1, "state")] = "4";
        Restart(abrupt: false);
        Wait(() => _xen.ConnectionCount == 2);
        _xen.Dispose();
        Wait(() => _xen.ConnectionCount == 0);

        Task stopped = Task.CompletedTask;
        int binds = 0;
        _hypervisor.Binding = _ =>
        {
            if (Interlocked.Increment(ref binds) != 2)
                return;
            stopped = Task.Run(_xen.StopAccepting);
            Wait(() => _xen.IsStopping && _xen.ConnectionCount == 0);
        };
        StartBackend();
        Wait(() => Volatile.Read(ref binds) == 2);
        await Task.Run(_xen.Dispose).WaitAsync(TimeSpan.FromMilliseconds(Timeout));
        await stopped;
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
        StartBackend();
        foreach (TestGuest guest in queues)
            WriteAndRead(guest.Ring);
        Assert.Empty(_store.Errors);
    }

    [Fact]
    public void A_guest_that_begins_anew_all_the_time_is_followed_five_times_and_then_once_a_second()
    {
        long now = 0;
        int offers = 0;
        _times = new() { PauseNs = 1_000_000, LookNs = 0, Now = () => Volatile.Read(ref now) };
        Restart(abrupt: false);
        _store.Before = (type, path) =>
        {
            if (type == 11 && path == Back(1, "sectors"))
                _ = Interlocked.Increment(ref offers);
        };
        Attach(1, "plain");
        BeginAnew(20);
        Assert.Equal(5, Volatile.Read(ref offers));
        Volatile.Write(ref now, 2_000_000_000);
        BeginAnew(20);
        Assert.Equal(7, Volatile.Read(ref offers));

        // No more than five come together.
        Volatile.Write(ref now, 100_000_000_000);
        BeginAnew(20);
        Assert.Equal(12, Volatile.Read(ref offers));
        IsServed(2);

        void BeginAnew(int times)
        {
            for (int i = 0; i < times; i++)
            {
                _store[Front(1, "state")] = "6";
                Follow("6");
                _store[Front(1, "state")] = "1";
                Follow("2");
            }
        }

        // For a while: it may not.
        void Follow(string state) => _ = SpinWait.SpinUntil(() => _store[Back(1, "state")] == state, 20);
    }
}
