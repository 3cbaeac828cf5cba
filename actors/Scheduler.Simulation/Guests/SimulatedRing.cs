using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>
/// A guest on one ring, and the front end that it talks through. It first reads its whole disk, as a guest does that comes
/// back after a crash, and then follows its workload.
/// </summary>
internal sealed class SimulatedRing : IRingFrontEnd
{
    private readonly Run _run;
    private readonly RingRecord _record;
    private readonly Workload _workload;
    private readonly Random _random;
    private readonly Stack<int> _free = new();
    private readonly RequestRecord?[] _sent;
    private readonly byte _streams;
    private readonly bool _unaligned;

    /// <summary>As large as its disk was when it came: a disk may grow.</summary>
    private readonly int _sectors;
    private int _verified;
    private bool _closing;
    private bool _scheduled;
    private bool _flushedClean;

    public SimulatedRing(Run run, int disk, Random random)
    {
        _run = run;
        _random = random;
        int credits = random.Next(1, 17);
        _streams = (byte)random.Next(1, 3);
        _unaligned = random.Next(2) == 0;
        _sent = new RequestRecord?[credits];
        _sectors = run.Map.SectorsNow(disk);
        _workload = run.Crowded ? Workload.Crowd(_sectors, run.CrowdFuaPercent) : Workload.Draw(random, run.Map.Spec.Disks[disk].Ordered, _sectors);
        _verified = !run.Crowded && random.Next(2) == 0 ? 0 : _sectors;
        _record = new RingRecord
        {
            Id = run.History.Rings.Count,
            Disk = disk,
            Memory = new SimulatedMemory(),
            TakesBarriers = run.Map.Spec.Disks[disk].Ordered.TakesBarriers(),
        };
        run.History.Rings.Add(_record);
        Note(HistoryKind.Open);
        RingSetup setup = new(Run.VolumeName, run.Map.Spec.Disks[disk].Name, credits, _streams, this, _record.Memory)
        {
            ReattachMax = _record.TakesBarriers || _workload.SendsBarriers ? TimeSpan.Zero : run.ReattachMax(),
            ReattachPause = TimeSpan.FromMilliseconds(1),
        };
        Port = GuestRing.Open(setup, props => run.System.ActorOf(props, $"ring{_record.Id}"));
    }

    public RingPort Port { get; }

    public int Disk => _record.Disk;

    public bool IsOpen { get; private set; } = true;

    public bool IsAttached { get; private set; }

    /// <summary>The incarnation that let it in last; 0: none.</summary>
    public long Epoch { get; private set; }

    /// <summary>What was sent and not answered is known by its slot.</summary>
    public RequestRecord? Sent(int slot) => _sent[slot];

    public void OnAttached(int credits)
    {
        Note(HistoryKind.Attached, credits);
        for (int slot = credits - 1; slot >= 0; slot--)
            _free.Push(slot);
        IsAttached = true;
        SendSoon();
    }

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        Port.AnswersHeard += replies.Length;
        foreach (RingReply reply in replies)
        {
            RequestRecord request = _sent[reply.Slot]!;
            if (_run.Bug == PlantedBug.ReplyLost && _random.Next(200) == 0)
                continue;
            _sent[reply.Slot] = null;
            _free.Push(reply.Slot);
            _flushedClean |= request.Op == RequestOp.Flush && reply.Error == 0;
            NoteReply(request, Planted(request, reply.Error));
            if (_run.Bug == PlantedBug.ReplyTwice && _random.Next(200) == 0)
                NoteReply(request, reply.Error);
        }

        SendSoon();
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        IsOpen = false;
        IsAttached = false;
        Note(HistoryKind.Closed, unanswered.Length);
        _record.Memory.LetGo();
        _run.Closed(this);
    }

    /// <summary>A volume has let it in.</summary>
    public void IsLetIn(long epoch) => Epoch = epoch;

    /// <summary>For <see cref="PlantedBug.LateAnswerHeard"/>: an answer arrives that was lost.</summary>
    public void HearLate(int slot)
    {
        if (_sent[slot] is { } request)
            NoteReply(request, 0);
    }

    /// <summary>The volume takes nothing more from it.</summary>
    public void IsToldToClose() => _record.Leaving = true;

    /// <summary>The guest goes away, in the middle of whatever it does.</summary>
    public void Close()
    {
        if (_closing || !IsOpen)
            return;
        _closing = true;
        Note(HistoryKind.Detach);
        Port.Close();
    }

    /// <summary>Sends a write, a flush and a read of a fresh guest: they must succeed once faults are over.</summary>
    public List<RequestRecord> Probe()
    {
        List<RequestRecord> probes = [];
        long length = SectorMedia.SectorBytes * (long)Math.Min(8, _sectors);
        foreach (RequestOp op in new[] { RequestOp.Write, RequestOp.Flush, RequestOp.Read })
        {
            if (_free.Count > 0)
                probes.Add(Send(op, RequestFlags.None, 0, 0, op == RequestOp.Flush ? 0 : length));
        }

        Port.Send();
        return probes;
    }

    private void SendSoon()
    {
        if (_scheduled || !_run.GuestsMaySend)
            return;
        _scheduled = true;
        long pause = _random.Next(3) == 0 ? 0 : _random.Next(_workload.ThinkNsMax);
        _run.System.After(pause, () =>
        {
            _scheduled = false;
            if (IsAttached && !_closing && _run.GuestsMaySend)
                SendBurst();
        });
    }

    private void SendBurst()
    {
        int window = Math.Min(_workload.Window, _sent.Length) - (_sent.Length - _free.Count);
        for (int n = Math.Min(_random.Next(1, 9), window); n > 0; n--)
        {
            if (_verified < _sectors)
                SendVerify();
            else
                SendNext();
        }

        Port.Send();
        if (_free.Count == _sent.Length)
            SendSoon();
    }

    private void SendVerify()
    {
        int sectors = Math.Min(512, _sectors - _verified);
        _ = Send(RequestOp.Read, RequestFlags.None, 0, (long)_verified * SectorMedia.SectorBytes, (long)sectors * SectorMedia.SectorBytes);
        _verified += sectors;
    }

    private void SendNext()
    {
        RequestOp op = _workload.DrawOp(_random);
        RequestFlags flags = op is RequestOp.Write or RequestOp.Zero or RequestOp.Discard && _random.Next(100) < _workload.FuaPercent
            ? RequestFlags.Fua : RequestFlags.None;
        byte stream = (byte)_random.Next(_streams);
        if (!op.HasRange())
        {
            _ = Send(op, flags, stream, 0, 0);
            return;
        }

        int all = _sectors;
        int first;
        int count;
        if (_unaligned)
        {
            count = _random.Next(1, _workload.SectorsMax + 1);
            first = _random.Next(all - count + 1);
        }
        else
        {
            count = 8 * _random.Next(1, Math.Max(1, _workload.SectorsMax / 8) + 1);
            first = 8 * _random.Next(((all - count) / 8) + 1);
        }

        _ = Send(op, flags, stream, (long)first * SectorMedia.SectorBytes, (long)count * SectorMedia.SectorBytes);
    }

    private RequestRecord Send(RequestOp op, RequestFlags flags, byte stream, long offset, long length)
    {
        RequestRecord request = new()
        {
            Id = _run.History.Requests.Count,
            Ring = _record.Id,
            Disk = Disk,
            Stream = stream,
            Op = op,
            Flags = flags,
            Offset = offset,
            Length = length,
            Domains = _run.Map.DomainsNow(Disk),
            Result = op == RequestOp.Read ? new ulong[length / SectorMedia.SectorBytes] : [],
        };
        _run.History.Requests.Add(request);
        NoteRequest(HistoryKind.Submit, request, 0);
        if (_run.Bug == PlantedBug.EmptyBarrierDropped && op == RequestOp.EmptyBarrier)
        {
            NoteReply(request, 0);
            return request;
        }

        if (_run.Bug == PlantedBug.FuaAfterCleanFlush && _flushedClean)
            flags = RequestFlags.None;
        _flushedClean &= !op.IsWrite();
        if ((_run.Bug == PlantedBug.ReadPassesBarrier && op == RequestOp.Read)
            || (_run.Bug == PlantedBug.BarrierIgnored && op == RequestOp.Write))
            stream = (byte)(_streams - 1 - stream);
        int slot = _free.Pop();
        _sent[slot] = request;
        Port.Add(new RingRequest(slot, (RingOp)op, (RingFlags)flags, stream, offset, length, Stamp.Buffer(request.Id)));
        return request;
    }

    private int Planted(RequestRecord request, int error)
    {
        if (_run.Bug == PlantedBug.BarrierAfterFailedWrite && request.Op.IsBarrier() && error == CoreError.Io)
            return 0;
        int failure = _run.History.LastSyncFailure;
        if (_run.Bug != PlantedBug.FailedFlushFailsFirstOnly || request.Op != RequestOp.Flush || error != CoreError.Io || request.Start > failure)
            return error;
        bool first = _run.FirstFailed != failure;
        _run.FirstFailed = failure;
        return first ? error : 0;
    }

    private void NoteReply(RequestRecord request, int error) => NoteRequest(HistoryKind.Reply, request, error);

    private void NoteRequest(HistoryKind kind, RequestRecord request, int error) =>
        _run.History.Add(new HistoryEvent { Kind = kind, Ring = _record.Id, Number = request.Id, Value = error, Offset = request.Offset, Length = request.Length });

    private void Note(HistoryKind kind, int value = 0) => _run.History.Add(new HistoryEvent { Kind = kind, Ring = _record.Id, Value = value });
}
