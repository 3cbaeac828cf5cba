using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Core;
using Scheduler.Host.Cluster.Link;
using Scheduler.Host.Running;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Cluster.Tests.Link;

/// <summary>Two nodes in one process: "owner" with volume v, and "guest", whose rings reach it over loopback.</summary>
internal sealed class LinkRig : IAsyncDisposable, IFaultStore
{
    public const long DiskBytes = 16 << 20;

    /// <summary>Of the disk "y" behind the other.</summary>
    private const long SecondBytes = 1 << 20;

    private static readonly LinkOptions s_quiet = new() { PingEvery = TimeSpan.FromSeconds(1), SilenceMax = TimeSpan.FromSeconds(20) };

    private readonly EventLoop _volumeLoop = new("test-volume");
    private readonly EventLoop _ownerLoop = new("test-owner");
    private readonly EventLoop _guestLoop = new("test-guest");
    private readonly LocalSystem _ownerSystem = new(NullLogger<LocalSystem>.Instance);
    private readonly LocalSystem _guestSystem = new(NullLogger<LocalSystem>.Instance);
    private readonly VolumeTelemetry _ownerTelemetry;
    private readonly VolumeTelemetry _guestTelemetry;
    private readonly long _bufferBytes;
    private readonly ConcurrentBag<TestRing> _rings = [];
    private long _ringNumbers;
    private long _clearings;

    private LinkRig(long bufferBytes, int traceEvery)
    {
        _bufferBytes = bufferBytes;
        _ownerTelemetry = new VolumeTelemetry { TraceEvery = Math.Min(1, traceEvery) };
        _guestTelemetry = new VolumeTelemetry { TraceEvery = traceEvery };
        Device = new HoldingDevice(_volumeLoop, DiskBytes + SecondBytes);
    }

    public HoldingDevice Device { get; }

    public LinkServer Server { get; private set; } = null!;

    public LinkClients Clients { get; private set; } = null!;

    public LinkPeer Owner => new("owner", (IPEndPoint)Server.Local);

    public ActorRef Volume { get; private set; } = null!;

    /// <summary>Actors on the owner: the volume's scheduler and one for each ring.</summary>
    public int OwnerActors => _ownerSystem.Actors.Count;

    public ListLog Log { get; } = new();

    public static async Task<LinkRig> StartAsync(LinkOptions? options = null, long bufferBytes = 64 << 20, int traceEvery = 0)
    {
        LinkRig rig = new(bufferBytes, traceEvery);
        rig._volumeLoop.Start();
        rig._ownerLoop.Start();
        rig._guestLoop.Start();
        rig.StartVolume(1);
        rig.Server = await LinkServer.StartAsync(
            new LinkPlace("owner", rig._ownerLoop, rig._ownerSystem), new IPEndPoint(IPAddress.Loopback, 0), options ?? s_quiet, rig.Log.For<LinkServer>());
        rig.Clients = new LinkClients(new LinkPlace("guest", rig._guestLoop, rig._guestSystem), options ?? s_quiet, new LinkTracing(rig._guestTelemetry), rig.Log.For<LinkClients>());
        return rig;
    }

    /// <summary>The volume's first disk.</summary>
    public string Disk { get; set; } = "d";

    /// <summary>Starts a scheduler of the volume in the place of the one before.</summary>
    public void StartVolume(long epoch)
    {
        VolumeSpec spec = new()
        {
            Domains = [new DomainSpec(DiskBytes + SecondBytes, VolatileCache: true, DurableWrites: false, SupportsDsync: true)],
            Guests = [new GuestSpec { Name = "g" }],
            Disks =
            [
                new DiskSpec { Name = Disk, Guest = 0, Ordered = OrderedMode.FlushFua, Extents = [new Extent(0, 0, 0, DiskBytes)] },
                new DiskSpec { Name = "y", Guest = 0, Ordered = OrderedMode.FlushFua, Extents = [new Extent(0, 0, DiskBytes, SecondBytes)] },
            ],
            Depth = 64,
        };
        (Props props, _) = VolumeScheduler.Prepare(new VolumeSetup
        {
            Name = "v",
            Spec = spec,
            Devices = new VolumeDevices([Device], spec.OperationsMax, _volumeLoop.Post),
            Timer = actor => new LoopTimerOfVolume(_volumeLoop, actor),
            Faults = this,
            Telemetry = _ownerTelemetry,
            Epoch = epoch,
            Clearings = _clearings,
        });
        Volume = ((IActorSystem)_ownerSystem).ActorOf(props, "volume", _volumeLoop);
    }

    /// <summary>What the owner is asked about a ring.</summary>
    public LinkedRingSetup Setup(long ring, int credits = 8, string node = "guest") => new()
    {
        Node = node,
        Ring = ring,
        Volume = "v",
        Scheduler = Volume,
        Disk = "d",
        DiskBytes = () => DiskBytes,
        BlockBytes = 512,
        Guest = "g",
        Credits = credits,
        Streams = 1,
        LastEpoch = 0,
        BufferBytes = _bufferBytes,
    };

    /// <summary>Opens a ring on the guest's node.</summary>
    public async Task<TestRing> OpenAsync(int credits = 8, TimeSpan reattachMax = default, string disk = "d")
    {
        long number = Interlocked.Increment(ref _ringNumbers);
        return await OpenAsync($"v-{number}", ((IActorSystem)_guestSystem).ActorOf(new Props(() => new Broker(this, number)), "broker"), credits, reattachMax, disk);
    }

    private async Task<TestRing> OpenAsync(string name, ActorRef broker, int credits, TimeSpan reattachMax, string disk = "d")
    {
        _guestSystem.Register(name, broker);
        TestRing ring = new(_guestLoop, credits);
        _rings.Add(ring);
        _guestLoop.Post(() => ring.Port = GuestRing.Open(
            new RingSetup(name, disk, credits, 1, ring, ring.Memory) { ReattachMax = reattachMax, ReattachPause = TimeSpan.FromMilliseconds(20) },
            props => ((IActorSystem)_guestSystem).ActorOf(props, "ring", _guestLoop)));
        _ = await ring.Attached.WaitAsync(TestTime.Max);
        return ring;
    }

    /// <summary>Opens a ring on a volume of a node that the test plays.</summary>
    public Task<TestRing> OpenAtAsync(LinkPeer peer, LinkTicket ticket, TimeSpan reattachMax = default)
    {
        ActorRef broker = ((IActorSystem)_guestSystem).ActorOf(new Props(() => new FixedBroker(this, peer, ticket)), "broker");
        return OpenAsync("v-0", broker, ticket.Credits, reattachMax);
    }

    /// <summary>What was posted to the guest's loop before is done, and what that set off.</summary>
    public async Task SettleGuestAsync()
    {
        for (int i = 0; i < 3; i++)
        {
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _guestLoop.Post(done.SetResult);
            await done.Task.WaitAsync(TestTime.Max);
        }
    }

    /// <summary>A fault is cleared that no scheduler here knows of.</summary>
    public void ClearElsewhere() => _clearings++;

    void IFaultStore.Record(int domain, int error, Action<string?> done) => done(null);

    void IFaultStore.Clear(int domain, string by, Action<string?> done)
    {
        _clearings++;
        done(null);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestRing ring in _rings)
            ring.Close();
        await Clients.StopAsync();
        await Server.StopAsync();
        Device.LetGo();
        await Task.WhenAll(_rings.Select(ring => ring.Memory.Returned)).WaitAsync(TestTime.Max);
        LocalSystem.Stop(Volume);
        await TestTime.Until(() => Server.UsedBufferBytes == 0 && _ownerSystem.Actors.Count == 0, "the owner's rings are over");
        _guestLoop.Dispose();
        _ownerLoop.Dispose();
        Device.Dispose();
        _volumeLoop.Dispose();
        _ownerTelemetry.Dispose();
        _guestTelemetry.Dispose();
    }

    /// <summary>What attaches rings in the cluster, without its messages: answers a ring's Attach with a volume of the owner's.</summary>
    private sealed class Broker(LinkRig rig, long number) : Actor
    {
        public override void Receive(object message)
        {
            if (message is Attach attach)
                _ = AnswerAsync(attach, Sender!, Self);
        }

        private async Task AnswerAsync(Attach attach, ActorRef ring, ActorRef self)
        {
            try
            {
                LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(number, attach.Credits) with { Disk = attach.Disk, LastEpoch = attach.Epoch, Clearings = attach.Clearings });
                ActorRef volume = rig.Clients.Open(rig.Owner, ticket, new ForwardedRingSetup("v", ring, attach));
                ring.Tell(new Attached(volume, ticket.Epoch, ticket.Credits, ticket.Clearings), volume);
            }
            catch (LinkRefusedException refused)
            {
                ring.Tell(new AttachRefused(refused.Message, refused.Again), self);
            }
        }
    }
}

/// <summary>As above, with a ticket of the test's.</summary>
internal sealed class FixedBroker(LinkRig rig, LinkPeer peer, LinkTicket ticket) : Actor
{
    public override void Receive(object message)
    {
        if (message is not Attach attach)
            return;
        ActorRef volume = rig.Clients.Open(peer, ticket, new ForwardedRingSetup("v", Sender!, attach));
        Sender!.Tell(new Attached(volume, ticket.Epoch, ticket.Credits, ticket.Clearings), volume);
    }
}

/// <summary>How long tests wait for what has to happen.</summary>
internal static class TestTime
{
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(20);

    public static async Task Until(Func<bool> condition, string what)
    {
        for (long end = Environment.TickCount64 + (long)Max.TotalMilliseconds; !condition();)
        {
            Assert.True(Environment.TickCount64 < end, $"in vain: {what}");
            await Task.Delay(2);
        }
    }
}

/// <summary>A ring's front end, with a buffer for each slot.</summary>
internal sealed class TestRing(EventLoop loop, int credits) : IRingFrontEnd
{
    private readonly TaskCompletionSource<int> _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int>?[] _waiting = new TaskCompletionSource<int>?[credits];
    private readonly ConcurrentQueue<int> _free = new(Enumerable.Range(0, credits));

    public RingPort Port { get; set; } = null!;

    public TestMemory Memory { get; } = new(credits);

    public Task<int> Attached => _attached.Task;

    public Task<string> Closed => _closed.Task;

    public int[] Unanswered { get; private set; } = [];

    /// <summary>The data of a slot.</summary>
    public unsafe Span<byte> Data(int slot, int length) => new((void*)Memory.Buffer(slot), length);

    /// <summary>Sends a request in a slot, and returns its errno.</summary>
    public Task<int> SendAsync(int slot, RingOp op, long offset = 0, long length = 0, RingFlags flags = RingFlags.None)
    {
        TaskCompletionSource<int> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() =>
        {
            Assert.Null(_waiting[slot]);
            _waiting[slot] = answer;
            if (op == RingOp.Status)
                AllocationMap.Clear(Memory.Buffer(slot));
            Port.Add(new RingRequest(slot, op, flags, 0, offset, length, Memory.Buffer(slot)));
            Port.Send();
        });
        return answer.Task;
    }

    /// <summary>Does a request in a slot of its own: writes the data, or reads into them.</summary>
    public async Task<int> DoAsync(RingOp op, long offset, byte[] data, RingFlags flags = RingFlags.None)
    {
        int slot;
        while (!_free.TryDequeue(out slot))
            await Task.Yield();
        data.CopyTo(Data(slot, data.Length));
        int error = await SendAsync(slot, op, offset, data.Length, flags).WaitAsync(TestTime.Max);
        if (op == RingOp.Read)
            Data(slot, data.Length).CopyTo(data);
        _free.Enqueue(slot);
        return error;
    }

    public async Task<byte[]> ReadAsync(long offset, int length)
    {
        byte[] data = new byte[length];
        Assert.Equal(0, await DoAsync(RingOp.Read, offset, data));
        return data;
    }

    /// <summary>The guest goes.</summary>
    public void Close() => loop.Post(() =>
    {
        if (!_closed.Task.IsCompleted)
            Port.Close();
    });

    public void OnAttached(int granted) => _attached.SetResult(granted);

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        foreach (RingReply reply in replies)
        {
            TaskCompletionSource<int> answer = _waiting[reply.Slot]!;
            _waiting[reply.Slot] = null;
            answer.SetResult(reply.Error);
        }
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        Unanswered = unanswered.ToArray();
        _closed.SetResult(reason);
        _ = _attached.TrySetException(new InvalidOperationException(reason));
        Memory.LetGo();
    }
}

/// <summary>Buffers of a ring of 1 MiB for each slot.</summary>
internal sealed unsafe class TestMemory(int slots) : RingMemory
{
    public const int BytesMax = 1 << 20;

    private readonly TaskCompletionSource _returned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly nint _memory = (nint)NativeMemory.AlignedAlloc((nuint)slots * BytesMax, 4096);

    public Task Returned => _returned.Task;

    public nint Buffer(int slot) => _memory + ((nint)slot * BytesMax);

    protected override void GiveBack()
    {
        NativeMemory.AlignedFree((void*)_memory);
        _returned.SetResult();
    }
}

/// <summary>A device in memory that keeps operations of some kinds until the test lets go of them.</summary>
internal sealed class HoldingDevice(EventLoop loop, long size) : IBlockDevice
{
    private readonly MemoryDevice _inner = new(size);
    private readonly List<DeviceRequest> _held = [];
    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _failing = [];
    private HashSet<DeviceOp> _holds = [];
    private Action _ready = () => { };

    public DeviceInfo Info => _inner.Info;

    public Action CompletionsReady
    {
        set => _ready = _inner.CompletionsReady = value;
    }

    /// <summary>Flushes, and writes that are to be durable at once, fail.</summary>
    public bool FailsSyncs { get; set; }

    public int Held
    {
        get
        {
            lock (_lock)
                return _held.Count;
        }
    }

    public long HeldBytes
    {
        get
        {
            lock (_lock)
                return _held.Sum(request => request.Length);
        }
    }

    public void Hold(params DeviceOp[] ops)
    {
        lock (_lock)
            _holds = [.. ops];
    }

    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        List<DeviceRequest> now = [];
        lock (_lock)
        {
            foreach (DeviceRequest request in requests)
            {
                if (FailsSyncs && (request.Op == DeviceOp.Flush || request.Flags != DeviceFlags.None))
                    _ = _failing.Add(request.Tag);
                (_holds.Contains(request.Op) ? _held : now).Add(request);
            }
        }

        if (now.Count > 0)
            _inner.Submit(now.ToArray());
    }

    /// <summary>Carries out what is held; what comes later is held still.</summary>
    public void Release()
    {
        DeviceRequest[] requests;
        lock (_lock)
        {
            requests = [.. _held];
            _held.Clear();
        }

        if (requests.Length == 0)
            return;
        loop.Post(() =>
        {
            // What completes within a submission is not told, since who submits looks for it.
            _inner.Submit(requests);
            _ready();
        });
    }

    /// <summary>Carries out what is held, and holds nothing more.</summary>
    public void LetGo()
    {
        Hold();
        Release();
    }

    public int Reap(Span<DeviceCompletion> completions)
    {
        int count = _inner.Reap(completions);
        lock (_lock)
        {
            foreach (ref DeviceCompletion completion in completions[..count])
            {
                if (_failing.Remove(completion.Tag))
                    completion = new DeviceCompletion(completion.Tag, Errno.EIO);
            }
        }

        return count;
    }

    public void Dispose() => _inner.Dispose();
}

/// <summary>What was logged.</summary>
internal sealed class ListLog
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    public IEnumerable<string> Errors => _lines.Where(line => line.Level >= LogLevel.Error).Select(line => line.Text);

    public IEnumerable<string> Lines => _lines.Select(line => line.Text);

    public ILogger<T> For<T>() => new Writer<T>(this);

    private sealed class Writer<T>(ListLog log) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log._lines.Enqueue((logLevel, $"{formatter(state, exception)}{(exception is null ? "" : ": " + exception)}"));
    }
}
