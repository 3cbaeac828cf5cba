using Scheduler.Xen.Vbd;
using static Scheduler.Xen.Vbd.VbdStep;
using static Scheduler.Xen.Vbd.XenbusState;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>What a backend does about a virtual disk, step by step, and that it never does what it must not.</summary>
public sealed class VbdMachineTests
{
    private readonly VbdMachine _machine = new();

    [Fact]
    public void A_disk_is_offered_connected_drained_and_closed()
    {
        Assert.Equal(Offer, Next(Initialising, Initialising));
        Assert.Equal(Nothing, Next(InitWait, Initialising));
        Assert.Equal(Connect, Next(InitWait, Initialised));
        Assert.Equal(Nothing, Next(VbdStates.Connected, Initialised, rings: true));
        Assert.Equal(Nothing, Next(VbdStates.Connected, VbdStates.Connected, rings: true));
        Assert.Equal(Drain, Next(VbdStates.Connected, Closing, rings: true));
        Assert.Equal(WriteClosing, Next(VbdStates.Connected, Closing));
        Assert.Equal(Nothing, Next(Closing, Closing));
        Assert.Equal(WriteClosed, Next(Closing, VbdStates.Closed));
        Assert.Equal(Nothing, Next(VbdStates.Closed, VbdStates.Closed));

        // The guest begins anew.
        Assert.Equal(Offer, Next(VbdStates.Closed, Initialising));
    }

    [Fact]
    public void The_toolstack_may_write_the_nodes_bit_by_bit()
    {
        Assert.Equal(Nothing, Next(Unknown, Unknown));
        Assert.Equal(Offer, Next(Initialising, Unknown));
        Assert.Equal(Nothing, Next(InitWait, Unknown));
        Assert.Equal(Connect, Next(InitWait, Initialised));
    }

    [Theory]
    [InlineData(4, 4, Resume)]
    [InlineData(4, 3, Resume)]
    [InlineData(4, 1, Offer)]
    [InlineData(4, 5, WriteClosing)]
    [InlineData(4, 6, WriteClosing)]
    [InlineData(4, 0, WriteClosing)]
    [InlineData(2, 1, Offer)]
    [InlineData(2, 3, Offer)]
    [InlineData(5, 4, WriteClosing)]
    [InlineData(6, 6, WriteClosed)]
    internal void A_backend_that_starts_goes_on_where_an_earlier_one_was(int backend, int frontend, VbdStep step) =>
        Assert.Equal(step, Next((XenbusState)backend, (XenbusState)frontend));

    [Fact]
    public void A_failure_closes_and_is_tried_again_only_when_the_guest_has_closed_too()
    {
        Assert.Equal(Offer, Next(Initialising, Initialising));
        _machine.Fail();
        Assert.Equal(WriteClosing, Next(Initialising, Initialising));
        for (int i = 0; i < 10; i++)
            Assert.Equal(Nothing, Next(Closing, Initialising));
        Assert.Equal(WriteClosed, Next(Closing, VbdStates.Closed));
        Assert.Equal(Nothing, Next(VbdStates.Closed, VbdStates.Closed));
        Assert.Equal(Offer, Next(VbdStates.Closed, Initialising));
    }

    [Fact]
    public void What_becomes_of_rings_when_either_end_vanishes()
    {
        Connected();
        Assert.Equal(End, Next(VbdStates.Connected, Unknown, rings: true));
        Assert.Equal(WriteClosed, Next(VbdStates.Connected, Unknown));

        VbdMachine other = new();
        _ = other.Next(View(Initialising, Initialising), false);
        _ = other.Next(View(InitWait, Initialised), false);
        Assert.Equal(End, other.Next(View(VbdStates.Connected, Unknown) with { HasDomain = false }, true));
        Assert.Equal(Remove, other.Next(View(VbdStates.Connected, Unknown) with { HasDomain = false }, false));
        Assert.Equal(End, other.Next(View(Unknown, Unknown) with { IsThere = false }, true));
        Assert.Equal(Forget, other.Next(View(Unknown, Unknown) with { IsThere = false }, false));
    }

    [Fact]
    public void Nodes_that_take_the_place_of_others_begin_anew()
    {
        Connected();
        Assert.Equal(End, Next(Initialising, Initialising, rings: true));
        Assert.Equal(Offer, Next(Initialising, Initialising));
    }

    /// <summary>A guest that writes whatever states it likes, a toolstack that removes and makes nodes, and things that fail.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_it_never_connects_twice_nor_closes_with_rings_and_always_comes_to_rest(int seed)
    {
        Random random = new(seed);
        for (int disk = 0; disk < 2000; disk++)
        {
            VbdMachine machine = new();
            XenbusState backend = (XenbusState)random.Next(7), frontend = (XenbusState)random.Next(7);
            bool rings = false, there = true, domain = true, forgotten = false;
            for (int change = 0; change < 20 && !forgotten; change++)
            {
                int steps = 0;
                for (VbdStep step; (step = machine.Next(new VbdView(there, domain, there ? backend : Unknown, frontend), rings)) != Nothing;)
                {
                    Assert.True(++steps < 8, $"{step} again and again at {backend} {frontend} {rings}");
                    switch (step)
                    {
                        case Offer:
                            Assert.False(rings);
                            if (random.Next(5) == 0)
                                machine.Fail();
                            else
                                backend = InitWait;
                            break;
                        case Connect or Resume:
                            Assert.False(rings);
                            Assert.True(frontend is Initialised or VbdStates.Connected);
                            rings = true;
                            if (random.Next(5) == 0)
                                machine.Fail();
                            else
                                backend = VbdStates.Connected;
                            break;
                        case Drain or End:
                            Assert.True(rings);
                            rings = false;
                            break;
                        case WriteClosing:
                            Assert.False(rings);
                            backend = backend == Unknown ? Unknown : Closing;
                            break;
                        case WriteClosed:
                            Assert.False(rings);
                            backend = backend == Unknown ? Unknown : VbdStates.Closed;
                            break;
                        case Remove:
                            Assert.False(rings || domain);
                            there = false;
                            break;
                        case Forget:
                            Assert.False(rings || there);
                            forgotten = true;
                            break;
                    }

                    if (forgotten)
                        break;
                }

                switch (random.Next(8))
                {
                    case 0:
                        there = !there;
                        backend = Initialising;
                        break;
                    case 1:
                        domain = random.Next(3) > 0;
                        break;
                    case 2 when rings:
                        (rings, _) = (false, Failed(machine));
                        break;
                    default:
                        frontend = (XenbusState)random.Next(7);
                        break;
                }
            }
        }

        static bool Failed(VbdMachine machine)
        {
            machine.Fail();
            return true;
        }
    }

    private static VbdView View(XenbusState backend, XenbusState frontend) => new(true, true, backend, frontend);

    private VbdStep Next(XenbusState backend, XenbusState frontend, bool rings = false) => _machine.Next(View(backend, frontend), rings);

    private void Connected()
    {
        Assert.Equal(Offer, Next(Initialising, Initialising));
        Assert.Equal(Connect, Next(InitWait, Initialised));
    }

    // The two that are also names of the machine's own.
    private static class VbdStates
    {
        public const XenbusState Connected = XenbusState.Connected;
        public const XenbusState Closed = XenbusState.Closed;
    }
}
