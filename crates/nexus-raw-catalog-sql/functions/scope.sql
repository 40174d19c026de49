-- What a server calls is in this directory, a file a topic; each call is one round trip. A function
-- whose text has changed is made again by `migrate` (docs/adr/0052-functions-by-their-digest.md),
-- so its body may be mended at any time. What it means to a released server never changes: what has
-- to differ is a new one beside it, with the next version in its name.
--
-- Conditions on the scope stand in the functions as well as in the policies, always in the form
-- `(x.tenant_id, x.env) = (…)`: a test takes them all away and sees that the policies alone hold.

-- Whose rows the statements after it are about: of which scope, and not the relay's, whatever a
-- session was told to begin with. Each function says it before it reads or writes any, never
-- inside a statement that does, and what it says ends with the transaction: behind a pooler too,
-- nothing is left over for whoever has the connection next.
CREATE OR REPLACE FUNCTION enter(tenant_id text, env text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.tenant_id', tenant_id, true),
        set_config('nexus_raw.env', env, true),
        set_config('nexus_raw.relay', 'off', true);
END
$$;

-- Says that the statements after it are the relay's.
CREATE OR REPLACE FUNCTION enter_as_relay() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.relay', 'on', true);
END
$$;
