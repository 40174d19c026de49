-- Reads of one scope. Rows have all columns of the current schema; a server reads the columns that
-- it knows by name.

-- The bucket, labels and parents of a record.
CREATE OR REPLACE FUNCTION details_v1(
    a asset, OUT bucket text, OUT labels json, OUT parents json
) LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    SELECT s.bucket,
        coalesce((SELECT json_object_agg(l.label, l.value) FROM asset_label l
            WHERE (l.tenant_id, l.env) = (a.tenant_id, a.env) AND l.asset_id = a.asset_id
                AND l.is_registered), '{}'),
        coalesce((SELECT json_agg(e.parent_id ORDER BY e.position) FROM lineage_edge e
            WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id), '[]')
    INTO bucket, labels, parents
    FROM object_store s WHERE s.object_store_id = a.object_store_id;
END
$$;

CREATE OR REPLACE FUNCTION asset_v1(of_tenant text, of_env text, id uuid)
RETURNS TABLE (asset asset, bucket text, labels json, parents json, effective boolean)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT a, d.bucket, d.labels, d.parents, effective_v1(a)
    FROM asset a CROSS JOIN LATERAL details_v1(a) d
    WHERE (a.tenant_id, a.env) = (of_tenant, of_env) AND a.asset_id = id;
END
$$;

-- The oldest record of a content, of those whose digest is proved: by the latest verification, or, where
-- there was none, at registration. That of an upload in parts may be what the caller stated.
CREATE OR REPLACE FUNCTION content_v1(
    of_tenant text, of_env text, of_sha256 bytea, of_size bigint
) RETURNS TABLE (asset asset, bucket text, labels json, parents json)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT oldest.a, d.bucket, d.labels, d.parents
    FROM (SELECT a FROM asset a
        WHERE (a.tenant_id, a.env) = (of_tenant, of_env)
            AND a.sha256 = of_sha256 AND a.size_bytes = of_size
            AND CASE WHEN a.verdict IS NULL THEN a.integrity_level IN ('s3_sha256', 'stream_sha256')
                ELSE a.verdict = 'intact' END
        ORDER BY a.registered_sequence LIMIT 1) oldest
    CROSS JOIN LATERAL details_v1(oldest.a) d;
END
$$;

-- A record to be downloaded, with the end of the last URL that this user has of it.
CREATE OR REPLACE FUNCTION download_v1(
    of_tenant text, of_env text, id uuid, of_user text, of_disposition text
) RETURNS TABLE (
    asset asset, bucket text, labels json, parents json, effective boolean, ends_at bigint
)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT a, d.bucket, d.labels, d.parents, effective_v1(a), g.ends_at
    FROM asset a CROSS JOIN LATERAL details_v1(a) d
    LEFT JOIN download_grant g ON (g.tenant_id, g.env) = (a.tenant_id, a.env)
        AND g.asset_id = a.asset_id AND g.user_id = of_user AND g.disposition = of_disposition
    WHERE (a.tenant_id, a.env) = (of_tenant, of_env) AND a.asset_id = id;
END
$$;

-- An intent, with its record if registered. One statement reads both, so they are consistent.
CREATE OR REPLACE FUNCTION intent_v1(of_tenant text, of_env text, id uuid)
RETURNS TABLE (
    intent upload_intent, intent_bucket text, asset asset, bucket text, labels json, parents json
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT i, s.bucket, a, d.bucket, d.labels, d.parents
    FROM upload_intent i
    JOIN object_store s ON s.object_store_id = i.object_store_id
    LEFT JOIN asset a ON (a.tenant_id, a.env) = (i.tenant_id, i.env) AND a.asset_id = i.asset_id
    LEFT JOIN LATERAL details_v1(a) d ON a.asset_id IS NOT NULL
    WHERE (i.tenant_id, i.env) = (of_tenant, of_env) AND i.asset_id = id;
END
$$;

-- The indexes in `ids`, from 0, of the assets that are not registered.
CREATE OR REPLACE FUNCTION unknown_parents_v1(of_tenant text, of_env text, ids uuid[])
RETURNS SETOF bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

-- The idempotency key's row, unless it has expired at `now`.
CREATE OR REPLACE FUNCTION key_v1(
    of_tenant text, of_env text, of_user text, of_route text, named text, now bigint
) RETURNS SETOF idempotency LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT k.* FROM idempotency k
    WHERE (k.tenant_id, k.env) = (of_tenant, of_env) AND k.user_id = of_user
        AND k.route = of_route AND k.idempotency_key = named AND k.ends_at > now;
END
$$;

CREATE OR REPLACE FUNCTION known_digest_v1(
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

-- The totals of all scopes.
CREATE OR REPLACE FUNCTION totals_v1(
    OUT open_count bigint, OUT open_bytes bigint, OUT corrupt_count bigint
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    SELECT coalesce(sum(s.open_count), 0), coalesce(sum(s.open_bytes), 0),
        coalesce(sum(s.corrupt_count), 0)
    INTO open_count, open_bytes, corrupt_count FROM scope s;
END
$$;
