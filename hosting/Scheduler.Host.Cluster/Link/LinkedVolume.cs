using Scheduler.Actors;

namespace Scheduler.Host.Cluster.Link;

/// <summary>
/// A volume that another node owns, as one ring of this node knows it: takes the ring's batches for <see cref="ForwardedRing"/>,
/// and stops when the volume's scheduler is gone or can't be reached. Runs on the link's loop.
/// </summary>
internal sealed class LinkedVolume(ForwardedRing ring) : Actor
{
    /// <inheritdoc/>
    public override void PreStart()
    {
        Context.Watch(ring.Setup.Ring);
        ring.Begin(Self);
    }

    /// <inheritdoc/>
    public override void Receive(object message)
    {
        switch (message)
        {
            case RequestBatch batch:
                ring.Take(batch);
                break;
            case Detach or Terminated:
                ring.Detach();
                break;
            case EndRing:
                Context.Stop(Self);
                break;
        }
    }

    /// <inheritdoc/>
    public override void PostStop() => ring.Detach();
}
