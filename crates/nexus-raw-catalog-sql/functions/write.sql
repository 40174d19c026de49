-- A group of writes. Its members carry table rows as objects keyed by column name, which JSON
-- functions read by the tables' row types. The scope, sequence and store of a row are never read
-- from a member; they are set here.

-- Writes a group in one transaction. Scopes are locked in the order of their names and the relay's
-- lease after them, so that two groups cannot deadlock.
CREATE OR REPLACE FUNCTION write_v1(group_of json, again boolean) RETURNS json
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked record;
    it json;
    written json[] := '{}';
BEGIN
    SELECT g.* INTO asked FROM json_to_record(group_of)
        AS g (store json, scopes json[], leases json[], progress json[], retries json[]);
    -- before any lock is held, since two groups may insert the same store
    INSERT INTO object_store (endpoint, region, bucket)
    SELECT asked.store ->> 'endpoint', asked.store ->> 'region', b.value
    FROM json_array_elements_text(asked.store -> 'buckets') b
    WHERE NOT EXISTS (SELECT FROM object_store s WHERE s.endpoint = asked.store ->> 'endpoint'
        AND s.region = asked.store ->> 'region' AND s.bucket = b.value)
    ON CONFLICT DO NOTHING;
    FOREACH it IN ARRAY asked.scopes LOOP
        written := written || write_scope_v1(it, asked.store, again);
    END LOOP;
    FOREACH it IN ARRAY asked.leases LOOP
        written := written || json_build_array(it -> 'n', lease_v1(it));
    END LOOP;
    PERFORM enter_as_relay();
    FOREACH it IN ARRAY asked.progress LOOP
        written := written || json_build_array(it -> 'n', progress_v1(it));
    END LOOP;
    FOREACH it IN ARRAY asked.retries LOOP
        written := written || json_build_array(it -> 'n', ask_retry_v1(it));
    END LOOP;
    RETURN to_json(written);
END
$$;

-- Writes the members of one scope: intents, then repeated presigns, registrations, imports, aborts,
-- downloads, verifications and facts, each with its event, then ids and parts of uploads and the steps of workers and of
-- consent. The lock on the scope's row keeps what is read here unchanged until the commit.
--
-- `again` marks a retry after a lost response: the group may be committed already. A member whose
-- event exists was committed, since an event's digests cover 32 random bytes.
--
-- Returns `[index, outcome]` for each member.
CREATE OR REPLACE FUNCTION write_scope_v1(block json, store json, again boolean) RETURNS json[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked record;
    own scope;
    known bytea[] := '{}';
    did record;
    it json;
    written json[] := '{}';
BEGIN
    SELECT b.* INTO asked FROM json_to_record(block) AS b (tenant_id text, env text,
        max_presigns bigint, intents json, repeats json, registrations json, downloads json,
        facts json, claims json[], work json[], steps json[], aborts json, uploads json[],
        parts json[], verifications json, ends json[], imports json);
    PERFORM enter(asked.tenant_id, asked.env);

    -- the first intent creates the scope
    SELECT s.* INTO own FROM scope s
    WHERE (s.tenant_id, s.env) = (asked.tenant_id, asked.env) FOR UPDATE;
    IF NOT FOUND AND (json_array_length(asked.intents) > 0
        OR json_array_length(asked.imports) > 0) THEN
        INSERT INTO scope (tenant_id, env) VALUES (asked.tenant_id, asked.env)
        ON CONFLICT DO NOTHING;
        SELECT s.* INTO STRICT own FROM scope s
        WHERE (s.tenant_id, s.env) = (asked.tenant_id, asked.env) FOR UPDATE;
        INSERT INTO scope_log (tenant_id, env, from_sequence, object_store_id)
        SELECT own.tenant_id, own.env, 1, s.object_store_id
        FROM object_store s WHERE s.endpoint = store ->> 'endpoint'
            AND s.region = store ->> 'region' AND s.bucket = coalesce(
                asked.intents -> 0 ->> 'bucket', asked.imports -> 0 ->> 'bucket')
        ON CONFLICT DO NOTHING;
    END IF;

    IF again THEN
        known := ARRAY(
            SELECT e.facts_digest
            FROM unnest(ARRAY[asked.intents, asked.repeats, asked.registrations,
                asked.imports, asked.downloads, asked.facts, asked.verifications]) members
            CROSS JOIN json_to_recordset(members) AS m (event event)
            JOIN event e ON e.asset_id = (m.event).asset_id
                AND e.facts_digest = (m.event).facts_digest
            WHERE (e.tenant_id, e.env) = (own.tenant_id, own.env));
    END IF;

    IF json_array_length(asked.intents) > 0 THEN
        SELECT d.* INTO did FROM add_intents_v1(own, asked.intents, store, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.repeats) > 0 THEN
        SELECT d.* INTO did
        FROM add_repeats_v1(own, asked.repeats, asked.max_presigns, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.registrations) > 0 THEN
        SELECT d.* INTO did FROM add_assets_v1(own, asked.registrations, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.imports) > 0 THEN
        SELECT d.* INTO did FROM add_imports_v1(own, asked.imports, store, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.aborts) > 0 THEN
        SELECT d.* INTO did FROM add_aborts_v1(own, asked.aborts) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.downloads) > 0 THEN
        SELECT d.* INTO did FROM add_downloads_v1(own, asked.downloads, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.verifications) > 0 THEN
        SELECT d.* INTO did FROM add_verifications_v1(own, asked.verifications, known) d;
        own := did.own;
        written := written || did.written;
    END IF;
    IF json_array_length(asked.facts) > 0 THEN
        SELECT d.* INTO did FROM add_facts_v1(own, asked.facts, known) d;
        own := did.own;
        written := written || did.written;
    END IF;

    UPDATE scope s SET last_sequence = own.last_sequence, open_count = own.open_count,
        open_bytes = own.open_bytes, registered_count = own.registered_count,
        registered_bytes = own.registered_bytes, corrupt_count = own.corrupt_count
    WHERE (s.tenant_id, s.env) = (own.tenant_id, own.env)
        AND s.last_sequence < own.last_sequence;

    FOREACH it IN ARRAY coalesce(asked.claims, '{}') LOOP
        written := written || json_build_array(it -> 'n',
            claim_key_v1(asked.tenant_id, asked.env, it));
    END LOOP;
    FOREACH it IN ARRAY coalesce(asked.uploads, '{}') LOOP
        written := written || json_build_array(it -> 'n', begin_upload_v1(own, it));
    END LOOP;
    FOREACH it IN ARRAY coalesce(asked.parts, '{}') LOOP
        written := written || json_build_array(it -> 'n', declare_parts_v1(own, it));
    END LOOP;
    FOREACH it IN ARRAY asked.work LOOP
        written := written || json_build_array(it -> 'n', work_v1(own, it));
    END LOOP;
    FOREACH it IN ARRAY coalesce(asked.steps, '{}') LOOP
        SELECT d.* INTO did FROM advance_consent_v1(own, (it ->> 'max_changes')::integer) d;
        own := did.own;
        written := written || json_build_array(it -> 'n', did.has_more);
    END LOOP;
    FOREACH it IN ARRAY coalesce(asked.ends, '{}') LOOP
        written := written || json_build_array(it -> 'n', close_intents_v1(own, it));
    END LOOP;
    RETURN written;
END
$$;

-- Appends events to the log of a scope and returns the last sequence.
CREATE OR REPLACE FUNCTION add_events_v1(own scope, added event[]) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO event (tenant_id, env, sequence, asset_id, event_type, occurred_at,
        facts_salt, facts, facts_digest, personal_salt, personal, personal_digest)
    SELECT own.tenant_id, own.env, own.last_sequence + e.ordinality, e.asset_id, e.event_type,
        e.occurred_at, e.facts_salt, e.facts, e.facts_digest, e.personal_salt, e.personal,
        e.personal_digest
    FROM unnest(added) WITH ORDINALITY e;
    RETURN own.last_sequence + coalesce(cardinality(added), 0);
END
$$;
