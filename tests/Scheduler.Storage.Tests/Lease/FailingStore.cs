using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

/// <summary>Leases whose database can be cut off, for good if its owner is to be dead.</summary>
internal sealed class FailingStore(PostgresLeases inner) : ILeaseStore, IAsyncDisposable
{
    public bool Fails { get; set; }

    /// <summary>What is taken is taken, and the answer is lost.</summary>
    public bool LosesTakes { get; set; }

    /// <summary>Called when something is taken, before the taker hears of it.</summary>
    public Action Taken { get; set; } = () => { };

    public async ValueTask<LeaseAnswer> TakeAsync(string volume, string owner, TimeSpan duration, CancellationToken cancellation)
    {
        LeaseAnswer answer = Fails ? throw Away() : await inner.TakeAsync(volume, owner, duration, cancellation);
        Taken();
        return LosesTakes ? throw Away() : answer;
    }

    public ValueTask<LeaseAnswer> RenewAsync(string volume, string owner, long epoch, TimeSpan duration, CancellationToken cancellation) =>
        Fails ? throw Away() : inner.RenewAsync(volume, owner, epoch, duration, cancellation);

    public ValueTask<LeaseAnswer> ConfirmAsync(string volume, string owner, long epoch, string fenced, CancellationToken cancellation) =>
        Fails ? throw Away() : inner.ConfirmAsync(volume, owner, epoch, fenced, cancellation);

    public ValueTask ReleaseAsync(string volume, string owner, long epoch, CancellationToken cancellation) =>
        Fails ? throw Away() : inner.ReleaseAsync(volume, owner, epoch, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static LeaseStoreException Away() => new("planted: away", new IOException());
}
