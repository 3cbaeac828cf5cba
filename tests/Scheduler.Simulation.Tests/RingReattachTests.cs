using Scheduler.Actors;
using Scheduler.Actors.Tests;

namespace Scheduler.Simulation.Tests;

/// <summary>A ring that looks for its volume's next scheduler, in virtual time, against schedulers that say what a test has them say.</summary>
public sealed class RingReattachTests : IRingFrontEnd
{
    private const int Credits = 4;
    private readonly SimulatedSystem _system = new(new Random(1), 0);
    private readonly List<int> _attached = [];
    private readonly List<RingReply> _replies = [];
    private readonly List<int> _unanswered = [];
    private string? _closed;
    private long _closedNs;

    void IRingFrontEnd.OnAttached(int credits) => _attached.Add(credits);

    void IRingFrontEnd.OnReplies(ReadOnlySpan<RingReply> replies) => _replies.AddRange(replies);

    void IRingFrontEnd.OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        Assert.Null(_closed);
        _closed = reason;
        _closedNs = _system.NowNs;
        _unanswered.AddRange(unanswered);
    }

    [Fact]
    public void A_ring_whose_volume_is_not_there_yet_waits_for_it()
    {
        RingPort port = Open(seconds: 10);
        Run(3);
        Assert.Null(_closed);
        ScriptedVolume volume = Start(epoch: 1);
        Run(1);
        Assert.Equal([Credits], _attached);
        Send(port, 0);
        Run(1);
        Assert.Equal([0], volume.Slots);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void A_ring_that_is_never_attached_closes_in_time(int seconds)
    {
        _ = Open(seconds);
        Run(100);
        Assert.NotNull(_closed);
        Assert.Empty(_attached);
        Assert.InRange(_closedNs / 1e9, seconds, seconds + 0.2);
    }

    [Fact]
    public void S3_What_it_had_and_what_comes_meanwhile_goes_to_the_next_scheduler_in_order()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        foreach (int slot in (int[])[2, 0, 3])
            Send(port, slot);
        Run(1);
        first.Answer(0);
        Run(1);
        Assert.Equal([0], _replies.Select(reply => reply.Slot));

        Stop(first);
        Run(2);
        Send(port, 1);
        Send(port, 0);
        ScriptedVolume second = Start(epoch: 2);
        Run(1);
        Assert.Equal([2, 3, 1, 0], second.Slots);
        Assert.Equal([Credits], _attached);
        second.Answer(2);
        Run(1);
        Send(port, 2);
        Run(1);
        Assert.Equal([2, 3, 1, 0, 2], second.Slots);
        foreach (int slot in (int[])[0, 1, 2, 3])
            second.Answer(slot);
        Run(1);
        Assert.Equal([0, 2, 0, 1, 2, 3], _replies.Select(reply => reply.Slot));
        Assert.Null(_closed);
    }

    [Fact]
    public void S3_What_an_earlier_volume_says_late_is_not_heard()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 0);
        Send(port, 1);
        Run(1);
        ReplyBatch late = first.Batch(0);
        Stop(first);
        ScriptedVolume second = Start(epoch: 2);
        Run(1);
        port.Ring.Tell(late, first.Ref);
        port.Ring.Tell(new Terminated(first.Ref), first.Ref);
        port.Ring.Tell(new AttachRefused("no such disk"), first.Ref);
        port.Ring.Tell(new Attached(first.Ref, 1, Credits), first.Ref);
        Run(1);
        Assert.Empty(_replies);
        Assert.Null(_closed);
        Assert.Equal(0, late.Count);
        second.Answer(0);
        second.Answer(1);
        Run(1);
        Assert.Equal([0, 1], _replies.Select(reply => reply.Slot));
    }

    [Fact]
    public void S4_Batches_of_volumes_that_are_gone_are_not_missed()
    {
        RingPort port = Open(seconds: 200);
        for (int epoch = 1; epoch < 50; epoch++)
        {
            // Keeps all batches that it gets.
            ScriptedVolume volume = Start(epoch);
            Run(1);
            if (epoch == 1)
            {
                for (int slot = 0; slot < Credits; slot++)
                    Send(port, slot);
            }

            Run(1);
            Assert.Equal([0, 1, 2, 3], volume.Slots);
            Stop(volume);
        }

        Assert.Null(_closed);
        Run(200);
        Assert.Equal([0, 1, 2, 3], _unanswered);
    }

    [Fact]
    public void S3_Time_with_volumes_that_go_without_an_answer_counts()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 2);
        Run(1);
        long lostNs = _system.NowNs;
        Stop(first);
        for (int epoch = 2; _closed is null; epoch++)
        {
            Assert.True(epoch < 20, "it goes on for ever");
            ScriptedVolume next = Start(epoch);
            Run(2);
            Stop(next);
        }

        Assert.Equal([2], _unanswered);
        Assert.InRange(_closedNs - lostNs, 9e9, 13e9);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Time_in_which_no_request_waited_is_not_charged_to_one_that_comes_later(bool isNew)
    {
        // Away for 8 of its 10 seconds, without a request, and idle for long.
        RingPort port = Open(seconds: 10);
        if (!isNew)
        {
            ScriptedVolume before = Start(epoch: 1);
            Run(1);
            Stop(before);
        }

        Run(8);
        ScriptedVolume idle = Start(epoch: 2);
        Run(1000);
        Send(port, 1);
        Run(1);
        Assert.Equal([1], idle.Slots);
        Stop(idle);
        Run(8);
        Assert.Null(_closed);
        ScriptedVolume next = Start(epoch: 3);
        Run(1);
        Assert.Equal([1], next.Slots);
        next.Answer(1);
        Run(1);
        Assert.Equal([1], _replies.Select(reply => reply.Slot));
        Assert.Null(_closed);
    }

    [Fact]
    public void A_volume_that_is_slow_is_waited_for()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 2);
        Run(1);
        Stop(first);
        ScriptedVolume slow = Start(epoch: 2);
        Run(100);
        Assert.Equal([2], slow.Slots);
        Assert.Null(_closed);
    }

    [Fact]
    public void A_request_that_waits_in_its_port_while_the_volume_changes_is_sent_once()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Add(port, 3);
        Stop(first);
        ScriptedVolume second = Start(epoch: 2);
        Run(1);
        Assert.Empty(second.Slots);
        port.Send();
        Send(port, 1);
        Run(1);
        Assert.Equal([3, 1], second.Slots);
    }

    [Fact]
    public void S3_Unanswered_requests_get_their_error_when_nobody_takes_the_ring_in_time()
    {
        RingPort port = Open(seconds: 2);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 1);
        Run(5);
        long lostNs = _system.NowNs;
        Stop(first);
        Run(1);
        Send(port, 3);
        Run(10);
        Assert.Equal([1, 3], _unanswered);
        Assert.InRange(_closedNs - lostNs, 2e9, 2.2e9);
        Assert.Contains("volume v", _closed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_for_now_is_asked_again_and_one_for_good_closes()
    {
        _ = Open(seconds: 10);
        ScriptedVolume volume = Start(epoch: 1, new AttachRefused("it moves", Again: true));
        Run(2);
        Assert.Null(_closed);
        Assert.InRange(volume.Asked, 15, 25);
        volume.Refusal = new AttachRefused("there is no such disk");
        Run(1);
        Assert.Equal("there is no such disk", _closed);
    }

    [Fact]
    public void A_refusal_for_now_closes_a_ring_that_is_not_attached_again()
    {
        _ = Open(seconds: 0);
        _ = Start(epoch: 1, new AttachRefused("it moves", Again: true));
        Run(1);
        Assert.Equal("it moves", _closed);
    }

    [Fact]
    public void An_asking_that_nobody_answers_is_repeated()
    {
        _ = Open(seconds: 10);
        ScriptedVolume volume = Start(epoch: 1);
        volume.IsDeaf = true;
        Run(3);
        Assert.Empty(_attached);
        volume.IsDeaf = false;
        Run(2);
        Assert.Equal([Credits], _attached);
    }

    [Fact]
    public void S5_A_scheduler_that_was_replaced_does_not_get_the_ring_back()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume second = Start(epoch: 2);
        Run(1);
        Send(port, 0);
        Run(1);
        Stop(second);
        ScriptedVolume first = Start(epoch: 1);
        Run(2);
        Assert.Empty(first.Slots);
        Assert.True(first.Detached > 0);
        ScriptedVolume third = Start(epoch: 3);
        Run(1);
        Assert.Equal([0], third.Slots);
    }

    [Fact]
    public void The_same_scheduler_may_take_it_again()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume volume = Start(epoch: 7);
        Run(1);
        Send(port, 0);
        Run(1);
        ScriptedVolume sameUnderAnotherRef = Start(epoch: 7);
        Stop(volume);
        Run(1);
        Assert.Equal([0], sameUnderAnotherRef.Slots);
        Assert.Equal(7, sameUnderAnotherRef.LastEpoch);
    }

    [Fact]
    public void A_volume_that_has_forgotten_the_ring_gets_it_again()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume volume = Start(epoch: 1);
        Run(1);
        Send(port, 0);
        Run(1);
        port.Ring.Tell(new AttachRefused("it still has operations of the ring", Again: true), volume.Ref);
        Run(1);
        Assert.Equal([0, 0], volume.Slots);
        Assert.Equal(2, volume.Asked);
    }

    [Fact]
    public void Fewer_credits_than_before_close_it()
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 3);
        Run(1);
        Stop(first);
        ScriptedVolume second = Start(epoch: 2);
        second.Credits = 2;
        Run(1);
        Assert.Equal([3], _unanswered);
        Assert.Contains("2 credits", _closed, StringComparison.Ordinal);
        Assert.Empty(second.Slots);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void F6_A_volume_that_disconnects_it_closes_it_for_good(bool away)
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume first = Start(epoch: 1);
        Run(1);
        Send(port, 0);
        Run(1);
        if (away)
            Stop(first);
        port.Ring.Tell(new Disconnect("a failed sync may have lost data", Answer: true), first.Ref);
        ScriptedVolume second = Start(epoch: 2);
        Run(1);
        Assert.Equal("a failed sync may have lost data", _closed);
        Assert.Equal([0], _unanswered);
        Assert.Empty(second.Slots);
    }

    [Theory]
    [InlineData(RingOp.BarrierWrite)]
    [InlineData(RingOp.EmptyBarrier)]
    public void O6_A_ring_that_may_be_attached_again_takes_no_barriers(RingOp op)
    {
        RingPort port = Open(seconds: 10);
        ScriptedVolume volume = Start(epoch: 1);
        Run(1);
        port.Add(new RingRequest(0, op, RingFlags.None, 0, 0, op == RingOp.BarrierWrite ? 4096 : 0, 4096));
        port.Send();
        Run(1);
        Assert.Empty(volume.Slots);
        Assert.Contains("O6", Assert.Single(_system.Failures).Message, StringComparison.Ordinal);
        Assert.NotNull(_closed);
    }

    private RingPort Open(int seconds)
    {
        RingSetup setup = new("v", "d", Credits, 1, this, new SimulatedMemory()) { ReattachMax = TimeSpan.FromSeconds(seconds) };
        return GuestRing.Open(setup, props => _system.ActorOf(props, "ring"));
    }

    private static void Add(RingPort port, int slot) => port.Add(new RingRequest(slot, RingOp.Read, RingFlags.None, 0, 4096L * slot, 4096, 4096));

    private static void Send(RingPort port, int slot)
    {
        Add(port, slot);
        port.Send();
    }

    private ScriptedVolume Start(long epoch, AttachRefused? refusal = null)
    {
        ScriptedVolume volume = new(epoch, refusal);
        volume.Ref = _system.ActorOf(new Props(() => new Scripted(volume.Receive)), $"volume{epoch}");
        _system.Register("v", volume.Ref);
        return volume;
    }

    private static void Stop(ScriptedVolume volume) => volume.Ref.Tell("stop");

    // For some seconds of virtual time.
    private void Run(int seconds)
    {
        bool over = false;
        _system.After(seconds * 1_000_000_000L, () => over = true);
        while (!over)
            Assert.True(_system.Advance());
    }

    private sealed class ScriptedVolume(long epoch, AttachRefused? refusal)
    {
        private RingChannel? _channel;
        private ActorRef? _ring;

        public ActorRef Ref { get; set; } = null!;

        public AttachRefused? Refusal { get; set; } = refusal;

        /// <summary>It hears no asking.</summary>
        public bool IsDeaf { get; set; }

        public int Credits { get; set; } = RingReattachTests.Credits;

        public int Asked { get; private set; }

        public int Detached { get; private set; }

        /// <summary>What the ring said that it was attached to before.</summary>
        public long LastEpoch { get; private set; }

        /// <summary>Slots of the requests that came, in order.</summary>
        public List<int> Slots { get; } = [];

        public void Receive(object message, IActorContext context)
        {
            switch (message)
            {
                case Attach attach when !IsDeaf:
                    Asked++;
                    LastEpoch = attach.Epoch;
                    _channel = attach.Channel;
                    _ring = context.Sender!;
                    _ring.Tell((object?)Refusal ?? new Attached(context.Self, epoch, Math.Min(Credits, attach.Credits)), context.Self);
                    break;
                case RequestBatch batch:
                    Assert.Same(_channel, batch.Channel);
                    foreach (RingRequest request in batch.Requests)
                        Slots.Add(request.Slot);
                    break;
                case Detach:
                    Detached++;
                    break;
                case "stop":
                    context.Stop(context.Self);
                    break;
            }
        }

        public ReplyBatch Batch(int slot)
        {
            ReplyBatch batch = _channel!.RentReplies();
            batch.Add(slot, 0);
            return batch;
        }

        public void Answer(int slot) => _ring!.Tell(Batch(slot), Ref);
    }
}
