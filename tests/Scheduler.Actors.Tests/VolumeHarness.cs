using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>A volume's scheduler over a device whose completions the test gives, on the test's thread and clock.</summary>
internal sealed class VolumeHarness : IVolumeTimer, IFaultStore, IDisposable
{
    public const long DiskBytes = 1 << 20;

    private readonly VolumeSpec _spec;
    private readonly IFaultStore? _faults;

    public VolumeHarness(OrderedMode ordered = OrderedMode.FlushFua, int depth = 8, int traceEvery = 0, int secondWeight = 100, IFaultStore? faults = null)
    {
        _faults = faults;
        System = new LocalSystem(NullLogger<LocalSystem>.Instance);
        Telemetry = new VolumeTelemetry { TraceEvery = traceEvery };
        _spec = new()
        {
            Domains = [new DomainSpec(2 * DiskBytes, VolatileCache: true, DurableWrites: false, SupportsDsync: true)],
            Guests = [new GuestSpec { Name = "g0" }, new GuestSpec { Name = "g1", Weight = secondWeight }],
            Disks =
            [
                new DiskSpec { Name = "d0", Guest = 0, Ordered = ordered, Extents = [new Extent(0, 0, 0, DiskBytes)] },
                new DiskSpec { Name = "d1", Guest = 1, Ordered = ordered, Extents = [new Extent(0, 0, DiskBytes, DiskBytes)] },
            ],
            Depth = depth,
        };
        Start(epoch: 1, clearings: 0);
    }

    public LocalSystem System { get; }

    public ManualDispatcher Dispatcher { get; } = new();

    public HeldDevice Device { get; private set; }

    public VolumeDevices Devices { get; private set; }

    public VolumeStatus Status { get; private set; }

    public VolumeTelemetry Telemetry { get; }

    public ActorRef Volume { get; private set; }

    /// <summary>The devices are still the volume's (S5).</summary>
    public bool MayWrite { get; set; } = true;

    public List<int> RecordedFaults { get; } = [];

    /// <summary>What a record of a fault answers: null for success.</summary>
    public string? FaultProblem { get; set; }

    /// <summary>Where removals of a fault's record wait for their answer; null: they succeed at once.</summary>
    public List<Action<string?>>? HeldClears { get; set; }

    public long NowNs { get; set; } = 1_000_000;

    public long WakeTimeNs { get; private set; } = long.MaxValue;

    public void WakeAt(long timeNs) => WakeTimeNs = timeNs;

    public void Record(int domain, int error, Action<string?> done)
    {
        RecordedFaults.Add(error);
        done(FaultProblem);
    }

    public void Clear(int domain, string by, Action<string?> done)
    {
        if (HeldClears is null)
            done(null);
        else
            HeldClears.Add(done);
    }

    public TestGuest Open(string disk, int credits = 8, bool reattaches = false) => new(this, disk, credits, reattaches);

    /// <summary>Starts another scheduler of the volume, over another view of its device, and makes it known in place of the one there was.</summary>
    [MemberNotNull(nameof(Device), nameof(Devices), nameof(Status), nameof(Volume))]
    public void Start(long epoch, long clearings)
    {
        Device = new HeldDevice();
        Devices = new VolumeDevices([Device], _spec.OperationsMax, Dispatcher.Post);
        (Props props, Status) = VolumeScheduler.Prepare(new VolumeSetup
        {
            Name = "v",
            Spec = _spec,
            Devices = Devices,
            Timer = _ => this,
            Faults = _faults ?? this,
            Telemetry = Telemetry,
            Epoch = epoch,
            Clearings = clearings,
            MayWrite = () => MayWrite,
        });
        Volume = System.ActorOf(props, "volume", Dispatcher);
        System.Register("v", Volume);
    }

    public void Run() => Dispatcher.RunAll();

    public void Dispose() => Telemetry.Dispose();
}

/// <summary>A front end that writes down what it hears.</summary>
internal sealed class TestGuest : IRingFrontEnd
{
    public TestGuest(VolumeHarness harness, string disk, int credits, bool reattaches)
    {
        Memory = new TestMemory();
        RingSetup setup = new("v", disk, credits, 1, this, Memory) { ReattachMax = reattaches ? TimeSpan.FromMinutes(1) : TimeSpan.Zero };
        Port = GuestRing.Open(
            setup, props => harness.System.ActorOf(props, "ring-" + disk, harness.Dispatcher));
    }

    public TestMemory Memory { get; }

    public RingPort Port { get; }

    public int Credits { get; private set; }

    public int Attachments { get; private set; }

    public List<RingReply> Replies { get; } = [];

    public List<int> Unanswered { get; } = [];

    public string? ClosedBecause { get; private set; }

    public void SendMany(int count, RingOp op, long length)
    {
        for (int slot = 0; slot < count; slot++)
            Port.Add(new RingRequest(slot, op, RingFlags.None, 0, 0, length, 4096));
        Port.Send();
    }

    public void Send(int slot, RingOp op, long offset = 0, long length = 0, RingFlags flags = RingFlags.None)
    {
        Port.Add(new RingRequest(slot, op, flags, 0, offset, length, 4096));
        Port.Send();
    }

    public void OnAttached(int credits)
    {
        Credits = credits;
        Attachments++;
    }

    public void OnReplies(ReadOnlySpan<RingReply> replies) => Replies.AddRange(replies);

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        Assert.Null(ClosedBecause);
        ClosedBecause = reason;
        Unanswered.AddRange(unanswered);
    }
}

internal sealed class TestMemory : RingMemory
{
    public int GivenBack { get; private set; }

    protected override void GiveBack() => GivenBack++;
}

/// <summary>A device that completes what the test tells it to.</summary>
internal sealed class HeldDevice : IBlockDevice
{
    private readonly Queue<DeviceCompletion> _ready = new();
    private Action? _signal;

    public List<DeviceRequest> Held { get; } = [];

    public DeviceInfo Info => new(2 * VolumeHarness.DiskBytes, 512, true, false, true);

    public Action CompletionsReady
    {
        set => _signal = value;
    }

    /// <summary>Complete everything within <see cref="Submit"/>, as the page cache does.</summary>
    public bool CompletesAtOnce { get; set; }

    /// <summary>Everything that was submitted.</summary>
    public List<DeviceRequest> Submitted { get; } = [];

    public int Submissions { get; private set; }

    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        Submissions++;
        Submitted.AddRange(requests);
        if (!CompletesAtOnce)
            Held.AddRange(requests);
        foreach (DeviceRequest request in CompletesAtOnce ? requests : [])
            _ready.Enqueue(new DeviceCompletion(request.Tag, 0));
    }

    public void Complete(DeviceOp op, int error = 0)
    {
        int index = Held.FindIndex(request => request.Op == op);
        Assert.True(index >= 0, $"no {op} is on the device");
        DeviceRequest request = Held[index];
        Held.RemoveAt(index);
        _ready.Enqueue(new DeviceCompletion(request.Tag, error));
        _signal!();
    }

    public int Reap(Span<DeviceCompletion> completions)
    {
        int count = 0;
        while (count < completions.Length && _ready.TryDequeue(out completions[count]))
            count++;
        return count;
    }

    public void Dispose()
    {
    }
}
