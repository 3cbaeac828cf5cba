// The catalog that the nodes of a cluster share, between nodes. What it is, and why no change is lost, is SharedCatalog.cs's.
//
// - Who has changed it tells the others, who read what is new. That message may get lost: each node looks by itself now and then.
// - A change of a disk is made by the node that owns its volume: it alone may write to the device, which a new disk needs, and knows
//   whether guests of any node use the disk. It is sent to the owner that is known, never to one that is still to come: what nobody
//   has taken is not carried out later.
// - If the owner goes while it makes the change, nobody knows whether it did, until the journal is looked at. What it had begun to
//   zero is nobody's: there is no such disk.
// - Who asked for the change may go: then the owner gives it up, as on one machine.
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Cluster;
using Scheduler.Actors;
using Scheduler.Host.Running;

namespace Scheduler.Host.Cluster;

/// <summary>A node's side of the shared catalog.</summary>
/// <param name="akka">The actor system.</param>
/// <param name="engine">The node.</param>
internal sealed class ClusterCatalog(ActorSystem akka, ClusterEngine engine) : ICatalogPeers
{
    private const string ActorName = "catalog";
    private static readonly TimeSpan s_answerTimeMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_clearTimeMax = TimeSpan.FromSeconds(30);

    /// <summary>Begins to follow what the others change.</summary>
    public void Start() => akka.ActorOf(Akka.Actor.Props.Create(() => new CatalogFollower(engine)), ActorName);

    /// <inheritdoc/>
    public string? WhyNot(CatalogEvent decided) => decided.Key.Kind == CatalogKind.Volume
        ? $"volume {decided.Key.Name}: volumes of a cluster are declared in the files of its nodes; change those, and start the nodes again"
        : null;

    /// <inheritdoc/>
    public void Changed(long number)
    {
        foreach (ActorSelection other in Others())
            other.Tell(new CatalogChanged(number));
    }

    /// <inheritdoc/>
    public async Task<CatalogAnswer> ForwardAsync(string volume, CatalogCommand command, CancellationToken cancellation)
    {
        (IActorRef? owner, string? problem) = engine.OwnerOf(volume);
        if (owner is null)
            return Refused($"nothing was changed: volume {volume} has no owner: {problem}; try again");
        TaskCompletionSource<CatalogAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef call = akka.ActorOf(Akka.Actor.Props.Create(() => new DiskChangeCall(volume, owner, MessageOf(command), done)));
        using CancellationTokenRegistration registration = cancellation.Register(() => akka.Stop(call));
        return await done.Task;
    }

    /// <summary>Makes a change that another node has sent to this one, the owner of the disk's volume.</summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellation">Who asked for it is gone.</param>
    /// <returns>What has come of it.</returns>
    public async Task<DiskChanged> ChangeAsync(ChangeDisk change, CancellationToken cancellation)
    {
        try
        {
            CatalogAnswer answer = await engine.Service.Catalog.ChangeHereAsync(CommandOf(change), cancellation);
            if (answer.Refusal is { } refusal)
                return new DiskChanged(refusal.Problem, refusal.Reason, 0, null, []);
            if (answer.Entry is not { } entry)
                return new DiskChanged(null, null, 0, null, []);
            (string manifest, byte[] disk) = Write((CatalogDisk)entry.Entity, "");
            return new DiskChanged(null, null, entry.Revision, manifest, disk);
        }
        catch (Exception exception) when (exception is PersistenceException or OperationCanceledException)
        {
            return new DiskChanged(CatalogProblem.Unavailable, exception.Message, 0, null, []);
        }
    }

    /// <inheritdoc/>
    public async Task AskOwnerAsync(string volume)
    {
        if (engine.Ask(volume) is not { } answered)
            return;
        _ = await Task.WhenAny(answered, Task.Delay(s_answerTimeMax));
        await engine.Service.OfferDisksAsync(volume);
    }

    /// <inheritdoc/>
    public Task<FaultClearing> ClearFaultAsync(string volume, int domain, string by)
    {
        (IActorRef? owner, string? problem) = engine.OwnerOf(volume);
        return owner is null
            ? Task.FromResult(new FaultClearing(true, $"nothing was cleared: volume {volume} has no owner: {problem}; try again"))
            : AskToClearAsync(owner, volume, engine.OwnerNodeOf(volume), new ClearFault(domain, by), s_clearTimeMax);
    }

    /// <summary>Asks the owner of a volume to clear a fault; whatever comes of it is an answer.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="node">Name of the owner's node.</param>
    /// <param name="clear">What it is asked.</param>
    /// <param name="timeMax">How long it is waited for.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The owner's failure may be any; who asks is told what it was.")]
    internal static async Task<FaultClearing> AskToClearAsync(IActorRef owner, string volume, string node, ClearFault clear, TimeSpan timeMax)
    {
        string what;
        try
        {
            FaultAnswer answer = await owner.Ask<FaultAnswer>(clear, timeMax);
            return new FaultClearing(answer.IsThere, answer.Problem);
        }
        catch (AskTimeoutException)
        {
            what = "does not answer";
        }
        catch (Exception exception)
        {
            what = $"has failed in it: {exception.Message.ReplaceLineEndings(" ")}";
        }

        return new FaultClearing(true, $"node {node}, the owner of volume {volume}, {what}; the fault may be cleared or not: list the faults, then try again");
    }

    /// <inheritdoc/>
    public async Task<int> DetachAsync(string disk)
    {
        int[] closed = await Task.WhenAll(Others().Select(other => CloseAsync(other)));
        return closed.Sum();

        async Task<int> CloseAsync(ActorSelection other)
        {
            try
            {
                return (await other.Ask<DiskDetached>(new DetachDisk(disk), s_answerTimeMax)).Count;
            }
            catch (AskTimeoutException)
            {
                // What is connected to a node that does not answer will be without it before long.
                return 0;
            }
        }
    }

    /// <summary>What came of a change, as its owner says it.</summary>
    /// <param name="changed">What it says.</param>
    public static CatalogAnswer AnswerOf(DiskChanged changed) =>
        changed.Problem is { } problem ? new CatalogAnswer(null, new CatalogRefusal(problem, changed.Reason ?? "the owner does not say why"))
        : changed.Manifest is null ? new CatalogAnswer(null, null)
        : new CatalogAnswer(new CatalogEntry(Read(changed.Manifest, changed.Disk).After!, changed.Revision, IsDeclared: false), null);

    /// <summary>A refusal of which nobody knows better.</summary>
    /// <param name="reason">Why.</param>
    public static CatalogAnswer Refused(string reason) => new(null, new CatalogRefusal(CatalogProblem.Unavailable, reason));

    private static ChangeDisk MessageOf(CatalogCommand command)
    {
        (string manifest, byte[] change) = command is PutEntity put
            ? Write((CatalogDisk)put.Entity, command.By)
            : Service.JournalFormat.Write(new EntityDeleted<CatalogDisk> { Name = command.Key.Name, By = command.By, At = DateTimeOffset.UtcNow });
        return new ChangeDisk(manifest, change, command.ExpectedRevision);
    }

    private static CatalogCommand CommandOf(ChangeDisk change)
    {
        CatalogEvent wanted = Read(change.Manifest, change.Change);
        return wanted.After is { } disk
            ? new PutEntity(disk, wanted.By, change.ExpectedRevision)
            : new DeleteEntity(CatalogKind.Disk, wanted.Key.Name, wanted.By, change.ExpectedRevision);
    }

    private static (string Manifest, byte[] Text) Write(CatalogDisk disk, string by) =>
        Service.JournalFormat.Write(new EntityAdded<CatalogDisk> { Entity = disk, By = by, At = DateTimeOffset.UtcNow });

    private static CatalogEvent Read(string manifest, byte[] text) =>
        Service.JournalFormat.Read(manifest, EventFormat.SerializerId, text, "a change of a disk from another node") is CatalogEvent { Key.Kind: CatalogKind.Disk } disk
            ? disk
            : throw new PersistenceException($"another node has sent '{manifest}', which changes no disk; have all nodes run the same version");

    private IEnumerable<ActorSelection> Others()
    {
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(akka);
        return from member in cluster.State.Members
               where member.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving && member.Address != cluster.SelfAddress
               select akka.ActorSelection(new RootActorPath(member.Address) / "user" / ActorName);
    }
}

/// <summary>A change that the owner of a disk's volume is asked for.</summary>
/// <param name="volume">Name of the volume.</param>
/// <param name="owner">Its owner.</param>
/// <param name="message">The change.</param>
/// <param name="done">Given what has come of it, once.</param>
internal sealed class DiskChangeCall(string volume, IActorRef owner, ChangeDisk message, TaskCompletionSource<CatalogAnswer> done) : UntypedActor
{
    private static readonly TimeSpan s_takenTimeMax = TimeSpan.FromSeconds(5);

    protected override void PreStart()
    {
        _ = Context.Watch(owner);
        owner.Tell(message, Self);
        SetReceiveTimeout(s_takenTimeMax);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ChangeTaken:
                // Zeroing takes as long as it takes.
                SetReceiveTimeout(null);
                break;
            case DiskChanged changed:
                End(ClusterCatalog.AnswerOf(changed));
                break;
            case Status.Failure failure:
                End(ClusterCatalog.Refused($"the owner of volume {volume} failed in the change, which may or may not have been made: {failure.Cause.Message}; look, then try again"));
                break;
            case ReceiveTimeout:
                End(ClusterCatalog.Refused($"the owner of volume {volume} does not answer; the change may or may not have been made: look, then try again"));
                break;
            case Akka.Actor.Terminated:
                End(ClusterCatalog.Refused($"volume {volume} has lost its owner; the change may or may not have been made: look, then try again"));
                break;
        }
    }

    // Who asked is gone, or the node stops.
    protected override void PostStop() => _ = done.TrySetResult(ClusterCatalog.Refused("nobody waited for the change any more; it may or may not have been made"));

    private void End(CatalogAnswer answer)
    {
        _ = done.TrySetResult(answer);
        Context.Stop(Self);
    }
}
