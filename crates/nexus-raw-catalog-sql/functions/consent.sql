-- Changes of consent on their way to the descendants.
--
-- A withdrawal makes each child false. Once no withdrawal is under way, each child of an asset that
-- became true is looked at, and becomes true if its own statement and all parents are. So the column
-- is only ever true too long while the scope is `withdrawing`, and each asset changes at most once
-- per withdrawal and once per restoration (docs/adr/0061-consent-follows-in-steps.md).

-- Whether an asset and all its ancestors allow training. While a withdrawal is under way the column
-- may be true too long, so the ancestors are looked at.
CREATE OR REPLACE FUNCTION effective_v1(a asset) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT a.train_ok_effective THEN
        RETURN false;
    ELSIF NOT (SELECT s.withdrawing FROM scope s
        WHERE (s.tenant_id, s.env) = (a.tenant_id, a.env)) THEN
        RETURN true;
    END IF;
    RETURN (
        WITH RECURSIVE up AS (
            SELECT e.parent_id FROM lineage_edge e
            WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id
            UNION
            SELECT e.parent_id FROM up
            CROSS JOIN LATERAL (SELECT e.parent_id FROM lineage_edge e
                WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = up.parent_id
                ORDER BY e.position) e
        ), near AS (
            SELECT up.parent_id FROM up LIMIT 10001
        )
        SELECT count(*) <= 10000 AND coalesce(bool_and(p.train_ok_effective), true)
        FROM near JOIN asset p ON (p.tenant_id, p.env) = (a.tenant_id, a.env)
            AND p.asset_id = near.parent_id);
END
$$;

-- Begins the change that the own statement of an asset makes. `has_followers` says whether there is
-- more to do for it.
CREATE OR REPLACE FUNCTION change_consent_v1(
    INOUT own scope, id uuid, allowed boolean, OUT has_followers boolean
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF allowed THEN
        -- the asset itself has to be looked at
        INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
        SELECT own.tenant_id, own.env, false, a.asset_id, -1 FROM asset a
        WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = id
            AND NOT a.train_ok_effective
        ON CONFLICT (tenant_id, env, is_withdrawal, asset_id) DO UPDATE SET after_sequence = -1;
        has_followers := FOUND;
    ELSE
        UPDATE asset a SET train_ok_effective = false
        WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = id
            AND a.train_ok_effective;
        has_followers := FOUND AND note_followers_v1(own, true, ARRAY[id]) > 0;
    END IF;
    own := note_scope_v1(own);
    -- Without statistics a planner takes an index of the whole scope for a lookup of one asset. The
    -- server analyzes a table a minute after it was filled; a lineage may be searched before that.
    IF has_followers AND EXISTS (SELECT FROM pg_class c
        WHERE c.oid IN ('asset'::regclass, 'lineage_edge'::regclass) AND c.reltuples <= 0) THEN
        ANALYZE asset, lineage_edge;
    END IF;
END
$$;

-- Notes those of some assets that have children to follow, and returns their number.
CREATE OR REPLACE FUNCTION note_followers_v1(own scope, withdraws boolean, ids uuid[])
RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    noted bigint;
BEGIN
    INSERT INTO consent_change (tenant_id, env, is_withdrawal, asset_id, after_sequence)
    SELECT own.tenant_id, own.env, withdraws, i.id, 0 FROM unnest(ids) AS i (id)
    CROSS JOIN LATERAL (SELECT FROM lineage_edge e
        WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env) AND e.parent_id = i.id
        ORDER BY e.registered_sequence LIMIT 1) child
    ON CONFLICT (tenant_id, env, is_withdrawal, asset_id) DO UPDATE SET after_sequence = 0;
    GET DIAGNOSTICS noted = ROW_COUNT;
    RETURN noted;
END
$$;

-- Sets what the scope is doing.
CREATE OR REPLACE FUNCTION note_scope_v1(own scope) RETURNS scope
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    own.withdrawing := EXISTS (SELECT FROM consent_change c
        WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env) AND c.is_withdrawal);
    own.restoring := EXISTS (SELECT FROM consent_change c
        WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env) AND NOT c.is_withdrawal);
    UPDATE scope s SET withdrawing = own.withdrawing, restoring = own.restoring
    WHERE (s.tenant_id, s.env) = (own.tenant_id, own.env)
        AND (s.withdrawing, s.restoring) <> (own.withdrawing, own.restoring);
    RETURN own;
END
$$;

-- The orders of edges here are those of the index that is meant: statistics do not show a planner
-- which one finds the fewest.

-- Takes a step, which changes at most `max_changes` assets and looks at four times as many, and
-- returns whether there is more to do.
CREATE OR REPLACE FUNCTION advance_consent_v1(
    INOUT own scope, max_changes integer, OUT has_more boolean
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    room integer := max_changes;
    unseen integer := 4 * max_changes;
    front consent_change[];
    candidates uuid[];
    parent uuid;
    at bigint;
    changed uuid[];
BEGIN
    FOR wave IN 1..8 LOOP
        EXIT WHEN room <= 0 OR unseen <= 0 OR NOT (own.withdrawing OR own.restoring);
        front := ARRAY(SELECT c FROM consent_change c
            WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env)
                AND c.is_withdrawal = own.withdrawing
            ORDER BY c.asset_id LIMIT 256);
        candidates := ARRAY(
            SELECT c.asset_id FROM unnest(front) c WHERE c.after_sequence < 0 LIMIT room);
        IF cardinality(candidates) > 0 THEN
            DELETE FROM consent_change c
            WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env)
                AND c.is_withdrawal = own.withdrawing
                AND c.asset_id = ANY (ARRAY(SELECT unnest(candidates)));
        ELSE
            SELECT array_agg(f.child_id),
                (array_agg(f.asset_id ORDER BY f.place DESC))[1],
                (array_agg(f.registered_sequence ORDER BY f.place DESC))[1]
            INTO candidates, parent, at
            FROM (
                SELECT c.asset_id, e.child_id, e.registered_sequence,
                    row_number() OVER (ORDER BY c.asset_id, e.registered_sequence) AS place
                FROM unnest(front) c
                CROSS JOIN LATERAL (
                    SELECT e.child_id, e.registered_sequence FROM lineage_edge e
                    WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env)
                        AND e.parent_id = c.asset_id AND e.registered_sequence > c.after_sequence
                    ORDER BY e.registered_sequence LIMIT room
                ) e
                ORDER BY c.asset_id, e.registered_sequence
                LIMIT room
            ) f;
            candidates := coalesce(candidates, '{}');
            -- the children of the last one may not be complete
            IF cardinality(candidates) < room THEN
                parent := NULL;
            END IF;
            DELETE FROM consent_change c USING unnest(front) f
            WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env)
                AND c.is_withdrawal = own.withdrawing AND c.asset_id = f.asset_id
                AND (parent IS NULL OR c.asset_id < parent);
            UPDATE consent_change c SET after_sequence = at
            WHERE (c.tenant_id, c.env) = (own.tenant_id, own.env)
                AND c.is_withdrawal = own.withdrawing AND c.asset_id = parent;
        END IF;

        -- `IS TRUE` keeps the planner from the index of all assets for training, and the offset from
        -- a join that would read all edges
        WITH done AS (
            UPDATE asset a SET train_ok_effective = NOT own.withdrawing
            WHERE (a.tenant_id, a.env) = (own.tenant_id, own.env)
                AND a.asset_id = ANY (ARRAY(SELECT unnest(candidates)))
                AND (a.train_ok_effective = own.withdrawing) IS TRUE
                AND (own.withdrawing OR (coalesce(a.stated_train_ok, a.train_ok)
                    AND NOT EXISTS (
                        SELECT FROM (SELECT e.parent_id FROM lineage_edge e
                            WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env)
                                AND e.child_id = a.asset_id
                            ORDER BY e.position) e
                        CROSS JOIN LATERAL (SELECT p.train_ok_effective AS allowed FROM asset p
                            WHERE (p.tenant_id, p.env) = (own.tenant_id, own.env)
                                AND p.asset_id = e.parent_id
                            LIMIT 1) p
                        WHERE NOT p.allowed
                        LIMIT 1 OFFSET 0)))
            RETURNING a.asset_id
        )
        SELECT coalesce(array_agg(d.asset_id), '{}') INTO changed FROM done d;
        PERFORM note_followers_v1(own, own.withdrawing, changed);
        room := room - cardinality(changed);
        unseen := unseen - cardinality(candidates);
        own := note_scope_v1(own);
    END LOOP;
    has_more := own.withdrawing OR own.restoring;
END
$$;

-- Scopes in which a change of consent has not reached all descendants.
CREATE OR REPLACE FUNCTION unfinished_consent_v1(up_to bigint)
RETURNS TABLE (tenant_id text, env text) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY
    SELECT s.tenant_id, s.env FROM scope s WHERE s.withdrawing OR s.restoring LIMIT up_to;
END
$$;
