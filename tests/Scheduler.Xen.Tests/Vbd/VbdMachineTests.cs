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
        Assert.Equal(WriteConnected, Next(InitWait, Initialised, rings: true));
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
        other.Done();
        _ = other.Next(View(InitWait, Initialised), false);
        other.Done();
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

    [Fact]
    public void A_step_that_was_not_carried_out_comes_again()
    {
        for (int i = 0; i < 3; i++)
            Assert.Equal(Offer, _machine.Next(View(Initialising, Initialising), false));
        Assert.Equal(Offer, Next(Initialising, Initialising));
        for (int i = 0; i < 3; i++)
            Assert.Equal(Connect, _machine.Next(View(InitWait, Initialised), false));
        Assert.Equal(Connect, Next(InitWait, Initialised));
        for (int i = 0; i < 3; i++)
            Assert.Equal(WriteConnected, _machine.Next(View(InitWait, Initialised), true));
        Assert.Equal(Nothing, Next(VbdStates.Connected, VbdStates.Connected, rings: true));

        VbdMachine next = new();
        for (int i = 0; i < 3; i++)
            Assert.Equal(Resume, next.Next(View(VbdStates.Connected, VbdStates.Connected), false));
    }

    [Fact]
    public void What_was_written_without_an_answer_counts()
    {
        Connected();
        Assert.Equal(Offer, _machine.Next(View(VbdStates.Connected, Initialising), false));
        Assert.Equal(Offer, Next(InitWait, Initialised));
        Assert.Equal(Connect, Next(InitWait, Initialised));
        Assert.Equal(WriteClosing, _machine.Next(View(VbdStates.Connected, Closing), false));
        Assert.Equal(WriteClosed, Next(Closing, Initialising));
        Assert.Equal(Offer, _machine.Next(View(VbdStates.Closed, Initialising), false));
        Assert.Equal(Offer, Next(InitWait, Initialised));
    }

    /// <summary>A guest that writes whatever states it likes, a toolstack that removes and makes nodes, things that fail, and a
    /// xenstore that breaks off. When all that is over, and the guest begins anew, it is served.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_it_never_connects_twice_nor_closes_with_rings_and_always_comes_to_rest(int seed)
    {
        Random random = new(seed);
        for (int disk = 0; disk < 2000; disk++)
        {
            World world = new(random) { Backend = (XenbusState)random.Next(7), Frontend = (XenbusState)random.Next(7) };
            for (int change = 0; change < 20 && !world.IsForgotten; change++)
            {
                world.Settle(faults: true);
                world.Change();
            }

            if (world.IsForgotten || !world.IsThere || !world.HasDomain || world.Backend == Unknown)
                continue;
            foreach (XenbusState state in (XenbusState[])[VbdStates.Closed, Initialising, Initialised])
            {
                world.Frontend = state;
                world.Settle(faults: false);
            }

            Assert.Equal((true, VbdStates.Connected), (world.HasRings, world.Backend));
        }
    }

    private static VbdView View(XenbusState backend, XenbusState frontend) => new(true, true, backend, frontend);

    // A step that is carried out.
    private VbdStep Next(XenbusState backend, XenbusState frontend, bool rings = false)
    {
        VbdStep step = _machine.Next(View(backend, frontend), rings);
        _machine.Done();
        return step;
    }

    private void Connected()
    {
        Assert.Equal(Offer, Next(Initialising, Initialising));
        Assert.Equal(Connect, Next(InitWait, Initialised));
        Assert.Equal(WriteConnected, Next(InitWait, Initialised, rings: true));
    }

    private sealed class World(Random random)
    {
        private readonly VbdMachine _machine = new();

        public XenbusState Backend { get; set; }

        public XenbusState Frontend { get; set; }

        public bool HasRings { get; private set; }

        public bool IsThere { get; private set; } = true;

        public bool HasDomain { get; private set; } = true;

        public bool IsForgotten { get; private set; }

        public void Change()
        {
            switch (random.Next(8))
            {
                case 0:
                    IsThere = !IsThere;
                    Backend = Initialising;
                    break;
                case 1:
                    HasDomain = random.Next(3) > 0;
                    break;
                case 2 when HasRings:
                    HasRings = false;
                    _machine.Fail();
                    break;
                default:
                    Frontend = (XenbusState)random.Next(7);
                    break;
            }
        }

        public void Settle(bool faults)
        {
            VbdStep step;
            for (int steps = 1; (step = _machine.Next(new VbdView(IsThere, HasDomain, IsThere ? Backend : Unknown, Frontend), HasRings)) != Nothing; steps++)
            {
                Assert.True(steps < 8, $"{step} again and again at {Backend} {Frontend} {HasRings}");
                bool breaks = faults && random.Next(6) == 0;

                // What only writes may be done all the same.
                if (!breaks || (step is Offer or WriteConnected or WriteClosing or WriteClosed && random.Next(2) == 0))
                    Do(step, fails: faults && !breaks && random.Next(5) == 0);
                if (breaks || IsForgotten)
                    return;
                _machine.Done();
            }
        }

        private void Do(VbdStep step, bool fails)
        {
            Assert.Equal(step is WriteConnected or Drain or End, HasRings);
            Assert.True(step is not (Connect or Resume) || Frontend is Initialised or VbdStates.Connected);
            switch (step)
            {
                case Offer or Connect or Resume when fails:
                    HasRings = step != Offer;
                    _machine.Fail();
                    break;
                case Offer:
                    Backend = InitWait;
                    break;
                case Connect or Resume:
                    HasRings = true;
                    break;
                case WriteConnected:
                    Backend = VbdStates.Connected;
                    break;
                case Drain or End:
                    HasRings = false;
                    break;
                case WriteClosing:
                    Backend = Backend == Unknown ? Unknown : Closing;
                    break;
                case WriteClosed:
                    Backend = Backend == Unknown ? Unknown : VbdStates.Closed;
                    break;
                case Remove:
                    Assert.False(HasDomain);
                    IsThere = false;
                    break;
                case Forget:
                    Assert.False(IsThere);
                    IsForgotten = true;
                    break;
            }
        }
    }

    // The two that are also names of the machine's own.
    private static class VbdStates
    {
        public const XenbusState Connected = XenbusState.Connected;
        public const XenbusState Closed = XenbusState.Closed;
    }
}
