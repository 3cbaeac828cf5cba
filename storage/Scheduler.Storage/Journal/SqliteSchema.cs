using System.Data.Common;

namespace Scheduler.Storage.Journal;

/// <summary>SQLite's tables: those that Akka.Persistence.Sql 1.5 makes in its default mapping, to the letter.</summary>
internal static class SqliteSchema
{
    // Tables with other names of these types stay as they are, and are as good: earlier ones have VarBinary(8000), those of
    // Akka.Persistence.Sql 1.5.73 INTEGER in place of BigInt. To SQLite none of it makes a difference.
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS [journal]
        (
            [ordering] INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            [created] BigInt NOT NULL,
            [deleted] Bit NOT NULL,
            [persistence_id] NVarChar(255) NOT NULL,
            [sequence_number] BigInt NOT NULL,
            [message] VarBinary NOT NULL,
            [manifest] NVarChar(500) NULL,
            [identifier] INTEGER NULL,
            [writer_uuid] NVarChar(128) NULL
        );
        CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
        CREATE INDEX IF NOT EXISTS journal_created_idx ON journal (created);
        CREATE INDEX IF NOT EXISTS journal_sequence_number_idx ON journal (sequence_number);

        CREATE TABLE IF NOT EXISTS [tags]
        (
            [ordering_id] INTEGER NOT NULL,
            [tag] NVarChar(64) NOT NULL,
            [sequence_nr] INTEGER NOT NULL,
            [persistence_id] NVarChar(255) NOT NULL,

            CONSTRAINT [PK_tags] PRIMARY KEY ([ordering_id], [tag])
        );
        CREATE INDEX IF NOT EXISTS tags_persistence_id_sequence_nr_idx ON tags (persistence_id, sequence_nr);
        CREATE INDEX IF NOT EXISTS tags_tag_idx ON tags (tag);

        CREATE TABLE IF NOT EXISTS [snapshot]
        (
            [persistence_id] NVarChar(255) NOT NULL,
            [sequence_number] BigInt NOT NULL,
            [created] BigInt NOT NULL,
            [snapshot] VarBinary NULL,
            [manifest] NVarChar(500) NULL,
            [serializer_id] INTEGER NULL,

            CONSTRAINT [PK_snapshot] PRIMARY KEY ([persistence_id], [sequence_number])
        );
        CREATE INDEX IF NOT EXISTS snapshot_sequence_number_idx ON snapshot (sequence_number);
        CREATE INDEX IF NOT EXISTS snapshot_created_idx ON snapshot (created);
        """;

    /// <summary>Makes what is missing, in the transaction that is open, and checks what is there.</summary>
    /// <exception cref="JournalDamagedException">Tables of these names are something else.</exception>
    public static async Task EnsureAsync(DbConnection connection, string journal, CancellationToken cancellation)
    {
        // First what is there: an index over a column that is not would only say so in the database's words.
        foreach ((string table, string[] columns) in JournalTables.Columns)
        {
            await using DbCommand command = connection.Command("SELECT name FROM pragma_table_info(@table)", ("table", table));
            JournalTables.CheckColumns(journal, table, columns, await command.TextsAsync(cancellation));
        }

        _ = await connection.ExecuteAsync(Tables, cancellation);
        foreach (string table in JournalTables.Keyed)
        {
            await using DbCommand command = connection.Command(
                """
                SELECT (SELECT group_concat(name) FROM pragma_index_info(indexes.name))
                FROM pragma_index_list(@table) AS indexes WHERE "unique"
                """,
                ("table", table));
            JournalTables.CheckKey(journal, table, await command.TextsAsync(cancellation));
        }
    }
}
