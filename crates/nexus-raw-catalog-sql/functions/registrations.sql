-- Registrations and imports: the outcome of each, and the records.

-- Decides the registrations in order, as if each had its own transaction, and inserts the successful
-- ones at once: records, events, labels and edges.
--
-- A record's columns come from its member, except for scope, sequence and store. A column that an
-- older server does not send is null, even if it has a default.
CREATE OR REPLACE FUNCTION add_assets_v1(
    INOUT own scope, asked json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    it record;
    made asset;
    parent_ids uuid[];
    unknown bigint[];
    allowed boolean;
    ids uuid[] := '{}';
    withheld uuid[] := '{}';
    assets asset[] := '{}';
    events event[] := '{}';
    details json[] := '{}';
BEGIN
    written := '{}';
    FOR it IN
        SELECT m.*, (m.asset).asset_id AS id, i.state, i.size_bytes, i.object_store_id,
            i.key_layout,
            (i.filename, i.content_type, i.size_bytes, coalesce(i.sha256, (m.asset).sha256),
                s.bucket) IS DISTINCT FROM ((m.asset).filename, (m.asset).content_type, (m.asset).size_bytes,
                (m.asset).sha256, m.bucket) AS is_foreign
        FROM json_to_recordset(asked) AS m (
            n integer, bucket text, asset asset, labels json, parents json, event event)
        LEFT JOIN upload_intent i ON (i.tenant_id, i.env) = (own.tenant_id, own.env)
            AND i.asset_id = (m.asset).asset_id
        LEFT JOIN object_store s ON s.object_store_id = i.object_store_id
        ORDER BY m.n
    LOOP
        IF (it.event).facts_digest = ANY (known) THEN
            written := written || json_build_array(it.n, 'registered');
            CONTINUE;
        ELSIF it.state IS NULL THEN
            written := written || json_build_array(it.n, 'unknown_intent');
            CONTINUE;
        ELSIF it.state = 'registered' OR it.id = ANY (ids) THEN
            written := written || json_build_array(it.n, 'already_registered');
            CONTINUE;
        ELSIF it.state = 'aborted' THEN
            written := written || json_build_array(it.n, 'aborted');
            CONTINUE;
        ELSIF it.is_foreign THEN
            RAISE EXCEPTION 'the record differs from the intent it registers'
                USING ERRCODE = 'data_corrupted';
        END IF;
        allowed := (it.asset).train_ok;
        IF json_array_length(it.parents) > 0 THEN
            parent_ids := ARRAY(SELECT p.value::uuid FROM json_array_elements_text(it.parents) p);
            SELECT array_agg(p.place - 1 ORDER BY p.place)
                    FILTER (WHERE a.asset_id IS NULL AND p.id <> ALL (ids)),
                allowed AND coalesce(bool_and(a.train_ok_effective), true)
                    AND NOT parent_ids && withheld
            INTO unknown, allowed
            FROM unnest(parent_ids) WITH ORDINALITY AS p (id, place)
            LEFT JOIN asset a
                ON (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = p.id;
            IF unknown IS NOT NULL THEN
                written := written
                    || json_build_array(it.n, json_build_object('unknown_parents', unknown));
                CONTINUE;
            END IF;
        END IF;

        events := events || it.event;
        made := it.asset;
        made.tenant_id := own.tenant_id;
        made.env := own.env;
        made.registered_sequence := own.last_sequence + cardinality(events);
        made.object_store_id := it.object_store_id;
        made.key_layout := it.key_layout;
        made.train_ok_effective := allowed;
        made.stated_train_ok := NULL;
        made.stated_pii_flags := NULL;
        made.last_fact := NULL;
        made.verdict := NULL;
        made.verified_at := NULL;
        made.found_sha256 := NULL;
        made.found_size_bytes := NULL;
        made.erased_at := NULL;
        assets := assets || made;
        ids := ids || it.id;
        details := details || json_build_object(
            'asset_id', it.id, 'sequence', made.registered_sequence, 'labels', it.labels, 'parents', it.parents);
        IF NOT allowed THEN
            withheld := withheld || it.id;
        END IF;
        IF it.state = 'pending' THEN
            own.open_count := own.open_count - 1;
            own.open_bytes := own.open_bytes - it.size_bytes;
        END IF;
        own.registered_count := own.registered_count + 1;
        own.registered_bytes := own.registered_bytes + it.size_bytes;
        written := written || json_build_array(it.n, 'registered');
    END LOOP;

    -- a subquery keeps the array's length from the planner, which would otherwise plan each call anew
    UPDATE upload_intent i SET state = 'registered'
    WHERE (i.tenant_id, i.env) = (own.tenant_id, own.env)
        AND i.asset_id = ANY (ARRAY(SELECT unnest(ids)));
    own.last_sequence := add_events_v1(own, events);
    INSERT INTO asset SELECT a.* FROM unnest(assets) a;
    INSERT INTO asset_label (tenant_id, env, asset_id, label, value, registered_sequence)
    SELECT own.tenant_id, own.env, d.asset_id, l.key, l.value, d.sequence
    FROM json_to_recordset(to_json(details)) AS d (asset_id uuid, sequence bigint, labels json)
    CROSS JOIN json_each_text(d.labels) l;
    INSERT INTO lineage_edge (tenant_id, env, child_id, position, parent_id, registered_sequence)
    SELECT own.tenant_id, own.env, d.asset_id, p.place - 1, p.id::uuid, d.sequence
    FROM json_to_recordset(to_json(details)) AS d (asset_id uuid, sequence bigint, parents json)
    CROSS JOIN json_array_elements_text(d.parents) WITH ORDINALITY AS p (id, place);
END
$$;

-- Registers imports: writes the intent of each that has none, if its record can be written, and then
-- decides and writes as `add_assets_v1`. An intent has no event of its own.
CREATE OR REPLACE FUNCTION add_imports_v1(
    INOUT own scope, asked json, store json, known bytea[], OUT written json[]
) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    it record;
    did record;
    promised upload_intent;
    unknown bigint[];
    ids uuid[] := '{}';
    left_out jsonb := '{}';
BEGIN
    FOR it IN
        SELECT m.*
        FROM json_to_recordset(asked) AS m (
            n integer, bucket text, intent upload_intent, parents json, event event)
        ORDER BY m.n
    LOOP
        CONTINUE WHEN (it.event).facts_digest = ANY (known);
        SELECT array_agg(p.place - 1 ORDER BY p.place) 
                FILTER (WHERE a.asset_id IS NULL AND p.id::uuid <> ALL (ids))
        INTO unknown
        FROM json_array_elements_text(it.parents) WITH ORDINALITY AS p (id, place)
        LEFT JOIN asset a
            ON (a.tenant_id, a.env) = (own.tenant_id, own.env) AND a.asset_id = p.id::uuid;
        IF unknown IS NOT NULL THEN
            left_out := left_out || jsonb_build_object(it.n::text, unknown);
            CONTINUE;
        END IF;
        promised := it.intent;
        INSERT INTO upload_intent (
            tenant_id, env, asset_id, kind, part_size_bytes, upload_id, object_store_id,
            key_layout, filename, content_type, size_bytes, sha256, requested_by, requested_at,
            ends_at)
        SELECT own.tenant_id, own.env, promised.asset_id, coalesce(promised.kind, 'single'),
            promised.part_size_bytes, promised.upload_id, s.object_store_id,
            (store ->> 'key_layout')::integer, promised.filename, promised.content_type,
            promised.size_bytes, promised.sha256, promised.requested_by, promised.requested_at,
            promised.ends_at
        FROM object_store s
        WHERE s.endpoint = store ->> 'endpoint' AND s.region = store ->> 'region'
            AND s.bucket = it.bucket
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            ids := ids || promised.asset_id;
            own.open_count := own.open_count + 1;
            own.open_bytes := own.open_bytes + promised.size_bytes;
        END IF;
    END LOOP;
    SELECT d.* INTO did FROM add_assets_v1(own, asked, known) d;
    own := did.own;
    -- what has no intent even now was left out above for its parents
    written := ARRAY(
        SELECT CASE WHEN w.outcome ->> 1 = 'unknown_intent' THEN json_build_array(
            w.outcome -> 0, json_build_object('unknown_parents', left_out -> (w.outcome ->> 0)))
            ELSE w.outcome END
        FROM unnest(did.written) AS w (outcome));
END
$$;
