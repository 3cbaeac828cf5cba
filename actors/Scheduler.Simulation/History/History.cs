using System.Text;

namespace Scheduler.Simulation;

/// <summary>
/// Everything that happened in a run, written down once. Checkers see each event as it is written; the table and the hash
/// are made of the same events.
/// </summary>
internal sealed class History
{
    private const ulong HashPrime = 1099511628211;
    private readonly List<HistoryEvent> _events = [];
    private ulong _hash = 14695981039346656037;

    public IReadOnlyList<HistoryEvent> Events => _events;

    /// <summary>Requests by number; there is no number 0.</summary>
    public List<RequestRecord> Requests { get; } = [null!];

    public List<RingRecord> Rings { get; } = [];

    public List<Checker> Checkers { get; } = [];

    /// <summary>Index of the latest sync that failed; -1 for none.</summary>
    public int LastSyncFailure { get; private set; } = -1;

    /// <summary>The clock, which changes with the incarnation.</summary>
    public Func<long> NowNs { get; set; } = () => 0;

    /// <summary>Depends on every event and on every sector that was read.</summary>
    public ulong Hash => _hash;

    public void Add(HistoryEvent happened)
    {
        happened.Index = _events.Count;
        happened.TimeNs = NowNs();
        _events.Add(happened);
        Mix((ulong)happened.Kind | ((ulong)happened.DeviceOp << 8) | ((ulong)happened.DeviceFlags << 16) | ((ulong)(uint)happened.Ring << 32));
        Mix((uint)happened.Domain | ((ulong)(uint)happened.Number << 32));
        Mix((uint)happened.Value);
        Mix((ulong)happened.Offset);
        Mix((ulong)happened.Length);
        Mix((ulong)happened.TimeNs);
        Note(happened);
        foreach (Checker checker in Checkers)
            checker.See(happened);
    }

    /// <summary>The last events as a table.</summary>
    public string Table(int lines)
    {
        StringBuilder text = new();
        foreach (HistoryEvent happened in _events.Skip(_events.Count - lines))
            _ = text.Append(happened.Text(this)).Append('\n');
        return text.ToString();
    }

    // What the guests know, before the checkers look.
    private void Note(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.Attached:
                Rings[happened.Ring].WasAttached = true;
                break;
            case HistoryKind.Submit:
                RequestRecord request = Requests[happened.Number];
                request.Start = happened.Index;
                RingRecord ring = Rings[request.Ring];
                if (ring.TakesBarriers)
                    request.Unheard = OfStream(ring.Pending, request.Stream);
                ring.Pending.Add(request);
                break;
            case HistoryKind.Accepted:
                Accept(Requests[happened.Number], happened.Offset);
                break;
            case HistoryKind.Answered:
                Requests[happened.Number].AnsweredTurn = happened.Offset;
                _ = Rings[happened.Ring].Accepted.Remove(Requests[happened.Number]);
                break;
            case HistoryKind.Reply:
                NoteAnswer(Requests[happened.Number], happened.Value, happened.Index);
                break;
            case HistoryKind.DeviceStart when happened.Request != 0:
                Requests[happened.Request].Started = true;
                break;
            case HistoryKind.DeviceEnd when happened.Request != 0 && happened.Value != 0:
                Requests[happened.Request].MetError = true;
                break;
            case HistoryKind.SyncFailed:
                LastSyncFailure = happened.Index;
                break;
            case HistoryKind.Detach:
                Rings[happened.Ring].Leaving = true;
                break;
            case HistoryKind.Closed:
                Rings[happened.Ring].Closed = true;
                Rings[happened.Ring].Leaving = true;
                End(Rings[happened.Ring], Outcome.Closed);
                break;
            case HistoryKind.MachineLost or HistoryKind.Moved:
                foreach (RingRecord open in Rings)
                    Leave(open);
                break;
            case HistoryKind.Killed or HistoryKind.PowerCut or HistoryKind.Stopped:
                foreach (RingRecord open in Rings)
                {
                    open.Closed = true;
                    End(open, Outcome.Lost);
                }

                break;
            default:
                break;
        }
    }

    private void Accept(RequestRecord request, long turn)
    {
        RingRecord ring = Rings[request.Ring];
        request.AcceptedTurn = turn;
        if (ring.TakesBarriers)
            request.Earlier = OfStream(ring.Accepted, request.Stream);
        ring.Accepted.Add(request);
    }

    private static RequestRecord[] OfStream(List<RequestRecord> requests, byte stream) =>
        requests.Count == 0 ? [] : [.. requests.Where(other => other.Stream == stream)];

    private void NoteAnswer(RequestRecord request, int error, int index)
    {
        request.Answers++;
        if (request.Outcome != Outcome.Pending)
            return;
        request.Outcome = error == 0 ? Outcome.Ok : Outcome.Failed;
        request.Error = error;
        request.End = index;
        _ = Rings[request.Ring].Pending.Remove(request);
        foreach (ulong stamp in request.Result)
            Mix(stamp);
    }

    // What the next scheduler takes, it takes as if it were new. One that moves has answered all that it took. Of a ring that takes
    // barriers it takes nothing.
    private static void Leave(RingRecord ring)
    {
        ring.Accepted.Clear();
        if (ring.TakesBarriers)
            return;
        foreach (RequestRecord request in ring.Pending)
        {
            request.IsRepeated |= request.AcceptedTurn != 0;
            request.AcceptedTurn = request.AnsweredTurn = 0;
            request.Started = false;
        }
    }

    private static void End(RingRecord ring, Outcome outcome)
    {
        foreach (RequestRecord request in ring.Pending)
        {
            request.Outcome = outcome;
            request.Answers++;
        }

        ring.Pending.Clear();
    }

    private void Mix(ulong value) => _hash = (_hash ^ value) * HashPrime;
}
