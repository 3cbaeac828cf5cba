using Akka.Actor;

namespace Scheduler.Actors.Akka;

/// <summary>An actor's address: one of Akka.NET's. Two of them are the same if Akka.NET says so.</summary>
internal sealed class AkkaRef(IActorRef inner) : ActorRef
{
    /// <summary>Akka.NET's own.</summary>
    public IActorRef Inner { get; } = inner;

    /// <inheritdoc/>
    public override string Path => Inner.Path.ToString();

    /// <summary>Akka.NET's address of an actor of this engine.</summary>
    /// <param name="actor">The actor; null for nobody.</param>
    /// <returns>Its address.</returns>
    public static IActorRef Of(ActorRef? actor) => actor is null ? ActorRefs.NoSender! : ((AkkaRef)actor).Inner;

    /// <inheritdoc/>
    public override void Tell(object message, ActorRef? sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        Inner.Tell(message, Of(sender));
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AkkaRef other && Inner.Equals(other.Inner);

    /// <inheritdoc/>
    public override int GetHashCode() => Inner.GetHashCode();
}
