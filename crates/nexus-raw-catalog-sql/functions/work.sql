-- Leases of work on objects, and the digests that come of hashing.

-- Does one step of a worker: claims, renews or releases the work lease of an intent, or records
-- its digest. A claim without an entity tag is not of hashing, and no digest is known of it. A claim of
-- a record is of an asset that is registered, any other of one that is not.
CREATE OR REPLACE FUNCTION work_v1(own scope, member json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked record;
    standing record;
    stood boolean;
BEGIN
    SELECT m.* INTO asked FROM json_to_record(member) AS m (step text, asset_id uuid, etag text,
        version_id text, of_record boolean, owner uuid, epoch bigint, now bigint, until bigint, sha256 bytea);
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
        ELSIF standing.state IS NULL OR standing.state = 'aborted'
            OR (standing.state = 'registered') <> asked.of_record THEN
            RETURN to_json('closed'::text);
        ELSIF standing.work_owner IS NOT NULL AND standing.work_until > asked.now THEN
            RETURN json_build_object('held', standing.work_until);
        END IF;
        -- each claim removes two rows that expired an hour ago; the hour covers clock skew
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

    -- release the lease, with or without a digest
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
