-- The catalogue of Nexus raw storage on PostgreSQL: the same tables as on SQLite, under the same
-- names. Every table that holds something of a tenant has a key that begins with (tenant_id, env),
-- and refers to other tables by keys that begin so too: an edge, a label or an event that reaches
-- into another tenant cannot be written down. Instants are microseconds since 1970-01-01T00:00:00Z,
-- since a photograph may be older or younger than an interval counts exactly.
--
-- Columns that may hold something personal can be emptied, once `erased_at` says when they were;
-- until then they are there. Nothing is deleted.
--
-- An event has no column for its id: that follows from the catalogue's id and the event's place,
-- and is derived (UUIDv5, by SHA-1) where an event is read.

-- The names in functions mean what they meant here, whatever search path a session has: each
-- function keeps this one, by `SET search_path FROM CURRENT`. What is temporary comes last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- From which migration on a server must know the schema to be able to use it. A migration that
-- only expands repeats the number of the one before it, so that servers of the version before go
-- on; one that takes something away says its own.
CREATE TABLE schema_version (
    version bigint PRIMARY KEY,
    serves_from bigint NOT NULL CHECK (serves_from <= version)
);
INSERT INTO schema_version VALUES (1, 1);

-- One row: which catalogue this is. Event ids are derived from it.
CREATE TABLE catalog (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    catalog_id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO catalog DEFAULT VALUES;

-- Where objects are. Rows point here and keep pointing here: another bucket is another row, and
-- what was written before stays where it was. An endpoint of '' is AWS's own.
CREATE TABLE object_store (
    object_store_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint text NOT NULL,
    region text NOT NULL,
    bucket text NOT NULL,
    UNIQUE (endpoint, region, bucket)
);

-- One row a tenant and environment: its lock, its counter of events and its use, all at once.
-- `open_*` counts intents that are neither registered nor ended.
CREATE TABLE scope (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    last_sequence bigint NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    open_count bigint NOT NULL DEFAULT 0 CHECK (open_count >= 0),
    open_bytes bigint NOT NULL DEFAULT 0 CHECK (open_bytes >= 0),
    registered_count bigint NOT NULL DEFAULT 0 CHECK (registered_count >= 0),
    registered_bytes bigint NOT NULL DEFAULT 0 CHECK (registered_bytes >= 0),
    PRIMARY KEY (tenant_id, env)
) WITH (fillfactor = 50); -- it is updated by every write, and so stays on its page

-- What was promised to whom. It is pending, may end, and may be registered from either: what
-- arrived in time is registered even late. `work_*` is the lease of whoever does slow work for the intent.
CREATE TABLE upload_intent (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'single' CHECK (kind IN ('single', 'multipart')),
    upload_id text,
    object_store_id bigint NOT NULL REFERENCES object_store,
    key_layout integer NOT NULL,
    filename text,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    requested_by text,
    requested_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'registered', 'ended')),
    work_owner uuid,
    work_epoch bigint NOT NULL DEFAULT 0,
    work_until bigint,
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env) REFERENCES scope,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND requested_by IS NOT NULL))
) WITH (fillfactor = 85); -- it is updated once, when its asset is registered

-- What happened, written once. `body` is the event's canonical JSON without sequence and id, as
-- text, since the commitment is to these bytes; `commitment` is SHA-256 over `salt` and then
-- `body`: salt and body can be emptied, and the commitment still proves what stood there to
-- whoever kept them.
CREATE TABLE event (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    asset_id uuid NOT NULL,
    event_type text NOT NULL,
    occurred_at bigint NOT NULL,
    salt bytea CHECK (octet_length(salt) = 32),
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    body text,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    CHECK ((salt IS NULL) = (body IS NULL))
);
CREATE INDEX event_by_asset ON event (tenant_id, env, asset_id, sequence);

-- The records. `registered_sequence` is the event that tells of the registration, and so the
-- order of registration within the scope.
CREATE TABLE asset (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    registered_sequence bigint NOT NULL,
    object_store_id bigint NOT NULL REFERENCES object_store,
    key_layout integer NOT NULL,
    filename text,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    captured_at bigint,
    captured_offset_minutes integer,
    latitude double precision,
    longitude double precision,
    altitude_m double precision,
    accuracy_m double precision,
    source_uri text,
    activity text,
    pii_flags json NOT NULL,
    train_ok boolean NOT NULL,
    registered_by text,
    imported_at bigint NOT NULL,
    provenance_digest bytea NOT NULL CHECK (octet_length(provenance_digest) = 32),
    integrity_level text NOT NULL,
    integrity_version_id text,
    integrity_etag text NOT NULL,
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, asset_id),
    UNIQUE (tenant_id, env, registered_sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    FOREIGN KEY (tenant_id, env, registered_sequence) REFERENCES event,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND registered_by IS NOT NULL)),
    CHECK ((captured_at IS NULL) = (captured_offset_minutes IS NULL)),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);

CREATE TABLE asset_label (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    label text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, label),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
);
CREATE INDEX asset_by_label ON asset_label (tenant_id, env, label, value);

-- Of what an asset was made, in the caller's order. A parent is registered before its child, so
-- there is no cycle.
CREATE TABLE lineage_edge (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    child_id uuid NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    parent_id uuid NOT NULL CHECK (parent_id <> child_id),
    PRIMARY KEY (tenant_id, env, child_id, position),
    UNIQUE (tenant_id, env, parent_id, child_id),
    FOREIGN KEY (tenant_id, env, child_id) REFERENCES asset,
    FOREIGN KEY (tenant_id, env, parent_id) REFERENCES asset
);

-- What the service found by reading an object itself, where the store's own digests are no proof:
-- one row an asset, of the object that was hashed last.
CREATE TABLE object_digest (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    etag text NOT NULL,
    version_id text,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
);

-- How far each sink has come in each scope: up to `cursor` everything was delivered or parked.
CREATE TABLE delivery (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    sink text COLLATE "C" NOT NULL,
    cursor bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, sink),
    FOREIGN KEY (tenant_id, env, cursor) REFERENCES event
) WITH (fillfactor = 50);

CREATE TABLE parked_event (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    sink text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    reason text NOT NULL,
    parked_at bigint NOT NULL,
    -- when somebody asked for it to be tried again
    retry_asked_at bigint,
    PRIMARY KEY (tenant_id, env, sink, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event
);
CREATE INDEX parked_event_to_retry ON parked_event (sink, tenant_id, env, sequence)
WHERE retry_asked_at IS NOT NULL;

-- Who may do what one process at a time does. `epoch` rises at each take-over.
CREATE TABLE lease (
    name text PRIMARY KEY,
    owner uuid NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    until bigint NOT NULL
) WITH (fillfactor = 50);

-- What a caller's key stood for, so that the same request again is the same asset.
CREATE TABLE idempotency (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    user_id text NOT NULL,
    route text NOT NULL,
    idempotency_key text NOT NULL,
    body_digest bytea NOT NULL CHECK (octet_length(body_digest) = 32),
    asset_id uuid NOT NULL,
    ends_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, user_id, route, idempotency_key),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
);

-- What was written stays as it was written. A migration that brings erasure replaces the triggers
-- it has to get past; nothing else ever needs to.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION '%', tg_argv[0] USING ERRCODE = 'integrity_constraint_violation';
END
$$;

DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT * FROM (VALUES
        ('catalog', 'the catalogue''s id'), ('object_store', 'an object store'),
        ('event', 'an event'), ('asset', 'a record'), ('asset_label', 'a label'),
        ('lineage_edge', 'an edge')
    ) AS t (name, what) LOOP
        EXECUTE format('CREATE TRIGGER is_not_changed BEFORE UPDATE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse(%L)', kept.name, kept.what || ' is never changed');
    END LOOP;
    FOR kept IN SELECT * FROM (VALUES
        ('catalog', 'the catalogue''s id'), ('object_store', 'an object store'),
        ('scope', 'a scope'), ('upload_intent', 'an intent'), ('event', 'an event'),
        ('asset', 'a record'), ('asset_label', 'a label'), ('lineage_edge', 'an edge'),
        ('delivery', 'a cursor')
    ) AS t (name, what) LOOP
        EXECUTE format('CREATE TRIGGER is_not_deleted BEFORE DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse(%L)', kept.name, kept.what || ' is never deleted');
        EXECUTE format('CREATE TRIGGER is_not_emptied BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse(%L)', kept.name, kept.what || ' is never deleted');
    END LOOP;
END
$$;

CREATE TRIGGER counts_forward BEFORE UPDATE ON scope FOR EACH ROW
    WHEN (new.last_sequence < old.last_sequence)
    EXECUTE FUNCTION refuse('a scope''s sequence never goes back');

CREATE TRIGGER moves_forward BEFORE UPDATE ON delivery FOR EACH ROW
    WHEN (new.cursor < old.cursor)
    EXECUTE FUNCTION refuse('a cursor never goes back');

CREATE TRIGGER moves_forward BEFORE UPDATE ON upload_intent FOR EACH ROW
    WHEN (new.state <> old.state AND (old.state = 'registered' OR new.state = 'pending'))
    EXECUTE FUNCTION refuse('an intent''s state only moves forward');

CREATE TRIGGER keeps_its_promise BEFORE UPDATE ON upload_intent FOR EACH ROW
    WHEN ((new.tenant_id, new.env, new.asset_id, new.kind, new.object_store_id, new.key_layout,
            new.filename, new.content_type, new.size_bytes, new.sha256, new.requested_by,
            new.requested_at, new.ends_at, new.erased_at)
        IS DISTINCT FROM (old.tenant_id, old.env, old.asset_id, old.kind, old.object_store_id,
            old.key_layout, old.filename, old.content_type, old.size_bytes, old.sha256,
            old.requested_by, old.requested_at, old.ends_at, old.erased_at))
    EXECUTE FUNCTION refuse('an intent''s promise is never changed');

-- The second wall: whoever has not said whose rows it is about sees none, the owner of the tables
-- included. Each function says it in its first statement (`enter`), never inside one that reads.
--
-- The relay is the one that reads events of all scopes. What it may touch then are events, to
-- read, and its own notes of how far it has come.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['scope', 'upload_intent', 'event', 'asset', 'asset_label',
        'lineage_edge', 'object_digest', 'delivery', 'parked_event', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_scope ON %I USING (
            tenant_id = current_setting(''nexus_raw.tenant_id'', true)
            AND env = current_setting(''nexus_raw.env'', true))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['scope', 'event'] LOOP
        EXECUTE format('CREATE POLICY relay_reads ON %I FOR SELECT
            USING (current_setting(''nexus_raw.relay'', true) = ''on'')', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['delivery', 'parked_event'] LOOP
        EXECUTE format('CREATE POLICY relay_notes ON %I
            USING (current_setting(''nexus_raw.relay'', true) = ''on'')', name);
    END LOOP;
END
$$;

-- Says whose rows the statements after it are about, until the transaction ends. They are not the
-- relay's, whatever a session was told to begin with.
CREATE FUNCTION enter(tenant_id text, env text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.tenant_id', tenant_id, true),
        set_config('nexus_raw.env', env, true),
        set_config('nexus_raw.relay', 'off', true);
END
$$;

-- Says that the statements after it are the relay's.
CREATE FUNCTION enter_as_relay() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.relay', 'on', true);
END
$$;
