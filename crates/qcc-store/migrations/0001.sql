-- The profile that is tried before all tiers; no row: none is.
CREATE TABLE pin (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    profile TEXT NOT NULL
) STRICT;

-- Every change of the profile that leads, by hand or by failover.
CREATE TABLE failovers (
    id INTEGER PRIMARY KEY,
    -- Milliseconds since 1970-01-01 UTC.
    at_ms INTEGER NOT NULL,
    -- Names of profiles; NULL: none led.
    from_profile TEXT,
    to_profile TEXT,
    reason TEXT NOT NULL,
    who TEXT NOT NULL CHECK (who IN ('manual', 'automatic'))
) STRICT;

CREATE INDEX failovers_by_time ON failovers (at_ms, id);
