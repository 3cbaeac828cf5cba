using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;

namespace Scheduler.Host.Tests.Running;

/// <summary>A xenstore that breaks off.</summary>
public sealed partial class VbdServiceTests
{
    /// <summary>Once in each of many lives, at each of its calls: whether what was asked for is done all the same, or not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_disks_life_is_the_same_wherever_xenstore_breaks_off(bool done)
    {
        _times = _times with { PauseNs = 1_000_000 };
        Restart();
        int calls = 0, breaks = 0;
        _store.Before = (_, _) =>
        {
            if (Interlocked.Increment(ref calls) != Volatile.Read(ref breaks))
                return;
            if (!done)
                throw new EndOfStreamException();
            _store.BreakConnections();
        };
        int at = 0;
        do
        {
            _ = Interlocked.Exchange(ref calls, 0);
            Volatile.Write(ref breaks, ++at);
            try
            {
                Live(at);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"it breaks off at call {at}: {exception.Message}", exception);
            }

            Assert.Empty(_store.Errors);
        }
        while (Volatile.Read(ref calls) >= at);
        Assert.True(at > 50, $"{at} calls of xenstore are not all of a life");
    }

    [Fact]
    public void A_ring_that_ends_while_xenstore_is_away_is_told_of_afterwards()
    {
        _times = _times with { PauseNs = 1_000_000 };
        Restart();
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        RingClient ring = Connect(1, 0).Ring;
        bool away = true;
        _store.Before = (_, _) =>
        {
            if (Volatile.Read(ref away))
                throw new EndOfStreamException();
        };
        _store.BreakConnections();
        ring.Index(0) += 1000;
        ring.RingBell();
        Wait(() => _xen.ConnectionCount == 0);
        Volatile.Write(ref away, false);
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("its ring is broken", Assert.Single(_store.Errors), StringComparison.Ordinal);
    }

    // Offered, connected, gone on with by another backend, closed, begun anew, and ended with its domain.
    private void Live(int domain)
    {
        Attach(domain, "plain");
        _store.WaitFor(Back(domain, "state"), "2");
        RingClient ring = Connect(domain, 0).Ring;
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 0, 0, 1)));
        Restart();
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Write, 2, 0, 0, 1)));
        _store[Front(domain, "state")] = "5";
        _store.WaitFor(Back(domain, "state"), "5");
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
        _store[Front(domain, "state")] = "6";
        _store.WaitFor(Back(domain, "state"), "6");
        _store[Front(domain, "state")] = "1";
        _store.WaitFor(Back(domain, "state"), "2");
        _store[$"/local/domain/{domain}"] = null;
        _store.WaitFor(Back(domain, "state"), null);
    }

    private void Restart()
    {
        _xen.Dispose();
        Wait(() => _xen.ConnectionCount == 0);
        StartBackend();
    }
}
