// What a backend does about one virtual disk: a function of what stands in xenstore now, of what it did before, and of whether the
// disk's rings run. It does not matter how often, or how late, it is told of a change: it looks at the nodes as they are.
//
//   the guest's end     the backend's end
//   Initialising 1      looks up the disk, writes what it offers, InitWait 2
//   Initialised 3       maps the rings and binds the event channels; when that is done, Connected 4
//   Connected 4         -
//   Closing 5           answers what is under way, ends the rings, Closing 5
//   Closed 6            ends the rings, Closed 6; Initialising again: from the beginning
//   not there           as Closed; with its domain gone, the backend's nodes are removed
//
// A backend that finds itself Connected when it starts goes on with the guest's rings, which an earlier process served. One that
// finds no way to go on writes why, and goes to Closing; it begins anew only when the guest's end has closed and begins anew.
// Nothing is written into a device whose nodes the toolstack has removed, and the nodes of a new one in the place of an old one are
// known by their state, Initialising, which no backend writes.
//
// A step counts when it was carried out: what xenstore interrupts comes again, and is the same when it is done twice.
//
// Source: Xen's xen/include/public/io/blkif.h, "STATE DIAGRAMS", and xenbus.h; Linux's drivers/block/xen-blkback/xenbus.c.
namespace Scheduler.Xen.Vbd;

/// <summary>A state of an end, as xenstore has it.</summary>
internal enum XenbusState
{
    /// <summary>Not there, or not a state.</summary>
    Unknown = 0,

    /// <summary>It begins.</summary>
    Initialising = 1,

    /// <summary>It waits for the other end.</summary>
    InitWait = 2,

    /// <summary>It has said what the other end needs.</summary>
    Initialised = 3,

    /// <summary>It works.</summary>
    Connected = 4,

    /// <summary>It ends.</summary>
    Closing = 5,

    /// <summary>It has ended.</summary>
    Closed = 6,
}

/// <summary>What stands in xenstore.</summary>
/// <param name="IsThere">Whether the backend's nodes are.</param>
/// <param name="HasDomain">Whether the guest's domain is.</param>
/// <param name="Backend">The backend's state.</param>
/// <param name="Frontend">The guest's.</param>
internal readonly record struct VbdView(bool IsThere, bool HasDomain, XenbusState Backend, XenbusState Frontend);

/// <summary>What is to be done about a virtual disk now.</summary>
internal enum VbdStep
{
    /// <summary>Nothing, until something changes.</summary>
    Nothing,

    /// <summary>Look up the disk, write what it offers, and InitWait.</summary>
    Offer,

    /// <summary>Start the rings.</summary>
    Connect,

    /// <summary>Go on with the rings that an earlier process served.</summary>
    Resume,

    /// <summary>Write Connected.</summary>
    WriteConnected,

    /// <summary>Take no more from the rings, and end them when all is answered.</summary>
    Drain,

    /// <summary>End the rings now.</summary>
    End,

    /// <summary>Write Closing.</summary>
    WriteClosing,

    /// <summary>Write Closed.</summary>
    WriteClosed,

    /// <summary>Remove the backend's nodes.</summary>
    Remove,

    /// <summary>Forget the disk, and remove what else xenstore has of it.</summary>
    Forget,
}

/// <summary>The backend's end of one virtual disk.</summary>
internal sealed class VbdMachine
{
    private enum Phase
    {
        New,
        Offered,
        Connected,
        Closing,
        Closed,
    }

    private Phase _phase;

    /// <summary>The phase after the step that is asked for.</summary>
    private Phase _to;
    private bool _seenFrontend;
    private XenbusState _last;

    private bool _failed;

    /// <summary>Whether it serves the guest, as far as it knows.</summary>
    public bool IsConnected => _phase == Phase.Connected;

    /// <summary>Whether it could not go on, and the guest's end has not closed since.</summary>
    public bool HasFailed => _failed;

    /// <summary>What to do next. After it was done, which <see cref="Done"/> says, it is asked again, until there is nothing.</summary>
    /// <param name="view">What stands in xenstore.</param>
    /// <param name="rings">Whether a ring runs, or the device still uses the memory of one.</param>
    /// <returns>The step.</returns>
    public VbdStep Next(VbdView view, bool rings)
    {
        if (!view.IsThere)
            return rings ? VbdStep.End : VbdStep.Forget;
        if (!view.HasDomain)
            return rings ? VbdStep.End : VbdStep.Remove;

        // What has failed before it wrote a state is not another one yet.
        bool untouched = _failed && _phase == Phase.Closing && _last == XenbusState.Initialising;
        _last = view.Backend;
        if (view.Backend == XenbusState.Initialising && _phase != Phase.New && !untouched)
        {
            if (rings)
                return VbdStep.End;
            (_phase, _to, _seenFrontend, _failed) = (Phase.New, Phase.New, false, false);
        }

        if (_to != _phase)
            Interrupted(view);
        _to = _phase;
        bool left = _seenFrontend && view.Frontend == XenbusState.Unknown;
        _failed &= !left && view.Frontend is not (XenbusState.Closing or XenbusState.Closed);
        _seenFrontend |= view.Frontend != XenbusState.Unknown;
        return _phase switch
        {
            Phase.New => Begin(view),
            Phase.Offered => Offered(view, left),
            Phase.Connected => Connected(view, rings),
            Phase.Closing => Close(view, left, rings),
            _ => Closed(view),
        };
    }

    /// <summary>The step was carried out.</summary>
    public void Done() => _phase = _to;

    /// <summary>It can't go on: the rings are to end, if there are some, and both ends to close.</summary>
    public void Fail() => (_phase, _to, _failed) = (Phase.Closing, Phase.Closing, true);

    // xenstore may have written what it did not answer.
    private void Interrupted(VbdView view)
    {
        if ((_to, view.Backend) is (Phase.Closing, XenbusState.Closing) or (Phase.Closed, XenbusState.Closed))
            _phase = _to;
        else if ((_to, view.Backend) is (Phase.Offered, XenbusState.InitWait))
            _phase = Phase.New;
    }

    private VbdStep Begin(VbdView view)
    {
        switch (view.Backend)
        {
            case XenbusState.Connected when view.Frontend is XenbusState.Initialised or XenbusState.Connected:
                return To(Phase.Connected, VbdStep.Resume);
            case XenbusState.Initialising or XenbusState.InitWait or XenbusState.Initialised:
            case XenbusState.Connected when view.Frontend is XenbusState.Initialising or XenbusState.InitWait:
                return To(Phase.Offered, VbdStep.Offer);
            case XenbusState.Connected or XenbusState.Closing:
                return To(Phase.Closing, VbdStep.WriteClosing);
            case XenbusState.Closed:
                return To(Phase.Closed, VbdStep.WriteClosed);
            default:
                return VbdStep.Nothing; // The toolstack is at it.
        }
    }

    private VbdStep Offered(VbdView view, bool left) => view.Frontend switch
    {
        XenbusState.Initialised or XenbusState.Connected => To(Phase.Connected, VbdStep.Connect),
        XenbusState.Closing => To(Phase.Closing, VbdStep.WriteClosing),
        XenbusState.Closed => To(Phase.Closed, VbdStep.WriteClosed),
        _ when left => To(Phase.Closed, VbdStep.WriteClosed),
        _ => VbdStep.Nothing,
    };

    private VbdStep Connected(VbdView view, bool rings)
    {
        switch (view.Frontend)
        {
            case XenbusState.Initialised or XenbusState.Connected:
                return rings && view.Backend == XenbusState.InitWait ? VbdStep.WriteConnected : VbdStep.Nothing;
            case XenbusState.Closing:
                return rings ? VbdStep.Drain : To(Phase.Closing, VbdStep.WriteClosing);
            case XenbusState.Initialising or XenbusState.InitWait:
                return rings ? VbdStep.End : To(Phase.Offered, VbdStep.Offer);
            default:
                // Closed, or gone: it was there when the backend connected; a guest can write what it likes, or remove its nodes.
                return rings ? VbdStep.End : To(Phase.Closed, VbdStep.WriteClosed);
        }
    }

    private VbdStep Close(VbdView view, bool left, bool rings)
    {
        if (rings)
            return VbdStep.End;
        if (view.Frontend == XenbusState.Closed || left || (!_failed && view.Frontend is XenbusState.Initialising or XenbusState.InitWait))
            return To(Phase.Closed, VbdStep.WriteClosed);
        return view.Backend is XenbusState.Closing or XenbusState.Unknown ? VbdStep.Nothing : VbdStep.WriteClosing;
    }

    private VbdStep Closed(VbdView view)
    {
        if (view.Backend is not (XenbusState.Closed or XenbusState.Unknown))
            return VbdStep.WriteClosed;
        return !_failed && view.Frontend is XenbusState.Initialising or XenbusState.InitWait ? To(Phase.Offered, VbdStep.Offer) : VbdStep.Nothing;
    }

    private VbdStep To(Phase phase, VbdStep step)
    {
        _to = phase;
        return step;
    }
}
