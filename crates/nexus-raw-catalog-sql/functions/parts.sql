-- Uploads in parts: their ids, their parts and their ends.

-- Aborts the uploads in parts that are pending or closed, each with its event. Of one that is aborted already nothing
-- is written, so a retry after a lost response needs no other rule.
CREATE OR REPLACE FUNCTION add_aborts_v1(INOUT own scope, asked json, OUT written json[])
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh event[];
BEGIN
    WITH member AS MATERIALIZED (
        SELECT m.* FROM json_to_recordset(asked) AS m (n integer, event event)
    ), standing AS (
        SELECT m.n, m.event, i.state, i.size_bytes, i.state <> 'aborted' AND row_number() OVER (
            PARTITION BY i.asset_id ORDER BY m.n) = 1 AS is_written
        FROM member m LEFT JOIN upload_intent i
            ON (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = (m.event).asset_id
            AND i.kind = 'multipart' AND i.state <> 'registered'
    )
    SELECT
        array_agg(json_build_array(s.n, CASE WHEN s.state IS NULL THEN 'not_pending'
            ELSE 'recorded' END)),
        array_agg(s.event ORDER BY s.n) FILTER (WHERE s.is_written),
        own.open_count - count(*) FILTER (WHERE s.is_written AND s.state = 'pending'),
        own.open_bytes - coalesce(sum(s.size_bytes)
            FILTER (WHERE s.is_written AND s.state = 'pending'), 0)
    INTO written, fresh, own.open_count, own.open_bytes
    FROM standing s;
    UPDATE upload_intent i SET state = 'aborted'
    WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env)
        AND i.asset_id = ANY (ARRAY(SELECT f.asset_id FROM unnest(fresh) f));
    own.last_sequence := add_events_v1(own, fresh);
END
$$;

-- Writes the id that the store gave to an upload, unless another one was first, and returns the one
-- that is in force; null if the intent is not pending.
CREATE OR REPLACE FUNCTION begin_upload_v1(own scope, member json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked record;
    in_force text;
BEGIN
    SELECT m.* INTO asked FROM json_to_record(member)
        AS m (asset_id uuid, instead_of text, upload_id text);
    UPDATE upload_intent i SET upload_id = asked.upload_id
    WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
        AND i.state = 'pending' AND i.kind = 'multipart'
        AND i.upload_id IS NOT DISTINCT FROM asked.instead_of;
    SELECT i.upload_id INTO in_force FROM upload_intent i
    WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = asked.asset_id
        AND i.state = 'pending' AND i.kind = 'multipart';
    RETURN to_json(in_force);
END
$$;

-- Writes the digests of parts, all or none.
CREATE OR REPLACE FUNCTION declare_parts_v1(own scope, member json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    id uuid := member ->> 'asset_id';
    parts json := member -> 'parts';
    differing integer[];
BEGIN
    IF NOT EXISTS (SELECT FROM upload_intent i
        WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env) AND i.asset_id = id
            AND i.state = 'pending' AND i.kind = 'multipart')
    THEN
        RETURN to_json('not_pending'::text);
    END IF;
    SELECT array_agg(p.part_number ORDER BY p.part_number) INTO differing
    FROM json_to_recordset(parts) AS m (part_number integer, sha256 bytea)
    JOIN upload_part p ON (p.tenant_id, p.env) = (own.tenant_id, own.env) AND p.asset_id = id
        AND p.part_number = m.part_number
    WHERE p.sha256 <> m.sha256;
    IF differing IS NOT NULL THEN
        RETURN json_build_object('differ', differing);
    END IF;
    INSERT INTO upload_part (tenant_id, env, asset_id, part_number, size_bytes, sha256)
    SELECT own.tenant_id, own.env, id, m.part_number, m.size_bytes, m.sha256
    FROM json_to_recordset(parts) AS m (part_number integer, size_bytes bigint, sha256 bytea)
    ON CONFLICT DO NOTHING;
    RETURN to_json('declared'::text);
END
$$;

-- The declared parts of an upload with a number above `after`.
CREATE OR REPLACE FUNCTION declared_parts_v1(
    of_tenant text, of_env text, id uuid, after bigint, up_to bigint
) RETURNS SETOF upload_part LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT p.* FROM upload_part p
    WHERE (p.tenant_id, p.env) = (of_tenant, of_env) AND p.asset_id = id AND p.part_number > after
    ORDER BY p.part_number
    LIMIT up_to;
END
$$;
