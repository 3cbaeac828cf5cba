using System.Diagnostics;

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
}
