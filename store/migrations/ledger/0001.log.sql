-- The log: streams, events, their global order, and the rows that guard appends.

CREATE TABLE stream_head (
    stream text COLLATE "C" PRIMARY KEY CHECK (stream <> ''),
    seq bigint NOT NULL CHECK (seq >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 70);

CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY,
    seq bigint NOT NULL CHECK (seq > 0),
    ordinal integer NOT NULL CHECK (ordinal >= 0),
    stream text COLLATE "C" NOT NULL,
    command_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    prev bytea NOT NULL CHECK (octet_length(prev) = 32),
    hash bytea NOT NULL,
    CONSTRAINT event_is_in_its_place PRIMARY KEY (stream, seq),
    CONSTRAINT command_is_written_once UNIQUE (stream, command_id, ordinal),
    CONSTRAINT hash_is_of_the_body CHECK (hash = sha256('\x00'::bytea || body))
);

-- Only the sequencer reads by id, and only the newest few.
CREATE INDEX event_by_id ON event (id);

-- Dense from 0; position = idx + 1 = size of the tree that first holds the event.
CREATE TABLE leaf (
    idx bigint PRIMARY KEY CHECK (idx >= 0),
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT event_has_one_leaf UNIQUE (stream, seq)
);

-- One row, the sequencer's lease: every event with id up to `low` is in the order or was never committed;
-- that holds for `candidate` too once every transaction below `horizon` is over.
CREATE TABLE sequencer (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    low bigint NOT NULL DEFAULT 0,
    candidate bigint NOT NULL DEFAULT 0,
    horizon bigint NOT NULL DEFAULT 0
);
INSERT INTO sequencer DEFAULT VALUES;

CREATE TABLE gate (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    cycle text COLLATE "C" NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'paused', 'closed')),
    opens_at timestamptz NOT NULL,
    closes_at timestamptz,
    epoch integer NOT NULL
);
CREATE INDEX gate_by_cycle ON gate (cycle, id);

CREATE TABLE reservation (
    cycle text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    nomination text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    route text NOT NULL,
    CONSTRAINT subject_is_nominated_once PRIMARY KEY (cycle, subject)
);
CREATE INDEX reservation_by_unit ON reservation (cycle, unit, nomination);
-- Who asks what a subject was given before finds their places in every cycle.
CREATE INDEX reservation_by_subject ON reservation (subject, cycle);

-- Numbered places that one nomination holds: a quota's, a recommendation rank.
CREATE TABLE claim (
    cycle text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    holder text COLLATE "C" NOT NULL,
    CONSTRAINT a_place_has_one_holder PRIMARY KEY (cycle, scope, number)
);

CREATE TABLE outbox (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    cycle text COLLATE "C" NOT NULL,
    sender text COLLATE "C" NOT NULL,
    workflow text NOT NULL,
    name text NOT NULL,
    payload jsonb NOT NULL,
    delivered boolean NOT NULL DEFAULT false
);
CREATE INDEX outbox_undelivered_by_cycle ON outbox (cycle, n) WHERE NOT delivered;
CREATE INDEX outbox_undelivered_by_sender ON outbox (sender, n) WHERE NOT delivered;

CREATE TABLE document (
    hash bytea PRIMARY KEY,
    kind text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT hash_is_of_the_content CHECK (hash = sha256(content))
);
