-- Writes of the relay: its lease, cursors and parked events.

-- Acquires or renews the relay's lease.
CREATE OR REPLACE FUNCTION lease_v1(asked json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    taken record;
BEGIN
    INSERT INTO lease AS l (name, owner, epoch, until)
    VALUES ('relay', (asked ->> 'owner')::uuid, 1, (asked ->> 'until')::bigint)
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,
        epoch = l.epoch + (l.owner <> excluded.owner)::integer, until = excluded.until
    WHERE l.owner = excluded.owner OR l.until <= (asked ->> 'now')::bigint
    RETURNING l.epoch, l.until INTO taken;
    IF NOT FOUND THEN
        RETURN 'null'::json;
    END IF;
    RETURN json_build_object('epoch', taken.epoch, 'until', taken.until);
END
$$;

-- Advances cursors and parks an event, if `epoch` is the lease's current one. The lease's row stays
-- locked until the commit, so that no other process acquires it in between.
CREATE OR REPLACE FUNCTION progress_v1(asked json) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    parked json := asked -> 'parked';
    retried json := asked -> 'retried';
BEGIN
    PERFORM FROM lease l WHERE l.name = 'relay' AND l.epoch = (asked ->> 'epoch')::bigint
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN 'false'::json;
    END IF;
    INSERT INTO delivery AS d (tenant_id, env, sink, cursor)
    SELECT c.tenant_id, c.env, asked ->> 'sink', c.cursor
    FROM json_to_recordset(asked -> 'cursors') AS c (tenant_id text, env text, cursor bigint)
    ORDER BY c.tenant_id COLLATE "C", c.env COLLATE "C"
    ON CONFLICT (tenant_id, env, sink) DO UPDATE SET cursor = excluded.cursor
    WHERE excluded.cursor > d.cursor;
    -- an event that is already parked stays unchanged, unless it was marked for a retry
    IF json_typeof(parked) = 'object' THEN
        INSERT INTO parked_event AS p (tenant_id, env, sink, sequence, reason, parked_at)
        VALUES (parked ->> 'tenant_id', parked ->> 'env', asked ->> 'sink',
            (parked ->> 'sequence')::bigint, parked ->> 'reason', (parked ->> 'parked_at')::bigint)
        ON CONFLICT (tenant_id, env, sink, sequence) DO UPDATE SET
            reason = excluded.reason, parked_at = excluded.parked_at, retry_asked_at = NULL
        WHERE p.retry_asked_at IS NOT NULL;
    END IF;
    IF json_typeof(retried) = 'object' THEN
        DELETE FROM parked_event p
        WHERE p.tenant_id = retried ->> 'tenant_id' AND p.env = retried ->> 'env'
            AND p.sink = asked ->> 'sink' AND p.sequence = (retried ->> 'sequence')::bigint;
    END IF;
    RETURN 'true'::json;
END
$$;

-- Marks parked events for a retry and returns their number.
CREATE OR REPLACE FUNCTION ask_retry_v1(asked json) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    marked bigint;
BEGIN
    UPDATE parked_event p SET retry_asked_at = (asked ->> 'now')::bigint
    WHERE p.sink = coalesce(asked ->> 'sink', p.sink)
        AND p.tenant_id = coalesce(asked ->> 'tenant_id', p.tenant_id)
        AND p.env = coalesce(asked ->> 'env', p.env)
        AND p.sequence = coalesce((asked ->> 'sequence')::bigint, p.sequence);
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END
$$;
