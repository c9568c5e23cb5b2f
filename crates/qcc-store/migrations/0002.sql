-- Times are milliseconds since 1970-01-01 UTC (`at_ms`), durations are milliseconds.

-- Requests that ended, as the client saw them.
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    upstream_id TEXT,
    at_ms INTEGER NOT NULL,
    client_key TEXT,
    -- The 64 bits of an unsigned number, as a signed one.
    session INTEGER,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    dialect_down TEXT NOT NULL,
    dialect_up TEXT,
    model TEXT NOT NULL,
    -- NULL: as asked.
    model_sent TEXT,
    streaming INTEGER NOT NULL,
    -- Who answered, or was tried last; NULL: nobody was.
    provider TEXT,
    -- 0: the client left before there was one.
    status INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    blame TEXT,
    stop_reason TEXT,
    tries INTEGER NOT NULL,
    held_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    total_ms INTEGER NOT NULL,
    -- NULL: nobody counted.
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL,
    cache TEXT,
    error TEXT
) STRICT;

CREATE INDEX requests_by_name ON requests (request_id);
CREATE INDEX requests_by_time ON requests (at_ms);

-- What was done for a request: its tries, and the candidates that were passed over.
CREATE TABLE attempts (
    -- `requests.id`
    request INTEGER NOT NULL,
    -- In the order of events, from 1.
    place INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    -- NULL: as asked.
    model TEXT,
    via TEXT,
    waited_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure', 'throttled', 'uncharged', 'skipped')),
    status INTEGER,
    blame TEXT,
    charge TEXT,
    reason TEXT,
    PRIMARY KEY (request, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX tries_by_provider ON attempts (provider, at_ms) WHERE outcome <> 'skipped';

-- Sums of tries by provider and hour, so that no question about a day reads a day's rows.
CREATE TABLE hours (
    id INTEGER PRIMARY KEY,
    -- When the hour began.
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    requests INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    throttled INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    took_sum_ms INTEGER NOT NULL,
    first_event_sum_ms INTEGER NOT NULL,
    -- The latest failure.
    error_at_ms INTEGER,
    error TEXT,
    -- How often each range of durations occurred: pairs of two bytes for the range and four for the number.
    took BLOB NOT NULL,
    first_event BLOB NOT NULL,
    UNIQUE (at_ms, provider)
) STRICT;

-- How many requests of an hour ended with each verdict.
CREATE TABLE hour_verdicts (
    at_ms INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (at_ms, verdict)
) STRICT, WITHOUT ROWID;

-- Probes and their results.
CREATE TABLE health_checks (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    ok INTEGER NOT NULL,
    score INTEGER,
    class TEXT,
    took_ms INTEGER NOT NULL,
    detail TEXT
) STRICT;

CREATE INDEX health_checks_by_provider ON health_checks (provider, at_ms);
CREATE INDEX health_checks_by_time ON health_checks (at_ms);

-- Breakers that changed, providers that were left out or came back.
CREATE TABLE provider_events (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    -- NULL: all models.
    model TEXT,
    kind TEXT NOT NULL,
    reason TEXT,
    failures INTEGER NOT NULL,
    -- NULL: not known, or at once.
    next_try_ms INTEGER
) STRICT;

CREATE INDEX provider_events_by_provider ON provider_events (provider, at_ms);
CREATE INDEX provider_events_by_time ON provider_events (at_ms);

-- What the gateway knows of a provider, for its next start.
CREATE TABLE provider_state (
    -- Which provider it is; changes with its key, and does not tell the key.
    identity TEXT PRIMARY KEY,
    updated_ms INTEGER NOT NULL,
    -- JSON.
    state TEXT NOT NULL
) STRICT;

CREATE INDEX provider_state_by_time ON provider_state (updated_ms);

-- Where conversations are at home, for the next start.
CREATE TABLE sessions (
    -- The 64 bits of an unsigned number, as a signed one.
    key INTEGER PRIMARY KEY,
    used_ms INTEGER NOT NULL,
    -- As in `provider_state.identity`.
    identity TEXT NOT NULL,
    -- JSON.
    state TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_by_use ON sessions (used_ms);
