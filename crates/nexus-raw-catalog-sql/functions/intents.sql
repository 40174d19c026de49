-- Intents and repeated presigns.

-- Writes intents, each with its event and its idempotency key if it has one.
CREATE OR REPLACE FUNCTION add_intents_v1(
    INOUT own scope, asked json, store json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh event[];
    keys idempotency[];
    now bigint;
BEGIN
    -- an intent is not written if its key is in use or an earlier member takes the key; of two
    -- members with one asset id the first is written. The key of an aborted upload is free
    WITH member AS MATERIALIZED (
        SELECT m.*, (m.event).facts_digest = ANY (known) AS is_known
        FROM json_to_recordset(asked) AS m (
            n integer, bucket text, intent upload_intent, key idempotency, event event)
    ), candidate AS (
        SELECT m.*, row_number() OVER (PARTITION BY
            (m.key).user_id, (m.key).route, (m.key).idempotency_key ORDER BY m.n) AS turn
        FROM member m WHERE NOT m.is_known
    ), free AS (
        SELECT c.* FROM candidate c
        WHERE (c.key).idempotency_key IS NULL OR (c.turn = 1 AND NOT EXISTS (
            SELECT FROM idempotency k
            WHERE (k.tenant_id, k.env) = (own.tenant_id, own.env)
                AND k.user_id = (c.key).user_id AND k.route = (c.key).route
                AND k.idempotency_key = (c.key).idempotency_key
                AND k.ends_at > (c.intent).requested_at
                AND NOT EXISTS (
                    SELECT FROM upload_intent a
                    WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env)
                        AND a.asset_id = k.asset_id AND a.state = 'aborted')))
    ), first AS (
        SELECT DISTINCT ON ((f.intent).asset_id) f.* FROM free f
        ORDER BY (f.intent).asset_id, f.n
    ), promised AS (
        INSERT INTO upload_intent (
            tenant_id, env, asset_id, kind, part_size_bytes, upload_id, object_store_id,
            key_layout, filename, content_type, size_bytes, sha256, requested_by, requested_at,
            ends_at)
        SELECT own.tenant_id, own.env, i.asset_id, coalesce(i.kind, 'single'),
            i.part_size_bytes, i.upload_id, s.object_store_id,
            (store ->> 'key_layout')::integer, i.filename, i.content_type, i.size_bytes,
            i.sha256, i.requested_by, i.requested_at, i.ends_at
        FROM first f
        CROSS JOIN LATERAL (SELECT (f.intent).*) i
        JOIN object_store s ON s.endpoint = store ->> 'endpoint'
            AND s.region = store ->> 'region' AND s.bucket = f.bucket
        ON CONFLICT DO NOTHING
        RETURNING upload_intent.asset_id
    ), recorded AS (
        SELECT f.* FROM first f JOIN promised p ON p.asset_id = (f.intent).asset_id
    )
    SELECT
        array_agg(json_build_array(m.n, CASE
            WHEN m.is_known OR r.n IS NOT NULL THEN 'recorded'
            WHEN f.n IS NULL THEN 'key_stands'
            ELSE 'already_exists' END)),
        array_agg(r.event ORDER BY r.n) FILTER (WHERE r.n IS NOT NULL),
        array_agg(r.key) FILTER (WHERE (r.key).idempotency_key IS NOT NULL),
        max((m.intent).requested_at),
        own.open_count + count(r.n),
        own.open_bytes + coalesce(sum((r.intent).size_bytes), 0)
    INTO written, fresh, keys, now, own.open_count, own.open_bytes
    FROM member m LEFT JOIN free f USING (n) LEFT JOIN recorded r USING (n);
    own.last_sequence := add_events_v1(own, fresh);

    IF keys IS NOT NULL THEN
        -- an existing row has expired or is of an aborted upload, or the key would be in use
        INSERT INTO idempotency (tenant_id, env, user_id, route, idempotency_key, body_digest,
            asset_id, ends_at)
        SELECT own.tenant_id, own.env, k.user_id, k.route, k.idempotency_key, k.body_digest,
            k.asset_id, k.ends_at
        FROM unnest(keys) k
        ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
            body_digest = excluded.body_digest, asset_id = excluded.asset_id,
            ends_at = excluded.ends_at;
        -- each new key removes two that expired an hour ago; the hour covers clock skew
        DELETE FROM idempotency k WHERE k.ctid = ANY (ARRAY(
            SELECT ended.ctid FROM idempotency ended
            WHERE (ended.tenant_id, ended.env) = (own.tenant_id, own.env)
                AND ended.ends_at < now - 3600000000
            ORDER BY ended.ends_at
            LIMIT 2 * cardinality(keys)));
    END IF;
END
$$;

-- Writes the events of repeated presigns. `max_presigns` bounds the presigns of one intent, so
-- counting them is cheaper than maintaining a counter.
CREATE OR REPLACE FUNCTION add_repeats_v1(
    INOUT own scope, asked json, max_presigns bigint, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh event[];
BEGIN
    WITH member AS MATERIALIZED (
        SELECT m.*, (m.event).facts_digest = ANY (known) AS is_known
        FROM json_to_recordset(asked) AS m (n integer, event event)
    ), pending AS MATERIALIZED (
        SELECT i.asset_id, max_presigns - (
            SELECT count(*) FROM event e
            WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env)
                AND e.asset_id = i.asset_id AND e.event_type = 'raw_asset_presigned') AS room
        FROM (SELECT DISTINCT (m.event).asset_id FROM member m) wanted
        JOIN upload_intent i ON i.asset_id = wanted.asset_id
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.state = 'pending'
    ), turn AS (
        SELECT m.n, m.event, row_number() OVER (PARTITION BY p.asset_id ORDER BY m.n) <= p.room
            AS is_free
        FROM member m JOIN pending p ON p.asset_id = (m.event).asset_id
        WHERE NOT m.is_known
    )
    SELECT
        array_agg(json_build_array(m.n, CASE
            WHEN m.is_known OR t.is_free THEN 'recorded'
            WHEN t.n IS NOT NULL THEN 'exhausted'
            ELSE 'not_pending' END)),
        array_agg(t.event ORDER BY t.n) FILTER (WHERE t.is_free)
    INTO written, fresh
    FROM member m LEFT JOIN turn t USING (n);
    own.last_sequence := add_events_v1(own, fresh);
END
$$;

-- Has a key stand for a batch as a whole, and returns the digest that it stands for.
CREATE OR REPLACE FUNCTION claim_key_v1(of_tenant text, of_env text, member json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked record;
    standing bytea;
BEGIN
    SELECT m.* INTO asked FROM json_to_record(member) AS m (user_id text, route text,
        idempotency_key text, body_digest bytea, ends_at bigint, now bigint);
    INSERT INTO idempotency AS k (tenant_id, env, user_id, route, idempotency_key, body_digest,
        ends_at)
    VALUES (of_tenant, of_env, asked.user_id, asked.route, asked.idempotency_key,
        asked.body_digest, asked.ends_at)
    ON CONFLICT (tenant_id, env, user_id, route, idempotency_key) DO UPDATE SET
        body_digest = excluded.body_digest, ends_at = excluded.ends_at
    WHERE k.ends_at <= asked.now;
    SELECT k.body_digest INTO STRICT standing FROM idempotency k
    WHERE (k.tenant_id, k.env) = (of_tenant, of_env) AND k.user_id = asked.user_id
        AND k.route = asked.route AND k.idempotency_key = asked.idempotency_key;
    -- as each new key does
    DELETE FROM idempotency k WHERE k.ctid = ANY (ARRAY(
        SELECT ended.ctid FROM idempotency ended
        WHERE (ended.tenant_id, ended.env) = (of_tenant, of_env)
            AND ended.ends_at < asked.now - 3600000000
        ORDER BY ended.ends_at
        LIMIT 2));
    RETURN to_json(encode(standing, 'hex'));
END
$$;

-- Closes those of the intents that are pending and have ended, and returns their number.
CREATE OR REPLACE FUNCTION close_intents_v1(own scope, member json) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT a.value::uuid FROM json_array_elements_text(member -> 'assets') a);
    closed bigint;
    bytes bigint;
BEGIN
    WITH ended AS (
        UPDATE upload_intent i SET state = 'ended'
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = ANY (ids)
            AND i.state = 'pending' AND i.ends_at <= (member ->> 'now')::bigint
        RETURNING i.size_bytes
    )
    SELECT count(*), coalesce(sum(e.size_bytes), 0) INTO closed, bytes FROM ended e;
    UPDATE scope s SET open_count = s.open_count - closed, open_bytes = s.open_bytes - bytes
    WHERE (s.tenant_id, s.env) = (own.tenant_id, own.env) AND closed > 0;
    RETURN closed;
END
$$;
