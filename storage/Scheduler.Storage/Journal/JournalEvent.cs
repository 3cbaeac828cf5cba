namespace Scheduler.Storage.Journal;

/// <summary>One event as the journal keeps it.</summary>
/// <param name="PersistenceId">Who wrote it: <c>catalog</c>, or <c>volume-</c> and a volume's name. 1 to 255 characters.</param>
/// <param name="SequenceNumber">From 1, without gaps for each persistence id.</param>
/// <param name="Manifest">What it is and in which version, such as <c>guest-added/1</c>.</param>
/// <param name="SerializerId">Who reads the message; see Akka's serializer ids.</param>
/// <param name="Message">The event, at most 1 MiB.</param>
public sealed record JournalEvent(string PersistenceId, long SequenceNumber, string Manifest, int SerializerId, ReadOnlyMemory<byte> Message);

/// <summary>The state of a persistent actor after an event.</summary>
/// <param name="PersistenceId">Whose state it is.</param>
/// <param name="SequenceNumber">The last event that it contains.</param>
/// <param name="Manifest">What it is and in which version, such as <c>catalog/1</c>.</param>
/// <param name="SerializerId">Who reads the state.</param>
/// <param name="State">The state, at most 64 MiB.</param>
public sealed record JournalSnapshot(string PersistenceId, long SequenceNumber, string Manifest, int SerializerId, ReadOnlyMemory<byte> State);
