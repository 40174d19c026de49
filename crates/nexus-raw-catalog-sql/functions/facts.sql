-- Facts, and what they change.

-- Writes facts, each with its event. Of those of one asset the first is written, since the others are
-- based on what it changes.
CREATE OR REPLACE FUNCTION add_facts_v1(
    INOUT own scope, asked json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    it record;
    did record;
    ids uuid[] := '{}';
    has_followers boolean;
    at bigint;
BEGIN
    written := '{}';
    FOR it IN
        SELECT m.*, a.asset_id IS NOT NULL AS is_registered, a.last_fact AS standing
        FROM json_to_recordset(asked) AS m (
            n integer, last_fact bigint, train_ok boolean, pii_flags json, labels json,
            fact stated_fact, event event)
        LEFT JOIN asset a ON (a.tenant_id, a.env) = (own.tenant_id, own.env)
            AND a.asset_id = (m.fact).asset_id
        ORDER BY m.n
    LOOP
        IF (it.event).facts_digest = ANY (known) THEN
            SELECT e.sequence INTO STRICT at FROM event e
            WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env)
                AND e.asset_id = (it.event).asset_id AND e.facts_digest = (it.event).facts_digest;
            written := written || json_build_array(it.n,
                json_build_object('recorded', json_build_array(at, own.withdrawing OR own.restoring)));
            CONTINUE;
        ELSIF NOT it.is_registered THEN
            written := written || json_build_array(it.n, 'unknown_asset');
            CONTINUE;
        ELSIF it.standing IS DISTINCT FROM it.last_fact OR (it.fact).asset_id = ANY (ids) THEN
            written := written || json_build_array(it.n, 'changed');
            CONTINUE;
        END IF;
        ids := ids || (it.fact).asset_id;
        own.last_sequence := add_events_v1(own, ARRAY[it.event]);
        INSERT INTO stated_fact (tenant_id, env, sequence, asset_id, kind, value, reason,
            evidence_sha256, stated_at, stated_by)
        VALUES (own.tenant_id, own.env, own.last_sequence, (it.fact).asset_id, (it.fact).kind,
            (it.fact).value, (it.fact).reason, (it.fact).evidence_sha256, (it.fact).stated_at,
            (it.fact).stated_by);
        INSERT INTO fact_in_force (tenant_id, env, asset_id, kind, sequence)
        VALUES (own.tenant_id, own.env, (it.fact).asset_id, (it.fact).kind, own.last_sequence)
        ON CONFLICT (tenant_id, env, asset_id, kind) DO UPDATE SET sequence = excluded.sequence;
        UPDATE asset a SET last_fact = own.last_sequence,
            stated_train_ok = coalesce(it.train_ok, a.stated_train_ok),
            stated_pii_flags = coalesce(it.pii_flags, a.stated_pii_flags)
        WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env)
            AND a.asset_id = (it.fact).asset_id;
        IF json_typeof(it.labels) = 'object' THEN
            UPDATE asset_label l SET in_force = false
            WHERE (l.tenant_id, l.env) = (own.tenant_id, own.env)
                AND l.asset_id = (it.fact).asset_id AND l.is_registered;
            DELETE FROM asset_label l
            WHERE (l.tenant_id, l.env) = (own.tenant_id, own.env)
                AND l.asset_id = (it.fact).asset_id AND NOT l.is_registered;
            INSERT INTO asset_label (tenant_id, env, asset_id, label, is_registered, value,
                registered_sequence)
            SELECT a.tenant_id, a.env, a.asset_id, l.key, false, l.value, a.registered_sequence
            FROM asset a CROSS JOIN json_each_text(it.labels) l
            WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env)
                AND a.asset_id = (it.fact).asset_id;
        END IF;
        has_followers := false;
        IF it.train_ok IS NOT NULL THEN
            SELECT c.* INTO did
            FROM change_consent_v1(own, (it.fact).asset_id, it.train_ok) c;
            own := did.own;
            has_followers := did.has_followers;
        END IF;
        written := written || json_build_array(it.n,
            json_build_object('recorded', json_build_array(own.last_sequence, has_followers)));
    END LOOP;
END
$$;

-- The facts of an asset after a sequence, each as JSON.
CREATE OR REPLACE FUNCTION facts_after_v1(
    of_tenant text, of_env text, id uuid, after bigint, up_to bigint
) RETURNS TABLE (fact json) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    SELECT fact_json_v1(f) FROM stated_fact f
    WHERE (f.tenant_id, f.env) = (of_tenant, of_env) AND f.asset_id = id AND f.sequence > after
    ORDER BY f.sequence
    LIMIT up_to;
END
$$;

CREATE OR REPLACE FUNCTION fact_json_v1(f stated_fact) RETURNS json
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN json_build_object('sequence', f.sequence, 'kind', f.kind, 'value', f.value,
        'reason', f.reason, 'evidence_sha256', encode(f.evidence_sha256, 'hex'),
        'stated_at', f.stated_at, 'stated_by', f.stated_by);
END
$$;

-- A record, the latest fact of each kind, and the refusals of the asset itself and its 10,000 nearest
-- ancestors: a recursive query reads breadth first. One statement, so all is of one moment.
CREATE OR REPLACE FUNCTION facts_v1(of_tenant text, of_env text, id uuid)
RETURNS TABLE (
    asset asset, bucket text, labels json, parents json, effective boolean, latest json,
    withheld_by json
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY
    WITH RECURSIVE up AS (
        SELECT id AS asset_id
        UNION
        SELECT e.parent_id FROM up
        CROSS JOIN LATERAL (SELECT e.parent_id FROM lineage_edge e
            WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.child_id = up.asset_id
            ORDER BY e.position) e
    ), near AS (
        SELECT up.asset_id, row_number() OVER () AS place FROM up LIMIT 10001
    )
    SELECT a, d.bucket, d.labels, d.parents, effective_v1(a),
        coalesce((SELECT json_agg(fact_json_v1(f)) FROM fact_in_force k
            JOIN stated_fact f ON (f.tenant_id, f.env) = (k.tenant_id, k.env)
                AND f.sequence = k.sequence
            WHERE (k.tenant_id, k.env) = (of_tenant, of_env) AND k.asset_id = id), '[]'),
        coalesce((SELECT json_agg(w.asset_id ORDER BY w.place) FROM (
            SELECT near.asset_id, near.place FROM near
            JOIN asset p ON (p.tenant_id, p.env) = (of_tenant, of_env)
                AND p.asset_id = near.asset_id
            WHERE NOT coalesce(p.stated_train_ok, p.train_ok)
            ORDER BY near.place LIMIT 100) w), '[]')
    FROM asset a CROSS JOIN LATERAL details_v1(a) d
    WHERE (a.tenant_id, a.env) = (of_tenant, of_env) AND a.asset_id = id;
END
$$;
