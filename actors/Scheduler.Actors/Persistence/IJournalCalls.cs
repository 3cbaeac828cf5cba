using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>
/// A journal as an engine calls it for persistent actors. Nothing here blocks: each call is answered with one message to the
/// actor that is named, from any thread. Calls for one actor are answered in order.
/// </summary>
public interface IJournalCalls
{
    /// <summary>Asks for the newest snapshot and the highest sequence number: <see cref="JournalOpened"/>.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="actor">Who is told.</param>
    void Open(string persistenceId, ActorRef actor);

    /// <summary>Asks for some of the events from a sequence number on: <see cref="JournalPage"/>.</summary>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="from">Lowest sequence number.</param>
    /// <param name="actor">Who is told.</param>
    void Read(string persistenceId, long from, ActorRef actor);

    /// <summary>Appends events, all or none: <see cref="JournalAppended"/>.</summary>
    /// <param name="events">At least one.</param>
    /// <param name="actor">Who is told.</param>
    void Append(IReadOnlyList<JournalEvent> events, ActorRef actor);

    /// <summary>Saves a snapshot, and deletes those before it: <see cref="SaveSnapshotSuccess"/> or
    /// <see cref="SaveSnapshotFailure"/>.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="actor">Who is told.</param>
    void Save(JournalSnapshot snapshot, ActorRef actor);
}

/// <summary>Answers <see cref="IJournalCalls.Open"/>.</summary>
/// <param name="Snapshot">The newest snapshot, or null.</param>
/// <param name="Highest">The highest sequence number ever used; 0 for none.</param>
public sealed record JournalOpened(JournalSnapshot? Snapshot, long Highest);

/// <summary>Answers <see cref="IJournalCalls.Read"/>.</summary>
/// <param name="Events">Some of the events, in order; none if there are no more.</param>
public sealed record JournalPage(IReadOnlyList<JournalEvent> Events);

/// <summary>Answers <see cref="IJournalCalls.Append"/>: the events are durable.</summary>
public sealed record JournalAppended
{
    /// <summary>The message.</summary>
    public static JournalAppended Instance { get; } = new();
}

/// <summary>Answers any call but <see cref="IJournalCalls.Save"/>: the journal has failed. What an append did is unknown.</summary>
/// <param name="Cause">What the journal said.</param>
public sealed record JournalFailed(Exception Cause);
