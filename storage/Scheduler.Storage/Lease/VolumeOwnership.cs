// From "nobody has it" to the first request: who owns a volume that several machines reach (S5).
//
// W1 Who may still write is in the lease's row, not in anybody's memory: an owner that took the lease and died before it had
//    fenced those before it leaves them to the next one, and its own name with them.
// W2 A name is taken off after the fence has answered that this owner is excluded and its I/O has ended, never before.
// W3 The volume is served when the row says, under the epoch that is held, that there is nobody left to fence.
// W4 Renewals go on meanwhile. A lease that is lost has to be taken again, and everybody that it then names is fenced again.
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
    /// <param name="told">Told what it waits for, and who was fenced, a line each: for the log, and for whoever asks whether
    /// the volume is ready.</param>
    /// <param name="cancellation">Gives up, and gives the volume back.</param>
    /// <exception cref="InvalidOperationException">The store has granted what it must not (S5).</exception>
    /// <returns>The ownership.</returns>
    public static async Task<VolumeOwnership> AcquireAsync(
        ILeaseStore store, IFence fence, string volume, LeaseOwner owner, TimeSpan duration, Action<string> told, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(fence);
        ArgumentNullException.ThrowIfNull(owner);
        while (true)
        {
            LeaseKeeper keeper = await LeaseKeeper.TakeAsync(store, volume, owner.ToString(), duration, told, cancellation);
            bool owned = false;
            try
            {
                owned = await FenceAsync(keeper, fence, volume, duration / 4, told, cancellation);
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

    // Whether all are fenced and the lease is held; fences no longer than it is (W4).
    private static async Task<bool> FenceAsync(
        LeaseKeeper keeper, IFence fence, string volume, TimeSpan pause, Action<string> told, CancellationToken cancellation)
    {
        using CancellationTokenSource held = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<bool> fencing = FenceAllAsync(keeper, fence, volume, pause, told, held.Token);
        if (await Task.WhenAny(fencing, keeper.Lost) != fencing)
            await held.CancelAsync();
        try
        {
            return await fencing && keeper.Holds;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    // All in turn, over and over: one that can't be reached now is in nobody's way.
    private static async Task<bool> FenceAllAsync(
        LeaseKeeper keeper, IFence fence, string volume, TimeSpan pause, Action<string> told, CancellationToken held)
    {
        HashSet<string> excluded = [];
        for (bool again = false; keeper.Predecessors.Count > 0; again = true)
        {
            if (again)
                await Task.Delay(pause, held);
            IReadOnlyList<string> names = keeper.Predecessors;
            foreach (string name in names)
            {
                if (!excluded.Contains(name))
                {
                    FenceAnswer answer = await ExcludeAsync(fence, volume, name, isLatest: name == names[^1], held);
                    if (answer.Text.Length > 0)
                        told($"Volume {volume}: its former owner {name} is {(answer.Excluded ? "fenced" : "not fenced, so the volume is not served")}: {answer.Text}");
                    if (!answer.Excluded)
                        continue;
                    _ = excluded.Add(name);
                }

                // W2
                try
                {
                    if (!await keeper.ConfirmAsync(name, held))
                        return false;
                }
                catch (LeaseStoreException e)
                {
                    told(e.Message);
                }
            }
        }

        // W3, W5
        while (true)
        {
            FenceAnswer answer = await fence.EnterAsync(volume, held);
            if (answer.Text.Length > 0)
                told($"Volume {volume}: {(answer.Excluded ? "" : "its fence is not ready, so the volume is not served: ")}{answer.Text}");
            if (answer.Excluded)
                return true;
            await Task.Delay(pause, held);
        }
    }

    private static async Task<FenceAnswer> ExcludeAsync(IFence fence, string volume, string name, bool isLatest, CancellationToken held)
    {
        FormerOwner former;
        try
        {
            former = FormerOwner.Parse(name) with { IsLatest = isLatest };
        }
        catch (FormatException e)
        {
            return new FenceAnswer(false, $"{e.Message}; see that it writes no more, then take it out of the row of the volume's lease");
        }

        return await fence.ExcludeAsync(volume, former, held);
    }
}
