-- What a server calls, each in one round trip. A function says whose rows it is about (`enter`)
-- before it reads or writes any, and what it says ends with the transaction: behind a pooler too,
-- nothing is left over for whoever has the connection next.
--
-- Functions are versioned, and one that a released server calls is never changed: what has to
-- differ is a new one beside it, so that two versions of the server can run side by side.
--
-- Conditions on the scope stand there as well as the policies, always in the form
-- `(x.tenant_id, x.env) = (…)`: a test takes them all away and sees that the policies alone hold.

INSERT INTO schema_version VALUES (2, 2);

-- as in the migration before
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- What a group says of one intent, with its event and, where it has one, its caller's key. `n` is
-- its place in the group.
CREATE TYPE new_intent_v1 AS (
    n integer, asset_id uuid, bucket text, filename text, content_type text, size_bytes bigint,
    sha256 bytea, requested_by text, requested_at bigint, ends_at bigint,
    user_id text, route text, idempotency_key text, body_digest bytea,
    event_type text, occurred_at bigint, facts_salt bytea, facts text, facts_digest bytea,
    personal_salt bytea, personal text, personal_digest bytea
);

-- One more event of a presign.
CREATE TYPE new_repeat_v1 AS (
    n integer, asset_id uuid,
    event_type text, occurred_at bigint, facts_salt bytea, facts text, facts_digest bytea,
    personal_salt bytea, personal text, personal_digest bytea
);

-- A record, with its event.
CREATE TYPE new_asset_v1 AS (
    n integer, asset_id uuid, bucket text, filename text, content_type text, size_bytes bigint,
    sha256 bytea, captured_at bigint, captured_offset_minutes integer,
    latitude double precision, longitude double precision, altitude_m double precision,
    accuracy_m double precision, source_uri text, activity text, pii_flags json,
    train_ok boolean, registered_by text, imported_at bigint, provenance_digest bytea,
    integrity_level text, integrity_version_id text, integrity_etag text,
    labels json, parents uuid[],
    event_type text, occurred_at bigint, facts_salt bytea, facts text, facts_digest bytea,
    personal_salt bytea, personal text, personal_digest bytea
);

-- What a hasher has to say of an object.
CREATE TYPE hashing_step_v1 AS (
    n integer, step text, asset_id uuid, etag text, version_id text,
    owner uuid, epoch bigint, now bigint, until bigint, sha256 bytea
);

-- Writes what a group has for one scope: intents, then repeated presigns, then registrations,
-- each with its event, then what the hashers have to say. The scope's row is its lock, so that
-- what is read here stays as it is until the end.
--
-- `again` says that the group may have been committed before, when its answer was lost. A member
-- whose event is there was: an event's digests are over 32 random bytes of their own.
--
-- It returns for each member its place and what came of it, as an array of the two.
CREATE FUNCTION write_scope_v1(block json, store json, again boolean) RETURNS json[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    own scope%ROWTYPE;
    intents new_intent_v1[];
    repeats new_repeat_v1[];
    records new_asset_v1[];
    known bytea[] := '{}';
    fresh integer[] := '{}';
    stands integer[] := '{}';
    exhausted integer[] := '{}';
    written json[] := '{}';
    hashing hashing_step_v1;
    it new_asset_v1;
BEGIN
    PERFORM enter(block ->> 'tenant_id', block ->> 'env');
    intents := ARRAY(SELECT r FROM
        json_populate_recordset(NULL::new_intent_v1, block -> 'intents') r ORDER BY r.n);
    repeats := ARRAY(SELECT r FROM
        json_populate_recordset(NULL::new_repeat_v1, block -> 'repeats') r ORDER BY r.n);
    records := ARRAY(SELECT r FROM
        json_populate_recordset(NULL::new_asset_v1, block -> 'registrations') r ORDER BY r.n);

    -- a scope comes to be with its first intent
    SELECT s.* INTO own FROM scope s
    WHERE (s.tenant_id, s.env) = (block ->> 'tenant_id', block ->> 'env') FOR UPDATE;
    IF NOT FOUND AND cardinality(intents) > 0 THEN
        INSERT INTO scope (tenant_id, env) VALUES (block ->> 'tenant_id', block ->> 'env')
        ON CONFLICT DO NOTHING;
        SELECT s.* INTO STRICT own FROM scope s
        WHERE (s.tenant_id, s.env) = (block ->> 'tenant_id', block ->> 'env') FOR UPDATE;
        INSERT INTO scope_log (tenant_id, env, from_sequence, object_store_id)
        SELECT own.tenant_id, own.env, 1, s.object_store_id
        FROM object_store s WHERE s.endpoint = store ->> 'endpoint'
            AND s.region = store ->> 'region' AND s.bucket = (intents[1]).bucket
        ON CONFLICT DO NOTHING;
    END IF;

    IF again THEN
        known := ARRAY(
            SELECT e.facts_digest FROM (
                SELECT r.asset_id, r.facts_digest FROM unnest(intents) r
                UNION ALL SELECT r.asset_id, r.facts_digest FROM unnest(repeats) r
                UNION ALL SELECT r.asset_id, r.facts_digest FROM unnest(records) r
            ) m
            JOIN event e ON e.asset_id = m.asset_id AND e.facts_digest = m.facts_digest
            WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env));
    END IF;

    IF cardinality(intents) > 0 THEN
        -- an intent is not written where its key stands, or where a member before it takes the
        -- key; of two of one id the first is written
        WITH candidate AS (
            SELECT r.*, row_number() OVER (
                PARTITION BY r.user_id, r.route, r.idempotency_key ORDER BY r.n) AS turn
            FROM unnest(intents) r WHERE r.facts_digest <> ALL (known)
        ), free AS (
            SELECT c.* FROM candidate c
            WHERE c.idempotency_key IS NULL OR (c.turn = 1 AND NOT EXISTS (
                SELECT FROM idempotency k
                WHERE (k.tenant_id, k.env) = (own.tenant_id, own.env)
                    AND k.user_id = c.user_id AND k.route = c.route
                    AND k.idempotency_key = c.idempotency_key AND k.ends_at > c.requested_at))
        ), first AS (
            SELECT DISTINCT ON (f.asset_id) f.* FROM free f ORDER BY f.asset_id, f.n
        ), written AS (
            INSERT INTO upload_intent (
                tenant_id, env, asset_id, object_store_id, key_layout, filename, content_type,
                size_bytes, sha256, requested_by, requested_at, ends_at)
            SELECT own.tenant_id, own.env, f.asset_id, s.object_store_id,
                (store ->> 'key_layout')::integer, f.filename, f.content_type, f.size_bytes,
                f.sha256, f.requested_by, f.requested_at, f.ends_at
            FROM first f
            JOIN object_store s ON s.endpoint = store ->> 'endpoint'
                AND s.region = store ->> 'region' AND s.bucket = f.bucket
            ON CONFLICT DO NOTHING
            RETURNING upload_intent.asset_id, upload_intent.size_bytes
        )
        SELECT
            ARRAY(SELECT f.n FROM first f JOIN written w USING (asset_id) ORDER BY f.n),
            ARRAY(SELECT c.n FROM candidate c WHERE c.n NOT IN (SELECT f.n FROM free f)),
            own.open_count + (SELECT count(*) FROM written),
            own.open_bytes + (SELECT coalesce(sum(w.size_bytes), 0) FROM written w)
        INTO fresh, stands, own.open_count, own.open_bytes;

        INSERT INTO event (tenant_id, env, sequence, asset_id, event_type, occurred_at, facts_salt,
            facts, facts_digest, personal_salt, personal, personal_digest)
        SELECT own.tenant_id, own.env, own.last_sequence + row_number() OVER (ORDER BY r.n),
            r.asset_id, r.event_type, r.occurred_at, r.facts_salt, r.facts, r.facts_digest,
            r.personal_salt, r.personal, r.personal_digest
        FROM unnest(intents) r WHERE r.n = ANY (fresh);
        own.last_sequence := own.last_sequence + cardinality(fresh);

        -- what is there has ended, or the key would stand
        INSERT INTO idempotency AS k (tenant_id, env, user_id, route, idempotency_key,
            body_digest, asset_id, ends_at)
        SELECT own.tenant_id, own.env, r.user_id, r.route, r.idempotency_key, r.body_digest,
            r.asset_id, r.ends_at
        FROM unnest(intents) r WHERE r.n = ANY (fresh) AND r.idempotency_key IS NOT NULL
        ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
            body_digest = excluded.body_digest, asset_id = excluded.asset_id,
            ends_at = excluded.ends_at;

        written := ARRAY(
            SELECT json_build_array(r.n, CASE
                WHEN r.n = ANY (fresh) OR r.facts_digest = ANY (known) THEN 'recorded'
                WHEN r.n = ANY (stands) THEN 'key_stands'
                ELSE 'already_exists' END)
            FROM unnest(intents) r);
    END IF;

    IF cardinality(repeats) > 0 THEN
        -- of one intent there are no more presigns than may be, so they are counted and not kept
        -- count of
        WITH pending AS MATERIALIZED (
            SELECT i.asset_id, (block ->> 'max_presigns')::bigint - (
                SELECT count(*) FROM event e
                WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env)
                    AND e.asset_id = i.asset_id AND e.event_type = 'raw_asset_presigned') AS room
            FROM (SELECT DISTINCT r.asset_id FROM unnest(repeats) r) asked
            JOIN upload_intent i ON i.asset_id = asked.asset_id
            WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.state = 'pending'
        ), turn AS (
            SELECT r.n, p.room, row_number() OVER (PARTITION BY r.asset_id ORDER BY r.n) AS turn
            FROM unnest(repeats) r JOIN pending p ON p.asset_id = r.asset_id
            WHERE r.facts_digest <> ALL (known)
        )
        SELECT coalesce(array_agg(t.n ORDER BY t.n) FILTER (WHERE t.turn <= t.room), '{}'),
            coalesce(array_agg(t.n ORDER BY t.n) FILTER (WHERE t.turn > t.room), '{}')
        INTO fresh, exhausted
        FROM turn t;

        INSERT INTO event (tenant_id, env, sequence, asset_id, event_type, occurred_at, facts_salt,
            facts, facts_digest, personal_salt, personal, personal_digest)
        SELECT own.tenant_id, own.env, own.last_sequence + row_number() OVER (ORDER BY r.n),
            r.asset_id, r.event_type, r.occurred_at, r.facts_salt, r.facts, r.facts_digest,
            r.personal_salt, r.personal, r.personal_digest
        FROM unnest(repeats) r WHERE r.n = ANY (fresh);
        own.last_sequence := own.last_sequence + cardinality(fresh);

        written := written || ARRAY(
            SELECT json_build_array(r.n, CASE
                WHEN r.n = ANY (fresh) OR r.facts_digest = ANY (known) THEN 'recorded'
                WHEN r.n = ANY (exhausted) THEN 'exhausted'
                ELSE 'not_pending' END)
            FROM unnest(repeats) r);
    END IF;

    FOREACH it IN ARRAY records LOOP
        DECLARE
            promised record;
            unknown integer[];
        BEGIN
            SELECT i.state, i.size_bytes, i.object_store_id, i.key_layout,
                (i.filename, i.content_type, i.size_bytes, i.sha256, s.bucket)
                    IS DISTINCT FROM
                    (it.filename, it.content_type, it.size_bytes, it.sha256, it.bucket)
                AS is_foreign
            INTO promised
            FROM upload_intent i JOIN object_store s USING (object_store_id)
            WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = it.asset_id;
            IF it.facts_digest = ANY (known) THEN
                written := written || json_build_array(it.n, 'registered');
                CONTINUE;
            ELSIF promised.state IS NULL THEN
                written := written || json_build_array(it.n, 'unknown_intent');
                CONTINUE;
            ELSIF promised.state = 'registered' THEN
                written := written || json_build_array(it.n, 'already_registered');
                CONTINUE;
            ELSIF promised.is_foreign THEN
                RAISE EXCEPTION 'the record differs from the intent it registers'
                    USING ERRCODE = 'data_corrupted';
            END IF;
            unknown := ARRAY(
                SELECT p.place - 1 FROM unnest(it.parents) WITH ORDINALITY AS p (id, place)
                WHERE NOT EXISTS (
                    SELECT FROM asset a
                    WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = p.id)
                ORDER BY p.place);
            IF cardinality(unknown) > 0 THEN
                written := written
                    || json_build_array(it.n, json_build_object('unknown_parents', unknown));
                CONTINUE;
            END IF;

            own.last_sequence := own.last_sequence + 1;
            own.open_count := own.open_count - 1;
            own.open_bytes := own.open_bytes - promised.size_bytes;
            own.registered_count := own.registered_count + 1;
            own.registered_bytes := own.registered_bytes + promised.size_bytes;
            UPDATE upload_intent i SET state = 'registered'
            WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = it.asset_id;
            INSERT INTO event (tenant_id, env, sequence, asset_id, event_type, occurred_at,
                facts_salt, facts, facts_digest, personal_salt, personal, personal_digest)
            VALUES (own.tenant_id, own.env, own.last_sequence, it.asset_id, it.event_type,
                it.occurred_at, it.facts_salt, it.facts, it.facts_digest, it.personal_salt,
                it.personal, it.personal_digest);
            INSERT INTO asset (tenant_id, env, asset_id, registered_sequence, object_store_id,
                key_layout, filename, content_type, size_bytes, sha256, captured_at,
                captured_offset_minutes, latitude, longitude, altitude_m, accuracy_m, source_uri,
                activity, pii_flags, train_ok, train_ok_effective, registered_by, imported_at,
                provenance_digest, integrity_level, integrity_version_id, integrity_etag)
            VALUES (own.tenant_id, own.env, it.asset_id, own.last_sequence,
                promised.object_store_id, promised.key_layout, it.filename, it.content_type,
                it.size_bytes, it.sha256, it.captured_at, it.captured_offset_minutes, it.latitude,
                it.longitude, it.altitude_m, it.accuracy_m, it.source_uri, it.activity,
                it.pii_flags, it.train_ok,
                it.train_ok AND NOT EXISTS (
                    SELECT FROM unnest(it.parents) p (id) JOIN asset a ON a.asset_id = p.id
                    WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env)
                        AND NOT a.train_ok_effective),
                it.registered_by, it.imported_at, it.provenance_digest, it.integrity_level,
                it.integrity_version_id, it.integrity_etag);
            INSERT INTO asset_label (tenant_id, env, asset_id, label, value)
            SELECT own.tenant_id, own.env, it.asset_id, l.key, l.value
            FROM json_each_text(it.labels) l;
            INSERT INTO lineage_edge (tenant_id, env, child_id, position, parent_id)
            SELECT own.tenant_id, own.env, it.asset_id, p.place - 1, p.id
            FROM unnest(it.parents) WITH ORDINALITY AS p (id, place);
            written := written || json_build_array(it.n, 'registered');
        END;
    END LOOP;

    -- keys that ended an hour ago, whichever replica's clock is asked: two for each that comes
    IF EXISTS (SELECT FROM unnest(intents) r WHERE r.idempotency_key IS NOT NULL) THEN
        DELETE FROM idempotency k WHERE k.ctid = ANY (ARRAY(
            SELECT ended.ctid FROM idempotency ended
            WHERE (ended.tenant_id, ended.env) = (own.tenant_id, own.env)
                AND ended.ends_at < (SELECT max(r.requested_at) - 3600000000
                    FROM unnest(intents) r WHERE r.idempotency_key IS NOT NULL)
            ORDER BY ended.ends_at
            LIMIT 2 * (SELECT count(r.idempotency_key) FROM unnest(intents) r)));
    END IF;

    UPDATE scope s SET last_sequence = own.last_sequence, open_count = own.open_count,
        open_bytes = own.open_bytes, registered_count = own.registered_count,
        registered_bytes = own.registered_bytes
    WHERE (s.tenant_id, s.env) = (own.tenant_id, own.env)
        AND s.last_sequence < own.last_sequence;

    FOR hashing IN
        SELECT r.* FROM json_populate_recordset(NULL::hashing_step_v1, block -> 'hashings') r
        ORDER BY r.n
    LOOP
        written := written || json_build_array(hashing.n, hash_v1(own, hashing));
    END LOOP;

    RETURN written;
END
$$;

-- Does what one hasher asks for: the work lease of its intent, and what came out.
CREATE FUNCTION hash_v1(own scope, asked hashing_step_v1) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    standing record;
    stood boolean;
BEGIN
    IF asked.step = 'claim' THEN
        SELECT i.state, i.work_owner, i.work_until, encode(d.sha256, 'hex') AS sha256
        INTO standing
        FROM upload_intent i
        LEFT JOIN object_digest d ON (d.tenant_id, d.env) = (i.tenant_id, i.env)
            AND d.asset_id = i.asset_id AND d.etag = asked.etag
            AND d.version_id IS NOT DISTINCT FROM asked.version_id
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id;
        IF standing.sha256 IS NOT NULL THEN
            RETURN json_build_object('known', standing.sha256);
        ELSIF standing.state IS NULL OR standing.state = 'registered' THEN
            RETURN to_json('closed'::text);
        ELSIF standing.work_owner IS NOT NULL AND standing.work_until > asked.now THEN
            RETURN json_build_object('held', standing.work_until);
        END IF;
        -- two that ended an hour ago, whichever replica's clock is asked, for each that comes
        DELETE FROM object_digest d WHERE d.ctid = ANY (ARRAY(
            SELECT ended.ctid FROM object_digest ended
            WHERE (ended.tenant_id, ended.env) = (own.tenant_id, own.env)
                AND ended.ends_at < asked.now - 3600000000
            ORDER BY ended.ends_at LIMIT 2));
        UPDATE upload_intent i SET work_owner = asked.owner, work_until = asked.until,
            work_epoch = i.work_epoch + 1
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
        RETURNING i.work_epoch, i.work_until INTO standing;
        RETURN json_build_object('taken', json_build_object(
            'epoch', standing.work_epoch, 'until', standing.work_until));
    END IF;

    IF asked.step = 'renew' THEN
        UPDATE upload_intent i SET work_until = asked.until
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
            AND i.work_epoch = asked.epoch AND i.work_owner IS NOT NULL;
        RETURN json_build_object('done', FOUND);
    END IF;

    -- given back, with or without a digest
    UPDATE upload_intent i SET work_owner = NULL, work_until = NULL
    WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
        AND i.work_epoch = asked.epoch AND i.work_owner IS NOT NULL;
    stood := FOUND;
    IF stood AND asked.step = 'record' THEN
        INSERT INTO object_digest (tenant_id, env, asset_id, etag, version_id, sha256, ends_at)
        SELECT i.tenant_id, i.env, i.asset_id, asked.etag, asked.version_id, asked.sha256, i.ends_at
        FROM upload_intent i
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
        ON CONFLICT (tenant_id, env, asset_id) DO UPDATE SET
            etag = excluded.etag, version_id = excluded.version_id, sha256 = excluded.sha256;
    END IF;
    RETURN json_build_object('done', stood);
END
$$;

-- Takes or renews the relay's lease.
CREATE FUNCTION lease_v1(asked json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    taken record;
BEGIN
    INSERT INTO lease AS l (name, owner, epoch, until)
    VALUES ('relay', (asked ->> 'owner')::uuid, 1, (asked ->> 'until')::bigint)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,
        epoch = l.epoch + (l.owner <> excluded.owner)::integer, until = excluded.until
    WHERE l.owner = excluded.owner OR l.until <= (asked ->> 'now')::bigint
    RETURNING l.epoch, l.until INTO taken;
    IF NOT FOUND THEN
        RETURN 'null'::json;
    END IF;
    RETURN json_build_object('epoch', taken.epoch, 'until', taken.until);
END
$$;

-- Moves cursors and parks an event, if the epoch is still the lease's. The lease's row is held
-- until the end, so that nobody takes it over in between.
CREATE FUNCTION progress_v1(asked json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    parked json := asked -> 'parked';
    retried json := asked -> 'retried';
BEGIN
    PERFORM FROM lease l WHERE l.name = 'relay' AND l.epoch = (asked ->> 'epoch')::bigint
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN 'false'::json;
    END IF;
    INSERT INTO delivery AS d (tenant_id, env, sink, cursor)
    SELECT c.tenant_id, c.env, asked ->> 'sink', c.cursor
    FROM json_to_recordset(asked -> 'cursors') AS c (tenant_id text, env text, cursor bigint)
    ORDER BY c.tenant_id COLLATE "C", c.env COLLATE "C"
    ON CONFLICT (tenant_id, env, sink) DO UPDATE SET cursor = excluded.cursor
    WHERE excluded.cursor > d.cursor;
    -- an event that was parked before stays as it was parked, unless it was to be tried again
    IF json_typeof(parked) = 'object' THEN
        INSERT INTO parked_event AS p (tenant_id, env, sink, sequence, reason, parked_at)
        VALUES (parked ->> 'tenant_id', parked ->> 'env', asked ->> 'sink',
            (parked ->> 'sequence')::bigint, parked ->> 'reason', (parked ->> 'parked_at')::bigint)
        ON CONFLICT (tenant_id, env, sink, sequence) DO UPDATE SET
            reason = excluded.reason, parked_at = excluded.parked_at, retry_asked_at = NULL
        WHERE p.retry_asked_at IS NOT NULL;
    END IF;
    IF json_typeof(retried) = 'object' THEN
        DELETE FROM parked_event p
        WHERE p.tenant_id = retried ->> 'tenant_id' AND p.env = retried ->> 'env'
            AND p.sink = asked ->> 'sink' AND p.sequence = (retried ->> 'sequence')::bigint;
    END IF;
    RETURN 'true'::json;
END
$$;

-- Marks parked events to be tried again; how many.
CREATE FUNCTION ask_retry_v1(asked json) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    marked bigint;
BEGIN
    UPDATE parked_event p SET retry_asked_at = (asked ->> 'now')::bigint
    WHERE p.sink = coalesce(asked ->> 'sink', p.sink)
        AND p.tenant_id = coalesce(asked ->> 'tenant_id', p.tenant_id)
        AND p.env = coalesce(asked ->> 'env', p.env)
        AND p.sequence = coalesce((asked ->> 'sequence')::bigint, p.sequence);
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END
$$;

-- Writes a group in one transaction. Its scopes come in the order of their names, so that two
-- groups that wait for each other cannot be; the relay's lease comes after them all.
CREATE FUNCTION write_v1(group_of json, again boolean) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    store json := group_of -> 'store';
    block json;
    written json[] := '{}';
BEGIN
    -- before any lock is held: two groups may bring the same store
    INSERT INTO object_store (endpoint, region, bucket)
    SELECT store ->> 'endpoint', store ->> 'region', b.value
    FROM json_array_elements_text(store -> 'buckets') b
    WHERE NOT EXISTS (SELECT FROM object_store s WHERE s.endpoint = store ->> 'endpoint'
        AND s.region = store ->> 'region' AND s.bucket = b.value)
    ON CONFLICT DO NOTHING;
    FOREACH block IN ARRAY ARRAY(SELECT json_array_elements(group_of -> 'scopes')) LOOP
        written := written || write_scope_v1(block, store, again);
    END LOOP;
    FOREACH block IN ARRAY ARRAY(SELECT json_array_elements(group_of -> 'leases')) LOOP
        written := written || json_build_array(block -> 'n', lease_v1(block));
    END LOOP;
    PERFORM enter_as_relay();
    FOREACH block IN ARRAY ARRAY(SELECT json_array_elements(group_of -> 'progress')) LOOP
        written := written || json_build_array(block -> 'n', progress_v1(block));
    END LOOP;
    FOREACH block IN ARRAY ARRAY(SELECT json_array_elements(group_of -> 'retries')) LOOP
        written := written || json_build_array(block -> 'n', ask_retry_v1(block));
    END LOOP;
    RETURN to_json(written);
END
$$;

-- A record as it is read: each column under the name of the table and column that it stands in.
CREATE TYPE asset_row_v1 AS (
    "asset.tenant_id" text, "asset.env" text, "asset.asset_id" bytea, "asset.bucket" text,
    "asset.key_layout" bigint, "asset.filename" text, "asset.content_type" text,
    "asset.size_bytes" bigint, "asset.sha256" bytea, "asset.captured_at" bigint,
    "asset.captured_offset_minutes" bigint, "asset.latitude" double precision,
    "asset.longitude" double precision, "asset.altitude_m" double precision,
    "asset.accuracy_m" double precision, "asset.source_uri" text, "asset.activity" text,
    "asset.pii_flags" text, "asset.train_ok" bigint, "asset.registered_by" text,
    "asset.imported_at" bigint, "asset.provenance_digest" bytea, "asset.integrity_level" text,
    "asset.integrity_version_id" text, "asset.integrity_etag" text,
    "asset_label.value" text, "lineage_edge.parent_id" text
);

CREATE FUNCTION asset_row_v1(a asset) RETURNS asset_row_v1
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    found_row asset_row_v1;
BEGIN
    SELECT a.tenant_id, a.env, uuid_send(a.asset_id), s.bucket, a.key_layout, a.filename,
        a.content_type, a.size_bytes, a.sha256, a.captured_at, a.captured_offset_minutes,
        a.latitude, a.longitude, a.altitude_m, a.accuracy_m, a.source_uri, a.activity,
        a.pii_flags::text, a.train_ok::integer, a.registered_by, a.imported_at,
        a.provenance_digest, a.integrity_level, a.integrity_version_id, a.integrity_etag,
        coalesce((SELECT json_object_agg(l.label, l.value)::text FROM asset_label l
            WHERE (l.tenant_id, l.env) = (a.tenant_id, a.env) AND l.asset_id = a.asset_id), '{}'),
        coalesce((SELECT json_agg(e.parent_id ORDER BY e.position)::text FROM lineage_edge e
            WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id), '[]')
    INTO found_row
    FROM object_store s WHERE s.object_store_id = a.object_store_id;
    RETURN found_row;
END
$$;

CREATE FUNCTION asset_v1(of_tenant text, of_env text, id uuid) RETURNS SETOF asset_row_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    it asset%ROWTYPE;
BEGIN
    PERFORM enter(of_tenant, of_env);
    FOR it IN
        SELECT a.* FROM asset a
        WHERE (a.tenant_id, a.env) = (of_tenant, of_env) AND a.asset_id = id
    LOOP
        RETURN NEXT asset_row_v1(it);
    END LOOP;
END
$$;

-- An intent as it is read; what became of it is read beside it.
CREATE TYPE intent_row_v1 AS (
    "upload_intent.tenant_id" text, "upload_intent.env" text, "upload_intent.asset_id" bytea,
    "upload_intent.bucket" text, "upload_intent.key_layout" bigint,
    "upload_intent.filename" text, "upload_intent.content_type" text,
    "upload_intent.size_bytes" bigint, "upload_intent.sha256" bytea,
    "upload_intent.requested_by" text, "upload_intent.requested_at" bigint,
    "upload_intent.ends_at" bigint, "upload_intent.state" text
);

CREATE TYPE intent_found_v1 AS (intent intent_row_v1, asset asset_row_v1);

-- Both are of one statement, and so of one moment.
CREATE FUNCTION intent_v1(of_tenant text, of_env text, id uuid) RETURNS SETOF intent_found_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT
        ROW(i.tenant_id, i.env, uuid_send(i.asset_id), s.bucket, i.key_layout, i.filename,
            i.content_type, i.size_bytes, i.sha256, i.requested_by, i.requested_at, i.ends_at,
            i.state)::intent_row_v1,
        CASE WHEN a.asset_id IS NOT NULL THEN asset_row_v1(a) END
    FROM upload_intent i
    JOIN object_store s USING (object_store_id)
    LEFT JOIN asset a ON (a.tenant_id, a.env) = (i.tenant_id, i.env) AND a.asset_id = i.asset_id
    WHERE (i.tenant_id, i.env) = (of_tenant, of_env) AND i.asset_id = id;
END
$$;

-- The places in `ids`, from 0 on, of those that are not registered.
CREATE FUNCTION unknown_parents_v1(of_tenant text, of_env text, ids uuid[]) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT p.place - 1 FROM unnest(ids) WITH ORDINALITY AS p (id, place)
    WHERE NOT EXISTS (
        SELECT FROM asset a
        WHERE (a.tenant_id, a.env) = (of_tenant, of_env) AND a.asset_id = p.id)
    ORDER BY p.place;
END
$$;

CREATE TYPE key_row_v1 AS ("idempotency.body_digest" bytea, "idempotency.asset_id" bytea);

-- What a caller's key stands for at `now`.
CREATE FUNCTION key_v1(
    of_tenant text, of_env text, of_user text, of_route text, named text, now bigint
) RETURNS SETOF key_row_v1 LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT k.body_digest, uuid_send(k.asset_id) FROM idempotency k
    WHERE (k.tenant_id, k.env) = (of_tenant, of_env) AND k.user_id = of_user
        AND k.route = of_route AND k.idempotency_key = named AND k.ends_at > now;
END
$$;

CREATE FUNCTION known_digest_v1(
    of_tenant text, of_env text, id uuid, of_etag text, of_version text
) RETURNS SETOF bytea LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT d.sha256 FROM object_digest d
    WHERE (d.tenant_id, d.env) = (of_tenant, of_env) AND d.asset_id = id AND d.etag = of_etag
        AND d.version_id IS NOT DISTINCT FROM of_version;
END
$$;

CREATE TYPE event_row_v1 AS (
    "event.tenant_id" text, "event.env" text, "event.sequence" bigint, "event.asset_id" bytea,
    "event.facts_salt" bytea, "event.facts" text, "event.facts_digest" bytea,
    "event.personal_salt" bytea, "event.personal" text, "event.personal_digest" bytea,
    "scope_log.log_id" bytea
);

-- An event as it is read, but for its log.
CREATE FUNCTION event_row_v1(e event) RETURNS event_row_v1
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN ROW(e.tenant_id, e.env, e.sequence, uuid_send(e.asset_id), e.facts_salt, e.facts,
        e.facts_digest, e.personal_salt, e.personal, e.personal_digest, NULL::bytea);
END
$$;

-- These events, in their order, each with its log. It enters the scope of each, so a caller that
-- reads as the relay reads them before.
CREATE FUNCTION of_logs_v1(events event_row_v1[]) RETURNS SETOF event_row_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    e event_row_v1;
    entered record := ROW(NULL::text, NULL::text);
BEGIN
    FOREACH e IN ARRAY events LOOP
        IF entered IS DISTINCT FROM ROW(e."event.tenant_id", e."event.env") THEN
            PERFORM enter(e."event.tenant_id", e."event.env");
            entered := ROW(e."event.tenant_id", e."event.env");
        END IF;
        SELECT uuid_send(l.log_id) INTO e."scope_log.log_id" FROM scope_log l
        WHERE (l.tenant_id, l.env) = (e."event.tenant_id", e."event.env")
            AND l.from_sequence <= e."event.sequence"
        ORDER BY l.from_sequence DESC LIMIT 1;
        RETURN NEXT e;
    END LOOP;
END
$$;

CREATE FUNCTION events_of_v1(
    of_tenant text, of_env text, id uuid, after bigint, up_to bigint
) RETURNS SETOF event_row_v1 LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT event_row_v1(e)
    FROM event e
    WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.asset_id = id AND e.sequence > after
    ORDER BY e.sequence
    LIMIT up_to));
END
$$;

CREATE FUNCTION events_after_v1(of_tenant text, of_env text, after bigint, up_to bigint)
RETURNS SETOF event_row_v1 LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT event_row_v1(e)
    FROM event e
    WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.sequence > after
    ORDER BY e.sequence
    LIMIT up_to));
END
$$;

CREATE TYPE open_intents_v1 AS ("scope.open_count" bigint, "scope.open_bytes" bigint);

-- Of all scopes together.
CREATE FUNCTION open_intents_v1() RETURNS open_intents_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    counted open_intents_v1;
BEGIN
    PERFORM enter_as_relay();
    SELECT coalesce(sum(s.open_count), 0), coalesce(sum(s.open_bytes), 0) INTO counted
    FROM scope s;
    RETURN counted;
END
$$;

-- The scopes in which a sink has something before it.
CREATE FUNCTION behind_v1(of_sink text)
RETURNS TABLE (tenant_id text, env text, cursor bigint, last_sequence bigint)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN QUERY
    SELECT s.tenant_id, s.env, coalesce(d.cursor, 0), s.last_sequence
    FROM scope s
    LEFT JOIN delivery d ON d.tenant_id = s.tenant_id AND d.env = s.env AND d.sink = of_sink
    WHERE s.last_sequence > coalesce(d.cursor, 0);
END
$$;

-- Each scope gets an equal share of the limit, and where there are more scopes than that, those
-- whose first event has waited longest: every scope's turn comes. Sequences have no gap, so a
-- place behind the cursor is a number of events.
--
-- `held` leaves out scopes, each `[tenant_id, env]`.
CREATE FUNCTION undelivered_v1(of_sink text, up_to bigint, held json)
RETURNS SETOF event_row_v1 LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    WITH turn AS MATERIALIZED (
        SELECT b.tenant_id, b.env, b.cursor, e.occurred_at AS waiting_since
        FROM behind_v1(of_sink) b
        JOIN event e ON e.tenant_id = b.tenant_id AND e.env = b.env
            AND e.sequence = b.cursor + 1
        WHERE NOT EXISTS (
            SELECT FROM json_array_elements(held) h
            WHERE h.value ->> 0 = b.tenant_id AND h.value ->> 1 = b.env)
        ORDER BY e.occurred_at, b.tenant_id, b.env
        LIMIT up_to
    ),
    share AS (SELECT (up_to + count(*) - 1) / greatest(count(*), 1) AS events FROM turn)
    SELECT event_row_v1(e)
    FROM share CROSS JOIN turn t
    JOIN event e ON e.tenant_id = t.tenant_id AND e.env = t.env
        AND e.sequence > t.cursor AND e.sequence <= t.cursor + share.events
    ORDER BY e.sequence - t.cursor, t.waiting_since, t.tenant_id, t.env
    LIMIT up_to));
END
$$;

-- An event happens before it is committed, by the seconds that its commit may take and no more; so
-- one behind the first hundred is older than all of these by those seconds at most, of 900 that a
-- lag is told from. To look at all would cost the more, the longer a sink is away.
CREATE FUNCTION oldest_undelivered_v1(of_sink text) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN (
        SELECT min(e.occurred_at) FROM behind_v1(of_sink) b
        JOIN event e ON e.tenant_id = b.tenant_id AND e.env = b.env
            AND e.sequence > b.cursor AND e.sequence <= b.cursor + 100);
END
$$;

CREATE TYPE backlog_v1 AS (
    "backlog.undelivered" bigint,
    "event.occurred_at" bigint,
    "backlog.parked" bigint
);

-- How much lies before a sink. Sequences have no gap: what lies behind a cursor need not be counted.
CREATE FUNCTION backlog_v1(of_sink text) RETURNS backlog_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    counted backlog_v1;
BEGIN
    PERFORM enter_as_relay();
    SELECT coalesce(sum(b.last_sequence - b.cursor), 0) INTO counted."backlog.undelivered"
    FROM behind_v1(of_sink) b;
    counted."event.occurred_at" := oldest_undelivered_v1(of_sink);
    SELECT count(*) INTO counted."backlog.parked" FROM parked_event p WHERE p.sink = of_sink;
    RETURN counted;
END
$$;

-- The parked events that are to be tried again.
CREATE FUNCTION retries_v1(of_sink text, up_to bigint) RETURNS SETOF event_row_v1
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT event_row_v1(e)
    FROM parked_event p
    JOIN event e ON e.tenant_id = p.tenant_id AND e.env = p.env AND e.sequence = p.sequence
    WHERE p.sink = of_sink AND p.retry_asked_at IS NOT NULL
    ORDER BY p.tenant_id, p.env, p.sequence
    LIMIT up_to));
END
$$;

CREATE TYPE parked_row_v1 AS (
    "parked_event.sink" text, "parked_event.tenant_id" text, "parked_event.env" text,
    "parked_event.sequence" bigint, "parked_event.reason" text,
    "parked_event.parked_at" bigint, "parked_event.retry_asked_at" bigint
);

-- Parked events, for those who run the service; what is null is not asked about.
CREATE FUNCTION parked_v1(
    of_sink text, of_tenant text, of_env text, of_sequence bigint, up_to bigint
) RETURNS SETOF parked_row_v1 LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY
    SELECT p.sink, p.tenant_id, p.env, p.sequence, p.reason, p.parked_at,
        (p.retry_asked_at IS NOT NULL)::integer::bigint
    FROM parked_event p
    WHERE p.sink = coalesce(of_sink, p.sink) AND p.tenant_id = coalesce(of_tenant, p.tenant_id)
        AND p.env = coalesce(of_env, p.env) AND p.sequence = coalesce(of_sequence, p.sequence)
    ORDER BY p.sink, p.tenant_id, p.env, p.sequence
    LIMIT up_to;
END
$$;
