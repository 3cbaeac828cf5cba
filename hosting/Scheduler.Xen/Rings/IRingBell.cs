namespace Scheduler.Xen.Rings;

/// <summary>How a guest and the service wake each other. On the loop of the ring's volume; nothing of it waits.</summary>
internal interface IRingBell
{
    /// <summary>Is readable when the guest has rung.</summary>
    int Descriptor { get; }

    /// <summary>The ring begins: the guest may be told of it.</summary>
    void Open();

    /// <summary>Takes what the guest has rung.</summary>
    /// <returns>False if the guest is gone.</returns>
    bool Hear();

    /// <summary>Wakes the guest.</summary>
    /// <returns>False if the guest is gone.</returns>
    bool Ring();

    /// <summary>The ring is over.</summary>
    void Close();
}
