using System.Data.Common;

namespace Scheduler.Storage.Journal;

/// <summary>PostgreSQL's tables: those that Akka.Persistence.Sql 1.5 makes in its default mapping, for PostgreSQL 15.</summary>
internal static class PostgresSchema
{
    private const string Journal = """
        CREATE TABLE journal
        (
            ordering BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
            created BigInt NOT NULL,
            deleted Boolean NOT NULL,
            persistence_id text NOT NULL,
            sequence_number BigInt NOT NULL,
            message bytea NOT NULL,
            manifest text NULL,
            identifier Int NULL,
            writer_uuid text NULL,

            CONSTRAINT "PK_journal" PRIMARY KEY (ordering)
        );
        ALTER TABLE journal ADD CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number);
        CREATE INDEX journal_created_idx ON journal (created);
        CREATE INDEX journal_sequence_number_idx ON journal (sequence_number);
        """;

    private const string Tags = """
        CREATE TABLE tags
        (
            ordering_id BigInt NOT NULL,
            tag text NOT NULL,
            sequence_nr BigInt NOT NULL,
            persistence_id text NOT NULL,

            CONSTRAINT "PK_tags" PRIMARY KEY (ordering_id, tag)
        );
        CREATE INDEX tags_persistence_id_sequence_nr_idx ON tags (persistence_id, sequence_nr);
        CREATE INDEX tags_tag_idx ON tags (tag);
        """;

    private const string Snapshot = """
        CREATE TABLE snapshot
        (
            persistence_id text NOT NULL,
            sequence_number BigInt NOT NULL,
            created BigInt NOT NULL,
            snapshot bytea NULL,
            manifest text NULL,
            serializer_id Int NULL,

            CONSTRAINT "PK_snapshot" PRIMARY KEY (persistence_id, sequence_number)
        );
        CREATE INDEX snapshot_sequence_number_idx ON snapshot (sequence_number);
        CREATE INDEX snapshot_created_idx ON snapshot (created);
        """;

    // Two processes that start at once must not both make a table. Any constant does that nobody else uses.
    private const string OneAtATime = "SELECT pg_advisory_xact_lock(7592741083326134)";

    private const string ColumnsOf = """
        SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(@table) AND attnum > 0 AND NOT attisdropped
        """;

    private const string KeysOf = """
        SELECT (SELECT string_agg(attname, ',' ORDER BY place)
                FROM unnest(indkey) WITH ORDINALITY AS key(number, place)
                JOIN pg_attribute ON attrelid = indrelid AND attnum = number)
        FROM pg_index WHERE indrelid = to_regclass(@table) AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL
        """;

    /// <summary>Makes what is missing, in the transaction that is open, and checks what is there.</summary>
    /// <exception cref="JournalDamagedException">Tables of these names are something else.</exception>
    public static async Task EnsureAsync(DbConnection connection, string journal, bool create, CancellationToken cancellation)
    {
        _ = await connection.ExecuteAsync(OneAtATime, cancellation);
        foreach ((string table, string[] columns) in JournalTables.Columns)
        {
            await using DbCommand command = connection.Command(ColumnsOf, ("table", table));
            List<string> found = await command.TextsAsync(cancellation);
            JournalTables.CheckColumns(journal, table, columns, found);
            if (found.Count > 0)
                continue;
            if (!create)
                throw new JournalUnavailableException($"Journal {journal}: there is no table {table}; check the database's name and the search_path");

            // Not CREATE IF NOT EXISTS: that needs the right to create tables also where there is nothing to do.
            _ = await connection.ExecuteAsync(table switch { "journal" => Journal, "tags" => Tags, _ => Snapshot }, cancellation);
        }

        foreach (string table in JournalTables.Keyed)
        {
            await using DbCommand command = connection.Command(KeysOf, ("table", table));
            JournalTables.CheckKey(journal, table, await command.TextsAsync(cancellation));
        }
    }
}
