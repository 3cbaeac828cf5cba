// The catalog of several processes on one journal: the nodes of a cluster. Each has all of it, and any may change it.
//
// - A change is an append at the number after the last that its process knows. The journal takes one event for each number: of
//   two processes that change at once one is refused, reads what the other has done, and decides anew. So no change is lost or
//   made twice, and each was decided on all that was there before it.
// - A change that only the owner of a volume may make is appended under the lease of the volume. One that is late, of an owner that
//   was asleep and has been replaced, is refused: what the next owner does with the volume meanwhile is not in the catalog yet.
// - What others have appended is read from where this process is. It may be read at any time, as often as one likes.
// - When the journal fails in an append, nobody knows what that did. Reading on tells.
// - What another process has made may not fit what this one's configuration file declares. Then nothing is taken that is new: this
//   process stays behind, and can't change anything, until that is put right, there or by starting this one with another file.
using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>The journal and what the configuration file declares do not go together.</summary>
/// <param name="message">What does not fit, with both sides.</param>
public sealed class CatalogConflictException(string message) : Exception(message);

/// <summary>A process's view of the catalog that it shares. One call at a time; <see cref="State"/> may be kept and read anywhere.</summary>
/// <param name="journal">The journal; disposed by its owner.</param>
/// <param name="format">How events are written there.</param>
/// <param name="eventsPerSnapshot">A snapshot is saved after so many events.</param>
public sealed class SharedCatalog(IEventJournal journal, EventFormat format, int eventsPerSnapshot = 1_000)
{
    private IReadOnlyList<CatalogEntity> _declared = [];
    private long _snapshotAt;

    /// <summary>All there is, with what is declared, as far as this process knows.</summary>
    public CatalogState State { get; private set; } = CatalogState.Empty;

    /// <summary>The last event that is in <see cref="State"/>; 0: none.</summary>
    public long Number { get; private set; }

    /// <summary>Reads all of it, once, before anything else.</summary>
    /// <param name="declared">What the configuration file declares.</param>
    /// <exception cref="CatalogConflictException">The two do not go together.</exception>
    /// <exception cref="PersistenceException">An event can't be read.</exception>
    /// <exception cref="JournalDamagedException">Events are missing.</exception>
    /// <exception cref="JournalUnavailableException">The journal can't be reached.</exception>
    public async Task RecoverAsync(IReadOnlyList<CatalogEntity> declared)
    {
        if (await journal.LoadSnapshotAsync(Catalog.Id).ConfigureAwait(false) is { } saved)
        {
            State = CatalogState.From((CatalogSnapshot)format.Read(saved.Manifest, saved.SerializerId, saved.State, $"snapshot {saved.SequenceNumber} of {Catalog.Id}"));
            Number = _snapshotAt = saved.SequenceNumber;
        }

        await foreach ((long number, CatalogEvent happened) in NewAsync().ConfigureAwait(false))
            (State, Number) = (State.Apply(happened, number), number);
        if (Declare(declared) is { } problem)
            throw new CatalogConflictException(problem);
    }

    /// <summary>Reads what others have appended. If that fails, nothing of it is taken.</summary>
    /// <exception cref="CatalogConflictException">It does not fit what the file declares.</exception>
    /// <exception cref="PersistenceException">An event can't be read.</exception>
    /// <exception cref="JournalDamagedException">Events are missing.</exception>
    /// <exception cref="JournalUnavailableException">The journal can't be reached.</exception>
    public async Task ReadOnAsync()
    {
        CatalogState? state = State;
        CatalogState? undeclared = null;
        long last = Number;
        string? problem = null;
        await foreach ((long number, CatalogEvent happened) in NewAsync().ConfigureAwait(false))
        {
            last = number;
            if (undeclared is null && state!.Follow(happened, number) is { } next)
            {
                state = next;
                continue;
            }

            // It may not fit, and may have been put right since.
            undeclared = (undeclared ?? state!.WithoutDeclared()).Apply(happened, number);
        }

        if (undeclared is not null)
            (state, problem) = undeclared.Declare(_declared);
        (State, Number) = (state ?? throw new CatalogConflictException(problem!), last);
    }

    /// <summary>Makes a change that was decided on <see cref="State"/>.</summary>
    /// <param name="decided">The change.</param>
    /// <param name="term">The lease of the volume whose owner alone may make it; null: anybody may.</param>
    /// <returns>True: it is durable, and in <see cref="State"/>. False: somebody else was first, and nothing was changed; read on, and
    /// decide anew.</returns>
    /// <exception cref="VolumeTakenException">Another owns the volume by now; nothing was changed.</exception>
    /// <exception cref="JournalUnavailableException">The journal fails: it may be made or not, which reading on tells.</exception>
    public async Task<bool> AppendAsync(CatalogEvent decided, VolumeTerm? term = null)
    {
        (string manifest, byte[] text) = format.Write(decided);
        try
        {
            JournalEvent next = new(Catalog.Id, Number + 1, manifest, EventFormat.SerializerId, text);
            await (term is { } owned ? journal.AppendAsync([next], owned) : journal.AppendAsync([next])).ConfigureAwait(false);
        }
        catch (SequenceConflictException)
        {
            return false;
        }

        (State, Number) = (State.Apply(decided, Number + 1), Number + 1);
        if (Number - _snapshotAt >= eventsPerSnapshot)
            await SaveAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>The configuration file declares other content now.</summary>
    /// <param name="declared">All that it declares.</param>
    /// <returns>Why it goes on as it was, or null.</returns>
    public string? Declare(IReadOnlyList<CatalogEntity> declared)
    {
        (CatalogState? state, string? problem) = State.WithoutDeclared().Declare(declared);
        if (state is not null)
            (State, _declared) = (state, declared);
        return problem;
    }

    private async Task SaveAsync()
    {
        (string manifest, byte[] text) = format.Write(State.ToSnapshot());
        try
        {
            await journal.SaveSnapshotAsync(new JournalSnapshot(Catalog.Id, Number, manifest, EventFormat.SerializerId, text)).ConfigureAwait(false);
            _snapshotAt = Number;
            await journal.DeleteSnapshotsAsync(Catalog.Id, Number - 1).ConfigureAwait(false);
        }
        catch (JournalUnavailableException)
        {
            // The events are there all the same; tried again after the next one.
        }
    }

    private async IAsyncEnumerable<(long Number, CatalogEvent Happened)> NewAsync()
    {
        await foreach (JournalEvent stored in journal.ReadAsync(Catalog.Id, Number + 1).ConfigureAwait(false))
        {
            object happened = format.Read(stored.Manifest, stored.SerializerId, stored.Message, $"event {stored.SequenceNumber} of {Catalog.Id}");
            yield return (stored.SequenceNumber, (CatalogEvent)happened);
        }
    }
}
