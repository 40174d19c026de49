-- The functions that a server calls, one file a topic; each call is one round trip. `migrate`
-- recreates a function whose text has changed (docs/adr/0052-functions-by-their-digest.md), so its
-- body may be fixed at any time. Its meaning to released servers never changes: an incompatible
-- change is a new function with the next version in its name.
--
-- Conditions on the scope are in the functions as well as in the policies, always in the form
-- `(x.tenant_id, x.env) = (…)`: a test removes them all and checks that the policies alone suffice.

-- Selects the scope whose rows later statements of the transaction see, and drops the relay's rights,
-- whatever the session has set. A function calls it before it reads or writes rows, never inside a
-- statement that does. The settings end with the transaction, so that behind a pooler the next user
-- of the connection inherits nothing.
CREATE OR REPLACE FUNCTION enter(tenant_id text, env text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.tenant_id', tenant_id, true),
        set_config('nexus_raw.env', env, true),
        set_config('nexus_raw.relay', 'off', true);
END
$$;

-- Gives later statements of the transaction the relay's rights.
CREATE OR REPLACE FUNCTION enter_as_relay() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('nexus_raw.relay', 'on', true);
END
$$;
