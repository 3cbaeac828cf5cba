using Akka.Actor;
using Scheduler.Host.Cluster;
using Scheduler.Host.Running;

namespace Scheduler.Cluster.Tests.Catalog;

/// <summary>A fault is to be cleared at another node: whatever that does, who asked hears of it.</summary>
public sealed class FaultClearingTests : IDisposable
{
    private readonly ActorSystem _akka = ActorSystem.Create("clearing", "akka { loglevel = OFF, stdout-loglevel = OFF }");

    public static TheoryData<object?, bool, string?> Answers => new()
    {
        { new FaultAnswer(true, null), true, null },
        { new FaultAnswer(false, "volume v has no fault in domain 3"), false, "volume v has no fault in domain 3" },
        { new Status.Failure(new InvalidOperationException("a defect,\nas it were")), true, "node n2, the owner of volume v, has failed in it: a defect, as it were; the fault may be cleared or not: list the faults, then try again" },
        { "what?", true, "node n2, the owner of volume v, has failed in it: *" },
        { null, true, "node n2, the owner of volume v, does not answer; the fault may be cleared or not: list the faults, then try again" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Whatever_the_owner_does_is_an_answer(object? answer, bool isThere, string? problem)
    {
        IActorRef owner = _akka.ActorOf(Props.Create(() => new Owner(answer)));
        FaultClearing clearing = await ClusterCatalog.AskToClearAsync(owner, "v", "n2", new ClearFault(3, "tester"), TimeSpan.FromSeconds(answer is null ? 0.1 : 20));
        Assert.Equal(isThere, clearing.IsThere);
        if (problem is not null && problem.EndsWith('*'))
            Assert.StartsWith(problem[..^1], clearing.Problem, StringComparison.Ordinal);
        else
            Assert.Equal(problem, clearing.Problem);
    }

    public void Dispose() => _akka.Dispose();

    private sealed class Owner(object? answer) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (answer is not null)
                Sender.Tell(answer);
        }
    }
}
