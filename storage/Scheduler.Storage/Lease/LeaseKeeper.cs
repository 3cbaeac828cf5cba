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
    private bool _kept;

    /// <summary>A taking was not answered: it may have been carried out.</summary>
    private bool _mayHaveTaken;

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

    /// <summary>Former owners, longest first. Nobody writes under this lease before there are none.</summary>
    public IReadOnlyList<string> Predecessors { get; private set; } = [];

    /// <summary>Whether the lease is held now. Asked before each submission, from any thread.</summary>
    public bool Holds => _lease.Holds(BootClock.NowNs);

    /// <summary>Ends when the lease is no longer held; fails if the store has granted what it must not (S5).</summary>
    public Task Lost => _lost.Task;

    /// <summary>Takes a volume, waiting until it is free, and keeps it from then on.</summary>
    /// <param name="store">Where leases are kept.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">Who asks: a name that no other process has or had.</param>
    /// <param name="duration">How long a lease lasts without a renewal.</param>
    /// <param name="waiting">Told each time why it is not held yet, for the log.</param>
    /// <param name="cancellation">Gives up, and gives the volume back; a call that is under way is waited for.</param>
    /// <returns>The keeper of a lease that is held.</returns>
    public static async Task<LeaseKeeper> TakeAsync(
        ILeaseStore store, string volume, string owner, TimeSpan duration, Action<string>? waiting = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        LeaseKeeper keeper = new(store, volume, owner, duration);
        try
        {
            while (!keeper.Holds)
            {
                await keeper.PauseAsync(cancellation);

                // Not given up with the rest: a grant that nobody hears of would have this process fenced by the next owner.
                await keeper.CallAsync(waiting, CancellationToken.None);
            }

            cancellation.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException)
        {
            if (keeper.Epoch > 0)
                await keeper.DisposeAsync();
            else if (keeper._mayHaveTaken)
                await keeper.ReleaseUnheardAsync();
            throw;
        }

        keeper._kept = true;
        keeper._loop = keeper.RunAsync();
        return keeper;
    }

    /// <summary>Tells the store that a former owner is fenced. One call at a time.</summary>
    /// <param name="fenced">One of <see cref="Predecessors"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="LeaseStoreException">The outcome is unknown; it may be told again.</exception>
    /// <returns>Whether it was told under this lease's epoch: if not, somebody else has the volume.</returns>
    public async Task<bool> ConfirmAsync(string fenced, CancellationToken cancellation = default)
    {
        using CancellationTokenSource within = Within(cancellation);
        try
        {
            LeaseAnswer answer = await _store.ConfirmAsync(_volume, _owner, Epoch, fenced, within.Token);
            if (answer.Granted)
                Predecessors = answer.Predecessors;
            return answer.Granted;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new LeaseStoreException(Unanswered, e);
        }
    }

    /// <summary>Gives the volume back, so that another may take it at once and need not end this owner. After its I/O has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _loop;
        _lease.End();
        _ = _lost.TrySetResult();

        // Also where it has run out: unless somebody has come since, nobody needs to end this owner.
        using CancellationTokenSource within = Within(CancellationToken.None);
        try
        {
            await _store.ReleaseAsync(_volume, _owner, Epoch, within.Token);
        }
        catch (Exception e) when (e is LeaseStoreException or OperationCanceledException)
        {
            // It runs out by itself, and this owner is taken for one that may still write.
        }

        _stop.Dispose();
    }

    // A grant that was not heard of: its epoch is in the row, if it is there.
    private async Task ReleaseUnheardAsync()
    {
        using CancellationTokenSource within = Within(CancellationToken.None);
        try
        {
            LeaseAnswer now = await _store.RenewAsync(_volume, _owner, 0, _duration, within.Token);
            if (now.Owner == _owner)
                await _store.ReleaseAsync(_volume, _owner, now.Epoch, within.Token);
        }
        catch (Exception e) when (e is LeaseStoreException or OperationCanceledException)
        {
            // As in DisposeAsync.
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

    private string Unanswered => $"Lease of volume {_volume}: its database has not answered; check it";

    // An answer that comes later could be of no use.
    private CancellationTokenSource Within(CancellationToken cancellation)
    {
        CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(_duration / 4);
        return within;
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        long ns = _lease.NextCallNs - BootClock.NowNs;
        if (ns > 0)
            await Task.Delay(TimeSpan.FromMicroseconds(ns / 1000), cancellation);
    }

    private async Task CallAsync(Action<string>? waiting, CancellationToken cancellation)
    {
        LeaseCall call = _lease.Next(BootClock.NowNs);
        if (call == LeaseCall.None)
            return;
        if (call == LeaseCall.Take && _kept)
        {
            // It has run out just now. Under another epoch there are others to fence: that is another keeper's.
            _lease.Refused(BootClock.NowNs);
            return;
        }

        using CancellationTokenSource within = Within(cancellation);
        try
        {
            LeaseAnswer answer = call == LeaseCall.Take
                ? await _store.TakeAsync(_volume, _owner, _duration, within.Token)
                : await _store.RenewAsync(_volume, _owner, Epoch, _duration, within.Token);
            if (answer.Granted)
            {
                // While it is held there come none, and some may go: an operator may know more than a fence does.
                Predecessors = answer.Predecessors;
                _lease.Granted(answer.Epoch, BootClock.NowNs);
                return;
            }

            _lease.Refused(BootClock.NowNs);
            waiting?.Invoke($"Volume {_volume}: {answer.Owner} has it under epoch {answer.Epoch}, for {answer.Left.TotalSeconds:0.0} s more");
        }
        catch (Exception e) when (e is LeaseStoreException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            _lease.Unanswered(BootClock.NowNs);
            _mayHaveTaken |= call == LeaseCall.Take;
            waiting?.Invoke(e is LeaseStoreException ? e.Message : Unanswered);
        }
    }
}
