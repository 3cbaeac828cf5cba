using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Local;

/// <summary>Runs actors on the thread pool.</summary>
public sealed class ThreadPoolDispatcher : IDispatcher
{
    private ThreadPoolDispatcher()
    {
    }

    /// <summary>The dispatcher.</summary>
    public static ThreadPoolDispatcher Instance { get; } = new();

    /// <inheritdoc/>
    public void Schedule(Mailbox mailbox) =>
        ThreadPool.UnsafeQueueUserWorkItem(static mailbox => mailbox.RunTurn(), mailbox, preferLocal: false);
}

/// <summary>Runs actors on a loop's thread: all that belongs to a volume without crossing threads.</summary>
public sealed class LoopDispatcher(EventLoop loop) : IDispatcher
{
    /// <summary>The loop.</summary>
    public EventLoop Loop { get; } = loop;

    /// <inheritdoc/>
    public void Schedule(Mailbox mailbox) => Loop.Post(mailbox);
}
