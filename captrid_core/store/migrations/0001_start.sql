-- The first schema. No index and no constraint on purpose: uniqueness is asserted inside the
-- transactions that could break it. Times are UTC.

CREATE TABLE meta (schema_version INTEGER);
INSERT INTO meta VALUES (0);

-- the next free number of each kind of id; taken inside the transaction that uses it
CREATE TABLE counter (kind VARCHAR, next BIGINT);
INSERT INTO counter VALUES ('connection', 1), ('list', 1), ('run', 1), ('person', 1), ('query', 1);

-- the organisation's own settings, one value of JSON a key
CREATE TABLE setting (key VARCHAR, value VARCHAR);

-- connections to directories; their secrets lie in the vault
CREATE TABLE connection (
    connection_id BIGINT,
    name VARCHAR,
    tenant_id VARCHAR,
    client_id VARCHAR,
    credential VARCHAR,          -- secret | certificate
    cloud VARCHAR,               -- global | usgov | usgov-dod | china | custom
    authority_url VARCHAR,
    graph_url VARCHAR,
    ca_file VARCHAR,
    secret_expires_on DATE,
    tested_at TIMESTAMP,
    test_result VARCHAR,         -- JSON: the facts, or the error
    created_at TIMESTAMP
);

CREATE TABLE master_list (
    list_id BIGINT,
    name VARCHAR,
    uid_field VARCHAR,           -- the key of the UID field
    created_at TIMESTAMP,
    connection_id BIGINT,        -- kept after a disconnect, for reconnecting
    connected BOOLEAN,
    scope_kind VARCHAR,          -- all_users | group
    group_id VARCHAR,
    group_name VARCHAR,
    nested BOOLEAN,
    exclude_guests BOOLEAN,
    exclude_disabled BOOLEAN,
    uid_property VARCHAR,
    on_uid_change VARCHAR,       -- new_person | same_person
    hold_deactivate_count INTEGER,
    hold_deactivate_percent DOUBLE,
    hold_blank_count INTEGER,
    hold_blank_percent DOUBLE,
    synced_tenant_id VARCHAR,    -- the tenant of the last applied run (R27)
    full_needed VARCHAR,         -- why the next run must be a full one (R28); NULL: it need not
    delta_link VARCHAR,          -- where the directory's changes go on, in the adapter's own words
    delta_link_at TIMESTAMP,     -- when that was the present
    last_applied_run_id BIGINT,
    photos BOOLEAN,              -- whether photos are taken from the directory (N4); NULL: no
    archived_at TIMESTAMP        -- when the list was put away; NULL: it is in use
);

CREATE TABLE field (
    list_id BIGINT,
    position INTEGER,
    key VARCHAR,
    label VARCHAR,
    type VARCHAR,                -- text | number | email | dropdown | date
    required BOOLEAN,
    options VARCHAR[]
);

-- when lists are synced by themselves
CREATE TABLE schedule (
    list_id BIGINT,
    rhythm VARCHAR,              -- 6h | 12h | 24h | a cron expression, in the organisation's time zone
    kind VARCHAR,                -- full | delta
    next_due TIMESTAMP,
    failures INTEGER             -- scheduled runs that failed in a row
);

CREATE TABLE mapping (list_id BIGINT, position INTEGER, property VARCHAR, field_key VARCHAR);

CREATE TABLE run (
    run_id BIGINT,
    list_id BIGINT,
    list_name VARCHAR,
    asked VARCHAR,               -- full | delta | undo
    kind VARCHAR,
    status VARCHAR,              -- running | succeeded | held | failed | cancelled | interrupted | discarded | undone
    actor VARCHAR,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    "read" BIGINT,
    created BIGINT,
    updated BIGINT,
    reactivated BIGINT,
    deactivated BIGINT,
    unchanged BIGINT,
    skipped BIGINT,
    blanked BIGINT,              -- most people that one field would be blanked for (R25)
    message VARCHAR,
    error VARCHAR,               -- JSON: what went wrong
    holds VARCHAR[],             -- codes of the guards that held the run
    tenant_id VARCHAR,
    delta_link VARCHAR,          -- of a held run: the list's when it is applied (R26)
    delta_link_at TIMESTAMP,
    undoes_run_id BIGINT,
    undone_by_run_id BIGINT
);

-- errors and warnings of a run, about one directory object each
CREATE TABLE run_note (
    run_id BIGINT,
    level VARCHAR,               -- error | warning
    code VARCHAR,
    object_id VARCHAR,
    uid VARCHAR,
    field VARCHAR,
    message VARCHAR
);

-- everything that ever happened to a person (R8); a creation is one row
CREATE TABLE change (
    list_id BIGINT,
    run_id BIGINT,               -- NULL: by hand
    person_id BIGINT,
    action VARCHAR,              -- created | updated | deactivated | reactivated | linked | unlinked
    field VARCHAR,               -- the field's key; NULL where the action is about the person
    old_value VARCHAR,
    new_value VARCHAR,
    reason VARCHAR,              -- why somebody was deactivated by a run (R18)
    actor VARCHAR,
    changed_at TIMESTAMP
);

-- the change sets of held runs, waiting for a decision (R26)
CREATE TABLE held_change (
    run_id BIGINT,
    person_id BIGINT,            -- NULL: a person who would be created
    uid VARCHAR,
    action VARCHAR,
    field VARCHAR,
    old_value VARCHAR,
    new_value VARCHAR,
    reason VARCHAR
);

-- people's photos; one of the directory's never takes the place of one that staff chose
CREATE TABLE photo (
    person_id BIGINT,
    list_id BIGINT,
    origin VARCHAR,              -- directory | staff; none: the directory had none when it was asked
    content BLOB,                -- JPEG
    added_at TIMESTAMP,
    actor VARCHAR
);

-- pairs of whom somebody said that they are different people
CREATE TABLE not_same (person_id BIGINT, other_id BIGINT, actor VARCHAR, said_at TIMESTAMP);

-- what was told, or is still to be told, by each channel
CREATE TABLE notification (
    notification_id BIGINT,
    key VARCHAR,                 -- tells the matter from others
    event VARCHAR,               -- begins | ends
    channel VARCHAR,             -- webhook | email
    payload VARCHAR,             -- JSON: what is sent
    created_at TIMESTAMP,
    sent_at TIMESTAMP,           -- NULL: not yet
    tries INTEGER,
    next_try TIMESTAMP,
    error VARCHAR                -- why the last try failed
);

CREATE TABLE audit (
    happened_at TIMESTAMP,
    action VARCHAR,              -- dotted: connection.added, list.created, person.deactivated …
    actor VARCHAR,
    entity VARCHAR,
    entity_id VARCHAR,
    entity_name VARCHAR,
    details VARCHAR              -- JSON
);

-- what somebody has entered in a wizard so far, so that a reload loses nothing
CREATE TABLE draft (draft_id VARCHAR, kind VARCHAR, content VARCHAR, updated_at TIMESTAMP);

-- queries that staff keep for each other, and what was asked lately
CREATE TABLE saved_query (query_id BIGINT, name VARCHAR, query VARCHAR, actor VARCHAR, saved_at TIMESTAMP);
CREATE TABLE asked_query (asked_at TIMESTAMP, actor VARCHAR, query VARCHAR, outcome VARCHAR, seconds DOUBLE);
