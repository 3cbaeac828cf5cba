using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>What came of the clearing of a fault.</summary>
/// <param name="IsThere">Whether there is such a fault, as far as is known.</param>
/// <param name="Problem">Why it is not cleared; null: it is.</param>
internal sealed record FaultClearing(bool IsThere, string? Problem);

/// <summary>The other processes that share the catalog: the nodes of a cluster. Each can make any change but those that touch a
/// volume's device, which only its owner may.</summary>
internal interface ICatalogPeers
{
    /// <summary>Why a change can't be made where the catalog is shared; null: it can.</summary>
    /// <param name="decided">The change.</param>
    string? WhyNot(CatalogEvent decided);

    /// <summary>Tells the others that the catalog has changed. Who is not reached finds out by itself, a little later.</summary>
    /// <param name="number">Number of the last change.</param>
    void Changed(long number);

    /// <summary>Has a change of a disk made by the process that owns its volume.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="command">What is to be done.</param>
    /// <param name="cancellation">Who gave it is gone: what has to wait for space to be zeroed is given up.</param>
    /// <returns>What came of it.</returns>
    Task<CatalogAnswer> ForwardAsync(string volume, CatalogCommand command, CancellationToken cancellation);

    /// <summary>A change of disks of a volume that runs elsewhere is known here: its owner is asked what it serves, and that is
    /// offered.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Done when the owner has answered, or has not for too long.</returns>
    Task AskOwnerAsync(string volume);

    /// <summary>Has a fault of a volume cleared by the process that owns it (F6).</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="domain">Index of the flush domain.</param>
    /// <param name="by">Who clears it.</param>
    /// <returns>What came of it.</returns>
    Task<FaultClearing> ClearFaultAsync(string volume, int domain, string by);

    /// <summary>Has the others close all their connections to a disk.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <returns>How many there were, as far as the others answer.</returns>
    Task<int> DetachAsync(string disk);
}
