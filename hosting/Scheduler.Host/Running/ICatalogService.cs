using Scheduler.Actors;

namespace Scheduler.Host.Running;

/// <summary>The catalog of a running service, as its admin API sees it.</summary>
internal interface ICatalogService
{
    /// <summary>All there is now, declared or made. Any thread may read it.</summary>
    CatalogState State { get; }

    /// <summary>Carries out a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="cancellation">Who gave it is gone: what has to wait for its turn, or for a disk's space to be zeroed, is not done.</param>
    /// <returns>What came of it: durable, and in effect on the running service, or refused.</returns>
    Task<CatalogAnswer> ChangeAsync(CatalogCommand command, CancellationToken cancellation = default);

    /// <summary>What was changed, the newest first; see <see cref="CatalogHistory"/>.</summary>
    /// <param name="to">Number of the newest change wanted; <see cref="long.MaxValue"/> for the newest there is.</param>
    /// <param name="count">So many at most; 1 to <see cref="CatalogHistory.CountMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    Task<IReadOnlyList<CatalogChange>> HistoryAsync(long to, int count, CancellationToken cancellation);

    /// <summary>Closes all connections to a disk, in a cluster on all nodes that can be reached.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <returns>How many there were.</returns>
    Task<int> DetachAsync(string disk);
}
