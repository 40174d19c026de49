-- The catalogue of Nexus raw storage on PostgreSQL: the same tables as on SQLite, under the same
-- names. The keys and foreign keys of every table with tenant data begin with (tenant_id, env), so
-- no edge, label or event can refer to another tenant. Times are microseconds since
-- 1970-01-01T00:00:00Z, since an interval cannot hold every date exactly.
--
-- Columns with personal data, or a fingerprint of it, may be null only once `erased_at` is set.
-- Only expired rows are deleted: idempotency keys, grants and digests of objects; and what a later
-- fact replaces or a change of consent has done.
--
-- An event has no column for its id: it is derived (UUIDv5, by SHA-1) from the log's id and the
-- sequence when the event is read.

-- Each function pins this search path by `SET search_path FROM CURRENT`, so that a session's own
-- does not change what names mean. Temporary objects come last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- The oldest migration that a server must know to use the schema. A migration that only adds
-- repeats the number of its predecessor, so that servers of the previous version continue; one that
-- removes something states its own.
CREATE TABLE schema_version (
    version bigint PRIMARY KEY,
    serves_from bigint NOT NULL CHECK (serves_from <= version)
);
INSERT INTO schema_version VALUES (1, 1);

-- The functions that `migrate` created, each with the digests of its text and body: `migrate`
-- recreates one whose text has changed, and a start detects one that was changed from outside.
CREATE TABLE made_function (
    name text COLLATE "C" PRIMARY KEY,
    text_sha256 bytea NOT NULL CHECK (octet_length(text_sha256) = 32),
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32)
);

-- One row: the catalogue's id, and the key that authenticates the cursors of lists.
CREATE TABLE catalog (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    catalog_id uuid NOT NULL DEFAULT gen_random_uuid(),
    cursor_key bytea NOT NULL CHECK (octet_length(cursor_key) = 32)
        DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
INSERT INTO catalog DEFAULT VALUES;

-- Where objects are. Another bucket is another row, and existing rows keep pointing to the old one.
-- The endpoint '' is AWS's own.
CREATE TABLE object_store (
    object_store_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint text NOT NULL,
    region text NOT NULL,
    bucket text NOT NULL,
    UNIQUE (endpoint, region, bucket)
);

-- One row per scope (tenant and environment): its lock, its event counter and its usage. `open_*`
-- counts intents that are neither registered, ended nor aborted, `corrupt_count` assets whose latest
-- verification found another content or none; `withdrawing` and `restoring` say whether the scope has
-- rows in `consent_change`.
CREATE TABLE scope (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    last_sequence bigint NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    open_count bigint NOT NULL DEFAULT 0 CHECK (open_count >= 0),
    open_bytes bigint NOT NULL DEFAULT 0 CHECK (open_bytes >= 0),
    registered_count bigint NOT NULL DEFAULT 0 CHECK (registered_count >= 0),
    registered_bytes bigint NOT NULL DEFAULT 0 CHECK (registered_bytes >= 0),
    corrupt_count bigint NOT NULL DEFAULT 0 CHECK (corrupt_count >= 0),
    withdrawing boolean NOT NULL DEFAULT false,
    restoring boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, env)
) WITH (fillfactor = 50); -- every write updates it; the free space keeps it on its page

-- The few scopes in which a change of consent has not reached all descendants.
CREATE INDEX scope_in_change ON scope (tenant_id, env) WHERE withdrawing OR restoring;

-- The log that the events of a scope belong to, from a sequence on; event ids are derived from its
-- id. `origin` is where an imported log came from.
CREATE TABLE scope_log (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    from_sequence bigint NOT NULL CHECK (from_sequence > 0),
    log_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    origin text,
    object_store_id bigint NOT NULL REFERENCES object_store,
    PRIMARY KEY (tenant_id, env, from_sequence),
    FOREIGN KEY (tenant_id, env) REFERENCES scope
);

-- Pending uploads. An intent is pending, may end, and may be registered from either state, since an
-- object that arrived in time may be registered late. An aborted one is never registered. Of an
-- upload in parts `upload_id` is the store's, once it was begun there, and `sha256` may be unstated.
-- `work_*` is the lease of slow work, such as hashing.
CREATE TABLE upload_intent (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'single' CHECK (kind IN ('single', 'multipart')),
    upload_id text,
    part_size_bytes bigint CHECK (part_size_bytes > 0),
    object_store_id bigint NOT NULL REFERENCES object_store,
    key_layout integer NOT NULL,
    filename text,
    content_type text,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 bytea CHECK (octet_length(sha256) = 32),
    requested_by text,
    requested_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'registered', 'ended', 'aborted')),
    work_owner uuid,
    work_epoch bigint NOT NULL DEFAULT 0,
    work_until bigint,
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env) REFERENCES scope,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND content_type IS NOT NULL
        AND requested_by IS NOT NULL AND (sha256 IS NOT NULL OR kind = 'multipart'))),
    CHECK ((kind = 'multipart') = (part_size_bytes IS NOT NULL)),
    CHECK (kind = 'single' OR size_bytes > 0),
    CHECK (kind = 'multipart' OR upload_id IS NULL)
) WITH (fillfactor = 85); -- updated once, when its asset is registered

-- The parts of a multipart upload, as declared and signed.
CREATE TABLE upload_part (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    part_number integer NOT NULL CHECK (part_number BETWEEN 1 AND 10000),
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (tenant_id, env, asset_id, part_number),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
);

-- Events, written once, as two JSON texts: `facts` and `personal`. Each digest is SHA-256 over a
-- random salt followed by the text. Salts and texts can be erased; digests stay, and verify a copy
-- of salt and text that was kept elsewhere.
CREATE TABLE event (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    asset_id uuid NOT NULL,
    event_type text NOT NULL,
    occurred_at bigint NOT NULL,
    facts_salt bytea CHECK (octet_length(facts_salt) = 32),
    facts text,
    facts_digest bytea NOT NULL CHECK (octet_length(facts_digest) = 32),
    personal_salt bytea CHECK (octet_length(personal_salt) = 32),
    personal text,
    personal_digest bytea NOT NULL CHECK (octet_length(personal_digest) = 32),
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    CHECK ((facts_salt IS NULL) = (facts IS NULL)),
    CHECK ((personal_salt IS NULL) = (personal IS NULL)),
    CHECK (erased_at IS NOT NULL OR (facts IS NOT NULL AND personal IS NOT NULL))
);
CREATE INDEX event_by_asset ON event (tenant_id, env, asset_id, sequence);
CREATE INDEX event_by_type ON event (tenant_id, env, event_type, sequence);

-- The records. `registered_sequence` is the sequence of the registration's event, and so the order
-- of registration within the scope.
--
-- Not part of the record is what facts change: `stated_*` are the values stated last, and null while
-- those of the registration are in force; `last_fact` is the sequence of the last fact of any kind;
-- `train_ok_effective` is true if `train_ok` in force is true for the asset and all its ancestors.
-- It may be false too long while the scope is `restoring`, and true too long while it is
-- `withdrawing`, when reads look at the ancestors as well.
--
-- The latest verification is not part of the record either: `verdict` is null while there was none,
-- `found_*` is what was read, and null where nothing was there.
CREATE TABLE asset (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    registered_sequence bigint NOT NULL,
    object_store_id bigint NOT NULL REFERENCES object_store,
    key_layout integer NOT NULL,
    filename text,
    content_type text,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 bytea CHECK (octet_length(sha256) = 32),
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
    train_ok_effective boolean NOT NULL,
    stated_train_ok boolean,
    stated_pii_flags json,
    last_fact bigint,
    verdict text CHECK (verdict IN ('intact', 'corrupt', 'missing')),
    verified_at bigint,
    found_sha256 bytea CHECK (octet_length(found_sha256) = 32),
    found_size_bytes bigint CHECK (found_size_bytes >= 0),
    registered_by text,
    imported_at bigint NOT NULL,
    provenance_digest bytea CHECK (octet_length(provenance_digest) = 32),
    integrity_level text NOT NULL,
    integrity_parts integer CHECK (integrity_parts > 0),
    integrity_version_id text,
    integrity_etag text,
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, asset_id),
    UNIQUE (tenant_id, env, registered_sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    FOREIGN KEY (tenant_id, env, registered_sequence) REFERENCES event,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND content_type IS NOT NULL
        AND sha256 IS NOT NULL AND registered_by IS NOT NULL AND provenance_digest IS NOT NULL
        AND integrity_etag IS NOT NULL)),
    CHECK ((verdict IS NULL) = (verified_at IS NULL)),
    CHECK ((coalesce(verdict, 'missing') = 'missing') = (found_sha256 IS NULL)),
    CHECK ((found_sha256 IS NULL) = (found_size_bytes IS NULL)),
    CHECK ((captured_at IS NULL) = (captured_offset_minutes IS NULL)),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);

-- What lists are filtered by, in the order of the list. Labels and edges carry the sequence of their
-- asset for the same reason.
CREATE INDEX asset_by_sha256 ON asset (tenant_id, env, sha256, registered_sequence);
CREATE INDEX asset_by_filename ON asset (tenant_id, env, filename, registered_sequence);
CREATE INDEX asset_by_content_type ON asset (tenant_id, env, content_type, registered_sequence);
CREATE INDEX asset_by_size_bytes ON asset (tenant_id, env, size_bytes, registered_sequence);
CREATE INDEX asset_by_registered_by ON asset (tenant_id, env, registered_by, registered_sequence);
CREATE INDEX asset_for_training ON asset (tenant_id, env, registered_sequence)
WHERE train_ok_effective;

-- The order in which objects are read again: the longest unverified first. A registration has verified.
-- `coalesce` counts as leaky, so that behind the policies no bound of it would be one of the index.
CREATE INDEX asset_by_verification ON asset (tenant_id, env,
    (CASE WHEN verified_at IS NULL THEN imported_at ELSE verified_at END), registered_sequence);

-- Labels: those of the record (`is_registered`), and those that a fact stated later. Lists are
-- filtered by those in force.
CREATE TABLE asset_label (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    label text COLLATE "C" NOT NULL,
    is_registered boolean NOT NULL DEFAULT true,
    value text NOT NULL,
    registered_sequence bigint NOT NULL,
    in_force boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, env, asset_id, label, is_registered),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
);
CREATE INDEX asset_by_label ON asset_label (tenant_id, env, label, value, registered_sequence)
WHERE in_force;

-- The parents of an asset, in the caller's order. A parent is registered before its child, so there
-- is no cycle.
CREATE TABLE lineage_edge (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    child_id uuid NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    parent_id uuid NOT NULL CHECK (parent_id <> child_id),
    registered_sequence bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, child_id, position),
    UNIQUE (tenant_id, env, parent_id, child_id),
    FOREIGN KEY (tenant_id, env, child_id) REFERENCES asset,
    FOREIGN KEY (tenant_id, env, parent_id) REFERENCES asset
);
CREATE INDEX lineage_edge_by_parent ON lineage_edge (tenant_id, env, parent_id, registered_sequence);

-- Facts stated about an asset after its registration, each with its event.
CREATE TABLE stated_fact (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    asset_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text,
    reason text,
    evidence_sha256 bytea CHECK (octet_length(evidence_sha256) = 32),
    stated_at bigint NOT NULL,
    stated_by text,
    erased_at bigint,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event,
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset,
    CHECK (erased_at IS NOT NULL OR (value IS NOT NULL AND stated_by IS NOT NULL))
);
CREATE INDEX stated_fact_by_asset ON stated_fact (tenant_id, env, asset_id, sequence);

-- The fact of each kind that is in force.
CREATE TABLE fact_in_force (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, kind),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES stated_fact,
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
);

-- Assets whose children have not followed a change of their `train_ok_effective`: those with a
-- sequence above `after_sequence`. Where that is -1, the asset itself has not. Children follow a
-- withdrawal before they follow anything else.
CREATE TABLE consent_change (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    is_withdrawal boolean NOT NULL,
    asset_id uuid NOT NULL,
    after_sequence bigint NOT NULL CHECK (after_sequence >= CASE WHEN is_withdrawal THEN 0 ELSE -1 END),
    PRIMARY KEY (tenant_id, env, is_withdrawal, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
);

-- The holders of download URLs, until these expire.
CREATE TABLE download_grant (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    disposition text COLLATE "C" NOT NULL CHECK (disposition IN ('attachment', 'inline')),
    ends_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, user_id, disposition),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
);
CREATE INDEX download_grant_by_end ON download_grant (tenant_id, env, ends_at);

-- Digests that the service computed by reading objects, for stores whose digests cannot be trusted:
-- one row per asset, for the object hashed last, until its intent ends.
CREATE TABLE object_digest (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    asset_id uuid NOT NULL,
    etag text NOT NULL,
    version_id text,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    ends_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
);
CREATE INDEX object_digest_by_end ON object_digest (tenant_id, env, ends_at);

-- The progress of each sink in each scope: all events up to `cursor` are delivered or parked.
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
    -- when a retry was requested
    retry_asked_at bigint,
    PRIMARY KEY (tenant_id, env, sink, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event
);
CREATE INDEX parked_event_to_retry ON parked_event (sink, tenant_id, env, sequence)
WHERE retry_asked_at IS NOT NULL;

-- Leases of work that one process does at a time. `epoch` rises when the owner changes.
CREATE TABLE lease (
    name text PRIMARY KEY,
    owner uuid NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    until bigint NOT NULL
) WITH (fillfactor = 50);

-- Idempotency keys until they expire, so that a repeated request gets the same asset.
CREATE TABLE idempotency (
    tenant_id text COLLATE "C" NOT NULL,
    env text COLLATE "C" NOT NULL,
    user_id text NOT NULL,
    route text NOT NULL,
    idempotency_key text NOT NULL,
    body_digest bytea NOT NULL CHECK (octet_length(body_digest) = 32),
    -- of a key that stands for a batch as a whole, none
    asset_id uuid,
    ends_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, env, user_id, route, idempotency_key),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
);
CREATE INDEX idempotency_by_end ON idempotency (tenant_id, env, ends_at);

-- Triggers that keep rows immutable. Only a migration that adds erasure may replace them.
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
        ('scope_log', 'a scope''s log'), ('event', 'an event'), ('lineage_edge', 'an edge'),
        ('upload_part', 'a declared part'), ('stated_fact', 'a stated fact')
    ) AS t (name, what) LOOP
        EXECUTE format('CREATE TRIGGER is_not_changed BEFORE UPDATE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse(%L)', kept.name, kept.what || ' is never changed');
    END LOOP;
    FOR kept IN SELECT * FROM (VALUES
        ('catalog', 'the catalogue''s id'), ('object_store', 'an object store'),
        ('scope', 'a scope'), ('scope_log', 'a scope''s log'), ('upload_intent', 'an intent'),
        ('upload_part', 'a declared part'), ('event', 'an event'), ('asset', 'a record'),
        ('lineage_edge', 'an edge'), ('stated_fact', 'a stated fact'), ('delivery', 'a cursor')
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
    WHEN (new.state <> old.state
        AND (old.state IN ('registered', 'aborted') OR new.state = 'pending'))
    EXECUTE FUNCTION refuse('an intent''s state only moves forward');

CREATE TRIGGER keeps_its_promise BEFORE UPDATE ON upload_intent FOR EACH ROW
    WHEN ((new.tenant_id, new.env, new.asset_id, new.kind, new.part_size_bytes,
            new.object_store_id, new.key_layout, new.filename, new.content_type, new.size_bytes,
            new.sha256, new.requested_by, new.requested_at, new.ends_at, new.erased_at)
        IS DISTINCT FROM (old.tenant_id, old.env, old.asset_id, old.kind, old.part_size_bytes,
            old.object_store_id, old.key_layout, old.filename, old.content_type, old.size_bytes,
            old.sha256, old.requested_by, old.requested_at, old.ends_at, old.erased_at))
    EXECUTE FUNCTION refuse('an intent''s promise is never changed');

CREATE TRIGGER keeps_its_upload BEFORE UPDATE ON upload_intent FOR EACH ROW
    WHEN (new.upload_id IS DISTINCT FROM old.upload_id
        AND (new.upload_id IS NULL OR old.state <> 'pending'))
    EXECUTE FUNCTION refuse('an upload''s id only changes while its intent is pending');

CREATE TRIGGER is_not_changed BEFORE UPDATE OF tenant_id, env, asset_id, label, is_registered,
    value, registered_sequence
ON asset_label FOR EACH ROW EXECUTE FUNCTION refuse('a label is never changed');
CREATE TRIGGER is_not_deleted BEFORE DELETE ON asset_label FOR EACH ROW
    WHEN (old.is_registered)
    EXECUTE FUNCTION refuse('a label is never deleted');
CREATE TRIGGER is_not_emptied BEFORE TRUNCATE ON asset_label FOR EACH STATEMENT
    EXECUTE FUNCTION refuse('a label is never deleted');

-- every column of the record
CREATE TRIGGER is_not_changed BEFORE UPDATE OF tenant_id, env, asset_id, registered_sequence,
    object_store_id, key_layout, filename, content_type, size_bytes, sha256, captured_at,
    captured_offset_minutes, latitude, longitude, altitude_m, accuracy_m, source_uri, activity,
    pii_flags, train_ok, registered_by, imported_at, provenance_digest, integrity_level,
    integrity_parts, integrity_version_id, integrity_etag, erased_at
ON asset FOR EACH ROW EXECUTE FUNCTION refuse('a record is never changed');

-- Row-level security: without a selected scope a session sees no rows, even as the tables' owner.
-- Each function selects it in its first statement (`enter`), never inside one that reads.
--
-- Only the relay reads events of all scopes. With its rights it reads scopes and events, and writes
-- its cursors and parked events.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['scope', 'scope_log', 'upload_intent', 'upload_part', 'event',
        'asset', 'asset_label', 'lineage_edge', 'stated_fact', 'fact_in_force', 'consent_change',
        'download_grant', 'object_digest', 'delivery', 'parked_event', 'idempotency'] LOOP
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
