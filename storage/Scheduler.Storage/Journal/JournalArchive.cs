using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Scheduler.Storage.Journal;

/// <summary>A journal as text, one JSON object a line: to look at, to keep, and to move between SQLite and PostgreSQL.</summary>
/// <remarks>
/// First <c>{"format":"scheduler-journal","version":1}</c>, then events in the order in which they were written, then
/// snapshots, last <c>{"events":N,"snapshots":N}</c>: a text without it is cut off. A message that is JSON on one line stands
/// there as it is (<c>message</c>), byte for byte; any other as <c>message_base64</c>. Deleted events are there too, since
/// they keep the sequence numbers.
/// </remarks>
public static class JournalArchive
{
    private const string Format = "scheduler-journal";
    private const int Version = 1;
    private const int MessageDepthMax = 64;

    // An exported snapshot of 64 MiB in base64, and what stands around it.
    private const int LineLengthMax = 100 << 20;

    // It is read by operators, not by browsers. A message was checked before it is written as it is.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonDocumentOptions s_lineOptions = new() { MaxDepth = MessageDepthMax + 1 };

    /// <summary>Writes all of a journal, as of one moment.</summary>
    /// <param name="journal">The journal; it may be in use.</param>
    /// <param name="output">Takes the lines.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many events, deleted ones included, and snapshots.</returns>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    /// <exception cref="JournalDamagedException">It can't be read.</exception>
    public static async Task<(long Events, long Snapshots)> ExportAsync(SqlJournal journal, TextWriter output, CancellationToken cancellation = default)
    {
        long events = 0;
        long snapshots = 0;
        await WriteAsync(output, json =>
        {
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
        });
        await journal.ReadAllAsync(
            async item =>
            {
                events++;
                await WriteAsync(output, json => Write(json, item));
            },
            async snapshot =>
            {
                snapshots++;
                await WriteAsync(output, json => Write(json, snapshot));
            },
            cancellation);
        await WriteAsync(output, json =>
        {
            json.WriteNumber("events", events);
            json.WriteNumber("snapshots", snapshots);
        });
        return (events, snapshots);
    }

    /// <summary>Fills an empty journal from a text, with all or nothing.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="input">The lines.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>How many events and snapshots; null if the journal is not empty, and was left as it is.</returns>
    /// <exception cref="InvalidDataException">The text is not what <see cref="ExportAsync"/> writes; names the line.</exception>
    /// <exception cref="JournalUnavailableException">The database fails.</exception>
    public static async Task<(long Events, long Snapshots)?> ImportAsync(SqlJournal journal, TextReader input, CancellationToken cancellation = default)
    {
        long events = 0;
        long snapshots = 0;
        bool filled = await journal.FillAsync(
            async (addEvent, addSnapshot) =>
            {
                int number = 0;
                bool ended = false;
                while (await input.ReadLineAsync(cancellation) is string line)
                {
                    number++;
                    try
                    {
                        if (ended || line.Length > LineLengthMax)
                            throw new FormatException(ended ? "there is more after the end" : $"the line is longer than {LineLengthMax} characters");
                        using JsonDocument document = JsonDocument.Parse(line, s_lineOptions);
                        JsonElement root = document.RootElement;
                        if (number == 1)
                        {
                            CheckHead(root);
                        }
                        else if (root.TryGetProperty("event", out JsonElement id))
                        {
                            await addEvent(EventOf(root, id));
                            events++;
                        }
                        else if (root.TryGetProperty("snapshot", out id))
                        {
                            await addSnapshot(SnapshotOf(root, id));
                            snapshots++;
                        }
                        else
                        {
                            ended = root.GetProperty("events").GetInt64() == events && root.GetProperty("snapshots").GetInt64() == snapshots
                                ? true : throw new FormatException($"there were {events} events and {snapshots} snapshots, not as many as this says");
                        }
                    }
                    catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or SequenceConflictException)
                    {
                        string why = e is KeyNotFoundException ? "a property is missing" : e.Message.TrimEnd('.');
                        throw new InvalidDataException($"line {number} is not of a journal's export: {why}", e);
                    }
                }

                if (!ended)
                    throw new InvalidDataException($"it is cut off after line {number}; export the journal again");
            },
            cancellation);
        return filled ? (events, snapshots) : null;
    }

    private static async ValueTask WriteAsync(TextWriter output, Action<Utf8JsonWriter> content)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, s_options))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }

        await output.WriteAsync(Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n");
    }

    private static void Write(Utf8JsonWriter json, StoredEvent item)
    {
        json.WriteString("event", item.PersistenceId);
        json.WriteNumber("sequence_number", item.SequenceNumber);
        json.WriteNumber("created", item.Created);
        json.WriteBoolean("deleted", item.Deleted);
        json.WriteString("manifest", item.Manifest);
        Write(json, item.SerializerId);
        json.WriteString("writer_uuid", item.WriterUuid);
        json.WriteStartArray("tags");
        foreach (string tag in item.Tags)
            json.WriteStringValue(tag);
        json.WriteEndArray();
        Write(json, item.Message);
    }

    private static void Write(Utf8JsonWriter json, StoredSnapshot snapshot)
    {
        json.WriteString("snapshot", snapshot.PersistenceId);
        json.WriteNumber("sequence_number", snapshot.SequenceNumber);
        json.WriteNumber("created", snapshot.Created);
        json.WriteString("manifest", snapshot.Manifest);
        Write(json, snapshot.SerializerId);
        if (snapshot.State is ReadOnlyMemory<byte> state)
            Write(json, state);
    }

    private static void Write(Utf8JsonWriter json, int? serializerId)
    {
        if (serializerId is int number)
            json.WriteNumber("serializer_id", number);
        else
            json.WriteNull("serializer_id");
    }

    private static void Write(Utf8JsonWriter json, ReadOnlyMemory<byte> message)
    {
        if (IsJsonOnOneLine(message))
        {
            json.WritePropertyName("message");
            json.WriteRawValue(message.Span, skipInputValidation: true);
        }
        else
        {
            json.WriteBase64String("message_base64", message.Span);
        }
    }

    // Whether it comes back as the same bytes when it is part of a line.
    private static bool IsJsonOnOneLine(ReadOnlyMemory<byte> message)
    {
        ReadOnlySpan<byte> span = message.Span;
        if (span.IsEmpty || span.IndexOfAny("\n\r"u8) >= 0 || span[0] is (byte)' ' or (byte)'\t' || span[^1] is (byte)' ' or (byte)'\t')
            return false;
        if (!System.Text.Unicode.Utf8.IsValid(span))
            return false;
        try
        {
            using JsonDocument document = JsonDocument.Parse(message, new JsonDocumentOptions { MaxDepth = MessageDepthMax });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void CheckHead(JsonElement root)
    {
        if (root.GetProperty("format").GetString() != Format)
            throw new FormatException($"the format is not {Format}");
        int version = root.GetProperty("version").GetInt32();
        if (version != Version)
            throw new FormatException($"its version {version} is unknown, {Version} is known");
    }

    private static StoredEvent EventOf(JsonElement root, JsonElement id) => new(
        id.GetString()!,
        root.GetProperty("sequence_number").GetInt64(),
        root.GetProperty("created").GetInt64(),
        root.GetProperty("deleted").GetBoolean(),
        root.GetProperty("manifest").GetString(),
        NumberOrNull(root.GetProperty("serializer_id")),
        root.GetProperty("writer_uuid").GetString(),
        [.. root.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString() ?? throw new FormatException("a tag is null"))],
        MessageOf(root) ?? throw new FormatException("it has no message"));

    private static StoredSnapshot SnapshotOf(JsonElement root, JsonElement id) => new(
        id.GetString()!,
        root.GetProperty("sequence_number").GetInt64(),
        root.GetProperty("created").GetInt64(),
        root.GetProperty("manifest").GetString(),
        NumberOrNull(root.GetProperty("serializer_id")),
        MessageOf(root));

    private static int? NumberOrNull(JsonElement element) => element.ValueKind == JsonValueKind.Null ? null : element.GetInt32();

    private static ReadOnlyMemory<byte>? MessageOf(JsonElement root) =>
        root.TryGetProperty("message", out JsonElement message) ? Encoding.UTF8.GetBytes(message.GetRawText())
        : root.TryGetProperty("message_base64", out message) ? message.GetBytesFromBase64()
        : null;
}
