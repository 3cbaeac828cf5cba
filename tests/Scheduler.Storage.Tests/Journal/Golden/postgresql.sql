-- The tables that Akka.Persistence.Sql 1.5.30 (commit fff29d16, over linq2db 5.4.1, commit ca363a2f) makes of a new
-- PostgreSQL database with provider-name = "PostgreSQL.15", table-mapping = default and tag-write-mode = TagTable. Derived
-- from its sources, not captured from a run: those named in sqlite.sql; in linq2db PostgreSQLSqlBuilder (types, the quotes
-- around names with capitals) and PostgreSQLMappingSchema (strings are text: it comes before the default schema's NVarChar).
-- Other provider names than PostgreSQL.15 make ordering a BIGSERIAL.
CREATE TABLE IF NOT EXISTS journal
(
    ordering        BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
    created         BigInt  NOT NULL,
    deleted         Boolean NOT NULL,
    persistence_id  text    NOT NULL,
    sequence_number BigInt  NOT NULL,
    message         bytea   NOT NULL,
    manifest        text        NULL,
    identifier      Int         NULL,
    writer_uuid     text        NULL,

    CONSTRAINT "PK_journal" PRIMARY KEY (ordering)
);
alter table journal add constraint journal_uq unique (persistence_id, sequence_number);
create index journal_created_idx on journal (created);
create index journal_sequence_number_idx on journal (sequence_number);
CREATE TABLE IF NOT EXISTS tags
(
    ordering_id    BigInt NOT NULL,
    tag            text   NOT NULL,
    sequence_nr    BigInt NOT NULL,
    persistence_id text   NOT NULL,

    CONSTRAINT "PK_tags" PRIMARY KEY (ordering_id, tag)
);
create index tags_persistence_id_sequence_nr_idx on tags (persistence_id, sequence_nr);
create index tags_tag_idx on tags (tag);
CREATE TABLE IF NOT EXISTS snapshot
(
    persistence_id  text   NOT NULL,
    sequence_number BigInt NOT NULL,
    created         BigInt NOT NULL,
    snapshot        bytea      NULL,
    manifest        text       NULL,
    serializer_id   Int        NULL,

    CONSTRAINT "PK_snapshot" PRIMARY KEY (persistence_id, sequence_number)
);
create index snapshot_sequence_number_idx on snapshot (sequence_number);
create index snapshot_created_idx on snapshot (created);
