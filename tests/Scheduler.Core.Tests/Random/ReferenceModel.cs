// What the rules say, in the plainest words, judged from events and effects alone. Slow and obvious on purpose: no
// moments, tags or lists to swap, only "is this write durable in the device now".
namespace Scheduler.Core.Tests.Random;

/// <summary>Follows a core and fails when it breaks a rule.</summary>
internal sealed class ReferenceModel(VolumeSpec spec, VolumeCore core)
{
    /// <summary>The guests now, with the bounds on unflushed bytes that they have had.</summary>
    private readonly List<(GuestSpec Spec, long BoundMin, long BoundMax)> _guests =
        [.. spec.Guests.Select(guest => (guest, guest.UnflushedBytesMax, guest.UnflushedBytesMax))];

    private readonly List<ModelRequest> _unanswered = [];

    /// <summary>Where each block of 4096 bytes is, per disk.</summary>
    private readonly List<(int Domain, long Offset)>[] _places = [.. spec.Disks.Select(PlacesOf)];

    /// <summary>Answered writes that may not be durable, per disk.</summary>
    private readonly List<ModelRequest>[] _acknowledged = [.. spec.Disks.Select(_ => new List<ModelRequest>())];

    /// <summary>F4: no device flush has succeeded since the start or since a fault was cleared.</summary>
    private readonly bool[] _neverFlushed = [.. spec.Domains.Select(_ => true)];
    private readonly int[] _fault = [.. spec.Domains.Select(domain => domain.Fault)];
    private readonly bool[] _recordPending = new bool[spec.Domains.Count];
    private readonly long[] _flushes = new long[spec.Domains.Count];
    private readonly long[] _flushPoints = new long[spec.Domains.Count];
    private int[] _toDisconnect = [];
    private bool _stopping;

    public ModelDevice Device { get; } = new(spec.Domains, spec.Policy == PolicyKind.Fair);

    public Dictionary<int, ModelRing> Rings { get; } = [];

    public IReadOnlyList<ModelRequest> Unanswered => _unanswered;

    public long WakeAtNs { get; private set; } = long.MaxValue;

    public bool Stopped { get; private set; }

    public bool RecordPending(int domain) => _recordPending[domain];

    public bool IsFenced(int domain) => _fault[domain] != 0;

    /// <summary>Takes one step's event and effects.</summary>
    public void Step(in VolumeEvent happened, ReadOnlySpan<Effect> effects)
    {
        ModelRequest? arrived = Before(happened);
        HashSet<int> disconnected = [];
        foreach (ref readonly Effect effect in effects)
            Take(effect, disconnected);
        After(happened, arrived, disconnected);
    }

    private static List<(int Domain, long Offset)> PlacesOf(DiskSpec disk)
    {
        List<(int Domain, long Offset)> places = [];
        foreach (Extent extent in disk.Extents)
        {
            (int Domain, long Offset)[] next = [.. extent.Runs().Select(run => (run.Domain, run.DeviceOffset))];
            long chunk = extent.Stripes?.ChunkLength ?? extent.Length;
            for (long done = 0; done < extent.Length; done += 4096)
            {
                int leg = (int)(done / chunk % next.Length);
                places.Add(next[leg]);
                next[leg].Offset += 4096;
            }
        }

        return places;
    }

    private static string Name(ModelRequest request) => $"r{request.Ring.Number}.{request.Slot} {request.Op}";

    private IEnumerable<int> DomainsOf(int disk) => _places[disk].Select(place => place.Domain).Distinct();

    private bool IsUnflushed(int disk, int domain) =>
        _neverFlushed[domain] || Device.Undurable(domain).Any(piece => piece.Request!.Ring.Disk == disk);

    private ModelRequest? Before(in VolumeEvent happened)
    {
        switch (happened.Kind)
        {
            case EventKind.Attach:
                Rings.Add(happened.Ring, new ModelRing(happened.Ring, happened.Slot, happened.Value, happened.Stream));
                return null;
            case EventKind.ChangeDisk:
                Grow(happened.Disk!);
                return null;
            case EventKind.ChangeGuest:
                Change(happened.Guest!);
                return null;
            case EventKind.Detach:
                Rings[happened.Ring].Detached = true;
                return null;
            case EventKind.Submit:
                return Arrive(happened);
            case EventKind.Completed:
                Complete(happened.Operation, happened.Value);
                return null;
            case EventKind.FaultRecorded:
                _recordPending[happened.Slot] = false;
                return null;
            case EventKind.ClearFault:
                Clear(happened.Slot);
                return null;
            case EventKind.Stop:
                _stopping = true;
                for (int i = 0; i < _flushPoints.Length; i++)
                    _flushPoints[i]++;
                return null;
            default:
                if (happened.Kind == EventKind.Tick)
                    WakeAtNs = long.MaxValue;
                return null;
        }
    }

    private void Change(GuestSpec guest)
    {
        int index = _guests.FindIndex(other => other.Spec.Name == guest.Name);
        long bound = guest.UnflushedBytesMax;
        if (index < 0)
            _guests.Add((guest, bound, bound));
        else
            _guests[index] = (guest, Math.Min(bound, _guests[index].BoundMin), Math.Max(bound, _guests[index].BoundMax));
    }

    private ModelRequest Arrive(in VolumeEvent submit)
    {
        ModelRing ring = Rings[submit.Ring];
        byte stream = submit.Stream;
        List<ModelRequest> earlier = _unanswered.FindAll(other => other.Ring == ring && other.Stream == stream);
        bool flushes = submit.Op is RequestOp.Flush || submit.Op.IsBarrier();
        ModelRequest request = new()
        {
            Ring = ring,
            Slot = submit.Slot,
            Op = submit.Op,
            Fua = (submit.Flags & RequestFlags.Fua) != 0,
            Stream = stream,
            Offset = submit.Offset,
            Length = submit.Length,
            Covers = flushes ? [.. _acknowledged[ring.Disk]] : [],
            Earlier = earlier,
        };
        request.MayNotPass = request.BehindBarrier && earlier.Exists(other => other.Op.IsWrite() && other.Overlaps(request));
        Check.That(ring.Slots[submit.Slot] is null, "model", "a slot is busy");

        // O6, as the guest sees it: what it has not heard of has not happened.
        long heard = submit.Heard;
        request.MustFail = !request.Op.IsRead() && ring.Failed.Exists(failed =>
            failed.Answer > heard && failed.Request.Stream == stream
            && (failed.Request.Op.IsBarrier() || (request.Op.IsBarrier() && failed.Request.Op.IsWrite())));
        ring.Slots[submit.Slot] = request;
        _unanswered.Add(request);

        foreach (int domain in DomainsOf(ring.Disk))
            _flushPoints[domain] += FlushPoints(request);
        return request;
    }

    private static int FlushPoints(ModelRequest request) =>
        request.Op == RequestOp.BarrierWrite ? 2 : request.Op is RequestOp.Flush or RequestOp.EmptyBarrier || request.Fua ? 1 : 0;

    // What is held by its order flushes the domains that its disk is on when it is let go.
    private void Grow(DiskSpec disk)
    {
        int index = spec.Disks.ToList().FindIndex(other => other.Name == disk.Name);
        int[] before = [.. DomainsOf(index)];
        _places[index] = PlacesOf(disk);
        foreach (int domain in DomainsOf(index).Except(before))
            _flushPoints[domain] += _unanswered.Where(request => request.Ring.Disk == index).Sum(FlushPoints);
    }

    private void Complete(int operation, int error)
    {
        Piece piece = Device.InFlight[operation];
        if (Device.End(operation, error) && _fault[piece.Domain] == 0)
        {
            _fault[piece.Domain] = error;
            _recordPending[piece.Domain] = true;
        }
        else if (piece.Request is null && error == 0 && _fault[piece.Domain] == 0 && !piece.Dropped)
        {
            _neverFlushed[piece.Domain] = false;
        }
    }

    private void Take(in Effect effect, HashSet<int> disconnected)
    {
        Check.That(!Stopped || effect.Kind == EffectKind.WakeAt, "S3", "something follows the stop");
        switch (effect.Kind)
        {
            case EffectKind.Io:
                StartIo(effect);
                break;
            case EffectKind.Flush:
                Check.That(_fault[effect.Domain] == 0, "F6", "a fenced domain is flushed");
                Device.Start(effect.Operation, new Piece
                {
                    Request = null,
                    Domain = effect.Domain,
                    BufferOffset = 0,
                    Length = 0,
                    Dsync = false,
                });
                _flushes[effect.Domain]++;
                break;
            case EffectKind.Reply:
                ModelRequest request = Rings[effect.Ring].Slots[effect.Slot]!;
                Check.That(request is { Answered: false }, "S3", "a request is answered that is not there");
                Answer(request, effect.Error);
                break;
            case EffectKind.WakeAt:
                WakeAtNs = effect.TimeNs;
                break;
            case EffectKind.RecordFault:
                Check.That(_recordPending[effect.Domain], "F6", "a fault is recorded though no sync failed");
                break;
            case EffectKind.Disconnect:
                Rings[effect.Ring].Disconnected = true;
                _ = disconnected.Add(effect.Ring);
                break;
            case EffectKind.RingReleased:
                bool known = Rings.Remove(effect.Ring, out ModelRing? ring);
                Check.That(known && ring!.Detached, "S3", "a ring is released that was not detached");
                Check.That(Array.TrueForAll(ring!.Slots, slot => slot is null), "S3", "a ring is released with unanswered requests");
                break;
            case EffectKind.Stopped:
                Stopped = true;
                Check.That(_unanswered.Count == 0 && Device.InFlight.Count == 0, "S3", "the volume stopped with something unfinished");
                break;
            default:
                throw new InvalidOperationException($"effect {effect.Kind}");
        }
    }

    private void StartIo(in Effect io)
    {
        ModelRequest? request = Rings[io.Ring].Slots[io.Slot];
        Check.That(request is not null, "S3", "I/O for an empty slot");
        string name = Name(request);
        Check.That(!request.MustFail, "O6", $"{name} is issued though it must fail");
        long offset = request.Offset + request.Pieces.Sum(piece => piece.Length);
        Check.That(
            io.BufferOffset == offset - request.Offset && io.Length > 0 && offset + io.Length <= request.Offset + request.Length,
            "S2",
            $"{name} goes beyond its range");
        for (long done = 0; done < io.Length; done += 4096)
        {
            Check.That(
                _places[request.Ring.Disk][(int)((offset + done) / 4096)] == (io.Domain, io.Offset + done),
                "S2",
                $"{name} goes to the wrong place");
        }

        Check.That(io.Length <= 256 << 10 || !request.Op.MovesData(), "Q2", $"{name} goes in too large a piece");

        if (request.Op.IsRead())
        {
            bool overlaps = request.Earlier.Exists(other => !other.Answered && other.Op.IsWrite() && other.Overlaps(request));
            Check.That(!request.BehindBarrier || !overlaps, "O3", $"{name} passes a barrier and a write that it overlaps");
        }
        else
        {
            Check.That(_fault[io.Domain] == 0, "F6", $"{name} writes to a fenced domain");
            Check.That(!request.BehindBarrier, "O2", $"{name} starts before an earlier barrier is complete");
            if (request.Op == RequestOp.BarrierWrite)
                CheckBefore(request, "starts");
        }

        Piece piece = new()
        {
            Request = request,
            Domain = io.Domain,
            BufferOffset = io.BufferOffset,
            Length = io.Length,
            Dsync = io.Dsync,
        };
        request.Pieces.Add(piece);
        Device.Start(io.Operation, piece);
    }

    // F2, O2: what comes before a flush or barrier is complete, for barriers, and durable.
    private static void CheckBefore(ModelRequest request, string what)
    {
        foreach (ModelRequest write in request.Covers)
            Check.That(write.IsDurable, "F2", $"{Name(request)} {what}, and the earlier {Name(write)} is not durable");
        if (!request.Op.IsBarrier())
            return;
        foreach (ModelRequest other in request.Earlier)
        {
            Check.That(other.Answered, "O2", $"{Name(request)} {what} before the earlier {Name(other)} is complete");
            Check.That(
                !other.Op.IsWrite() || other.Error != 0 || other.IsDurable,
                "O2",
                $"{Name(request)} {what} before the earlier {Name(other)} is durable");
        }
    }

    private void Answer(ModelRequest request, int error)
    {
        string name = Name(request);
        request.Answered = true;
        request.Error = error;
        request.Ring.Slots[request.Slot] = null;
        request.Ring.Answers++;
        if (error is not (0 or CoreError.Shutdown or CoreError.Canceled) && !(error == CoreError.NotSupported && request.Op.IsBarrier()))
            request.Ring.Failed.Add((request, request.Ring.Answers));
        _ = _unanswered.Remove(request);
        Check.That(
            request.Pieces.TrueForAll(piece => !Device.InFlight.Values.Contains(piece)),
            "S2",
            $"{name} is answered while the device has its buffer");
        if (error != 0)
        {
            AnswerError(request, error);
            return;
        }

        Check.That(!request.MustFail, "O6", $"{name} succeeds though it must fail");
        Check.That(!request.Ring.Disconnected, "F6", $"{name} succeeds on a ring that was disconnected");
        Check.That(request.Pieces.TrueForAll(piece => piece.Error == 0), "S3", $"{name} succeeds though a piece failed");
        Check.That(
            request.Pieces.Sum(piece => piece.Length) == request.Length || (request.Op == RequestOp.Status && request.Pieces.Count == 1),
            "S3",
            $"{name} is answered before all of it was done");
        CheckBefore(request, "is answered");
        if (!request.Op.IsWrite())
            return;

        // F6: clearing a fault disconnects those who could rely on what was lost; who is gone hears no answer.
        bool nobodyHears = request.Ring.Detached && request.Pieces.Exists(piece => piece.Dropped);
        Check.That(
            request.IsDurable || nobodyHears || !(request.Fua || request.Op.IsBarrier()),
            "F5",
            $"{name} is answered before its data is durable");
        Check.That(
            request.Ring.Detached || request.Pieces.TrueForAll(piece => !piece.Dropped),
            "F6",
            $"{name} succeeds though a sync that failed has lost some of it");
        if (!request.IsDurable)
            _acknowledged[request.Ring.Disk].Add(request);
    }

    private void AnswerError(ModelRequest request, int error)
    {
        bool own = request.Pieces.Exists(piece => piece.Error != 0)
            || DomainsOf(request.Ring.Disk).Any(domain => _fault[domain] != 0 && !_recordPending[domain]);
        foreach (int domain in DomainsOf(request.Ring.Disk))
        {
            Check.That(
                !_recordPending[domain] || error != CoreError.Io || own || request.MustFail || request.Op.IsRead()
                || (request.Op.IsWrite() && !request.Fua && !request.Op.IsBarrier()) || IsQueuedBehindFailure(request),
                "F6",
                $"{Name(request)} fails before the fault is recorded");
        }

        foreach (ModelRequest other in _unanswered)
        {
            if (!other.Earlier.Contains(request) || error is CoreError.Canceled or CoreError.NotSupported)
                continue;

            // O6, both halves. Reads that have passed are not queued behind it.
            bool barrierAfterWrite = other.Op.IsBarrier() && request.Op.IsWrite();
            bool behindBarrier = request.Op.IsBarrier() && (!other.Op.IsRead() || other.MayNotPass);
            if ((barrierAfterWrite || behindBarrier) && error != CoreError.Shutdown)
                other.MustFail = true;
        }
    }

    private static bool IsQueuedBehindFailure(ModelRequest request) =>
        request.Earlier.Exists(other => other.Answered && other.Error != 0);

    private void After(in VolumeEvent happened, ModelRequest? arrived, HashSet<int> disconnected)
    {
        foreach (ModelRequest request in _unanswered)
            Check.That(!request.MustFail, "O6", $"{Name(request)} must fail and is not answered");
        if (happened.Kind == EventKind.ClearFault)
        {
            Check.That(
                disconnected.SetEquals(_toDisconnect),
                "F6",
                $"rings {string.Join(' ', disconnected)} are disconnected, not {string.Join(' ', _toDisconnect)}");
        }

        if (arrived is { Op: RequestOp.Flush, Answered: false, BehindBarrier: false })
        {
            Check.That(
                DomainsOf(arrived.Ring.Disk).Any(domain => IsUnflushed(arrived.Ring.Disk, domain) || _fault[domain] != 0),
                "F4",
                $"{Name(arrived)} waits though its disk is clean");
        }

        foreach (List<ModelRequest> writes in _acknowledged)
            _ = writes.RemoveAll(write => write.IsDurable);
        CheckBounds();
        CheckWorkConserving();
    }

    // F6: exactly the rings of the disks that had unflushed data are closed; after that nothing relies on it.
    private void Clear(int domain)
    {
        foreach (ModelRequest request in _unanswered)
            request.MetFence = true;
        _toDisconnect = [.. Rings.Values
            .Where(ring => !ring.Detached && DomainsOf(ring.Disk).Contains(domain) && IsUnflushed(ring.Disk, domain))
            .Select(ring => ring.Number)];
        foreach (List<ModelRequest> writes in _acknowledged)
            _ = writes.RemoveAll(write => write.Pieces.Exists(piece => piece.Domain == domain && piece.Place != Place.Durable));
        foreach (ModelRequest request in _unanswered)
            _ = request.Covers.RemoveAll(write => write.Pieces.Exists(piece => piece.Dropped));
        Device.Forget(domain);
        _fault[domain] = 0;
        _neverFlushed[domain] = true;
    }

    private void CheckBounds()
    {
        Check.That(core.Busy == _unanswered.Count, "S3", "the core counts other requests than there are");
        Check.That(core.InFlight == Device.InFlight.Count, "S3", "the core counts other operations than there are");
        Check.That(Device.DataInFlight <= spec.Depth + Math.Min(spec.NewcomersMax, _guests.Count), "Q6", "the depth is exceeded");
        for (int i = 0; i < _guests.Count; i++)
        {
            Check.That(
                core.Unflushed(i) >= 0 && core.Unflushed(i) <= Math.Max(256 << 10, _guests[i].BoundMax),
                "Q1",
                $"guest {i} has {core.Unflushed(i)} bytes unflushed");
        }

        if (_guests.Exists(guest => guest.BoundMin < 1 << 20))
            return;
        for (int i = 0; i < _flushes.Length; i++)
            Check.That(_flushes[i] <= _flushPoints[i], "F1", $"domain {i} was flushed more often than there were flush points");
    }

    private void CheckWorkConserving()
    {
        if (spec.Policy is PolicyKind.QueueDrain or PolicyKind.RingDrain)
            return;

        // Where flushes are passed through they take slots like anything else.
        bool busy = spec.Policy == PolicyKind.Fair
            ? Device.DataInFlight >= Math.Max(1, spec.Depth - Device.FlushesInFlight)
            : Device.InFlight.Count >= spec.Depth;
        if (busy)
            return;
        foreach (ModelRequest request in _unanswered)
        {
            (GuestSpec guest, long boundMin, _) = _guests[spec.Disks[request.Ring.Disk].Guest];
            bool waits = request.Op.HasRange() && request.Op != RequestOp.BarrierWrite
                && request.Pieces.Sum(piece => piece.Length) < request.Length
                && !(request.Op == RequestOp.Status && request.Pieces.Count > 0);
            if (!waits)
                continue;
            bool heldByOrder = request.Op.IsRead() ? request.MayNotPass : request.BehindBarrier;
            bool heldByLimit = guest.Limit > 0 && !_stopping;
            bool heldByBound = request.Op.IsWrite() && boundMin < 1 << 20;
            bool failed = request.MetFence || (request.Op.IsWrite() && DomainsOf(request.Ring.Disk).Any(domain => _fault[domain] != 0))
                || request.Ring.Detached || request.Pieces.Exists(piece => piece.Error != 0);
            Check.That(
                heldByOrder || heldByLimit || heldByBound || failed, "Q4", $"{Name(request)} waits while a slot is free");
        }
    }
}
