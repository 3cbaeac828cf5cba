// The catalog as a value: what it holds, what a command may change, what an event changed. No actor, clock or file.
//
// - An entity's revision is the number of the last event that changed it; 0 is that of what is not there, and of what the
//   configuration file declares. A command may expect a revision.
// - A put that changes nothing, and only that, is done without an event.
// - Declared entities take part in every check, and are never changed, made again or deleted here.
// - CatalogRules.cs says what may be; this file says in which order it is asked.
using System.Collections.Immutable;

namespace Scheduler.Actors;

/// <summary>An entity in the catalog.</summary>
/// <param name="Entity">It.</param>
/// <param name="Revision">Sequence number of the event that changed it last; 0 if it is declared.</param>
/// <param name="IsDeclared">The configuration file declares it: read-only here.</param>
public sealed record CatalogEntry(CatalogEntity Entity, long Revision, bool IsDeclared)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{CatalogRules.Word(Entity.Kind)} {Entity.Name} ({(IsDeclared ? "declared by the configuration file" : "of the journal")})";
}

/// <summary>A command to the catalog.</summary>
/// <param name="By">Who gives it; 1 to 512 characters.</param>
/// <param name="ExpectedRevision">The revision that the entity must have, 0: it must not be there; null: any.</param>
public abstract record CatalogCommand(string By, long? ExpectedRevision)
{
    /// <summary>What it is about.</summary>
    public abstract (CatalogKind Kind, string Name) Key { get; }
}

/// <summary>Make an entity, or give it this content.</summary>
/// <param name="Entity">Its whole content.</param>
/// <param name="By">Who gives the command.</param>
/// <param name="ExpectedRevision">The revision that it must have; null: any.</param>
public sealed record PutEntity(CatalogEntity Entity, string By, long? ExpectedRevision = null) : CatalogCommand(By, ExpectedRevision)
{
    /// <inheritdoc/>
    public override (CatalogKind Kind, string Name) Key => (Entity.Kind, Entity.Name);
}

/// <summary>Delete an entity that nothing refers to.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
/// <param name="By">Who gives the command.</param>
/// <param name="ExpectedRevision">The revision that it must have; null: any.</param>
/// <param name="MayOpen">Of an identity: also if it is the last one, so that everybody sees all disks.</param>
public sealed record DeleteEntity(CatalogKind Kind, string Name, string By, long? ExpectedRevision = null, bool MayOpen = false) : CatalogCommand(By, ExpectedRevision)
{
    /// <inheritdoc/>
    public override (CatalogKind Kind, string Name) Key => (Kind, Name);
}

/// <summary>Why a command is refused.</summary>
public enum CatalogProblem
{
    /// <summary>A value is not in its range, or does not fit the others.</summary>
    Invalid,

    /// <summary>There is no such entity.</summary>
    NotFound,

    /// <summary>The entity has another revision than expected.</summary>
    RevisionDiffers,

    /// <summary>The configuration file declares it.</summary>
    Declared,

    /// <summary>It is in use, or what it wants is.</summary>
    InUse,

    /// <summary>There is no room for it.</summary>
    Full,

    /// <summary>The catalog could not answer; the change may or may not have been made where the reason says so.</summary>
    Unavailable,
}

/// <summary>A refusal.</summary>
/// <param name="Problem">Of which kind.</param>
/// <param name="Reason">What is wrong, with the names and values, and what helps.</param>
public sealed record CatalogRefusal(CatalogProblem Problem, string Reason);

/// <summary>What a command comes to: an event, a refusal, or neither where nothing is to be changed.</summary>
/// <param name="Event">The event.</param>
/// <param name="Refusal">The refusal.</param>
public readonly record struct CatalogDecision(CatalogEvent? Event, CatalogRefusal? Refusal);

/// <summary>Content of the catalog. Immutable: any thread may read one.</summary>
public sealed class CatalogState
{
    private readonly ImmutableSortedDictionary<(CatalogKind Kind, string Name), CatalogEntry> _entries;
    private ILookup<CatalogKind, CatalogEntity>? _byKind;

    private CatalogState(ImmutableSortedDictionary<(CatalogKind Kind, string Name), CatalogEntry> entries) => _entries = entries;

    /// <summary>An empty catalog.</summary>
    public static CatalogState Empty { get; } = new(ImmutableSortedDictionary.Create<(CatalogKind Kind, string Name), CatalogEntry>(KeyOrder.Instance));

    /// <summary>All entries, by kind and name.</summary>
    public IEnumerable<CatalogEntry> Entries => _entries.Values;

    /// <summary>An entry.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    /// <returns>It, or null if there is none.</returns>
    public CatalogEntry? Find(CatalogKind kind, string name) => _entries.GetValueOrDefault((kind, name));

    /// <summary>The entities of one type, by name.</summary>
    /// <typeparam name="T">Such as <see cref="CatalogGuest"/>.</typeparam>
    /// <returns>The entities.</returns>
    public IEnumerable<T> All<T>()
        where T : CatalogEntity =>
        (_byKind ??= _entries.Values.ToLookup(entry => entry.Entity.Kind, entry => entry.Entity))[CatalogFormat.KindOf(typeof(T))].Cast<T>();

    /// <summary>An entity of one type.</summary>
    /// <typeparam name="T">Such as <see cref="CatalogGuest"/>.</typeparam>
    /// <param name="name">Its name.</param>
    /// <returns>It, or null if there is none.</returns>
    public T? Find<T>(string name)
        where T : CatalogEntity =>
        Find(CatalogFormat.KindOf(typeof(T)), name)?.Entity as T;

    /// <summary>The content after an event.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="sequenceNumber">Its number.</param>
    /// <returns>The content.</returns>
    public CatalogState Apply(CatalogEvent happened, long sequenceNumber) => new(
        happened.After is { } after
            ? _entries.SetItem(happened.Key, new CatalogEntry(after, sequenceNumber, IsDeclared: false))
            : _entries.Remove(happened.Key));

    /// <summary>The content after an event that was decided by another process, whose file may declare other things.</summary>
    /// <param name="happened">The event.</param>
    /// <param name="sequenceNumber">Its number.</param>
    /// <returns>The content; null: it does not fit what is declared here.</returns>
    internal CatalogState? Follow(CatalogEvent happened, long sequenceNumber)
    {
        CatalogEntry? now = _entries.GetValueOrDefault(happened.Key);
        if (now is { IsDeclared: true })
            return null;
        CatalogState next = Apply(happened, sequenceNumber);
        CatalogRefusal? refusal = happened.After is { } after ? CatalogRules.Fits(after, next) : now is null ? null : CatalogRules.MayGo(now.Entity, this, _ => false);
        return refusal is null ? next : null;
    }

    /// <summary>What a command comes to.</summary>
    /// <param name="command">The command.</param>
    /// <param name="at">Now, in UTC.</param>
    /// <param name="isAttached">Whether a disk has rings.</param>
    /// <returns>An event, a refusal, or neither.</returns>
    public CatalogDecision Decide(CatalogCommand command, DateTimeOffset at, Func<string, bool> isAttached)
    {
        CatalogEntry? now = _entries.GetValueOrDefault(command.Key);
        string what = $"{CatalogRules.Word(command.Key.Kind)} {command.Key.Name}";
        if (command.By.Length is 0 or > CatalogLimits.TextLengthMax)
            return Refuse(CatalogProblem.Invalid, $"who gives a command has 1 to {CatalogLimits.TextLengthMax} characters");
        if (!CatalogLimits.IsName(command.Key.Name))
            return Refuse(CatalogProblem.Invalid, $"'{command.Key.Name}' is not a name for a {CatalogRules.Word(command.Key.Kind)}: {CatalogLimits.NameRule}");
        if (now is { IsDeclared: true })
            return Refuse(CatalogProblem.Declared, $"{what} is declared by the configuration file; change it there");
        if (command.ExpectedRevision is { } expected && expected != (now?.Revision ?? 0))
        {
            return Refuse(
                CatalogProblem.RevisionDiffers,
                now is null ? $"there is no {what}, so it does not have revision {expected}"
                : expected == 0 ? $"there is a {what} already, of revision {now.Revision}"
                : $"{what} has revision {now.Revision}, not {expected}: look at what has changed, then try again");
        }

        return command switch
        {
            PutEntity put => Put(put, now?.Entity, at, isAttached),
            DeleteEntity when now is null => Refuse(CatalogProblem.NotFound, $"there is no {what}"),
            DeleteEntity delete => Delete(delete, now.Entity, at, isAttached),
            _ => throw new ArgumentException($"{command.GetType()} is no command of the catalog", nameof(command)),
        };
    }

    /// <summary>This content with what the configuration file declares.</summary>
    /// <param name="declared">Read-only entities, checked by the configuration's own rules.</param>
    /// <returns>The content; or what does not fit together, with both sides.</returns>
    public (CatalogState? State, string? Problem) Declare(IReadOnlyList<CatalogEntity> declared)
    {
        CatalogState state = this;
        foreach (CatalogEntity entity in declared)
        {
            CatalogEntry entry = new(entity, 0, IsDeclared: true);
            if (state._entries.GetValueOrDefault((entity.Kind, entity.Name)) is { } other)
                return (null, $"{entry} and {other} have the same name; take it out of the file, or delete the other one");
            state = new CatalogState(state._entries.Add((entity.Kind, entity.Name), entry));
        }

        // What comes from the journal was in range when it was made: what is not now, storage has changed.
        CatalogRefusal? refusal = state.Entries
            .Select(entry => (entry.IsDeclared ? null : CatalogRules.InRange(entry.Entity)) ?? CatalogRules.Fits(entry.Entity, state))
            .FirstOrDefault(problem => problem is not null);
        return refusal is null ? (state, null) : (null, refusal.Reason);
    }

    /// <summary>This content without what the configuration file declares.</summary>
    /// <returns>For <see cref="Declare"/>; by itself it may not fit together.</returns>
    public CatalogState WithoutDeclared() => new(_entries.RemoveRange(_entries.Values.Where(entry => entry.IsDeclared).Select(entry => (entry.Entity.Kind, entry.Entity.Name))));

    /// <summary>Everything that is not declared.</summary>
    /// <returns>For <see cref="PersistentActor.SaveSnapshot"/>.</returns>
    public CatalogSnapshot ToSnapshot() =>
        new(Revised<CatalogVolume>(), Revised<CatalogGuest>(), Revised<CatalogDisk>(), Revised<CatalogToken>(), Revised<CatalogIdentity>());

    /// <summary>Content as it was saved.</summary>
    /// <param name="snapshot">What was saved.</param>
    /// <returns>The content.</returns>
    public static CatalogState From(CatalogSnapshot snapshot)
    {
        var entries = Empty._entries.ToBuilder();
        Add(snapshot.Volumes);
        Add(snapshot.Guests);
        Add(snapshot.Disks);
        Add(snapshot.Tokens);
        Add(snapshot.Identities);
        return new CatalogState(entries.ToImmutable());

        void Add<T>(IReadOnlyList<RevisedEntity<T>> revised)
            where T : CatalogEntity
        {
            foreach ((long revision, T entity) in revised)
                entries.Add((entity.Kind, entity.Name), new CatalogEntry(entity, revision, IsDeclared: false));
        }
    }

    private static CatalogDecision Refuse(CatalogProblem problem, string reason) => new(null, new CatalogRefusal(problem, reason));

    private CatalogDecision Put(PutEntity put, CatalogEntity? before, DateTimeOffset at, Func<string, bool> isAttached)
    {
        CatalogEntity entity = put.Entity;
        CatalogRefusal? refusal = null;
        if (entity is CatalogDisk disk)
            (entity, refusal) = DiskPlaces.Place(disk, before as CatalogDisk, this);
        if (before is not null && refusal is null && entity.IsSame(before))
            return default;
        if (before is null && _entries.Keys.Count(key => key.Kind == entity.Kind) >= CatalogLimits.EntriesMax)
            refusal = new CatalogRefusal(CatalogProblem.Full, $"the catalog holds at most {CatalogLimits.EntriesMax} {CatalogRules.Word(entity.Kind)}s");
        refusal ??= CatalogRules.InRange(entity)
            ?? (before is null ? null : CatalogRules.MayBecome(before, entity, this, isAttached))
            ?? CatalogRules.Fits(entity, this);
        return refusal is null
            ? new CatalogDecision(CatalogFormat.Put(entity, before is null, put.By, at), null)
            : new CatalogDecision(null, refusal);
    }

    private CatalogDecision Delete(DeleteEntity delete, CatalogEntity now, DateTimeOffset at, Func<string, bool> isAttached)
    {
        CatalogRefusal? refusal = CatalogRules.MayGo(now, this, isAttached);
        return refusal is null
            ? new CatalogDecision(CatalogFormat.Deleted(delete.Kind, delete.Name, delete.By, at), null)
            : new CatalogDecision(null, refusal);
    }

    private List<RevisedEntity<T>> Revised<T>()
        where T : CatalogEntity =>
        [.. from entry in _entries.Values where !entry.IsDeclared && entry.Entity is T select new RevisedEntity<T>(entry.Revision, (T)entry.Entity)];

    private sealed class KeyOrder : IComparer<(CatalogKind Kind, string Name)>
    {
        public static readonly KeyOrder Instance = new();

        public int Compare((CatalogKind Kind, string Name) x, (CatalogKind Kind, string Name) y) =>
            x.Kind != y.Kind ? x.Kind.CompareTo(y.Kind) : string.CompareOrdinal(x.Name, y.Name);
    }
}
