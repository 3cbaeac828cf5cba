using Scheduler.Storage.Loop;

namespace Scheduler.Actors;

/// <summary>An engine, as whoever composes a service of actors uses it.</summary>
public interface IActorSystem
{
    /// <summary>Starts an actor.</summary>
    /// <param name="props">How to make it.</param>
    /// <param name="name">Name, for logs; made unique.</param>
    /// <param name="loop">Where it runs; null: on the thread pool.</param>
    /// <returns>Its address.</returns>
    ActorRef ActorOf(Props props, string name, EventLoop? loop = null);

    /// <summary>Makes a volume's scheduler, or who speaks for it, known under its name, in place of an earlier one.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="actor">What <see cref="IActorContext.Resolve"/> gives from now on.</param>
    void Register(string volume, ActorRef actor);

    /// <summary>Stops an actor; see <see cref="IActorContext.Stop"/>. From any thread.</summary>
    /// <param name="actor">The actor.</param>
    void Stop(ActorRef actor);
}
