-- Reads of events, each row with the id of its log.

-- Adds the log id to each event, in the given order. It enters the scope of each event, so a
-- caller with the relay's rights must have read the events before.
CREATE OR REPLACE FUNCTION of_logs_v1(events event[])
RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    entered record := ROW(NULL::text, NULL::text);
BEGIN
    FOREACH event IN ARRAY events LOOP
        IF entered IS DISTINCT FROM ROW(event.tenant_id, event.env) THEN
            PERFORM enter(event.tenant_id, event.env);
            entered := ROW(event.tenant_id, event.env);
        END IF;
        SELECT l.log_id INTO log_id FROM scope_log l
        WHERE (l.tenant_id, l.env) = (event.tenant_id, event.env)
            AND l.from_sequence <= event.sequence
        ORDER BY l.from_sequence DESC LIMIT 1;
        RETURN NEXT;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION events_of_v1(
    of_tenant text, of_env text, id uuid, after bigint, up_to bigint
) RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT e
    FROM event e
    WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.asset_id = id AND e.sequence > after
    ORDER BY e.sequence
    LIMIT up_to));
END
$$;

CREATE OR REPLACE FUNCTION events_after_v1(of_tenant text, of_env text, after bigint, up_to bigint)
RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT e
    FROM event e
    WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.sequence > after
    ORDER BY e.sequence
    LIMIT up_to));
END
$$;

-- Reads no more than `up_to` of each type, from the index of the types. The limits of the subqueries
-- keep a planner from joining by a pass through the scope.
CREATE OR REPLACE FUNCTION events_of_types_v1(
    of_tenant text, of_env text, types text[], after bigint, up_to bigint
) RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter(of_tenant, of_env);
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT found.e
    FROM (
        SELECT t.sequence
        FROM unnest(types) k (event_type)
        CROSS JOIN LATERAL (
            SELECT e.sequence FROM event e
            WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.event_type = k.event_type
                AND e.sequence > after
            ORDER BY e.sequence
            LIMIT up_to
        ) t
        ORDER BY t.sequence
        LIMIT up_to
    ) h
    CROSS JOIN LATERAL (
        SELECT e FROM event e
        WHERE (e.tenant_id, e.env) = (of_tenant, of_env) AND e.sequence = h.sequence
        LIMIT 1
    ) found
    ORDER BY h.sequence));
END
$$;
