-- What Akka.Persistence.Sql 1.5.30 (commit fff29d16, over linq2db 5.4.1, commit ca363a2f) made of a new SQLite database, and
-- wrote there: sqlite3's .dump of it. It ran with provider-name = "SQLite.MS", table-mapping = default and its default
-- tag-write-mode (TagTable), and did what GoldenStory.cs does; events 2 to 4 of a had the tag "red" and one of their own.
CREATE TABLE [journal]
(
	[ordering]        INTEGER        NOT NULL PRIMARY KEY AUTOINCREMENT,
	[created]         BigInt         NOT NULL,
	[deleted]         Bit            NOT NULL,
	[persistence_id]  NVarChar(255)  NOT NULL,
	[sequence_number] BigInt         NOT NULL,
	[message]         VarBinary      NOT NULL,
	[manifest]        NVarChar(500)      NULL,
	[identifier]      INTEGER            NULL,
	[writer_uuid]     NVarChar(128)      NULL
);
INSERT INTO journal VALUES(3,639309671299299581,1,'a',3,X'7033','',7109,'da24273c5ead43b78ae9e9bf883ca927');
INSERT INTO journal VALUES(4,639309671299366066,0,'a',4,X'7b226e223a347d','happened/1',7109,'da24273c5ead43b78ae9e9bf883ca927');
INSERT INTO journal VALUES(5,639309671300307087,0,'a',5,X'7b226e223a357d','happened/1',7109,'da24273c5ead43b78ae9e9bf883ca927');
INSERT INTO journal VALUES(8,639309671303699711,0,'a',6,X'7b226e223a367d','happened/1',7109,'49af62bd01ad489dbb293285fd14dcf3');
INSERT INTO journal VALUES(10,639309671304755686,1,'b',4,X'7034','',7109,'49af62bd01ad489dbb293285fd14dcf3');
CREATE TABLE [tags]
(
	[ordering_id]    INTEGER       NOT NULL,
	[tag]            NVarChar(64)  NOT NULL,
	[sequence_nr]    INTEGER       NOT NULL,
	[persistence_id] NVarChar(255) NOT NULL,
	CONSTRAINT [PK_tags] PRIMARY KEY ([ordering_id], [tag])
);
INSERT INTO tags VALUES(4,'tag4',4,'a');
INSERT INTO tags VALUES(4,'red',4,'a');
CREATE TABLE [snapshot]
(
	[persistence_id]  NVarChar(255) NOT NULL,
	[sequence_number] BigInt        NOT NULL,
	[created]         BigInt        NOT NULL,
	[snapshot]        VarBinary         NULL,
	[manifest]        NVarChar(500)     NULL,
	[serializer_id]   INTEGER           NULL,
	CONSTRAINT [PK_snapshot] PRIMARY KEY ([persistence_id], [sequence_number])
);
INSERT INTO snapshot VALUES('a',6,639309671303794830,X'7336','state/1',7109);
INSERT INTO snapshot VALUES('b',3,639309671304640828,X'7033','',7109);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('journal',10);
CREATE UNIQUE INDEX journal_uq ON journal (persistence_id, sequence_number);
CREATE INDEX journal_created_idx ON journal (created);
CREATE INDEX journal_sequence_number_idx ON journal (sequence_number);
CREATE INDEX tags_persistence_id_sequence_nr_idx ON tags (persistence_id, sequence_nr);
CREATE INDEX tags_tag_idx ON tags (tag);
CREATE INDEX snapshot_sequence_number_idx ON snapshot (sequence_number);
CREATE INDEX snapshot_created_idx ON snapshot (created);
