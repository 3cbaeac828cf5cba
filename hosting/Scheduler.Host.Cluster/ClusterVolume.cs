using Scheduler.Actors;
using Scheduler.Host.Running;
using Scheduler.Storage.Loop;
using IActorRef = Akka.Actor.IActorRef;

namespace Scheduler.Host.Cluster;

/// <summary>A volume as the front ends of one node see it, wherever its owner is.</summary>
/// <param name="system">Runs the actors.</param>
/// <param name="loop">The volume's loop on this node.</param>
/// <param name="reattachMax">How long rings wait for an owner.</param>
internal sealed class ClusterVolume(IActorSystem system, EventLoop loop, TimeSpan reattachMax) : IServedVolume
{
    private volatile OwnerIs? _last;
    private volatile IActorRef? _owner;
    private volatile TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RunningVolume? _here;
    private volatile string? _problem;

    /// <inheritdoc/>
    public EventLoop Loop => loop;

    /// <inheritdoc/>
    public int BlockSize => (_here?.BlockSize ?? _last?.BlockSize).GetValueOrDefault();

    /// <inheritdoc/>
    /// <remarks>A ring waits for the next owner where there is none now.</remarks>
    public bool IsAvailable => _last is not null;

    /// <inheritdoc/>
    public TimeSpan ReattachMax => reattachMax;

    /// <summary>Its scheduler, if it runs on this node.</summary>
    public RunningVolume? Here
    {
        get => _here;
        set => _here = value;
    }

    /// <summary>Why it has no owner; null: it has.</summary>
    public string? Problem => _problem;

    /// <summary>Its owner, wherever that is; null: it has none that is known.</summary>
    public IActorRef? Owner => _owner;

    /// <summary>Name of the node that owns it, or has owned it last; null: none has that is known.</summary>
    public string? OwnerNode => _last?.Node;

    /// <summary>Done when the owner has said what it serves, the next time.</summary>
    public Task NextAnswer => _answered.Task;

    /// <inheritdoc/>
    public long? SizeOf(string disk) => _here is { } here ? here.SizeOf(disk) : _last?.Disks.FirstOrDefault(known => known.Name == disk)?.Size;

    /// <inheritdoc/>
    public ActorRef StartRing(string disk, Props props) => system.ActorOf(props, $"ring-{disk}", loop);

    /// <summary>Takes what its door has found.</summary>
    /// <param name="owner">The owner; null: there is none.</param>
    /// <param name="actor">Its address.</param>
    /// <param name="reason">Why there is none.</param>
    /// <returns>Whether its disks, or their sizes, are others now.</returns>
    public bool Found(OwnerIs? owner, IActorRef? actor, string reason)
    {
        _problem = owner is null ? reason : null;
        _owner = actor;
        if (owner is null)
            return false;
        OwnerIs? before = _last;
        _last = owner;
        TaskCompletionSource answered = _answered;
        _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = answered.TrySetResult();
        return before is null || before.BlockSize != owner.BlockSize || !before.Disks.SequenceEqual(owner.Disks);
    }
}
