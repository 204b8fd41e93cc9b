-- The read side: what the log says, laid out for looking. Nothing decides by it, and all of it can be made again.

CREATE TABLE cycle (
    stream text COLLATE "C" PRIMARY KEY,
    cycle text COLLATE "C" NOT NULL,
    status text NOT NULL,
    programme text NOT NULL,
    edition integer NOT NULL,
    title jsonb NOT NULL,
    units text NOT NULL,
    rules text NOT NULL,
    rehearsal boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    intakes jsonb NOT NULL,
    intake_closed boolean NOT NULL,
    silent text[] NOT NULL,
    conferred integer NOT NULL,
    last_seq bigint NOT NULL
);

CREATE TABLE nomination (
    stream text COLLATE "C" PRIMARY KEY,
    cycle text COLLATE "C" NOT NULL,
    nomination text COLLATE "C" NOT NULL,
    subject text NOT NULL,
    unit text COLLATE "C" NOT NULL,
    route text NOT NULL,
    path text[] NOT NULL,
    status text NOT NULL,
    level integer NOT NULL,
    stands_at text COLLATE "C" NOT NULL,
    round text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    returned text[] NOT NULL,
    titles text[] NOT NULL,
    last_seq bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX nomination_by_cycle ON nomination (cycle, nomination);
CREATE INDEX nomination_by_place ON nomination (cycle, stands_at, nomination);

CREATE TABLE round (
    stream text COLLATE "C" PRIMARY KEY,
    cycle text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    rank text NOT NULL,
    route text NOT NULL,
    step text NOT NULL,
    status text NOT NULL,
    held_code text NOT NULL,
    members text[] NOT NULL,
    reserve text[] NOT NULL,
    selection jsonb,
    conferred jsonb NOT NULL,
    reported text[] NOT NULL,
    last_seq bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX round_by_cycle ON round (cycle, stream);

-- One row: how far the views have read, and the hash of the event there, which tells one log from another.
CREATE TABLE projected (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    hash text NOT NULL DEFAULT ''
);
INSERT INTO projected DEFAULT VALUES;

GRANT USAGE ON SCHEMA views TO xuanshu_app, xuanshu_auditor;
GRANT SELECT ON cycle, nomination, round, projected TO xuanshu_app, xuanshu_auditor;
GRANT INSERT, UPDATE, DELETE ON cycle, nomination, round TO xuanshu_app;
GRANT UPDATE ON projected TO xuanshu_app;
