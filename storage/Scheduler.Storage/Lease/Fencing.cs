namespace Scheduler.Storage.Lease;

/// <summary>The fencing of all former owners of a volume, under one lease (rules W1 to W5 in VolumeOwnership.cs).</summary>
/// <param name="keeper">The lease.</param>
/// <param name="fence">Excludes them.</param>
/// <param name="volume">Name of the volume.</param>
/// <param name="pause">Between tries.</param>
/// <param name="timeMax">How long it is tried.</param>
/// <param name="told">Told what happens, a line each.</param>
internal sealed class Fencing(LeaseKeeper keeper, IFence fence, string volume, TimeSpan pause, TimeSpan timeMax, Action<string> told)
{
    private readonly long _endNs = BootClock.NowNs + (long)timeMax.TotalNanoseconds;

    /// <summary>Fences no longer than the lease is held (W4).</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="VolumeNotFencedException">It took too long.</exception>
    /// <returns>Whether all are fenced and the lease is held.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource held = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<bool> fencing = ExcludeAllAsync(held.Token);
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
        finally
        {
            // A try that goes on is not wanted any more.
            await held.CancelAsync();
        }
    }

    // All in turn, over and over: one that can't be reached now is in nobody's way.
    private async Task<bool> ExcludeAllAsync(CancellationToken held)
    {
        HashSet<string> excluded = [];
        string failure = "";
        for (bool again = false; keeper.Predecessors.Count > 0; again = true)
        {
            if (again)
                await PauseAsync(failure, held);
            IReadOnlyList<string> names = keeper.Predecessors;
            foreach (string name in names)
            {
                if (!excluded.Contains(name))
                {
                    FenceAnswer answer = await ExcludeAsync(name, isLatest: name == names[^1], held);
                    string what = $"its former owner {name} is {(answer.Excluded ? "fenced" : "not fenced, so the volume is not served")}: {answer.Text}";
                    if (answer.Text.Length > 0)
                        told($"Volume {volume}: {what}");
                    if (!answer.Excluded)
                    {
                        failure = what;
                        continue;
                    }

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
                    failure = e.Message;
                    told(e.Message);
                }
            }
        }

        // W3, W5
        while (true)
        {
            FenceAnswer answer = await fence.EnterAsync(volume, held);
            failure = $"{(answer.Excluded ? "" : "its fence is not ready, so the volume is not served: ")}{answer.Text}";
            if (answer.Text.Length > 0)
                told($"Volume {volume}: {failure}");
            if (answer.Excluded)
                return true;
            await PauseAsync(failure, held);
        }
    }

    private async Task PauseAsync(string failure, CancellationToken held)
    {
        if (BootClock.NowNs >= _endNs)
        {
            throw new VolumeNotFencedException(
                $"volume {volume} could not be fenced for {timeMax.TotalSeconds:0} s, and its lease of epoch {keeper.Epoch} is given back, so that another node may try: {failure}");
        }

        await Task.Delay(pause, held);
    }

    private async Task<FenceAnswer> ExcludeAsync(string name, bool isLatest, CancellationToken held)
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
