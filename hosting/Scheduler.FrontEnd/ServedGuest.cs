namespace Scheduler.FrontEnd;

/// <summary>What the connections of one guest share: their memory and their number are bounded.</summary>
/// <param name="name">Its name.</param>
/// <param name="buffers">Buffer memory.</param>
/// <param name="connectionsMax">Most connections at once.</param>
public sealed class ServedGuest(string name, GuestBuffers buffers, int connectionsMax)
{
    private int _connections;
    private int _connectionsMax = connectionsMax;

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Buffer memory.</summary>
    public GuestBuffers Buffers { get; } = buffers;

    /// <summary>Most connections at once. A lower bound ends none that is open.</summary>
    public int ConnectionsMax
    {
        get => Volatile.Read(ref _connectionsMax);
        set => Volatile.Write(ref _connectionsMax, value);
    }

    /// <summary>Whether there is room for another connection.</summary>
    public bool HasRoom => Volatile.Read(ref _connections) < ConnectionsMax;

    internal bool TryEnter()
    {
        if (Interlocked.Increment(ref _connections) <= ConnectionsMax)
            return true;
        Exit();
        return false;
    }

    internal void Exit() => Interlocked.Decrement(ref _connections);
}
