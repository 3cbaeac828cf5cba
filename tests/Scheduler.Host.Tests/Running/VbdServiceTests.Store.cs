using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;

namespace Scheduler.Host.Tests.Running;

/// <summary>A xenstore that breaks off, or refuses; what fails of one disk, and is not to matter to others.</summary>
public sealed partial class VbdServiceTests
{
    /// <summary>Once in each of many lives, at each of its calls: whether what was asked for is done all the same, or not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_disks_life_is_the_same_wherever_xenstore_breaks_off(bool done)
    {
        _times = _times with { PauseNs = 1_000_000 };
        Restart(abrupt: false);
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
        Restart(abrupt: false);
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

    [Theory]
    [InlineData("/local/domain/1//x", "is no path below /local/domain/1")]
    [InlineData("/local/domain/1/x y", "is no path below /local/domain/1")]
    [InlineData("/local/domain/2/device/vbd/51712", "is no path below /local/domain/1")]
    public void A_disk_without_a_guests_end_is_closed_with_the_reason_and_no_other(string frontend, string reason)
    {
        Attach(1, "plain", nodes: ("frontend", frontend));
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains(reason, Assert.Single(_store.Errors), StringComparison.Ordinal);
        IsServed(2);
        Assert.Equal(1, _store.Connections);

        // The toolstack puts it right.
        _store[Back(1, "frontend")] = Front(1, "")[..^1];
        _store[Back(1, "state")] = "1";
        _store.WaitFor(Back(1, "state"), "2");
        Assert.Empty(_store.Errors);
        WriteAndRead(Connect(1, 0).Ring);
    }

    [Fact]
    public void What_xenstore_refuses_closes_one_disk_with_the_reason()
    {
        _times = _times with { PauseNs = 1_000_000 };
        Restart(abrupt: false);
        string watched = Front(1, "state");
        string written = "";
        _store.Refuse = (type, path) => type == 4 && path == watched ? "EACCES" : type == 11 && path == written ? "ENOSPC" : null;
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("EACCES", Assert.Single(_store.Errors), StringComparison.Ordinal);
        written = Back(3, "sectors");
        Attach(3, "plain");
        _store.WaitFor(Back(3, "state"), "5");
        Assert.Contains("ENOSPC", _store.Errors[1], StringComparison.Ordinal);
        IsServed(2);
    }

    [Fact]
    public void A_defect_in_the_service_of_one_disk_closes_that_one()
    {
        _times = _times with { PauseNs = 1_000_000 };
        Restart(abrupt: false);
        _hypervisor.Binding = domain =>
        {
            if (domain == 1)
                throw new InvalidOperationException("a test");
        };
        Attach(1, "plain");
        _store.WaitFor(Back(1, "state"), "2");
        foreach ((string node, string value) in Guest(1, 0).Nodes())
            _store[Front(1, node)] = value;
        _store[Front(1, "state")] = "3";
        _store.WaitFor(Back(1, "state"), "5");
        Assert.Contains("a defect", Assert.Single(_store.Errors), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (_hypervisor.Maps, _hypervisor.Bound, _xen.ConnectionCount));
        IsServed(2);
    }

    [Fact]
    public void Nothing_of_a_domain_that_has_ended_stays_in_xenstore()
    {
        Attach(1, "plain");
        Attach(2, "nothing");
        _store.WaitFor(Back(1, "state"), "2");
        _store.WaitFor(Back(2, "state"), "5");
        Assert.Single(_store.Errors);
        foreach (int domain in (int[])[2, 1])
        {
            _store[$"/local/domain/{domain}"] = null;
            _store.WaitFor($"backend/scheduler/{domain}", null);
        }

        _store.WaitFor("error/backend/scheduler/2", null);
        Assert.Empty(_store.Errors);
    }

    private void IsServed(int domain)
    {
        Attach(domain, "through");
        _store.WaitFor(Back(domain, "state"), "2");
        WriteAndRead(Connect(domain, 0).Ring);
    }

    // Offered, connected, gone on with by another backend, closed, begun anew, and ended with its domain.
    private void Live(int domain)
    {
        Attach(domain, "plain");
        _store.WaitFor(Back(domain, "state"), "2");
        RingClient ring = Connect(domain, 0).Ring;
        Assert.Equal(0, Call(ring, () => ring.Add(BlkifAbi.Write, 1, 0, 0, 1)));
        Restart(abrupt: false);
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
}
