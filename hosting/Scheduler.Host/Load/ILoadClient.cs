namespace Scheduler.Host.Load;

/// <summary>One guest's connection: what is different between a ring and NBD. One thread at a time.</summary>
internal interface ILoadClient : IDisposable
{
    /// <summary>The disk's bytes.</summary>
    long Size { get; }

    /// <summary>Whether it takes barriers.</summary>
    bool TakesBarriers { get; }

    /// <summary>The service's process; null if it is not known.</summary>
    int? ServicePid { get; }

    /// <summary>Adds a request; it goes with <see cref="Send"/>.</summary>
    /// <param name="slot">Comes back when it is answered; 0 to the depth - 1.</param>
    /// <param name="op">What.</param>
    /// <param name="offset">First byte on the disk; a flush has none.</param>
    void Add(int slot, LoadOp op, long offset);

    /// <summary>Sends what was added.</summary>
    void Send();

    /// <summary>Waits for answers.</summary>
    /// <param name="slots">Receives what was answered.</param>
    /// <returns>How many; an error as the slot's complement.</returns>
    /// <exception cref="LoadException">The service has gone.</exception>
    int Wait(Span<int> slots);
}
