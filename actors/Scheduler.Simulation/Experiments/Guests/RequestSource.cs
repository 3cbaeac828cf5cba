using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>A request as a guest thinks of it.</summary>
internal readonly record struct GuestRequest(RequestOp Op, RequestFlags Flags, long Offset, long Length);

/// <summary>What a guest asks for next, as far as that depends on what was answered.</summary>
internal abstract class RequestSource
{
    /// <summary>The next request, which is sent then; false if the guest waits for an answer first.</summary>
    public abstract bool TryNext(out GuestRequest request);

    /// <summary>A request of the guest was answered.</summary>
    public virtual void Answered(RequestOp op)
    {
    }

    /// <summary>The requests of a guest.</summary>
    public static RequestSource Create(ExperimentGroup group, TraceRequest[] trace, SplitMix64 random)
    {
        RequestPlaces anywhere = new(group, sequential: false, random);
        RequestPlaces inOrder = new(group, sequential: true, random);
        int every = group.Workload.SyncEvery;
        return group.Workload.Kind switch
        {
            ExperimentWorkloadKind.RandomRead => new PlainSource(RequestOp.Read, RequestFlags.None, anywhere),
            ExperimentWorkloadKind.RandomWrite => new PlainSource(RequestOp.Write, RequestFlags.None, anywhere),
            ExperimentWorkloadKind.SequentialRead => new PlainSource(RequestOp.Read, RequestFlags.None, inOrder),
            ExperimentWorkloadKind.SequentialWrite => new PlainSource(RequestOp.Write, RequestFlags.None, inOrder),
            ExperimentWorkloadKind.Database => new SyncedSource(every, anywhere),
            ExperimentWorkloadKind.LogWriter => new SyncedSource(every, inOrder),
            ExperimentWorkloadKind.BarrierWriter => new BarrierSource(every, group.Ordered, anywhere),
            ExperimentWorkloadKind.FlushStorm => new FlushStormSource(anywhere),
            ExperimentWorkloadKind.FuaStorm => new PlainSource(RequestOp.Write, RequestFlags.Fua, anywhere),
            ExperimentWorkloadKind.Discard => new PlainSource(RequestOp.Discard, RequestFlags.None, anywhere),
            ExperimentWorkloadKind.Replay => new TraceSource(trace),
            _ => throw new ArgumentException($"group {group.Name}: workload {group.Workload.Kind} is not known"),
        };
    }
}

/// <summary>Requests that depend on nothing.</summary>
internal sealed class PlainSource(RequestOp op, RequestFlags flags, RequestPlaces places) : RequestSource
{
    private readonly RequestOp _other = op == RequestOp.Read ? RequestOp.Write : RequestOp.Read;

    public override bool TryNext(out GuestRequest request)
    {
        request = places.DrawOther() ? places.Next(_other) : places.Next(op, flags);
        return true;
    }
}

/// <summary>So many writes, then a flush when they are answered, then the next writes when that is answered.</summary>
internal sealed class SyncedSource(int every, RequestPlaces places) : RequestSource
{
    private int _written;
    private int _unanswered;
    private bool _flushing;

    public override bool TryNext(out GuestRequest request)
    {
        request = default;
        if (_flushing)
            return false;
        if (_written == every)
        {
            if (_unanswered > 0)
                return false;
            _flushing = true;
            request = new GuestRequest(RequestOp.Flush, RequestFlags.None, 0, 0);
            return true;
        }

        if (places.DrawOther())
        {
            request = places.Next(RequestOp.Read);
            return true;
        }

        _written++;
        _unanswered++;
        request = places.Next(RequestOp.Write);
        return true;
    }

    public override void Answered(RequestOp op)
    {
        if (op == RequestOp.Write)
        {
            _unanswered--;
        }
        else if (op == RequestOp.Flush)
        {
            _flushing = false;
            _written = 0;
        }
    }
}

/// <summary>A write, a flush when it is answered, and again; as many such pairs at once as the depth has room for.</summary>
internal sealed class FlushStormSource(RequestPlaces places) : RequestSource
{
    private int _toFlush;

    public override bool TryNext(out GuestRequest request)
    {
        if (_toFlush > 0)
        {
            _toFlush--;
            request = new GuestRequest(RequestOp.Flush, RequestFlags.None, 0, 0);
        }
        else
        {
            request = places.Next(RequestOp.Write);
        }

        return true;
    }

    public override void Answered(RequestOp op)
    {
        if (op == RequestOp.Write)
            _toFlush++;
    }
}

/// <summary>Writes, each so many-th of them a barrier. In the DRAIN modes the guest itself waits before and after it.</summary>
internal sealed class BarrierSource(int every, OrderedMode ordered, RequestPlaces places) : RequestSource
{
    private readonly bool _drains = ordered is OrderedMode.Drain or OrderedMode.DrainFlush or OrderedMode.DrainFua;
    private int _written;
    private int _unanswered;
    private bool _inBarrier;

    public override bool TryNext(out GuestRequest request)
    {
        request = default;
        bool barrier = _written == every - 1;
        if (_drains && (_inBarrier || (barrier && _unanswered > 0)))
            return false;
        if (places.DrawOther())
        {
            request = places.Next(RequestOp.Read);
        }
        else
        {
            _inBarrier = barrier;
            _written = barrier ? 0 : _written + 1;
            request = places.Next(barrier ? RequestOp.BarrierWrite : RequestOp.Write);
        }

        _unanswered++;
        return true;
    }

    public override void Answered(RequestOp op)
    {
        _unanswered--;
        if (op == RequestOp.BarrierWrite)
            _inBarrier = false;
    }
}

/// <summary>The requests of a trace, in order.</summary>
internal sealed class TraceSource(TraceRequest[] trace) : RequestSource
{
    private int _next;

    public override bool TryNext(out GuestRequest request)
    {
        TraceRequest next = trace[_next++];
        request = new GuestRequest(next.Op, next.Flags, next.Offset, next.Length);
        return true;
    }
}
