-- The catalogue of Nexus raw storage.
--
-- Every table that holds something of a tenant has a key that begins with (tenant_id, env), and
-- refers to other tables by keys that begin so too: an edge, a label or an event that reaches into
-- another tenant cannot be written down. Instants are microseconds since 1970-01-01T00:00:00Z,
-- ids are the 16 bytes of a UUID, digests are 32 bytes.
--
-- Columns that may hold something personal can be emptied, once `erased_at` says when they were;
-- until then they are there. Nothing is deleted.

-- "NXRW": how a file is known to be a catalogue
PRAGMA application_id = 0x4E585257;

-- One row: which catalogue this is. Event ids are derived from it.
CREATE TABLE catalog (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    catalog_id BLOB NOT NULL CHECK (length(catalog_id) = 16)
) STRICT;

-- Where objects are. Rows point here and keep pointing here: another bucket is another row, and
-- what was written before stays where it was. An endpoint of '' is AWS's own.
CREATE TABLE object_store (
    object_store_id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    region TEXT NOT NULL,
    bucket TEXT NOT NULL,
    UNIQUE (endpoint, region, bucket)
) STRICT;

-- One row a tenant and environment: its lock, its counter of events and its use, all at once.
-- `open_*` counts intents that are neither registered nor ended.
CREATE TABLE scope (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    open_count INTEGER NOT NULL DEFAULT 0 CHECK (open_count >= 0),
    open_bytes INTEGER NOT NULL DEFAULT 0 CHECK (open_bytes >= 0),
    registered_count INTEGER NOT NULL DEFAULT 0 CHECK (registered_count >= 0),
    registered_bytes INTEGER NOT NULL DEFAULT 0 CHECK (registered_bytes >= 0),
    PRIMARY KEY (tenant_id, env)
) STRICT, WITHOUT ROWID;

-- What was promised to whom. It is pending, may end, and may be registered from either: what
-- arrived in time is registered even late. `work_*` is the lease of whoever does slow work for the intent.
CREATE TABLE upload_intent (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL CHECK (length(asset_id) = 16),
    kind TEXT NOT NULL DEFAULT 'single' CHECK (kind IN ('single', 'multipart')),
    upload_id TEXT,
    object_store_id INTEGER NOT NULL REFERENCES object_store,
    key_layout INTEGER NOT NULL,
    filename TEXT,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    requested_by TEXT,
    requested_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'registered', 'ended')),
    work_owner BLOB CHECK (length(work_owner) = 16),
    work_epoch INTEGER NOT NULL DEFAULT 0,
    work_until INTEGER,
    erased_at INTEGER,
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env) REFERENCES scope,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND requested_by IS NOT NULL))
) STRICT;

-- What happened, written once. `body` is the event's canonical JSON without sequence and id,
-- `commitment` is SHA-256 over `salt` and then `body`: salt and body can be emptied, and the
-- commitment still proves what stood there to whoever kept them.
CREATE TABLE event (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    asset_id BLOB NOT NULL,
    event_type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    salt BLOB CHECK (length(salt) = 32),
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    body TEXT,
    PRIMARY KEY (tenant_id, env, sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    CHECK ((salt IS NULL) = (body IS NULL))
) STRICT;

CREATE INDEX event_by_asset ON event (tenant_id, env, asset_id, sequence);

-- The records. `registered_sequence` is the event that tells of the registration, and so the
-- order of registration within the scope.
CREATE TABLE asset (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    registered_sequence INTEGER NOT NULL,
    object_store_id INTEGER NOT NULL REFERENCES object_store,
    key_layout INTEGER NOT NULL,
    filename TEXT,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
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
    registered_by TEXT,
    imported_at INTEGER NOT NULL,
    provenance_digest BLOB NOT NULL CHECK (length(provenance_digest) = 32),
    integrity_level TEXT NOT NULL,
    integrity_version_id TEXT,
    integrity_etag TEXT NOT NULL,
    erased_at INTEGER,
    PRIMARY KEY (tenant_id, env, asset_id),
    UNIQUE (tenant_id, env, registered_sequence),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent,
    FOREIGN KEY (tenant_id, env, registered_sequence) REFERENCES event,
    CHECK (erased_at IS NOT NULL OR (filename IS NOT NULL AND registered_by IS NOT NULL)),
    CHECK ((captured_at IS NULL) = (captured_offset_minutes IS NULL)),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
) STRICT;

CREATE TABLE asset_label (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    label TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id, label),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES asset
) STRICT, WITHOUT ROWID;

CREATE INDEX asset_by_label ON asset_label (tenant_id, env, label, value);

-- Of what an asset was made, in the caller's order. A parent is registered before its child, so
-- there is no cycle.
CREATE TABLE lineage_edge (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    child_id BLOB NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    parent_id BLOB NOT NULL CHECK (parent_id <> child_id),
    PRIMARY KEY (tenant_id, env, child_id, position),
    UNIQUE (tenant_id, env, parent_id, child_id),
    FOREIGN KEY (tenant_id, env, child_id) REFERENCES asset,
    FOREIGN KEY (tenant_id, env, parent_id) REFERENCES asset
) STRICT, WITHOUT ROWID;

-- How far each sink has come in each scope: up to `cursor` everything was delivered or parked.
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
    PRIMARY KEY (tenant_id, env, sink, sequence),
    FOREIGN KEY (tenant_id, env, sequence) REFERENCES event
) STRICT;

-- Who may do what one process at a time does. `epoch` rises at each take-over.
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL CHECK (length(owner) = 16),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a caller's key stood for, so that the same request again is the same asset.
CREATE TABLE idempotency (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_digest BLOB NOT NULL CHECK (length(body_digest) = 32),
    asset_id BLOB NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, env, user_id, route, idempotency_key),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
) STRICT, WITHOUT ROWID;

-- What was written stays as it was written. A migration that brings erasure replaces the triggers
-- it has to get past; nothing else ever needs to. INSERT OR REPLACE deletes without telling the
-- triggers of DELETE, so those of INSERT refuse what is there; for an intent they leave it there,
-- since a repeated asset id is an answer and not a failure.

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

CREATE TRIGGER upload_intent_moves_forward BEFORE UPDATE OF state ON upload_intent
WHEN new.state <> old.state AND (old.state = 'registered' OR new.state = 'pending')
BEGIN SELECT raise(ABORT, 'an intent''s state only moves forward'); END;
CREATE TRIGGER upload_intent_keeps_its_promise BEFORE UPDATE OF
    tenant_id, env, asset_id, kind, object_store_id, key_layout, filename, content_type,
    size_bytes, sha256, requested_by, requested_at, ends_at, erased_at
ON upload_intent
BEGIN SELECT raise(ABORT, 'an intent''s promise is never changed'); END;
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

CREATE TRIGGER asset_is_not_changed BEFORE UPDATE ON asset
BEGIN SELECT raise(ABORT, 'a record is never changed'); END;
CREATE TRIGGER asset_is_not_replaced BEFORE INSERT ON asset
WHEN EXISTS (SELECT 1 FROM asset
    WHERE (tenant_id, env, asset_id) = (new.tenant_id, new.env, new.asset_id))
BEGIN SELECT raise(ABORT, 'a record is never replaced'); END;
CREATE TRIGGER asset_is_not_deleted BEFORE DELETE ON asset
BEGIN SELECT raise(ABORT, 'a record is never deleted'); END;

CREATE TRIGGER asset_label_is_not_changed BEFORE UPDATE ON asset_label
BEGIN SELECT raise(ABORT, 'a label is never changed'); END;
CREATE TRIGGER asset_label_is_not_replaced BEFORE INSERT ON asset_label
WHEN EXISTS (SELECT 1 FROM asset_label
    WHERE (tenant_id, env, asset_id, label)
        = (new.tenant_id, new.env, new.asset_id, new.label))
BEGIN SELECT raise(ABORT, 'a label is never replaced'); END;
CREATE TRIGGER asset_label_is_not_deleted BEFORE DELETE ON asset_label
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

CREATE TRIGGER delivery_moves_forward BEFORE UPDATE ON delivery
WHEN new.cursor < old.cursor
BEGIN SELECT raise(ABORT, 'a cursor never goes back'); END;
