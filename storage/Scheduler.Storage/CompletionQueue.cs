namespace Scheduler.Storage;

/// <summary>
/// Completions on their way from any thread to a device's owner. The callback is called when the queue ceases to be empty,
/// never per completion, and outside the lock.
/// </summary>
internal sealed class CompletionQueue
{
    private readonly Lock _lock = new();
    private readonly RingQueue<DeviceCompletion> _queue = new();
    private volatile int _count;
    private Action? _ready;

    /// <summary>See <see cref="IBlockDevice.CompletionsReady"/>.</summary>
    public Action Ready
    {
        set => _ready = value;
    }

    /// <summary>Adds completions from a thread that is not the owner's.</summary>
    public void Post(ReadOnlySpan<DeviceCompletion> completions)
    {
        if (Add(completions))
            _ready?.Invoke();
    }

    /// <summary>Adds completions from within the owner's Submit: it reaps next, so nobody is called.</summary>
    public void PostFromOwner(ReadOnlySpan<DeviceCompletion> completions) => Add(completions);

    /// <summary>Moves completions out. Owner only.</summary>
    /// <returns>How many.</returns>
    public int Reap(Span<DeviceCompletion> room)
    {
        // Without the lock: whoever posts to the empty queue after this read calls the owner.
        if (_count == 0)
            return 0;
        lock (_lock)
        {
            int count = _queue.Dequeue(room);
            _count = _queue.Count;
            return count;
        }
    }

    private bool Add(ReadOnlySpan<DeviceCompletion> completions)
    {
        if (completions.IsEmpty)
            return false;
        lock (_lock)
        {
            bool wasEmpty = _queue.Count == 0;
            _queue.Enqueue(completions);
            _count = _queue.Count;
            return wasEmpty;
        }
    }
}
