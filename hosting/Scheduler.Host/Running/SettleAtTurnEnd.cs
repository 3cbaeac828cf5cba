using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>Has a volume submit at the end of its loop's turn, when all sockets that were ready have been read.</summary>
internal sealed class SettleAtTurnEnd(EventLoop loop) : ILoopWork
{
    private ActorRef? _volume;

    /// <summary>Asks for it, on the loop.</summary>
    public void Ask(ActorRef volume)
    {
        _volume = volume;
        loop.AtTurnEnd(this);
    }

    /// <inheritdoc/>
    public void Run() => _volume!.Tell(Settle.Instance);
}
