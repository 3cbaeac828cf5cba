namespace Scheduler.Storage.Lease;

/// <summary>What a store says to a call.</summary>
/// <param name="Granted">Whether it was granted.</param>
/// <param name="Epoch">The epoch: the one granted, or that of who has the volume.</param>
/// <param name="Owner">Who has the volume now, or had it last; empty if nobody ever had, or it was released.</param>
/// <param name="Left">How much longer that lease lasts, by the store's clock; not negative.</param>
/// <param name="Predecessors">Former owners, longest first, that nobody has confirmed to be excluded: some may still write, others
/// gave the volume back and are named as <see cref="FormerOwner.NameOfLeft"/> says.</param>
public readonly record struct LeaseAnswer(bool Granted, long Epoch, string Owner, TimeSpan Left, IReadOnlyList<string> Predecessors);

/// <summary>Where leases are kept: one for each volume, with an expiry by the store's own clock.</summary>
public interface ILeaseStore
{
    /// <summary>
    /// Takes a volume that nobody has, under a new epoch. The owner before, if it has not released the volume, is one more of
    /// those that may still write; the new owner is none of the former ones, as what it wrote under an earlier epoch has ended.
    /// </summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who asks: a name that no other process has or had.</param>
    /// <param name="duration">How long it lasts.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Granted, with an epoch above all that there were; or who has it.</returns>
    /// <exception cref="LeaseStoreException">The outcome is unknown.</exception>
    ValueTask<LeaseAnswer> TakeAsync(string volume, string owner, TimeSpan duration, CancellationToken cancellation = default);

    /// <summary>Makes a lease last longer, from now on; refused if it has run out.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who took it.</param>
    /// <param name="epoch">The epoch that was granted.</param>
    /// <param name="duration">How long it lasts.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Granted, or who has it.</returns>
    /// <exception cref="LeaseStoreException">The outcome is unknown.</exception>
    ValueTask<LeaseAnswer> RenewAsync(string volume, string owner, long epoch, TimeSpan duration, CancellationToken cancellation = default);

    /// <summary>Takes a former owner off: it is excluded. Again and again if need be.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who took it, and has excluded the other.</param>
    /// <param name="epoch">The epoch that was granted.</param>
    /// <param name="fenced">The former owner, as it was named.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Granted, with who is left; or who has taken the volume since.</returns>
    /// <exception cref="LeaseStoreException">The outcome is unknown.</exception>
    ValueTask<LeaseAnswer> ConfirmAsync(string volume, string owner, long epoch, string fenced, CancellationToken cancellation = default);

    /// <summary>
    /// Gives a volume back: all I/O of its owner has ended, and somebody else may take it at once and need not end this owner,
    /// which is named to it as one that has left. Nothing happens if somebody else has taken it since.
    /// </summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who took it.</param>
    /// <param name="epoch">The epoch that was granted.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="LeaseStoreException">The outcome is unknown.</exception>
    ValueTask ReleaseAsync(string volume, string owner, long epoch, CancellationToken cancellation = default);
}

/// <summary>The store of leases can't be reached or has failed: what a call did is unknown.</summary>
/// <param name="message">The store, the volume and what may help.</param>
/// <param name="inner">What it said.</param>
public sealed class LeaseStoreException(string message, Exception inner) : Exception(message, inner);
