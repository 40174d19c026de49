-- When somebody asked for a parked event to be tried again; the relay tries it, and either forgets
-- that it was parked or parks it anew. It only adds, and nothing that was written before needs it.
ALTER TABLE parked_event ADD COLUMN retry_asked_at INTEGER;

-- The few that are to be tried.
CREATE INDEX parked_event_to_retry ON parked_event (sink, tenant_id, env, sequence)
WHERE retry_asked_at IS NOT NULL;
