-- What Akka.Persistence.Sql 1.5.30 (commit fff29d16, over linq2db 5.4.1, commit ca363a2f) made of a new database of
-- PostgreSQL 15, and wrote there: pg_dump's --inserts of it. It ran with provider-name = "PostgreSQL.15", table-mapping =
-- default and its default tag-write-mode (TagTable), and did what GoldenStory.cs does; events 2 to 4 of a had the tag "red"
-- and one of their own. With other provider names of PostgreSQL ordering is a BIGSERIAL, and all else the same.
CREATE TABLE public.journal (
    ordering bigint NOT NULL,
    created bigint NOT NULL,
    deleted boolean NOT NULL,
    persistence_id text NOT NULL,
    sequence_number bigint NOT NULL,
    message bytea NOT NULL,
    manifest text,
    identifier integer,
    writer_uuid text
);
ALTER TABLE public.journal ALTER COLUMN ordering ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journal_ordering_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.snapshot (
    persistence_id text NOT NULL,
    sequence_number bigint NOT NULL,
    created bigint NOT NULL,
    snapshot bytea,
    manifest text,
    serializer_id integer
);
CREATE TABLE public.tags (
    ordering_id bigint NOT NULL,
    tag text NOT NULL,
    sequence_nr bigint NOT NULL,
    persistence_id text NOT NULL
);
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (4, 639309671341289336, false, 'a', 4, '\x7b226e223a347d', 'happened/1', 7109, 'e8984094bf914806a4dd13e01fc5610f');
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (5, 639309671342407683, false, 'a', 5, '\x7b226e223a357d', 'happened/1', 7109, 'e8984094bf914806a4dd13e01fc5610f');
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (3, 639309671341150751, true, 'a', 3, '\x7033', '', 7109, 'e8984094bf914806a4dd13e01fc5610f');
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (8, 639309671351205898, false, 'a', 6, '\x7b226e223a367d', 'happened/1', 7109, 'b98a6997ad9e40e59b3d86267cf49c13');
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (10, 639309671352230929, true, 'b', 4, '\x7034', '', 7109, 'b98a6997ad9e40e59b3d86267cf49c13');
INSERT INTO public.snapshot VALUES ('a', 6, 639309671351234216, '\x7336', 'state/1', 7109);
INSERT INTO public.snapshot VALUES ('b', 3, 639309671352204614, '\x7033', '', 7109);
INSERT INTO public.tags VALUES (4, 'red', 4, 'a');
INSERT INTO public.tags VALUES (4, 'tag4', 4, 'a');
SELECT pg_catalog.setval('public.journal_ordering_seq', 10, true);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT "PK_journal" PRIMARY KEY (ordering);
ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT "PK_snapshot" PRIMARY KEY (persistence_id, sequence_number);
ALTER TABLE ONLY public.tags
    ADD CONSTRAINT "PK_tags" PRIMARY KEY (ordering_id, tag);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number);
CREATE INDEX journal_created_idx ON public.journal USING btree (created);
CREATE INDEX journal_sequence_number_idx ON public.journal USING btree (sequence_number);
CREATE INDEX snapshot_created_idx ON public.snapshot USING btree (created);
CREATE INDEX snapshot_sequence_number_idx ON public.snapshot USING btree (sequence_number);
CREATE INDEX tags_persistence_id_sequence_nr_idx ON public.tags USING btree (persistence_id, sequence_nr);
CREATE INDEX tags_tag_idx ON public.tags USING btree (tag);
