using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors;

/// <summary>
/// The scheduler actor of one volume. Thin: it turns messages and completions into events, steps the core, and carries out
/// the effects. The only place that calls <see cref="VolumeCore.Step"/>.
/// </summary>
public sealed class VolumeScheduler : Actor
{
    // A memory copy of this size takes some tenths of a millisecond: no longer are the others kept waiting.
    private const long BytesPerSettle = 1 << 20;

    // Who takes a lease over preempts only when it has run out.
    private const string WhyKeptOut = ", though its lease holds: a path has come back to it that is not registered, or somebody else has changed its reservations; "
        + "look at them and at all its paths, as the volume is registered there when it is taken again";

    private readonly VolumeSetup _setup;
    private readonly VolumeCore _core;
    private readonly VolumeStatus _status;
    private readonly VolumeDevices _devices;
    private readonly RequestTracing _tracing;
    private readonly AttachedRings _rings = new();
    private readonly Dictionary<string, (int Index, int Guest)> _disks;

    /// <summary>Domains whose fault's record is being removed.</summary>
    private readonly HashSet<int> _clearing = [];
    private KeyValuePair<string, object?>[][] _durationTags;
    private IVolumeTimer _timer = null!;
    private string? _broken = "it was stopped from outside";
    private bool _stopping;

    /// <summary>It stops here, and goes on elsewhere.</summary>
    private bool _moves;
    private long _clearings;

    /// <summary><see cref="Settle"/> is on its way.</summary>
    private bool _settling;

    private VolumeScheduler(VolumeSetup setup, VolumeCore core, VolumeStatus status)
    {
        _setup = setup;
        _core = core;
        _status = status;
        _devices = setup.Devices;
        _clearings = setup.Clearings;
        _tracing = new RequestTracing(setup.Telemetry, setup.Name);
        _core.TraceFlushes = _tracing.IsOn;
        _disks = setup.Spec.Disks.Select((disk, i) => (disk.Name, (i, disk.Guest))).ToDictionary();
        _durationTags = VolumeTelemetry.DurationTags(status);
    }

    /// <summary>Prepares a volume's scheduler.</summary>
    /// <param name="setup">What it needs.</param>
    /// <returns>How to make the actor, once, and what others may read of it.</returns>
    /// <exception cref="ArgumentException">The volume is not one that the core serves.</exception>
    public static (Props Props, VolumeStatus Status) Prepare(VolumeSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        VolumeCore core = new(setup.Spec);
        VolumeStatus status = new(setup.Name, setup.Spec, core);
        setup.Telemetry.Add(status);
        return (new Props(() => new VolumeScheduler(setup, core, status)), status);
    }

    /// <inheritdoc/>
    public override void PreStart()
    {
        _timer = _setup.Timer(Self);
        _devices.TakeOwnership(Self);
    }

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        try
        {
            // S5: here, so that it holds for what this turn submits, and for what it answers without the device: another scheduler
            // may have answered a write since that a flush of this turn would have to cover.
            if (_setup.MayWrite is { } mayWrite && !mayWrite())
                throw new VolumeNotOwnedException(_setup.Name, _setup.Epoch);
            Handle(message);
            _rings.SendReplies(Self);
            AskToSettle();
        }
        catch (Exception exception)
        {
            _broken = exception.Message;
            throw;
        }
    }

    /// <inheritdoc/>
    public override void PostStop()
    {
        // S3, S6: the device's own holds keep the buffers of what is in flight; the rings answer for what is unanswered.
        _timer.WakeAt(long.MaxValue);
        _devices.Abandon();
        if (_core.IsRecordPending)
            _rings.DisconnectAll(new Disconnect($"volume {_setup.Name} has stopped before a failed sync was recorded", Answer: false), Self);
        _rings.LetGoAll();
        _status.Rings = 0;
        _status.HasUnrecordedFault = _core.IsRecordPending;
        _status.SetStopped(_broken);
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case RequestBatch batch:
                Submit(batch);
                break;
            case Settle:
                _settling = false;
                _devices.Submit(BytesPerSettle);
                Reap();
                break;
            case DeviceReady:
                Reap();
                break;
            case WakeUp:
                Step(VolumeEvent.Tick());
                break;
            case Attach attach:
                AttachRing(attach);
                break;
            case Detach:
                DetachRing(Sender!);
                break;
            case Terminated terminated:
                DetachRing(terminated.Ref);
                break;
            case FaultStored stored:
                if (stored.Problem is not null)
                    GiveUp(stored.Problem);
                else
                    Step(VolumeEvent.FaultRecorded(stored.Domain));
                break;
            case ClearVolumeFault clear:
                ClearFault(clear);
                break;
            case FaultCleared cleared:
                _ = _clearing.Remove(cleared.Domain);
                if (cleared.Problem is null)
                {
                    _clearings++;
                    Step(VolumeEvent.ClearFault(cleared.Domain));
                    _rings.TellOpen(new FaultWasCleared(_clearings), Self);
                }

                cleared.Done(cleared.Problem);
                break;
            case ChangeDisks change:
                change.Done(Change(change.Disks));
                break;
            case RemoveDisk remove:
                remove.Done(Remove(remove.Disk));
                break;
            case ChangeGuests change:
                change.Done(Change(change.Guests));
                break;
            case StopVolume stop when !_stopping:
                _stopping = true;
                _moves = stop.Moves;
                Step(VolumeEvent.Stop());
                break;
        }
    }

    private void Submit(RequestBatch batch)
    {
        AttachedRing? ring = batch.Channel.Attached;
        if (ring is null || ring.Closing)
        {
            // The ring was told to close, or has detached; it answers for these.
            return;
        }

        if (_moves)
        {
            // The ring keeps them, and sends them to the next scheduler.
            batch.Channel.Return(batch);
            return;
        }

        ReadOnlySpan<RingRequest> requests = batch.Requests;
        for (int i = 0; i < requests.Length; i++)
        {
            ref readonly RingRequest request = ref requests[i];
            ring.Buffers[request.Slot] = request.Buffer;
            _tracing.Arrived(ring, batch, i);
            Step(VolumeEvent.Submit(
                ring.Number,
                request.Slot,
                (RequestOp)request.Op,
                request.Offset,
                request.Length,
                (RequestFlags)request.Flags,
                request.Stream,
                batch.AnswersHeard));
        }

        batch.Channel.Return(batch);
    }

    private void AttachRing(Attach attach)
    {
        ActorRef sender = Sender!;
        if (WhyNotNow(sender) is { } reason)
        {
            sender.Tell(new AttachRefused(reason, Again: true), Self);
            return;
        }

        if (!_disks.TryGetValue(attach.Disk, out (int Index, int Guest) disk))
        {
            sender.Tell(new AttachRefused($"volume {_setup.Name} has no disk {attach.Disk}"), Self);
            return;
        }

        if (attach.Guest is not null && attach.Guest != _status.Guests[disk.Guest])
        {
            sender.Tell(new AttachRefused($"disk {attach.Disk} is not of guest {attach.Guest} any more"), Self);
            return;
        }

        if (attach.Epoch != 0 && attach.Clearings < _clearings)
        {
            sender.Tell(new AttachRefused($"a failed sync of volume {_setup.Name} may have lost data of disk {attach.Disk} while the ring was away"), Self);
            return;
        }

        if (!attach.Memory.TryHold())
            return; // The ring is gone already.
        int credits = Math.Clamp(attach.Credits, 1, VolumeCore.CreditsMax);
        AttachedRing ring = _rings.Add(sender, attach, credits, disk.Guest);
        _status.Rings = _rings.Count;
        Context.Watch(sender);
        Step(VolumeEvent.Attach(ring.Number, disk.Index, credits, attach.Streams));
        sender.Tell(new Attached(Self, _setup.Epoch, credits, _clearings), Self);
    }

    private string? WhyNotNow(ActorRef sender)
    {
        if (_stopping)
            return $"volume {_setup.Name} is stopping";
        if (_rings.Find(sender) is null)
            return null;

        // It has lost its way here and comes again. What the device still has of it must not come after what it sends now.
        DetachRing(sender);
        return _rings.Find(sender) is null ? null : $"volume {_setup.Name} still has operations on the device from before";
    }

    private void DetachRing(ActorRef actor)
    {
        AttachedRing? ring = _rings.Find(actor);
        if (ring is null || ring.Detached)
            return;
        ring.Detached = true;
        ring.Closing = true;
        Context.Unwatch(actor);
        Step(VolumeEvent.Detach(ring.Number));
    }

    private string? Change(IReadOnlyList<DiskSpec> disks)
    {
        if (_stopping)
            return $"volume {_setup.Name} is stopping";
        if (disks.Select(_core.WhyNotChange).FirstOrDefault(problem => problem is not null) is { } problem)
            return problem;
        foreach (DiskSpec disk in disks)
        {
            Step(VolumeEvent.ChangeDisk(disk));
            _ = _disks.TryAdd(disk.Name, (_disks.Count, disk.Guest));
        }

        return null;
    }

    private string? Remove(string name)
    {
        if (_stopping)
            return $"volume {_setup.Name} is stopping";
        if (!_disks.TryGetValue(name, out (int Index, int Guest) disk))
            return $"volume {_setup.Name} has no disk {name}";
        if (_core.WhyNotRemove(disk.Index) is { } problem)
            return problem;
        Step(VolumeEvent.RemoveDisk(disk.Index));
        _ = _disks.Remove(name);
        foreach ((string other, (int Index, int Guest) behind) in _disks.Where(other => other.Value.Index > disk.Index).ToList())
            _disks[other] = (behind.Index - 1, behind.Guest);
        return null;
    }

    private string? Change(IReadOnlyList<GuestSpec> guests)
    {
        if (_stopping)
            return $"volume {_setup.Name} is stopping";
        if (guests.Select(_core.WhyNotChange).FirstOrDefault(problem => problem is not null) is { } problem)
            return problem;
        foreach (GuestSpec guest in guests)
        {
            Step(VolumeEvent.ChangeGuest(guest));
            if (_status.Guests.Contains(guest.Name))
                continue;

            // Before anybody can name the guest.
            _status.Add(guest.Name);
            _durationTags = VolumeTelemetry.DurationTags(_status);
        }

        return null;
    }

    private void ClearFault(ClearVolumeFault clear)
    {
        if (clear.Domain < 0 || clear.Domain >= _status.DomainCount || _core.Fault(clear.Domain) == 0)
        {
            clear.Done($"volume {_setup.Name} has no fault in domain {clear.Domain}");
            return;
        }

        if (_core.IsRecordPending)
        {
            // The record that is on its way would come after its removal.
            clear.Done($"volume {_setup.Name} has not recorded the fault yet; try again");
            return;
        }

        if (!_clearing.Add(clear.Domain))
        {
            // The second removal might come after the record of a new fault.
            clear.Done($"volume {_setup.Name}: the fault of domain {clear.Domain} is being cleared already");
            return;
        }

        // The record goes first: if that fails, the fence stays.
        ActorRef self = Self;
        _setup.Faults.Clear(clear.Domain, clear.By, problem => self.Tell(new FaultCleared(clear.Domain, problem, clear.Done)));
    }

    // F6: a fault that can be recorded nowhere. What waits for the record stays unanswered, and the volume stops.
    private void GiveUp(string problem)
    {
        _rings.DisconnectAll(new Disconnect($"volume {_setup.Name} stops: a failed sync can't be recorded: {problem}", Answer: false), Self);
        throw new InvariantException("F6", $"volume {_setup.Name}: a failed sync can't be recorded: {problem}");
    }

    // Q2: what the core wants started goes to the device only when all requests that are there have been taken, and a
    // part at a time. A device that completes at once, such as the page cache, would otherwise serve each batch whole
    // before the next guest's is looked at, and the fair queue would never have anything to choose from.
    private void AskToSettle()
    {
        if (_settling || !_devices.HasPending)
            return;
        _settling = true;
        if (_setup.AfterTurn is { } afterTurn)
            afterTurn(Self);
        else
            Self.Tell(Settle.Instance);
    }

    private void Reap()
    {
        for (int domain = 0; domain < _status.DomainCount; domain++)
        {
            ReadOnlySpan<DeviceCompletion> completions;
            while (!(completions = _devices.Reap(domain)).IsEmpty)
            {
                foreach (ref readonly DeviceCompletion completion in completions)
                    Completed(domain, (int)completion.Tag, completion.Error);
            }
        }
    }

    private void Completed(int domain, int operation, int error)
    {
        // S5: the device keeps this host out, so another has the volume, whatever the lease says. It is nobody's error (F6): the next
        // scheduler carries out what is unanswered, and flushes what this one wrote.
        if (error == Errno.EBADE && _setup.MayWrite is { } mayWrite)
            throw new VolumeNotOwnedException(_setup.Name, _setup.Epoch, $" and is kept out of {NameOf(domain)} by a reservation{(mayWrite() ? WhyKeptOut : "")}");
        _tracing.FlushCompleted(operation, error);
        Step(VolumeEvent.Completed(operation, error));
    }

    private string NameOf(int domain) => domain < _setup.DeviceNames.Count ? _setup.DeviceNames[domain] : "its device";

    private void Step(in VolumeEvent happened)
    {
        long now = _timer.NowNs;
        foreach (ref readonly Effect effect in _core.Step(happened, now))
            CarryOut(effect, now);
    }

    private void CarryOut(in Effect effect, long now)
    {
        switch (effect.Kind)
        {
            case EffectKind.Io:
                StartIo(effect);
                break;
            case EffectKind.Flush:
                _tracing.FlushEmitted(effect.Operation);
                _devices.Add(effect.Domain, new DeviceRequest((ulong)effect.Operation, DeviceOp.Flush, DeviceFlags.None, 0, 0, 0), null);
                break;
            case EffectKind.Reply:
                Reply(effect, now);
                break;
            case EffectKind.WakeAt:
                _timer.WakeAt(effect.TimeNs);
                break;
            case EffectKind.RecordFault:
                RecordFault(effect.Domain, effect.Error);
                break;
            case EffectKind.Disconnect:
                _rings[effect.Ring].Close(new Disconnect($"a failed sync of volume {_setup.Name} may have lost its data", Answer: true), Self);
                break;
            case EffectKind.RingReleased:
                _rings.Release(effect.Ring);
                _status.Rings = _rings.Count;
                break;
            case EffectKind.FlushServes:
                _tracing.FlushServes(effect.Operation, _rings[effect.Ring], effect.Slot);
                break;
            case EffectKind.Stopped:
                _broken = _status.IsFenced ? "a sync has failed; what it covered may be lost" : null;
                _rings.SendReplies(Self);
                if (!_moves)
                    _rings.DisconnectAll(new Disconnect($"volume {_setup.Name} has stopped", Answer: true), Self);
                Context.Stop(Self);
                break;
        }
    }

    private void StartIo(in Effect effect)
    {
        AttachedRing ring = _rings[effect.Ring];
        (DeviceOp op, DeviceFlags flags) = effect.Op switch
        {
            RequestOp.Read => (DeviceOp.Read, DeviceFlags.None),
            RequestOp.Write or RequestOp.BarrierWrite => (DeviceOp.Write, effect.Dsync ? DeviceFlags.Dsync : DeviceFlags.None),
            RequestOp.Discard => (DeviceOp.Discard, DeviceFlags.None),
            RequestOp.Zero => (DeviceOp.Zero, ZeroFlags(effect.Flags)),
            RequestOp.Prefetch => (DeviceOp.Prefetch, DeviceFlags.None),
            RequestOp.Status => (DeviceOp.Status, DeviceFlags.None),
            _ => throw new InvariantException("S6", $"operation {effect.Op} has no device operation"),
        };
        bool hasBuffer = op is DeviceOp.Read or DeviceOp.Write or DeviceOp.Status;
        nint buffer = hasBuffer ? ring.Buffers[effect.Slot] + (nint)effect.BufferOffset : 0;
        _devices.Add(
            effect.Domain,
            new DeviceRequest((ulong)effect.Operation, op, flags, effect.Offset, effect.Length, buffer),
            hasBuffer ? ring.Memory : null);
    }

    private static DeviceFlags ZeroFlags(RequestFlags flags) =>
        ((flags & RequestFlags.NoHole) != 0 ? DeviceFlags.NoHole : DeviceFlags.None)
        | ((flags & RequestFlags.FastZero) != 0 ? DeviceFlags.FastZero : DeviceFlags.None);

    private void Reply(in Effect effect, long now)
    {
        AttachedRing ring = _rings[effect.Ring];
        int op = VolumeStatus.OpIndex(effect.Op);
        long total = now - effect.TimeNs;
        _status.Answered(ring.Guest, op, effect.Error == 0 ? effect.Length : 0, total, effect.DrainNs);
        VolumeTelemetry telemetry = _setup.Telemetry;
        if (telemetry.Duration.Enabled)
        {
            KeyValuePair<string, object?>[] tags = _durationTags[(ring.Guest * VolumeStatus.OpNames.Count) + op];
            telemetry.Duration.Record(total / 1e9, tags);
            telemetry.Queued.Record(effect.QueuedNs / 1e9, tags);
            telemetry.OnDevice.Record((total - effect.QueuedNs) / 1e9, tags);
        }

        _setup.Observer?.Answered(ring.Guest, effect, now);
        _tracing.Answered(ring, effect);
        if (!ring.Detached)
            _rings.AddReply(ring, effect.Slot, effect.Error, Self);
    }

    private void RecordFault(int domain, int error)
    {
        ActorRef self = Self;
        _setup.Faults.Record(domain, error, problem => self.Tell(new FaultStored(domain, problem)));
    }

    private sealed record FaultStored(int Domain, string? Problem);

    private sealed record FaultCleared(int Domain, string? Problem, Action<string?> Done);
}
