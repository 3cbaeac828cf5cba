using Akka.Actor;

namespace Scheduler.Actors.Akka;

/// <summary>An actor as Akka.NET sees it: passes on what comes, in the seam's words.</summary>
internal sealed class ActorShell(AkkaSystem system, Actor actor) : UntypedActor
{
    protected override void PreStart() => Guarded(() =>
    {
        actor.Context = new AkkaContext(system, Context);
        actor.PreStart();
    });

    protected override void OnReceive(object message)
    {
        try
        {
            actor.Receive(AkkaContext.Translate(message));
        }
        catch (Exception exception)
        {
            system.LogFailure(exception, Self);
            throw;
        }
    }

    protected override void PostStop() => Guarded(actor.PostStop);

    private void Guarded(Action act)
    {
        try
        {
            act();
        }
        catch (Exception exception)
        {
            system.LogFailure(exception, Self);
            throw;
        }
    }
}
