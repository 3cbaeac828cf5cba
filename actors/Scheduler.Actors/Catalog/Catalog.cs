using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>Acts on what the catalog says. Called on the catalog's dispatcher, one call at a time; does not block.</summary>
public interface ICatalogObserver
{
    /// <summary>The catalog was recovered: at start, and again after its journal had failed, when changes may be in it of which
    /// <see cref="Changed"/> was not told.</summary>
    /// <param name="state">All there is, with what is declared.</param>
    void Recovered(CatalogState state);

    /// <summary>A change is durable. Its command is answered after this.</summary>
    /// <param name="happened">What was changed.</param>
    /// <param name="before">What it was; null if it is new.</param>
    /// <param name="state">All there is now.</param>
    void Changed(CatalogEvent happened, CatalogEntity? before, CatalogState state);

    /// <summary>The configuration file declares other content than before: <see cref="DeclareCatalog"/>.</summary>
    /// <param name="state">All there is now.</param>
    void Declared(CatalogState state);

    /// <summary>The journal and the configuration file do not fit together. The catalog stops; starting it again gives the
    /// same until the file is changed.</summary>
    /// <param name="problem">What does not fit, with both sides.</param>
    void Conflicts(string problem);
}

/// <summary>What the catalog needs to start.</summary>
public sealed record CatalogSetup
{
    /// <summary>What the configuration file declares: read-only.</summary>
    public required IReadOnlyList<CatalogEntity> Declared { get; init; }

    /// <summary>Acts on it.</summary>
    public required ICatalogObserver Observer { get; init; }

    /// <summary>Whether a disk has rings. Asked when a command is decided; what attaches before the observer is told has to be
    /// dealt with there.</summary>
    public required Func<string, bool> IsAttached { get; init; }

    /// <summary>The time of changes.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>A snapshot is saved after so many events.</summary>
    public int EventsPerSnapshot { get; init; } = 1_000;
}

/// <summary>What the catalog answers to a command.</summary>
/// <param name="Entry">The entity as it is now, also if nothing had to be changed; null if it was deleted or refused.</param>
/// <param name="Refusal">Why nothing was changed; null if it was done.</param>
public sealed record CatalogAnswer(CatalogEntry? Entry, CatalogRefusal? Refusal);

/// <summary>Edge to catalog: carry out a command.</summary>
/// <param name="Command">The command.</param>
/// <param name="Done">Called once, from any thread, when it is durable, or refused.</param>
public sealed record ChangeCatalog(CatalogCommand Command, Action<CatalogAnswer> Done) : IExpectsAnswer
{
    /// <inheritdoc/>
    public void Refuse(string reason) => Done(new CatalogAnswer(null, new CatalogRefusal(CatalogProblem.Unavailable, reason)));
}

/// <summary>Host to catalog: the configuration file declares other content now. Nothing is persisted.</summary>
/// <param name="Declared">All that it declares.</param>
/// <param name="Done">Called once, from any thread: null when it holds, otherwise why not.</param>
public sealed record DeclareCatalog(IReadOnlyList<CatalogEntity> Declared, Action<string?> Done) : IExpectsAnswer
{
    /// <inheritdoc/>
    public void Refuse(string reason) => Done(reason);
}

/// <summary>
/// The actor of the catalog: what is served, and who may. Thin: <see cref="CatalogState"/> decides, the journal keeps the
/// events, the observer acts on them.
/// </summary>
/// <param name="setup">What it needs.</param>
public sealed class Catalog(CatalogSetup setup) : PersistentActor
{
    /// <summary>Whose events these are.</summary>
    public const string Id = "catalog";

    private CatalogState _state = CatalogState.Empty;
    private long _snapshotAt;
    private long _snapshotAskedAt;

    /// <inheritdoc/>
    public override string PersistenceId => Id;

    /// <inheritdoc/>
    public override void OnRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer offer:
                _state = CatalogState.From((CatalogSnapshot)offer.Snapshot);
                _snapshotAt = _snapshotAskedAt = offer.SequenceNr;
                break;
            case CatalogEvent happened:
                _state = _state.Apply(happened, LastSequenceNr);
                break;
            case RecoveryCompleted:
                (CatalogState? state, string? problem) = _state.Declare(setup.Declared);
                if (state is null)
                {
                    setup.Observer.Conflicts(problem!);
                    Context.Stop(Self);
                    break;
                }

                _state = state;
                setup.Observer.Recovered(_state);
                break;
        }
    }

    /// <inheritdoc/>
    public override void OnCommand(object message)
    {
        switch (message)
        {
            case ChangeCatalog change:
                Carry(change);
                break;
            case DeclareCatalog declare:
                (CatalogState? declared, string? problem) = _state.WithoutDeclared().Declare(declare.Declared);
                if (declared is not null)
                {
                    _state = declared;
                    setup.Observer.Declared(_state);
                }

                declare.Done(problem);
                break;
            case SaveSnapshotSuccess saved:
                _snapshotAt = saved.SequenceNr;
                break;
            case SaveSnapshotFailure:
                // Tried again after the next event.
                _snapshotAskedAt = _snapshotAt;
                break;
        }
    }

    private void Carry(ChangeCatalog change)
    {
        CatalogCommand command = change.Command;
        (CatalogEvent? decided, CatalogRefusal? refusal) = _state.Decide(command, setup.Clock.GetUtcNow(), setup.IsAttached);
        if (decided is null)
        {
            change.Done(new CatalogAnswer(refusal is null ? _state.Find(command.Key.Kind, command.Key.Name) : null, refusal));
            return;
        }

        Persist(decided, _ =>
        {
            CatalogEntity? before = _state.Find(decided.Key.Kind, decided.Key.Name)?.Entity;
            _state = _state.Apply(decided, LastSequenceNr);
            setup.Observer.Changed(decided, before, _state);
            if (LastSequenceNr - _snapshotAskedAt >= setup.EventsPerSnapshot)
            {
                _snapshotAskedAt = LastSequenceNr;
                SaveSnapshot(_state.ToSnapshot());
            }

            change.Done(new CatalogAnswer(_state.Find(decided.Key.Kind, decided.Key.Name), null));
        });
    }
}

/// <summary>A change of the catalog with its number.</summary>
/// <param name="SequenceNumber">Its number: the revision of what it put.</param>
/// <param name="Event">The change.</param>
public sealed record CatalogChange(long SequenceNumber, CatalogEvent Event);

/// <summary>What was changed, when, and by whom: read from the journal, whose events of the catalog are never deleted.</summary>
public static class CatalogHistory
{
    /// <summary>Most changes of one call.</summary>
    public const int CountMax = 1_000;

    /// <summary>The changes up to one, the newest first.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="format">Reads it.</param>
    /// <param name="to">The newest; <see cref="long.MaxValue"/> for the newest there is.</param>
    /// <param name="count">So many; 1 to <see cref="CountMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The changes; ask again with one below the last one's number.</returns>
    /// <exception cref="PersistenceException">An event can't be read.</exception>
    /// <exception cref="JournalUnavailableException">The journal can't be reached.</exception>
    public static async Task<IReadOnlyList<CatalogChange>> ReadAsync(
        IEventJournal journal, EventFormat format, long to, int count, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CountMax);
        List<CatalogChange> changes = [];
        await foreach ((long number, object happened) in format.ReadUpToAsync(journal, Catalog.Id, to, count, cancellation).ConfigureAwait(false))
            changes.Add(new CatalogChange(number, (CatalogEvent)happened));
        changes.Reverse();
        return changes;
    }
}
