using Scheduler.Actors;

namespace Scheduler.Host.Cluster.Link;

/// <summary>
/// A ring of another node, as the volume's scheduler knows it: passes on what that says to <see cref="OwnedRing"/>, and
/// watches it. Runs on the link's loop.
/// </summary>
internal sealed class LinkedRing(OwnedRing ring) : Actor
{
    private ActorRef _volume = ring.Setup.Scheduler;

    /// <inheritdoc/>
    public override void PreStart()
    {
        Context.Watch(_volume);
        ring.Begin(Self);
    }

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case ReplyBatch batch:
                ring.Replies(batch);
                break;
            case Attached attached:
                _volume = attached.Volume;
                Context.Watch(_volume);
                ring.Attached(attached);
                break;
            case AttachRefused refused:
                ring.End(LinkClose.Gone, refused.Reason, refused.Again);
                break;
            case FaultWasCleared cleared:
                ring.FaultWasCleared(cleared.Clearings);
                break;
            case Disconnect disconnect:
                ring.End(disconnect.Answer ? LinkClose.Answer : LinkClose.Silent, disconnect.Reason);
                break;
            case Terminated:
                ring.End(LinkClose.Gone, $"the scheduler of volume {ring.Setup.Volume} has stopped");
                break;
            case EndRing:
                Context.Stop(Self);
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop()
    {
        _volume.Tell(Detach.Instance, Self);

        // Also when a defect stops the actor: the ring's node is told.
        ring.End(LinkClose.Gone, $"its ring of volume {ring.Setup.Volume} has stopped");
    }
}

/// <summary>The ring is over.</summary>
internal sealed record EndRing
{
    public static readonly EndRing Instance = new();
}
