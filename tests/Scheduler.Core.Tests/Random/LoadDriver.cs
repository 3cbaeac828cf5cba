// Turns numbers into events. One number is one command, so that a failing sequence can be shortened by leaving numbers
// out; what a command does depends on what is possible at that moment.
using System.Text;
using Scheduler.Core.Tests.Traces;

namespace Scheduler.Core.Tests.Random;

/// <summary>Runs one random load against a core and the reference model.</summary>
internal sealed class LoadDriver
{
    private static readonly long[] s_pauses = [0, 0, 500, 20_000, 100_000, 1_000_000];

    private VolumeSpec _spec;
    private readonly VolumeCore _core;
    private readonly ReferenceModel _model;
    private readonly StringBuilder _trace = new();
    private readonly bool _faults;
    private long _nowNs;
    private bool _stopping;

    private LoadDriver(int volume, bool faults)
    {
        (_spec, List<VolumeEvent> rings) = RandomVolume.Create(volume);
        _core = new VolumeCore(_spec);
        _model = new ReferenceModel(_spec, _core);
        _faults = faults;
        foreach (VolumeEvent ring in rings)
            Step(ring);
    }

    /// <summary>Runs a load to its end; throws, with the whole trace, when a rule is broken.</summary>
    /// <param name="volume">Seed of the volume.</param>
    /// <param name="commands">What happens.</param>
    /// <param name="faults">Whether syncs may fail.</param>
    public static void Run(int volume, uint[] commands, bool faults)
    {
        LoadDriver driver = new(volume, faults);
        try
        {
            foreach (uint command in commands)
                driver.Carry(command);
            driver.Finish();
        }
        catch (Exception broken) when (broken is InvalidOperationException or InvariantException)
        {
            throw new InvalidOperationException($"{broken.Message}\n{Describe(driver._spec)}{driver._trace}", broken);
        }
    }

    private static string Describe(VolumeSpec spec)
    {
        StringBuilder text = new();
        _ = text.Append(null, $"depth {spec.Depth}, {spec.Policy}\n");
        foreach (DomainSpec domain in spec.Domains)
            _ = text.Append(null, $"{domain}\n");
        foreach (GuestSpec guest in spec.Guests)
            _ = text.Append(null, $"{guest}\n");
        foreach (DiskSpec disk in spec.Disks)
            _ = text.Append(null, $"{disk.Name} of guest {disk.Guest} {disk.Ordered} {string.Join(", ", disk.Extents)}\n");
        return text.ToString();
    }

    private void Carry(uint command)
    {
        if (_model.Stopped)
            return;
        uint a = command >> 5;
        _nowNs += s_pauses[a % (uint)s_pauses.Length];
        if (_model.WakeAtNs <= _nowNs && a % 3 > 0)
            Step(VolumeEvent.Tick());
        switch (command % 32)
        {
            case <= 14:
                Submit(a);
                break;
            case <= 25:
                CompleteOne(a);
                break;
            case 26:
                if (!_stopping)
                    Step(VolumeEvent.Tick());
                break;
            case 27 or 28:
                Operate(a);
                break;
            case 29:
                Detach(a);
                break;
            case 30:
                Attach(a);
                break;
            default:
                if (a % 64 == 0)
                    Stop();
                else if (a % 64 < 12)
                    Grow(a / 64);
                else if (a % 64 < 32)
                    ChangeGuest((int)(a / 64));
                break;
        }
    }

    private void Submit(uint a)
    {
        ModelRing[] rings = [.. _model.Rings.Values.Where(ring => !ring.Detached)];
        if (rings.Length == 0)
            return;
        ModelRing ring = Pick(rings, ref a);
        int slot = Array.FindIndex(ring.Slots, request => request is null);
        if (slot < 0)
            return;
        byte stream = (byte)Take(ref a, (uint)ring.Streams);

        // Some answers are still on their way to the guest.
        ring.Heard = Math.Max(ring.Heard, ring.Answers - (Take(ref a, 3) == 0 ? Take(ref a, 6) : 0));
        RequestOp op = Take(ref a, 16) switch
        {
            <= 2 => RequestOp.Read,
            <= 7 => RequestOp.Write,
            <= 9 => RequestOp.Flush,
            <= 11 => RequestOp.BarrierWrite,
            12 => RequestOp.EmptyBarrier,
            13 => RequestOp.Discard,
            14 => RequestOp.Zero,
            _ => a % 2 == 0 ? RequestOp.Prefetch : RequestOp.Status,
        };
        if (!op.HasRange())
        {
            Step(VolumeEvent.Submit(ring.Number, slot, op, stream: stream, heard: ring.Heard));
            return;
        }

        // Few places, so that requests overlap; a long one now and then.
        long blocks = _spec.Disks[ring.Disk].Extents.Sum(extent => extent.Length) / 4096;
        RequestFlags flags = op.IsWrite() && Take(ref a, 4) == 0 ? RequestFlags.Fua : RequestFlags.None;
        bool large = Take(ref a, 4) == 0;
        long offset = Take(ref a, (uint)Math.Min(blocks, large ? 3 : 8));
        long length = large ? blocks - offset : Math.Min(blocks - offset, 1 + Take(ref a, 3));
        Step(VolumeEvent.Submit(ring.Number, slot, op, offset * 4096, length * 4096, flags, stream, ring.Heard));
    }

    private void CompleteOne(uint a)
    {
        int[] operations = [.. _model.Device.InFlight.Keys];
        if (operations.Length == 0)
            return;
        int operation = Pick(operations, ref a);
        Piece piece = _model.Device.InFlight[operation];
        bool sync = piece.Request is null || piece.Dsync;
        int error = Take(ref a, 32) switch
        {
            0 when sync => _faults ? CoreError.Io : 0,
            0 => CoreError.Io,
            1 when piece.Request?.Op.IsWrite() == true => CoreError.NoSpace,
            _ => 0,
        };
        Step(VolumeEvent.Completed(operation, error));
    }

    // What the service and its operator do about faults.
    private void Operate(uint a)
    {
        int domain = (int)Take(ref a, (uint)_spec.Domains.Count);
        if (_model.RecordPending(domain))
            Step(VolumeEvent.FaultRecorded(domain));
        else if (_model.IsFenced(domain) && a % 3 == 0)
            Step(VolumeEvent.ClearFault(domain));
    }

    private void Detach(uint a)
    {
        ModelRing[] rings = [.. _model.Rings.Values.Where(ring => !ring.Detached && (ring.Disconnected || a % 4 == 0))];
        if (rings.Length > 0)
            Step(VolumeEvent.Detach(Pick(rings, ref a).Number));
    }

    private void Attach(uint a)
    {
        int number = Enumerable.Range(0, 100).First(n => !_model.Rings.ContainsKey(n));
        int disk = (int)Take(ref a, (uint)_spec.Disks.Count);
        int credits = 1 + (int)Take(ref a, 6);
        byte streams = (byte)(1 + Take(ref a, 2));
        if (number < 8)
            Step(VolumeEvent.Attach(number, disk, credits, streams));
    }

    // By a run behind all that the devices have been used for.
    private void Grow(uint a)
    {
        int index = (int)Take(ref a, (uint)_spec.Disks.Count);
        DiskSpec disk = _spec.Disks[index];
        int domain = (int)Take(ref a, (uint)_spec.Domains.Count);
        long free = _spec.Disks.SelectMany(other => other.Extents).SelectMany(extent => extent.Runs()).Max(run => run.DeviceOffset + run.Length);
        Extent more = new(disk.Extents.Sum(extent => extent.Length), domain, free, 4096 * (1 + Take(ref a, 8)));
        DiskSpec grown = disk with { Extents = [.. disk.Extents, more] };
        _spec = _spec with { Disks = [.. _spec.Disks.Select(other => other == disk ? grown : other)] };
        Step(VolumeEvent.ChangeDisk(grown));
    }

    // One that is there, or one more, without disks.
    private void ChangeGuest(int a)
    {
        int index = a % Math.Min(6, _spec.Guests.Count + 1);
        GuestSpec guest = RandomVolume.Guest(new System.Random(a), index);
        _spec = _spec with { Guests = [.. _spec.Guests.Take(index), guest, .. _spec.Guests.Skip(index + 1)] };
        Step(VolumeEvent.ChangeGuest(guest));
    }

    private void Stop()
    {
        if (!_stopping)
            Step(VolumeEvent.Stop());
        _stopping = true;
    }

    // Faults stop; all must be answered without a stop, and after the stop all is flushed.
    private void Finish()
    {
        Settle();
        if (_model.Stopped)
            return;
        Check.That(_model.Unanswered.Count == 0, "S3", $"{_model.Unanswered.Count} requests are stuck");
        Stop();
        Settle();
        Check.That(_model.Stopped, "S3", "the volume does not stop");
        for (int domain = 0; domain < _spec.Domains.Count; domain++)
            Check.That(_model.IsFenced(domain) || _model.Device.Undurable(domain).Count == 0, "S3", "the volume stopped without a flush");
    }

    private void Settle()
    {
        while (!_model.Stopped)
        {
            int pending = Enumerable.Range(0, _spec.Domains.Count).FirstOrDefault(_model.RecordPending, -1);
            if (pending >= 0)
            {
                Step(VolumeEvent.FaultRecorded(pending));
            }
            else if (_model.Device.InFlight.Count > 0)
            {
                _nowNs += 10_000;
                Step(VolumeEvent.Completed(_model.Device.InFlight.Keys.Min()));
            }
            else if (_model.WakeAtNs < long.MaxValue)
            {
                _nowNs = Math.Max(_nowNs, _model.WakeAtNs);
                Step(VolumeEvent.Tick());
            }
            else
            {
                return;
            }
        }
    }

    private void Step(VolumeEvent happened)
    {
        _ = _trace.Append(null, $"{TraceText.Microseconds(_nowNs)} {Text(happened)}");
        ReadOnlySpan<Effect> effects = _core.Step(happened, _nowNs);
        foreach (Effect effect in effects)
            _ = _trace.Append(" | ").Append(TraceEffects.Text(effect, 0));
        _ = _trace.Append('\n');
        _model.Step(happened, effects);
    }

    private static string Text(in VolumeEvent happened) => happened.Kind switch
    {
        EventKind.Submit => $"submit r{happened.Ring}.{happened.Slot} {happened.Op} {TraceText.Bytes(happened.Offset)}+"
            + $"{TraceText.Bytes(happened.Length)} {happened.Flags} stream={happened.Stream} heard={happened.Heard}",
        EventKind.Completed => $"done #{happened.Operation} error={happened.Value}",
        EventKind.Attach => $"attach r{happened.Ring} disk{happened.Slot} credits={happened.Value} streams={happened.Stream}",
        EventKind.Detach => $"detach r{happened.Ring}",
        EventKind.ChangeDisk => $"disk {happened.Disk!.Name} {string.Join(", ", happened.Disk.Extents)}",
        EventKind.ChangeGuest => $"{happened.Guest}",
        EventKind.FaultRecorded or EventKind.ClearFault => $"{happened.Kind} d{happened.Slot}",
        _ => happened.Kind.ToString(),
    };

    private static uint Take(ref uint a, uint below)
    {
        uint taken = a % below;
        a /= below;
        return taken;
    }

    private static T Pick<T>(T[] among, ref uint a) => among[Take(ref a, (uint)among.Length)];
}
