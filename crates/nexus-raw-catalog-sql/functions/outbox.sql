-- Reads of the relay across all scopes, and the operator's reads of parked events.

-- The scopes with undelivered events for a sink.
CREATE OR REPLACE FUNCTION behind_v1(of_sink text)
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

-- Each scope gets an equal share of the limit. If there are more scopes than the limit, those whose
-- first event is oldest come first, so no scope starves. Sequences have no gaps, so the distance
-- to the cursor is a number of events.
--
-- `held` lists the scopes to skip, each as `[tenant_id, env]`.
CREATE OR REPLACE FUNCTION undelivered_v1(of_sink text, up_to bigint, held json)
RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
    SELECT e
    FROM share CROSS JOIN turn t
    JOIN event e ON e.tenant_id = t.tenant_id AND e.env = t.env
        AND e.sequence > t.cursor AND e.sequence <= t.cursor + share.events
    ORDER BY e.sequence - t.cursor, t.waiting_since, t.tenant_id, t.env
    LIMIT up_to));
END
$$;

-- An event's time precedes its commit by at most the seconds that a commit may take. So an event
-- after the first hundred can be older than these only by those seconds, which is small against the
-- 900 s from which a lag counts. Reading all events would cost more the longer a sink is down.
CREATE OR REPLACE FUNCTION oldest_undelivered_v1(of_sink text) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN (
        SELECT min(e.occurred_at) FROM behind_v1(of_sink) b
        JOIN event e ON e.tenant_id = b.tenant_id AND e.env = b.env
            AND e.sequence > b.cursor AND e.sequence <= b.cursor + 100);
END
$$;

-- The backlog of a sink. Sequences have no gaps, so the difference to the cursor is the count.
CREATE OR REPLACE FUNCTION backlog_v1(
    of_sink text, OUT undelivered bigint, OUT occurred_at bigint, OUT parked bigint
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    SELECT coalesce(sum(b.last_sequence - b.cursor), 0) INTO undelivered FROM behind_v1(of_sink) b;
    occurred_at := oldest_undelivered_v1(of_sink);
    SELECT count(*) INTO parked FROM parked_event p WHERE p.sink = of_sink;
END
$$;

-- The parked events marked for a retry.
CREATE OR REPLACE FUNCTION retries_v1(of_sink text, up_to bigint)
RETURNS TABLE (event event, log_id uuid) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY SELECT * FROM of_logs_v1(ARRAY(
    SELECT e
    FROM parked_event p
    JOIN event e ON e.tenant_id = p.tenant_id AND e.env = p.env AND e.sequence = p.sequence
    WHERE p.sink = of_sink AND p.retry_asked_at IS NOT NULL
    ORDER BY p.tenant_id, p.env, p.sequence
    LIMIT up_to));
END
$$;

-- Parked events, for operators; a null argument does not filter.
CREATE OR REPLACE FUNCTION parked_v1(
    of_sink text, of_tenant text, of_env text, of_sequence bigint, up_to bigint
) RETURNS SETOF parked_event LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM enter_as_relay();
    RETURN QUERY
    SELECT p.* FROM parked_event p
    WHERE p.sink = coalesce(of_sink, p.sink) AND p.tenant_id = coalesce(of_tenant, p.tenant_id)
        AND p.env = coalesce(of_env, p.env) AND p.sequence = coalesce(of_sequence, p.sequence)
    ORDER BY p.sink, p.tenant_id, p.env, p.sequence
    LIMIT up_to;
END
$$;
