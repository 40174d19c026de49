-- What the relay reads, of all scopes, and whoever sees to what it has parked.

-- The scopes in which a sink has something before it.
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

-- Each scope gets an equal share of the limit, and where there are more scopes than that, those
-- whose first event has waited longest: every scope's turn comes. Sequences have no gap, so a
-- place behind the cursor is a number of events.
--
-- `held` leaves out scopes, each `[tenant_id, env]`.
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

-- An event happens before it is committed, by the seconds that its commit may take and no more; so
-- one behind the first hundred is older than all of these by those seconds at most, of 900 that a
-- lag is told from. To look at all would cost the more, the longer a sink is away.
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

-- How much lies before a sink. Sequences have no gap: what lies behind a cursor need not be
-- counted.
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

-- The parked events that are to be tried again.
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

-- Parked events, for those who run the service; what is null is not asked about.
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
