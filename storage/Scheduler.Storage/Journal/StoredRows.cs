namespace Scheduler.Storage.Journal;

/// <summary>A row of the journal as it lies in the database, deleted ones included.</summary>
/// <param name="PersistenceId">Who wrote it.</param>
/// <param name="SequenceNumber">Its number there.</param>
/// <param name="Created">When, in ticks of 100 ns since the year 1, UTC.</param>
/// <param name="Deleted">Kept only for its number.</param>
/// <param name="Manifest">What it is; other writers may leave it out.</param>
/// <param name="SerializerId">Who reads the message; other writers may leave it out.</param>
/// <param name="WriterUuid">Which start of which writer wrote it; other writers may leave it out.</param>
/// <param name="Tags">Tags, which only Akka.NET writes.</param>
/// <param name="Message">The event.</param>
public sealed record StoredEvent(
    string PersistenceId,
    long SequenceNumber,
    long Created,
    bool Deleted,
    string? Manifest,
    int? SerializerId,
    string? WriterUuid,
    IReadOnlyList<string> Tags,
    ReadOnlyMemory<byte> Message);

/// <summary>A row of the snapshots as it lies in the database.</summary>
/// <param name="PersistenceId">Whose state it is.</param>
/// <param name="SequenceNumber">The last event that it contains.</param>
/// <param name="Created">When, in ticks of 100 ns since the year 1, UTC.</param>
/// <param name="Manifest">What it is; other writers may leave it out.</param>
/// <param name="SerializerId">Who reads the state; other writers may leave it out.</param>
/// <param name="State">The state; the column allows none.</param>
public sealed record StoredSnapshot(
    string PersistenceId, long SequenceNumber, long Created, string? Manifest, int? SerializerId, ReadOnlyMemory<byte>? State);
