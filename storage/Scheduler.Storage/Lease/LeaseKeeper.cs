namespace Scheduler.Storage.Lease;

/// <summary>Keeps a volume's lease: takes it, renews it, and says at each submission whether it holds.</summary>
public sealed class LeaseKeeper : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILeaseStore _store;
    private readonly VolumeLease _lease;
    private readonly string _volume;
    private readonly string _owner;
    private readonly TimeSpan _duration;
    private Task _loop = Task.CompletedTask;

    private LeaseKeeper(ILeaseStore store, string volume, string owner, TimeSpan duration)
    {
        _store = store;
        _volume = volume;
        _owner = owner;
        _duration = duration;
        _lease = new VolumeLease(duration);
    }

    /// <summary>The epoch that is held, or was.</summary>
    public long Epoch => _lease.Epoch;

    /// <summary>Whether the volume may be written to now. Asked before each submission, from any thread.</summary>
    public bool Holds => _lease.Holds(BootClock.NowNs);

    /// <summary>Ends when the lease is no longer held; fails if the store has granted what it must not (S5).</summary>
    public Task Lost => _lost.Task;

    /// <summary>Takes a volume, waiting until it is free, and keeps it from then on.</summary>
    /// <param name="store">Where leases are kept.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who asks: a name that no other process has or had.</param>
    /// <param name="duration">How long a lease lasts without a renewal.</param>
    /// <param name="waiting">Told each time why it is not held yet, for the log.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The keeper of a lease that is held.</returns>
    public static async Task<LeaseKeeper> TakeAsync(
        ILeaseStore store, string volume, string owner, TimeSpan duration, Action<string>? waiting = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        LeaseKeeper keeper = new(store, volume, owner, duration);
        while (!keeper.Holds)
        {
            await keeper.PauseAsync(cancellation);
            await keeper.CallAsync(waiting, cancellation);
        }

        keeper._loop = keeper.RunAsync();
        return keeper;
    }

    /// <summary>Gives the volume back, so that another may take it at once. After its I/O has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        bool held = Holds;
        _lease.End();
        _ = _lost.TrySetResult();
        _stop.Dispose();
        if (!held)
            return;
        try
        {
            await _store.ReleaseAsync(_volume, _owner, Epoch);
        }
        catch (LeaseStoreException)
        {
            // It runs out by itself.
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (Holds)
            {
                await PauseAsync(_stop.Token);
                if (Holds)
                    await CallAsync(null, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // It is to be given back.
            return;
        }
        catch (InvalidOperationException broken)
        {
            _ = _lost.TrySetException(broken);
        }

        _lease.End();
        _ = _lost.TrySetResult();
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        long ns = _lease.NextCallNs - BootClock.NowNs;
        if (ns > 0)
            await Task.Delay(TimeSpan.FromMicroseconds(ns / 1000), cancellation);
    }

    // One call, given up when its grant could no longer be of use.
    private async Task CallAsync(Action<string>? waiting, CancellationToken cancellation)
    {
        LeaseCall call = _lease.Next(BootClock.NowNs);
        if (call == LeaseCall.None)
            return;
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(_duration / 4);
        try
        {
            LeaseAnswer answer = call == LeaseCall.Take
                ? await _store.TakeAsync(_volume, _owner, _duration, within.Token)
                : await _store.RenewAsync(_volume, _owner, Epoch, _duration, within.Token);
            if (answer.Granted)
            {
                _lease.Granted(answer.Epoch, BootClock.NowNs);
                return;
            }

            _lease.Refused(BootClock.NowNs);
            waiting?.Invoke($"Volume {_volume}: {answer.Owner} has it under epoch {answer.Epoch}, for {answer.Left.TotalSeconds:0.0} s more");
        }
        catch (Exception e) when (e is LeaseStoreException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            _lease.Unanswered(BootClock.NowNs);
            waiting?.Invoke(e is LeaseStoreException ? e.Message : $"Lease of volume {_volume}: its database has not answered; check it");
        }
    }
}
