using Akka.Actor;

namespace Scheduler.Actors.Akka;

/// <summary>What an actor asks of its engine, asked of Akka.NET's context. Used on the actor's own turn only.</summary>
internal sealed class AkkaContext(AkkaSystem system, IUntypedActorContext akka) : IActorContext
{
    public ActorRef Self { get; } = new AkkaRef(akka.Self);

    // Who sends without a sender is, to Akka.NET, the dead letters.
    public ActorRef? Sender => akka.Sender is { } sender && !sender.IsNobody() && !sender.Equals(akka.System.DeadLetters) ? new AkkaRef(sender) : null;

    public void Stop(ActorRef actor) => akka.Stop(AkkaRef.Of(actor));

    public void Watch(ActorRef actor) => akka.Watch(AkkaRef.Of(actor));

    public void Unwatch(ActorRef actor) => akka.Unwatch(AkkaRef.Of(actor));

    public void TellSelfAfter(TimeSpan delay, object message) =>
        akka.System.Scheduler.ScheduleTellOnce(delay, akka.Self, message, ActorRefs.NoSender);

    public ActorRef Resolve(string volume) => system.Resolve(volume);

    /// <summary>A message in the seam's words.</summary>
    /// <param name="message">What Akka.NET delivers.</param>
    /// <returns>What the actor is to see.</returns>
    public static object Translate(object message) =>
        message is global::Akka.Actor.Terminated terminated ? new Terminated(new AkkaRef(terminated.ActorRef)) : message;
}
