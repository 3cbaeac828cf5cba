// From "nobody has it" to the first request: who owns a volume that several machines reach (S5).
//
// W1 Who may still write is in the lease's row, not in anybody's memory: an owner that took the lease and died before it had
//    fenced those before it leaves them to the next one, and its own name with them.
// W2 A name is taken off after the fence has answered that this owner is excluded and its I/O has ended, never before.
// W3 The volume is served when the row says, under the epoch that is held, that there is nobody left to fence.
// W4 Renewals go on meanwhile. A lease that is lost has to be taken again, and everybody that it then names is fenced again.
//    But who can't fence for long gives the lease back, as it is not known whether another could: it may be this node that does not
//    reach the device, or its program the other node.
// W5 What the fence needs of an owner is there before its first request, and stays when its lease is given back: the next owner
//    takes that over, and the leaver's name with it is in the row until then, as one that need not be ended.
namespace Scheduler.Storage.Lease;

/// <summary>A volume that this process owns: its lease is held, and whoever had it before writes no more.</summary>
public sealed class VolumeOwnership : IAsyncDisposable
{
    private readonly LeaseKeeper _keeper;

    private VolumeOwnership(LeaseKeeper keeper) => _keeper = keeper;

    /// <summary>The epoch under which it is owned; above all that there were.</summary>
    public long Epoch => _keeper.Epoch;

    /// <summary>Whether the volume may be written to now. Asked before each submission, from any thread; costs one look at the clock.</summary>
    public bool Holds => _keeper.Holds;

    /// <summary>Ends when it is owned no more; fails if the store has granted what it must not (S5).</summary>
    public Task Lost => _keeper.Lost;

    /// <summary>Waits until a volume is free, takes it, and fences whoever may still write to it.</summary>
    /// <param name="store">Where leases are kept.</param>
    /// <param name="fence">Excludes old owners.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">This process. If it had the volume before, all its I/O there has ended.</param>
    /// <param name="duration">How long a lease lasts without a renewal.</param>
    /// <param name="fencingMax">How long it tries to fence under one lease.</param>
    /// <param name="told">Told what it waits for, and who was fenced, a line each: for the log, and for whoever asks whether
    /// the volume is ready.</param>
    /// <param name="cancellation">Gives up, and gives the volume back.</param>
    /// <exception cref="InvalidOperationException">The store has granted what it must not (S5).</exception>
    /// <exception cref="VolumeNotFencedException">Somebody could not be fenced; the volume is given back.</exception>
    /// <returns>The ownership.</returns>
    public static async Task<VolumeOwnership> AcquireAsync(
        ILeaseStore store,
        IFence fence,
        string volume,
        LeaseOwner owner,
        TimeSpan duration,
        TimeSpan fencingMax,
        Action<string> told,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(fence);
        ArgumentNullException.ThrowIfNull(owner);
        while (true)
        {
            LeaseKeeper keeper = await LeaseKeeper.TakeAsync(store, volume, owner.ToString(), duration, told, cancellation);
            bool owned = false;
            try
            {
                owned = await new Fencing(keeper, fence, volume, duration / 4, fencingMax, told).RunAsync(cancellation);
                if (owned)
                    return new VolumeOwnership(keeper);
            }
            finally
            {
                // Nothing was written under it.
                if (!owned)
                    await keeper.DisposeAsync();
            }

            await keeper.Lost;
            told($"Volume {volume}: its lease of epoch {keeper.Epoch} was lost before its former owners were fenced; it is taken again");
        }
    }

    /// <summary>Gives the volume back, so that the next owner has nobody to end. After all its I/O has ended, and only then: if that
    /// can't be, the process ends without this.</summary>
    public ValueTask DisposeAsync() => _keeper.DisposeAsync();
}
