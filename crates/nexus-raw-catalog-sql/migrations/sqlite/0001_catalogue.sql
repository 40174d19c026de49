-- The catalogue of Nexus raw storage.
--
-- The keys and foreign keys of every table with tenant data begin with (tenant_id, env), so no
-- edge, label or event can refer to another tenant. Times are microseconds since
-- 1970-01-01T00:00:00Z, ids are the 16 bytes of a UUID, digests are 32 bytes.
--
-- Columns with personal data, or a fingerprint of it, may be null only once `erased_at` is set.
-- Only expired rows are deleted: idempotency keys, grants and digests of objects; and what a later
-- fact replaces or a change of consent has done.

-- "NXRW" marks a file as a catalogue
PRAGMA application_id = 0x4E585257;

-- One row: the catalogue's id, and the key that authenticates the cursors of lists.
CREATE TABLE catalog (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    catalog_id BLOB NOT NULL CHECK (length(catalog_id) = 16),
    cursor_key BLOB NOT NULL CHECK (length(cursor_key) = 32)
) STRICT;

-- Where objects are. Another bucket is another row, and existing rows keep pointing to the old one.
-- The endpoint '' is AWS's own.
CREATE TABLE object_store (
    object_store_id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    region TEXT NOT NULL,
    bucket TEXT NOT NULL,
    UNIQUE (endpoint, region, bucket)
) STRICT;

-- One row per scope (tenant and environment): its event counter and its usage. `open_*` counts
-- intents that are neither registered, ended nor aborted, `corrupt_count` assets whose latest
-- verification found another content or none; `withdrawing` and `restoring` say whether the scope has
-- rows in `consent_change`.
CREATE TABLE scope (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    open_count INTEGER NOT NULL DEFAULT 0 CHECK (open_count >= 0),
    open_bytes INTEGER NOT NULL DEFAULT 0 CHECK (open_bytes >= 0),
    registered_count INTEGER NOT NULL DEFAULT 0 CHECK (registered_count >= 0),
    registered_bytes INTEGER NOT NULL DEFAULT 0 CHECK (registered_bytes >= 0),
    corrupt_count INTEGER NOT NULL DEFAULT 0 CHECK (corrupt_count >= 0),
    withdrawing INTEGER NOT NULL DEFAULT 0 CHECK (withdrawing IN (0, 1)),
    restoring INTEGER NOT NULL DEFAULT 0 CHECK (restoring IN (0, 1)),
    PRIMARY KEY (tenant_id, env)
) STRICT, WITHOUT ROWID;

-- The few scopes in which a change of consent has not reached all descendants.
CREATE INDEX scope_in_change ON scope (tenant_id, env) WHERE withdrawing OR restoring;

-- The log that the events of a scope belong to, from a sequence on; event ids are derived from its
-- id. `origin` is where an imported log came from.
CREATE TABLE scope_log (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    from_sequence INTEGER NOT NULL CHECK (from_sequence > 0),
    log_id BLOB NOT NULL UNIQUE CHECK (length(log_id) = 16),
    origin TEXT,
    object_store_id INTEGER NOT NULL REFERENCES object_store,
    PRIMARY KEY (tenant_id, env, from_sequence),
    FOREIGN KEY (tenant_id, env) REFERENCES scope
) STRICT;

-- Pending uploads. An intent is pending, may end, and may be registered from either state, since an
-- object that arrived in time may be registered late. An aborted one is never registered. Of an
-- upload in parts `upload_id` is the store's, once it was begun there, and `sha256` may be unstated.
-- `work_*` is the lease of slow work, such as hashing.
CREATE TABLE upload_intent (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL CHECK (length(asset_id) = 16),
    kind TEXT NOT NULL DEFAULT 'single' CHECK (kind IN ('single', 'multipart')),
    upload_id TEXT,
    part_size_bytes INTEGER CHECK (part_size_bytes > 0),
    object_store_id INTEGER NOT NULL REFERENCES object_store,
    key_layout INTEGER NOT NULL,
    filename TEXT,
    content_type TEXT,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    requested_by TEXT,
    requested_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'registered', 'ended', 'aborted')),
    work_owner BLOB CHECK (length(work_owner) = 16),
    work_epoch INTEGER NOT NULL DEFAULT 0,
    work_until INTEGER,
    erased_at INTEGER,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env) REFERENCES scope,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND content_type IS NOT NULL
        AND requested_by IS NOT NULL AND (sha256 IS NOT NULL OR kind = 'multipart'))),
    CHECK ((kind = 'multipart') = (part_size_bytes IS NOT NULL)),
    CHECK (kind = 'single' OR size_bytes > 0),
    CHECK (kind = 'multipart' OR upload_id IS NULL)
) STRICT;

-- The few intents with a work lease.
CREATE INDEX upload_intent_in_work ON upload_intent (work_until) WHERE work_owner IS NOT NULL;

-- The parts of a multipart upload, as declared and signed.
CREATE TABLE upload_part (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    part_number INTEGER NOT NULL CHECK (part_number BETWEEN 1 AND 10000),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (tenant_id, env, asset_id, part_number),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
) STRICT, WITHOUT ROWID;

-- Events, written once, as two JSON texts: `facts` and `personal`. Each digest is SHA-256 over a
-- random salt followed by the text. Salts and texts can be erased; digests stay, and verify a copy
-- of salt and text that was kept elsewhere.
CREATE TABLE event (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    asset_id BLOB NOT NULL,
    event_type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    facts_salt BLOB CHECK (length(facts_salt) = 32),
    facts TEXT,
    facts_digest BLOB NOT NULL CHECK (length(facts_digest) = 32),
    personal_salt BLOB CHECK (length(personal_salt) = 32),
    personal TEXT,
    personal_digest BLOB NOT NULL CHECK (length(personal_digest) = 32),
    erased_at INTEGER,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    CHECK ((facts_salt IS NULL) = (facts IS NULL)),
    CHECK ((personal_salt IS NULL) = (personal IS NULL)),
    CHECK (erased_at IS NOT NULL OR (facts IS NOT NULL AND personal IS NOT NULL))
) STRICT;

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
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    registered_sequence INTEGER NOT NULL,
    object_store_id INTEGER NOT NULL REFERENCES object_store,
    key_layout INTEGER NOT NULL,
    filename TEXT,
    content_type TEXT,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    captured_at INTEGER,
    captured_offset_minutes INTEGER,
    latitude REAL,
    longitude REAL,
    altitude_m REAL,
    accuracy_m REAL,
    source_uri TEXT,
    activity TEXT,
    pii_flags TEXT NOT NULL CHECK (json_valid(pii_flags)),
    train_ok INTEGER NOT NULL CHECK (train_ok IN (0, 1)),
    train_ok_effective INTEGER NOT NULL CHECK (train_ok_effective IN (0, 1)),
    stated_train_ok INTEGER CHECK (stated_train_ok IN (0, 1)),
    stated_pii_flags TEXT CHECK (json_valid(stated_pii_flags)),
    last_fact INTEGER,
    verdict TEXT CHECK (verdict IN ('intact', 'corrupt', 'missing')),
    verified_at INTEGER,
    found_sha256 BLOB CHECK (length(found_sha256) = 32),
    found_size_bytes INTEGER CHECK (found_size_bytes >= 0),
    registered_by TEXT,
    imported_at INTEGER NOT NULL,
    provenance_digest BLOB CHECK (length(provenance_digest) = 32),
    integrity_level TEXT NOT NULL,
    integrity_parts INTEGER CHECK (integrity_parts > 0),
    integrity_version_id TEXT,
    integrity_etag TEXT,
    erased_at INTEGER,
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
) STRICT;

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
CREATE INDEX asset_by_verification ON asset (tenant_id, env,
    CASE WHEN verified_at IS NULL THEN imported_at ELSE verified_at END, registered_sequence);

-- Labels: those of the record (`is_registered`), and those that a fact stated later. Lists are
-- filtered by those in force.
CREATE TABLE asset_label (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    label TEXT NOT NULL,
    is_registered INTEGER NOT NULL DEFAULT 1 CHECK (is_registered IN (0, 1)),
    value TEXT NOT NULL,
    registered_sequence INTEGER NOT NULL,
    in_force INTEGER NOT NULL DEFAULT 1 CHECK (in_force IN (0, 1)),
    PRIMARY KEY (tenant_id, env, asset_id, label, is_registered),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
) STRICT, WITHOUT ROWID;

CREATE INDEX asset_by_label ON asset_label (tenant_id, env, label, value, registered_sequence)
WHERE in_force;

-- The parents of an asset, in the caller's order. A parent is registered before its child, so there
-- is no cycle.
CREATE TABLE lineage_edge (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    child_id BLOB NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    parent_id BLOB NOT NULL CHECK (parent_id <> child_id),
    registered_sequence INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, child_id, position),
    UNIQUE (tenant_id, env, parent_id, child_id),
    FOREIGN KEY (tenant_id, env, child_id) REFERENCES asset,
    FOREIGN KEY (tenant_id, env, parent_id) REFERENCES asset
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_edge_by_parent ON lineage_edge (tenant_id, env, parent_id, registered_sequence);

-- Facts stated about an asset after its registration, each with its event.
CREATE TABLE stated_fact (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    asset_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    value TEXT,
    reason TEXT,
    evidence_sha256 BLOB CHECK (length(evidence_sha256) = 32),
    stated_at INTEGER NOT NULL,
    stated_by TEXT,
    erased_at INTEGER,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event,
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset,
    CHECK (erased_at IS NOT NULL OR (value IS NOT NULL AND stated_by IS NOT NULL))
) STRICT;
CREATE INDEX stated_fact_by_asset ON stated_fact (tenant_id, env, asset_id, sequence);

-- The fact of each kind that is in force.
CREATE TABLE fact_in_force (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, kind),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES stated_fact,
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
) STRICT, WITHOUT ROWID;

-- Assets whose children have not followed a change of their `train_ok_effective`: those with a
-- sequence above `after_sequence`. Where that is -1, the asset itself has not. Children follow a
-- withdrawal before they follow anything else.
CREATE TABLE consent_change (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    is_withdrawal INTEGER NOT NULL CHECK (is_withdrawal IN (0, 1)),
    asset_id BLOB NOT NULL,
    after_sequence INTEGER NOT NULL CHECK (after_sequence >= is_withdrawal - 1),
    PRIMARY KEY (tenant_id, env, is_withdrawal, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
) STRICT, WITHOUT ROWID;

-- The holders of download URLs, until these expire.
CREATE TABLE download_grant (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    user_id TEXT NOT NULL,
    disposition TEXT NOT NULL CHECK (disposition IN ('attachment', 'inline')),
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, user_id, disposition),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
) STRICT, WITHOUT ROWID;
CREATE INDEX download_grant_by_end ON download_grant (tenant_id, env, ends_at);

-- Digests that the service computed by reading objects, for stores whose digests cannot be trusted:
-- one row per asset, for the object hashed last, until its intent ends.
CREATE TABLE object_digest (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    etag TEXT NOT NULL,
    version_id TEXT,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
) STRICT, WITHOUT ROWID;
CREATE INDEX object_digest_by_end ON object_digest (tenant_id, env, ends_at);

-- The progress of each sink in each scope: all events up to `cursor` are delivered or parked.
CREATE TABLE delivery (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    sink TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, sink),
    FOREIGN KEY (tenant_id, env, cursor) REFERENCES event
) STRICT, WITHOUT ROWID;

CREATE TABLE parked_event (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    sink TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    reason TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    -- when a retry was requested
    retry_asked_at INTEGER,
    PRIMARY KEY (tenant_id, env, sink, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event
) STRICT;

-- The few events marked for a retry.
CREATE INDEX parked_event_to_retry ON parked_event (sink, tenant_id, env, sequence)
WHERE retry_asked_at IS NOT NULL;

-- Leases of work that one process does at a time. `epoch` rises when the owner changes.
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL CHECK (length(owner) = 16),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Idempotency keys until they expire, so that a repeated request gets the same asset.
CREATE TABLE idempotency (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_digest BLOB NOT NULL CHECK (length(body_digest) = 32),
    -- of a key that stands for a batch as a whole, none
    asset_id BLOB,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, user_id, route, idempotency_key),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_end ON idempotency (tenant_id, env, ends_at);

-- Triggers that keep rows immutable. Only a migration that adds erasure may replace them. INSERT OR
-- REPLACE deletes without firing the triggers of DELETE, so those of INSERT refuse an existing row;
-- for an intent and a declared part they ignore the insert, since a repetition is an outcome and not
-- an error.

CREATE TRIGGER catalog_is_not_changed BEFORE UPDATE ON catalog
BEGIN SELECT raise(ABORT, 'the catalogue''s id is never changed'); END;
CREATE TRIGGER catalog_is_not_deleted BEFORE DELETE ON catalog
BEGIN SELECT raise(ABORT, 'the catalogue''s id is never deleted'); END;

CREATE TRIGGER object_store_is_not_changed BEFORE UPDATE ON object_store
BEGIN SELECT raise(ABORT, 'an object store is never changed'); END;
CREATE TRIGGER object_store_is_not_deleted BEFORE DELETE ON object_store
BEGIN SELECT raise(ABORT, 'an object store is never deleted'); END;

CREATE TRIGGER scope_counts_forward BEFORE UPDATE OF last_sequence ON scope
WHEN new.last_sequence < old.last_sequence
BEGIN SELECT raise(ABORT, 'a scope''s sequence never goes back'); END;
CREATE TRIGGER scope_is_not_deleted BEFORE DELETE ON scope
BEGIN SELECT raise(ABORT, 'a scope is never deleted'); END;

CREATE TRIGGER scope_log_is_not_changed BEFORE UPDATE ON scope_log
BEGIN SELECT raise(ABORT, 'a scope''s log is never changed'); END;
CREATE TRIGGER scope_log_is_not_replaced BEFORE INSERT ON scope_log
WHEN EXISTS (SELECT 1 FROM scope_log
    WHERE (tenant_id, env, from_sequence) = (new.tenant_id, new.env, new.from_sequence))
BEGIN SELECT raise(ABORT, 'a scope''s log is never replaced'); END;
CREATE TRIGGER scope_log_is_not_deleted BEFORE DELETE ON scope_log
BEGIN SELECT raise(ABORT, 'a scope''s log is never deleted'); END;

CREATE TRIGGER upload_intent_moves_forward BEFORE UPDATE OF state ON upload_intent
WHEN new.state <> old.state
    AND (old.state IN ('registered', 'aborted') OR new.state = 'pending')
BEGIN SELECT raise(ABORT, 'an intent''s state only moves forward'); END;
CREATE TRIGGER upload_intent_keeps_its_promise BEFORE UPDATE OF
    tenant_id, env, asset_id, kind, part_size_bytes, object_store_id, key_layout, filename,
    content_type, size_bytes, sha256, requested_by, requested_at, ends_at, erased_at
ON upload_intent
BEGIN SELECT raise(ABORT, 'an intent''s promise is never changed'); END;
CREATE TRIGGER upload_intent_keeps_its_upload BEFORE UPDATE OF upload_id ON upload_intent
WHEN new.upload_id IS NOT old.upload_id AND (new.upload_id IS NULL OR old.state <> 'pending')
BEGIN SELECT raise(ABORT, 'an upload''s id only changes while its intent is pending'); END;
CREATE TRIGGER upload_intent_is_not_replaced BEFORE INSERT ON upload_intent
WHEN EXISTS (SELECT 1 FROM upload_intent
    WHERE (tenant_id, env, asset_id) = (new.tenant_id, new.env, new.asset_id))
BEGIN SELECT raise(IGNORE); END;
CREATE TRIGGER upload_intent_is_not_deleted BEFORE DELETE ON upload_intent
BEGIN SELECT raise(ABORT, 'an intent is never deleted'); END;

CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
BEGIN SELECT raise(ABORT, 'an event is never changed'); END;
CREATE TRIGGER event_is_not_replaced BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event
    WHERE (tenant_id, env, sequence) = (new.tenant_id, new.env, new.sequence))
BEGIN SELECT raise(ABORT, 'an event is never replaced'); END;
CREATE TRIGGER event_is_not_deleted BEFORE DELETE ON event
BEGIN SELECT raise(ABORT, 'an event is never deleted'); END;

CREATE TRIGGER asset_is_not_changed BEFORE UPDATE OF
    tenant_id, env, asset_id, registered_sequence, object_store_id, key_layout, filename,
    content_type, size_bytes, sha256, captured_at, captured_offset_minutes, latitude, longitude,
    altitude_m, accuracy_m, source_uri, activity, pii_flags, train_ok, registered_by, imported_at,
    provenance_digest, integrity_level, integrity_parts, integrity_version_id, integrity_etag,
    erased_at
ON asset
BEGIN SELECT raise(ABORT, 'a record is never changed'); END;
CREATE TRIGGER asset_is_not_replaced BEFORE INSERT ON asset
WHEN EXISTS (SELECT 1 FROM asset
    WHERE (tenant_id, env, asset_id) = (new.tenant_id, new.env, new.asset_id))
BEGIN SELECT raise(ABORT, 'a record is never replaced'); END;
CREATE TRIGGER asset_is_not_deleted BEFORE DELETE ON asset
BEGIN SELECT raise(ABORT, 'a record is never deleted'); END;

CREATE TRIGGER asset_label_is_not_changed BEFORE UPDATE OF
    tenant_id, env, asset_id, label, is_registered, value, registered_sequence
ON asset_label
BEGIN SELECT raise(ABORT, 'a label is never changed'); END;
CREATE TRIGGER asset_label_is_not_replaced BEFORE INSERT ON asset_label
WHEN EXISTS (SELECT 1 FROM asset_label
    WHERE (tenant_id, env, asset_id, label, is_registered)
        = (new.tenant_id, new.env, new.asset_id, new.label, new.is_registered))
BEGIN SELECT raise(ABORT, 'a label is never replaced'); END;
CREATE TRIGGER asset_label_is_not_deleted BEFORE DELETE ON asset_label
WHEN old.is_registered
BEGIN SELECT raise(ABORT, 'a label is never deleted'); END;

CREATE TRIGGER lineage_edge_is_not_changed BEFORE UPDATE ON lineage_edge
BEGIN SELECT raise(ABORT, 'an edge is never changed'); END;
CREATE TRIGGER lineage_edge_is_not_replaced BEFORE INSERT ON lineage_edge
WHEN EXISTS (SELECT 1 FROM lineage_edge
    WHERE (tenant_id, env, child_id, position)
        = (new.tenant_id, new.env, new.child_id, new.position))
BEGIN SELECT raise(ABORT, 'an edge is never replaced'); END;
CREATE TRIGGER lineage_edge_is_not_deleted BEFORE DELETE ON lineage_edge
BEGIN SELECT raise(ABORT, 'an edge is never deleted'); END;

CREATE TRIGGER upload_part_is_not_changed BEFORE UPDATE ON upload_part
BEGIN SELECT raise(ABORT, 'a declared part is never changed'); END;
CREATE TRIGGER upload_part_is_not_replaced BEFORE INSERT ON upload_part
WHEN EXISTS (SELECT 1 FROM upload_part
    WHERE (tenant_id, env, asset_id, part_number)
        = (new.tenant_id, new.env, new.asset_id, new.part_number))
BEGIN SELECT raise(IGNORE); END;
CREATE TRIGGER upload_part_is_not_deleted BEFORE DELETE ON upload_part
BEGIN SELECT raise(ABORT, 'a declared part is never deleted'); END;

CREATE TRIGGER stated_fact_is_not_changed BEFORE UPDATE ON stated_fact
BEGIN SELECT raise(ABORT, 'a stated fact is never changed'); END;
CREATE TRIGGER stated_fact_is_not_deleted BEFORE DELETE ON stated_fact
BEGIN SELECT raise(ABORT, 'a stated fact is never deleted'); END;

CREATE TRIGGER delivery_moves_forward BEFORE UPDATE ON delivery
WHEN new.cursor < old.cursor
BEGIN SELECT raise(ABORT, 'a cursor never goes back'); END;
