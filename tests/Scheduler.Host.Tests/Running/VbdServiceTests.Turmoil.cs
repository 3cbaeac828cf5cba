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
}
