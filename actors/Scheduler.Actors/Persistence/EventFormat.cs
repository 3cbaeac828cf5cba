// How events and snapshots are written: JSON under one serializer id, named by a manifest such as guest-added/2: the kind's
// name and its version.
//
// - From version 2 on, which differs from version 1 in nothing else, the object's last member is a checksum over the manifest
//   and all that is before it (Checksummed.cs): so what storage has changed is not taken for something else that is valid.
// - Written is always the newest version. An older one is read as a JSON object that its upcasters change, one version at a
//   time, into the newest.
// - A version that is newer than this program, or a kind that it does not know, is refused by name: skipping an event would
//   give a state that never was. So is a field that the kind does not have.
// - Names and fields never change their meaning: what is stored is read for ever. Tests pin them.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Scheduler.Storage.Journal;

namespace Scheduler.Actors;

/// <summary>One kind of event or snapshot.</summary>
/// <param name="name">Its name, as in <c>guest-added</c>.</param>
/// <param name="json">How its newest version is written.</param>
/// <param name="upcasters">The first changes an object of version 2, or 1, into one of version 3, and so on; the kind's version is
/// two above their number.</param>
public sealed class EventKind(string name, JsonTypeInfo json, params Func<JsonObject, JsonObject>[] upcasters)
{
    internal const int FirstWithChecksum = 2;

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>How its newest version is written.</summary>
    public JsonTypeInfo Json { get; } = json;

    /// <summary>Its newest version.</summary>
    public int Version => upcasters.Length + FirstWithChecksum;

    /// <summary>Name and newest version.</summary>
    public string Manifest => string.Create(CultureInfo.InvariantCulture, $"{Name}/{Version}");

    internal JsonObject Upcast(JsonObject stored, int version)
    {
        for (version = Math.Max(version, FirstWithChecksum); version < Version; version++)
            stored = upcasters[version - FirstWithChecksum](stored);
        return stored;
    }
}

/// <summary>Reads and writes the events and snapshots of persistent actors.</summary>
public sealed class EventFormat
{
    /// <summary>Who reads what is written here, in the tables of the journal. 0 to 40 belong to Akka.NET; never changed.</summary>
    public const int SerializerId = 7109;

    private readonly Dictionary<string, EventKind> _byName;
    private readonly Dictionary<Type, EventKind> _byType;

    /// <summary>Creates a format.</summary>
    /// <param name="kinds">All kinds; no name or type twice.</param>
    public EventFormat(IReadOnlyCollection<EventKind> kinds)
    {
        _byName = kinds.ToDictionary(kind => kind.Name, StringComparer.Ordinal);
        _byType = kinds.ToDictionary(kind => kind.Json.Type);
    }

    /// <summary>The manifests that are written.</summary>
    public IEnumerable<string> Manifests => _byName.Values.Select(kind => kind.Manifest);

    /// <summary>The types of the events and snapshots.</summary>
    public IReadOnlyCollection<Type> Types => _byType.Keys;

    /// <summary>Whether something is of a known kind.</summary>
    /// <param name="value">An event or snapshot.</param>
    /// <returns>Whether it can be written.</returns>
    public bool Knows(object value) => _byType.ContainsKey(value.GetType());

    /// <summary>The manifest that something is written under.</summary>
    /// <param name="value">Of a known kind.</param>
    /// <returns>Its manifest.</returns>
    /// <exception cref="ArgumentException">The type is of no known kind.</exception>
    public string ManifestOf(object value) => KindOf(value).Manifest;

    /// <summary>Writes an event or snapshot.</summary>
    /// <param name="value">Of a known kind.</param>
    /// <returns>Its manifest and its JSON in UTF-8.</returns>
    /// <exception cref="ArgumentException">The type is of no known kind.</exception>
    public (string Manifest, byte[] Text) Write(object value)
    {
        EventKind kind = KindOf(value);
        return (kind.Manifest, Checksummed.Write(kind.Manifest, JsonSerializer.SerializeToUtf8Bytes(value, kind.Json)));
    }

    /// <summary>Reads an event or snapshot.</summary>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="serializerId">Who wrote it.</param>
    /// <param name="text">Its JSON in UTF-8.</param>
    /// <param name="which">What it is, for messages.</param>
    /// <returns>The event, in its newest version.</returns>
    /// <exception cref="PersistenceException">It is of an unknown kind or newer version, or damaged.</exception>
    public object Read(string manifest, int serializerId, ReadOnlyMemory<byte> text, string which)
    {
        if (serializerId != SerializerId)
            throw new PersistenceException($"{which} ({manifest}) was written by serializer {serializerId}, not {SerializerId}: another program's");
        int slash = manifest.LastIndexOf('/');
        if (slash < 0
            || !_byName.TryGetValue(manifest[..slash], out EventKind? kind)
            || !int.TryParse(manifest.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            || version < 1)
        {
            throw new PersistenceException($"{which} is '{manifest}', which this version of the program does not know; run the version that wrote it, or a later one");
        }

        if (version > kind.Version)
            throw new PersistenceException($"{which} is '{manifest}', and this version of the program reads up to {kind.Manifest}; run the version that wrote it, or a later one");
        if (version >= EventKind.FirstWithChecksum)
            text = Checksummed.Read(manifest, text.Span, out string? problem) ?? throw new PersistenceException($"{which} ({manifest}) is damaged: {problem}; restore the journal from a backup");
        try
        {
            object? value = Math.Max(version, EventKind.FirstWithChecksum) == kind.Version
                ? JsonSerializer.Deserialize(text.Span, kind.Json)
                : kind.Upcast(JsonNode.Parse(text.Span)!.AsObject(), version).Deserialize(kind.Json);
            return value ?? throw new PersistenceException($"{which} ({manifest}) is damaged: it is null");
        }
        catch (Exception damaged) when (damaged is JsonException or InvalidOperationException)
        {
            throw new PersistenceException($"{which} ({manifest}) is damaged: {damaged.Message}", damaged);
        }
    }

    /// <summary>Reads the last events up to one.</summary>
    /// <param name="journal">Where they are.</param>
    /// <param name="persistenceId">Whose.</param>
    /// <param name="to">Number of the last one; <see cref="long.MaxValue"/> for the newest there is.</param>
    /// <param name="count">So many at most; from 1.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The events with their numbers, in order.</returns>
    internal async IAsyncEnumerable<(long Number, object Happened)> ReadUpToAsync(
        IEventJournal journal, string persistenceId, long to, int count, [EnumeratorCancellation] CancellationToken cancellation)
    {
        to = Math.Min(to, await journal.HighestAsync(persistenceId, cancellation).ConfigureAwait(false));
        await foreach (JournalEvent stored in journal.ReadAsync(persistenceId, Math.Max(1, to - count + 1), cancellation).ConfigureAwait(false))
        {
            if (stored.SequenceNumber > to)
                break;
            yield return (stored.SequenceNumber, Read(stored.Manifest, stored.SerializerId, stored.Message, $"event {stored.SequenceNumber} of {persistenceId}"));
        }
    }

    private EventKind KindOf(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return _byType.TryGetValue(value.GetType(), out EventKind? kind)
            ? kind
            : throw new ArgumentException($"{value.GetType()} is of no kind that can be persisted", nameof(value));
    }
}
