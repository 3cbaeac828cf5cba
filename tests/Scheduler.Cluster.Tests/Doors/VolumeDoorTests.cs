using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors;
using Scheduler.Actors.Local;
using Scheduler.Cluster.Tests.Link;
using Scheduler.Host.Cluster;

namespace Scheduler.Cluster.Tests.Doors;

/// <summary>A volume's door on node "here", with the other nodes played by the test: whatever they do, rings get an answer.</summary>
public sealed class VolumeDoorTests
{
    [Fact]
    public async Task Epochs_that_went_back_are_an_error_that_says_how_to_mend_it_and_rings_hear_of_it()
    {
        Nodes nodes = new();
        ActorRef first = nodes.Owner(find => new OwnerIs("a", 9, 4096, [], "127.0.0.1:1"));
        await nodes.Until(said => said.Owner?.Epoch == 9);
        ActorRef restored = nodes.Owner(find => new OwnerIs("b", 3, 4096, [], "127.0.0.1:1"));
        LocalSystem.Stop(first);
        await TestTime.Until(() => nodes.Log.Errors.Any(), "an error");
        string error = Assert.Single(nodes.Log.Errors);
        Assert.StartsWith("Volume v can't be used by the guests of node here: node b has volume v under epoch 3, and node a had it under epoch 9 before", error, StringComparison.Ordinal);
        Assert.Contains("UPDATE volume_lease SET epoch = 9 WHERE volume = 'v' AND epoch < 9", error, StringComparison.Ordinal);
        Assert.Contains(error[(error.IndexOf("node b", StringComparison.Ordinal))..], nodes.Last.Reason, StringComparison.Ordinal);
        AttachRefused refused = Assert.IsType<AttachRefused>(await nodes.AttachAsync());
        Assert.Contains("volume_lease", refused.Reason, StringComparison.Ordinal);

        // The remedy: the next epoch is above all that there were.
        _ = nodes.Owner(find => new OwnerIs("b", 10, 4096, [], "127.0.0.1:1"));
        LocalSystem.Stop(restored);
        await nodes.Until(said => said.Owner?.Epoch == 10);
        _ = Assert.Single(nodes.Log.Errors);
    }

    [Fact]
    public async Task An_owner_that_was_replaced_and_has_not_noticed_is_no_error()
    {
        Nodes nodes = new();
        ActorRef first = nodes.Owner(find => new OwnerIs("a", 9, 4096, [], "127.0.0.1:1"));
        await nodes.Until(said => said.Owner?.Epoch == 9);
        int asked = 0;
        _ = nodes.Owner(find => new OwnerIs("b", ++asked < 20 ? 8 : 10, 4096, [], "127.0.0.1:1"));
        LocalSystem.Stop(first);
        await nodes.Until(said => said.Owner?.Epoch == 10);
        Assert.Empty(nodes.Log.Errors);
    }

    [Theory]
    [InlineData("tape", "node here has had no answer for volume v for some seconds: no node that it reaches has the role tape, or runs the same version")]
    [InlineData(null, "node here has had no answer for volume v for some seconds: no node that it reaches runs the same version")]
    public async Task Silence_is_said_to_be_that_and_rings_hear_of_it(string? role, string reason)
    {
        Nodes nodes = new(role);
        await nodes.Until(said => said.Reason.StartsWith(reason, StringComparison.Ordinal));
        AttachRefused refused = Assert.IsType<AttachRefused>(await nodes.AttachAsync());
        Assert.StartsWith(reason, refused.Reason, StringComparison.Ordinal);
        Assert.True(refused.Again);
    }

    [Fact]
    public async Task A_ring_is_refused_by_an_owner_that_does_not_answer()
    {
        Nodes nodes = new();
        _ = nodes.Owner(find => new OwnerIs("a", 1, 4096, [], "127.0.0.1:1"));
        await nodes.Until(said => said.Owner is not null);
        Assert.Equal("the owner of volume v does not answer", Assert.IsType<AttachRefused>(await nodes.AttachAsync()).Reason);
    }

    [Fact]
    public async Task A_ring_is_refused_where_the_scheduler_of_this_node_stops_before_it_takes_it()
    {
        Nodes nodes = new();
        ActorRef stopped = nodes.Start(_ => { });
        LocalSystem.Stop(stopped);
        nodes.Here = stopped;
        _ = nodes.Owner(find => new OwnerIs("here", 1, 4096, [], "127.0.0.1:1"));
        await nodes.Until(said => said.Owner is not null);
        AttachRefused refused = Assert.IsType<AttachRefused>(await nodes.AttachAsync());
        Assert.Contains("has stopped before it took the ring", refused.Reason, StringComparison.Ordinal);
        Assert.True(refused.Again);
    }

    /// <summary>A door, and what it talks to.</summary>
    private sealed class Nodes
    {
        private readonly LocalSystem _system = new(NullLogger<LocalSystem>.Instance);
        private readonly ActorRef _door;
        private volatile ActorRef? _owner;
        private volatile Said _last = new(null, "");

        public Nodes(string? role = null)
        {
            ActorRef region = Start(turn => _owner?.Tell(turn.Message, turn.Sender));
            DoorSetup setup = new(
                "v", "here", "definition", role, region, () => Here, (_, _, _, _) => throw new InvalidOperationException("a ring was taken"), (owner, _, reason) => _last = new Said(owner, reason), Log.For<VolumeDoor>())
            {
                Beat = TimeSpan.FromMilliseconds(2),
                AttachTimeMax = TimeSpan.FromMilliseconds(20),
            };
            _door = ((IActorSystem)_system).ActorOf(new Props(() => new VolumeDoor(setup)), "door");
        }

        public ListLog Log { get; } = new();

        public ActorRef? Here { get; set; }

        public Said Last => _last;

        /// <summary>From now on the volume's owner: answers when it is asked for.</summary>
        public ActorRef Owner(Func<FindOwner, OwnerIs> answer) => _owner = Start(turn =>
        {
            if (turn.Message is FindOwner find)
                turn.Sender!.Tell(answer(find), turn.Self);
        });

        public ActorRef Start(Action<(object Message, ActorRef? Sender, ActorRef Self)> receive) => ((IActorSystem)_system).ActorOf(new Props(() => new Player(receive)), "player");

        /// <summary>Asks to attach a ring.</summary>
        /// <returns>The answer.</returns>
        public async Task<object> AttachAsync()
        {
            TaskCompletionSource<object> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            ActorRef ring = Start(turn => answer.SetResult(turn.Message));
            TestMemory memory = new(1);
            _door.Tell(new Attach("d", 8, 1, memory, new RingChannel(8)), ring);
            object answered = await answer.Task.WaitAsync(TestTime.Max);
            memory.LetGo();
            return answered;
        }

        public Task Until(Func<Said, bool> holds) => TestTime.Until(() => holds(_last), $"the door says something else: {_last}");
    }

    private sealed record Said(OwnerIs? Owner, string Reason);

    private sealed class Player(Action<(object Message, ActorRef? Sender, ActorRef Self)> receive) : Actor
    {
        public override void Receive(object message) => receive((message, Context.Sender, Self));
    }
}
