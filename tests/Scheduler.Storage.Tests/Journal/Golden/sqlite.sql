-- The tables that Akka.Persistence.Sql 1.5.30 (commit fff29d16, over linq2db 5.4.1, commit ca363a2f) makes of a new SQLite
-- database with table-mapping = default and tag-write-mode = TagTable. Derived from its sources, not captured from a run:
-- Db/AkkaPersistenceDataConnectionFactory.cs (names, lengths, keys), Journal/Types/*.cs and Snapshot/LongSnapshotRow.cs
-- (order), Db/FooterGenerator.cs (indexes); in linq2db BasicSqlBuilder.BuildCreateTableStatement, SQLiteSqlBuilder (types),
-- SqlDataType.DbVarBinary (the length 8000), ColumnDescriptor.AnalyzeCanBeNull (NULL).
CREATE TABLE IF NOT EXISTS [journal]
(
    [ordering]        INTEGER         NOT NULL PRIMARY KEY AUTOINCREMENT,
    [created]         BigInt          NOT NULL,
    [deleted]         Bit             NOT NULL,
    [persistence_id]  NVarChar(255)   NOT NULL,
    [sequence_number] BigInt          NOT NULL,
    [message]         VarBinary(8000) NOT NULL,
    [manifest]        NVarChar(500)       NULL,
    [identifier]      INTEGER             NULL,
    [writer_uuid]     NVarChar(128)       NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
CREATE INDEX IF NOT EXISTS journal_created_idx ON journal (created);
CREATE INDEX IF NOT EXISTS journal_sequence_number_idx ON journal (sequence_number);
CREATE TABLE IF NOT EXISTS [tags]
(
    [ordering_id]    INTEGER       NOT NULL,
    [tag]            NVarChar(64)  NOT NULL,
    [sequence_nr]    INTEGER       NOT NULL,
    [persistence_id] NVarChar(255) NOT NULL,

    CONSTRAINT [PK_tags] PRIMARY KEY ([ordering_id], [tag])
);
CREATE INDEX IF NOT EXISTS tags_persistence_id_sequence_nr_idx ON tags (persistence_id, sequence_nr);
CREATE INDEX IF NOT EXISTS tags_tag_idx ON tags (tag);
CREATE TABLE IF NOT EXISTS [snapshot]
(
    [persistence_id]  NVarChar(255)   NOT NULL,
    [sequence_number] BigInt          NOT NULL,
    [created]         BigInt          NOT NULL,
    [snapshot]        VarBinary(8000)     NULL,
    [manifest]        NVarChar(500)       NULL,
    [serializer_id]   INTEGER             NULL,

    CONSTRAINT [PK_snapshot] PRIMARY KEY ([persistence_id], [sequence_number])
);
CREATE INDEX IF NOT EXISTS snapshot_sequence_number_idx ON snapshot (sequence_number);
CREATE INDEX IF NOT EXISTS snapshot_created_idx ON snapshot (created);
