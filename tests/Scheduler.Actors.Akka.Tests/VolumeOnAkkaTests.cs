using System.Collections.Concurrent;
using Scheduler.Actors.Tests;
using Scheduler.Core;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Akka.Tests;

/// <summary>A volume and its rings, as they are, with the volume's loop as their dispatcher.</summary>
public sealed class VolumeOnAkkaTests
{
    private const int Rounds = 50;
    private const int Credits = 8;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task They_run_on_the_loop_and_answer_each_request_once_and_the_rings_close_with_the_volume()
    {
        using EventLoop loop = new("volume");
        loop.Start();
        await using AkkaNode node = new(null, failure => throw failure);
        using VolumeTelemetry telemetry = new();
        HeldDevice device = new() { CompletesAtOnce = true };
        const int Depth = 8;
        (Props props, _) = VolumeScheduler.Prepare(new VolumeSetup
        {
            Name = "v",
            Spec = new VolumeSpec
            {
                Domains = [new DomainSpec(2 * VolumeHarness.DiskBytes, VolatileCache: true, DurableWrites: false, SupportsDsync: true)],
                Guests = [new GuestSpec { Name = "g0" }, new GuestSpec { Name = "g1" }],
                Disks =
                [
                    new DiskSpec { Name = "d0", Guest = 0, Ordered = OrderedMode.FlushFua, Extents = [new Extent(0, 0, 0, VolumeHarness.DiskBytes)] },
                    new DiskSpec { Name = "d1", Guest = 1, Ordered = OrderedMode.FlushFua, Extents = [new Extent(0, 0, VolumeHarness.DiskBytes, VolumeHarness.DiskBytes)] },
                ],
                Depth = Depth,
            },
            Devices = new VolumeDevices([device], Depth + 1, loop.Post),
            Timer = volume => new Timer(loop, volume),
            Faults = new NoFaults(),
            Telemetry = telemetry,
        });
        ActorRef volume = node.System.ActorOf(props, "volume", loop);
        node.System.Register("v", volume);
        Guest[] guests = [.. new[] { "d0", "d1" }.Select(disk => new Guest(node.System, loop, disk))];

        foreach (Guest guest in guests)
            await guest.Done.Task.WaitAsync(s_patience);
        Assert.All(guests, guest => Assert.Equal(Rounds * Credits, guest.Answers));
        node.System.Stop(volume);
        foreach (Guest guest in guests)
            await guest.Closed.Task.WaitAsync(s_patience);
        Assert.All(guests, guest => Assert.Empty(guest.Wrong));
    }

    // Writes in all slots but the last, which flushes; again when all are answered.
    private sealed class Guest : IRingFrontEnd
    {
        private readonly EventLoop _loop;
        private readonly TaskCompletionSource<RingPort> _port = new();
        private int _answeredOfRound;

        public Guest(AkkaSystem system, EventLoop loop, string disk)
        {
            _loop = loop;
            _port.SetResult(GuestRing.Open(new RingSetup("v", disk, Credits, 1, this, new TestMemory()), props => system.ActorOf(props, "ring-" + disk, loop)));
        }

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<string> Wrong { get; } = new();

        public int Answers { get; private set; }

        public void OnAttached(int credits)
        {
            Check(credits == Credits, $"{credits} credits");

            // The ring may run before the test's thread has its port.
            _ = _port.Task.ContinueWith(_ => _loop.Post(SendRound), TaskScheduler.Default);
        }

        public void OnReplies(ReadOnlySpan<RingReply> replies)
        {
            foreach (RingReply reply in replies)
            {
                Check(reply.Error == 0, $"slot {reply.Slot} has error {reply.Error}");
                Answers++;
                _answeredOfRound++;
            }

            if (_answeredOfRound < Credits)
                return;
            _answeredOfRound = 0;
            if (Answers == Rounds * Credits)
                Done.SetResult();
            else
                SendRound();
        }

        public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
        {
            Check(unanswered.Length == 0, "unanswered requests");
            Closed.SetResult();
        }

        private void SendRound()
        {
            RingPort port = _port.Task.Result;
            for (int slot = 0; slot < Credits - 1; slot++)
                port.Add(new RingRequest(slot, RingOp.Write, RingFlags.None, 0, slot * 4096, 4096, 4096));
            port.Add(new RingRequest(Credits - 1, RingOp.Flush, RingFlags.None, 0, 0, 0, 0));
            port.Send();
        }

        private void Check(bool holds, string what)
        {
            if (!holds || !_loop.IsCurrent)
                Wrong.Enqueue(holds ? "not on the loop" : what);
        }
    }

    private sealed class Timer(EventLoop loop, ActorRef volume) : IVolumeTimer, ILoopWork
    {
        private LoopTimer? _timer;

        public long NowNs => EventLoop.NowNs;

        public void WakeAt(long timeNs) => (_timer ??= loop.AddTimer(this)).DueNs = timeNs;

        public void Run() => volume.Tell(WakeUp.Instance);
    }

    private sealed class NoFaults : IFaultStore
    {
        public void Record(int domain, int error, Action<string?> done) => done("not expected");

        public void Clear(int domain, string by, Action<string?> done) => done("not expected");
    }
}
