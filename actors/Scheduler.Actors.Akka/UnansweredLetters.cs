using Akka.Actor;
using Akka.Event;

namespace Scheduler.Actors.Akka;

/// <summary>Tells who waits for an answer that the message has reached nobody: its actor has stopped, or could not hold it. Subscribed to the dead letters by who makes it.</summary>
internal sealed class UnansweredLetters : UntypedActor
{
    protected override void OnReceive(object message)
    {
        if (message is DeadLetter { Message: IExpectsAnswer unanswered } letter)
            unanswered.Refuse($"{letter.Recipient.Path} has stopped, or has too much waiting; try again");
    }
}
