-- Download URLs.

-- Writes downloads, each with its event. Of those of one key whose grant is not enough the one that
-- ends last is written; its end is enough for the others.
CREATE OR REPLACE FUNCTION add_downloads_v1(
    INOUT own scope, asked json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    fresh event[];
    grants download_grant[];
    now bigint;
BEGIN
    WITH member AS MATERIALIZED (
        SELECT m.n, m.enough_until, m.event, m.held, a.asset_id IS NOT NULL AS is_registered,
            a.last_fact IS DISTINCT FROM m.last_fact AS is_changed,
            (m.event).facts_digest = ANY (known) AS is_known, g.ends_at AS standing
        FROM json_to_recordset(asked) AS m (
            n integer, enough_until bigint, last_fact bigint, held download_grant, event event)
        LEFT JOIN asset a ON (a.tenant_id, a.env) = (own.tenant_id, own.env)
            AND a.asset_id = (m.held).asset_id
        LEFT JOIN download_grant g ON (g.tenant_id, g.env) = (own.tenant_id, own.env)
            AND g.asset_id = (m.held).asset_id AND g.user_id = (m.held).user_id
            AND g.disposition = (m.held).disposition
    ), turn AS (
        SELECT m.n, m.event, m.held, row_number() OVER key AS place,
            first_value((m.held).ends_at) OVER key AS newest
        FROM member m
        WHERE m.is_registered AND NOT m.is_known AND NOT m.is_changed
            AND (m.standing IS NULL OR m.standing < m.enough_until)
        WINDOW key AS (
            PARTITION BY (m.held).asset_id, (m.held).user_id, (m.held).disposition
            ORDER BY (m.held).ends_at DESC, m.n)
    )
    SELECT
        array_agg(json_build_array(m.n, CASE
            WHEN m.is_known OR t.place = 1 THEN to_json('recorded'::text)
            WHEN NOT m.is_registered THEN to_json('unknown_asset'::text)
            WHEN m.is_changed AND (m.standing IS NULL OR m.standing < m.enough_until)
                THEN to_json('changed'::text)
            ELSE json_build_object('granted', coalesce(t.newest, m.standing)) END)),
        array_agg(t.event ORDER BY t.n) FILTER (WHERE t.place = 1),
        array_agg(t.held) FILTER (WHERE t.place = 1),
        max((m.event).occurred_at)
    INTO written, fresh, grants, now
    FROM member m LEFT JOIN turn t USING (n);
    own.last_sequence := add_events_v1(own, fresh);

    IF grants IS NOT NULL THEN
        INSERT INTO download_grant (tenant_id, env, asset_id, user_id, disposition, ends_at)
        SELECT own.tenant_id, own.env, g.asset_id, g.user_id, g.disposition, g.ends_at
        FROM unnest(grants) g
        ON CONFLICT (tenant_id, env, asset_id, user_id, disposition) DO UPDATE SET
            ends_at = excluded.ends_at;
        -- each new grant removes two that ended an hour ago; the hour covers clock skew
        DELETE FROM download_grant g WHERE g.ctid = ANY (ARRAY(
            SELECT ended.ctid FROM download_grant ended
            WHERE (ended.tenant_id, ended.env) = (own.tenant_id, own.env)
                AND ended.ends_at < now - 3600000000
            ORDER BY ended.ends_at
            LIMIT 2 * cardinality(grants)));
    END IF;
END
$$;
