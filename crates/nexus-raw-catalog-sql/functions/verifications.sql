-- Verifications: what reading the object of a registered asset again has shown.

-- Writes verifications in order, each with its event, as if each had its own transaction. The claim of
-- an epoch must be valid, and stays.
CREATE OR REPLACE FUNCTION add_verifications_v1(
    INOUT own scope, asked json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    it record;
    standing record;
BEGIN
    written := '{}';
    FOR it IN
        SELECT m.* FROM json_to_recordset(asked) AS m (
            n integer, asset_id uuid, last_fact bigint, epoch bigint, verdict text,
            verified_at bigint, found_sha256 bytea, found_size_bytes bigint, event event)
        ORDER BY m.n
    LOOP
        IF (it.event).facts_digest = ANY (known) THEN
            written := written || json_build_array(it.n, 'recorded');
            CONTINUE;
        END IF;
        SELECT a.asset_id, a.last_fact, a.verdict, i.work_owner, i.work_epoch INTO standing
        FROM asset a
        JOIN upload_intent i ON (i.tenant_id, i.env) = (a.tenant_id, a.env)
            AND i.asset_id = a.asset_id
        WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = it.asset_id;
        IF NOT FOUND THEN
            written := written || json_build_array(it.n, 'unknown_asset');
            CONTINUE;
        ELSIF it.epoch IS NOT NULL
            AND (standing.work_owner IS NULL OR standing.work_epoch <> it.epoch) THEN
            written := written || json_build_array(it.n, 'claim_lost');
            CONTINUE;
        ELSIF standing.last_fact IS DISTINCT FROM it.last_fact THEN
            written := written || json_build_array(it.n, 'changed');
            CONTINUE;
        END IF;
        own.last_sequence := add_events_v1(own, ARRAY[it.event]);
        own.corrupt_count := own.corrupt_count + (it.verdict <> 'intact')::integer
            - (coalesce(standing.verdict, 'intact') <> 'intact')::integer;
        UPDATE asset a SET verdict = it.verdict, verified_at = it.verified_at,
            found_sha256 = it.found_sha256, found_size_bytes = it.found_size_bytes
        WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = it.asset_id;
        written := written || json_build_array(it.n, 'recorded');
    END LOOP;
END
$$;
