using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>
/// One run of an experiment: the actors and the core as they ship, on the simulated engine, over a device that only takes
/// time, from the start of virtual time to the end of the window.
/// </summary>
internal sealed class ExperimentRun : IVolumeObserver, IAgendaItem
{
    private const string VolumeName = "volume";
    private const long BeginsTag = 0;
    private const long EndsTag = 1;

    // Streams of random numbers; guests have those from the last one on, by their numbers: so a guest does the same
    // under each policy, and alone.
    private const int EngineStream = 0;
    private const int DeviceStream = 1;
    private const int GuestStreams = 16;

    private readonly ExperimentSpec _spec;
    private readonly VolumeSpec _volume;
    private readonly SimulatedSystem _system;
    private readonly MeasuredWindow _window;
    private readonly VolumeTelemetry _telemetry = new();
    private readonly VolumeStatus _status;
    private readonly ShareBound _bound;
    private readonly VolumeLoad _load;
    private readonly ExperimentDeviceModel _device;
    private readonly GuestCounts _counts;
    private readonly GuestRecord[] _records;
    private readonly double[] _deviceTimeBefore;
    private long _flushesBefore;
    private long _flushRequestsBefore;
    private RunResult? _result;

    /// <summary>Prepares a run.</summary>
    /// <param name="spec">The experiment.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="seed">What everything is drawn from.</param>
    /// <param name="guests">The guests that take part.</param>
    public ExperimentRun(ExperimentSpec spec, PolicyKind policy, int seed, IReadOnlyList<GuestPlan> guests)
    {
        _spec = spec;
        _window = new MeasuredWindow(spec);
        _system = new SimulatedSystem(SplitMix64.For(seed, EngineStream), 0) { TurnNsMax = 0 };
        _volume = ExperimentVolume.Of(spec, policy, guests);
        ExperimentGroup[] groups = [.. guests.Select(guest => guest.Group)];
        _counts = new GuestCounts(groups.Length);
        _records = [.. groups.Select((_, i) => new GuestRecord(_window, _counts, i))];
        _deviceTimeBefore = new double[groups.Length];
        _bound = new ShareBound(groups);
        _load = new VolumeLoad(_system, _window, _bound, groups, spec.Depth, ExperimentVolume.DiskShift(guests));
        int operations = _volume.OperationsMax;
        _device = new ExperimentDeviceModel(spec.Device, _volume.Domains[0].Size, operations, _system, _load, SplitMix64.For(seed, DeviceStream));
        (Props props, _status) = VolumeScheduler.Prepare(new VolumeSetup
        {
            Name = VolumeName,
            Spec = _volume,
            Devices = new VolumeDevices([_device], operations, _system.Post),
            Timer = actor => new SimulatedTimer(_system, actor),
            AfterTurn = _system.SettleWhenIdle,
            Faults = new NoFaults(),
            Telemetry = _telemetry,
            Observer = this,
        });
        _system.Register(VolumeName, _system.ActorOf(props, VolumeName));
        for (int i = 0; i < guests.Count; i++)
        {
            _ = new ExperimentGuest(
                _system, guests[i].Group, guests[i].Trace, SplitMix64.For(seed, GuestStreams + guests[i].Number), VolumeName, guests[i].Name, _records[i], _load[i]);
        }

        _system.At(_window.FromNs, this, BeginsTag);
        _system.At(_window.ToNs, this, EndsTag);
    }

    /// <summary>Requests answered so far, warm-up included.</summary>
    public long Requests { get; private set; }

    /// <summary>Operations that the device has taken so far, by <see cref="DeviceOp"/>.</summary>
    public IReadOnlyList<long> DeviceOperations => _device.Operations;

    /// <summary>Goes on for so many steps, or to the end.</summary>
    /// <returns>The result, at the end; null before.</returns>
    public RunResult? Advance(int steps)
    {
        for (int i = 0; i < steps && _result is null; i++)
            _ = _system.Advance();
        if (_system.Failures.Count > 0)
            throw new InvalidOperationException($"an actor stopped: {_system.Failures[0].Message}", _system.Failures[0]);
        return _result;
    }

    public void Answered(int guest, in Effect reply, long nowNs)
    {
        Requests++;
        _records[guest].Waited(reply, nowNs);
    }

    public void Due(long tag)
    {
        if (tag == EndsTag)
        {
            _result = Result();
            _telemetry.Dispose();
            return;
        }

        for (int guest = 0; guest < _records.Length; guest++)
            _deviceTimeBefore[guest] = _status.DeviceTimeSeconds(guest);
        _flushesBefore = _status.DeviceFlushes;
        _flushRequestsBefore = FlushRequests();
        _bound.Begin(_status);
    }

    private RunResult Result()
    {
        return new RunResult
        {
            Guests =
            [
                .. _records.Select((record, guest) => new GuestResult(
                    record,
                    _counts.Latency(guest),
                    _counts.Slices(guest),
                    _status.DeviceTimeSeconds(guest) - _deviceTimeBefore[guest],
                    _load[guest].BackloggedNs / 1e9)),
            ],
            Requests = Requests,
            DeviceFlushes = _status.DeviceFlushes - _flushesBefore,
            FlushRequests = FlushRequests() - _flushRequestsBefore,
            WorkConservation = _load.WorkConservation,
            Bound = _bound.Worst(_volume, _device.LongestFlushNs),
        };
    }

    private long FlushRequests()
    {
        long sum = 0;
        for (int guest = 0; guest < _records.Length; guest++)
            sum += _status.FlushRequests(guest);
        return sum;
    }

    /// <summary>The device makes no errors.</summary>
    private sealed class NoFaults : IFaultStore
    {
        public void Record(int domain, int error, Action<string?> done) => done("an experiment's device does not fail");

        public void Clear(int domain, string by, Action<string?> done) => done("an experiment's device does not fail");
    }
}
