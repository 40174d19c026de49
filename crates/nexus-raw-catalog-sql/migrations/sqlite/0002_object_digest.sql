-- What the service found by reading an object itself, where the store's own digests are no proof:
-- one row an asset, of the object that was hashed last. It only adds, and nothing that was written
-- before needs it.

CREATE TABLE object_digest (
    tenant_id TEXT NOT NULL,
    env TEXT NOT NULL,
    asset_id BLOB NOT NULL,
    etag TEXT NOT NULL,
    version_id TEXT,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (tenant_id, env, asset_id),
    FOREIGN KEY (tenant_id, env, asset_id) REFERENCES upload_intent
) STRICT, WITHOUT ROWID;

-- The few intents that somebody does slow work for.
CREATE INDEX upload_intent_in_work ON upload_intent (work_until) WHERE work_owner IS NOT NULL;
