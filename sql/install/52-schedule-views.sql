-- Views of schedules, for people.

CREATE VIEW rcq.schedules WITH (security_invoker = true) AS
SELECT s.name, rcq_private.user_name(s.user_id) AS user_name, s.cron, s.timezone, s.missed, s.overlap,
       CASE WHEN s.paused_since IS NULL THEN 'active' ELSE 'paused' END AS state, CASE WHEN s.paused_since IS NULL THEN s.next_at END AS next_fire,
       f.at AS last_fire, j.job_id AS last_job, f.outcome AS last_outcome, s.error, s.request AS options, s.created_at, s.id
  FROM rcq_private.schedule s
  LEFT JOIN LATERAL (SELECT x.at, x.outcome FROM rcq_private.fire x WHERE x.schedule_id = s.id ORDER BY x.due_at DESC LIMIT 1) f ON true
  LEFT JOIN LATERAL (SELECT x.job_id FROM rcq_private.fire x WHERE x.schedule_id = s.id AND x.job_id IS NOT NULL ORDER BY x.due_at DESC LIMIT 1) j ON true;
COMMENT ON VIEW rcq.schedules IS 'Schedules you may see: what they submit and when, and what became of the last time they were due';
COMMENT ON COLUMN rcq.schedules.state IS 'active, paused';
COMMENT ON COLUMN rcq.schedules.last_outcome IS 'submitted, replaced (submitted, and earlier jobs cancelled), skipped_overlap, skipped_missed, failed';
COMMENT ON COLUMN rcq.schedules.last_job IS 'The last job that it submitted';
COMMENT ON COLUMN rcq.schedules.error IS 'Why the last job could not be submitted; NULL = it was';

CREATE VIEW rcq.schedule_history WITH (security_invoker = true) AS
SELECT s.name AS schedule_name, f.due_at, f.at, f.job_id, f.outcome, f.message, rcq_private.user_name(f.user_id) AS user_name
  FROM rcq_private.fire f JOIN rcq_private.schedule s ON s.id = f.schedule_id;
COMMENT ON VIEW rcq.schedule_history IS 'What became of the last 1000 due times of each schedule you may see';
COMMENT ON COLUMN rcq.schedule_history.outcome IS 'submitted, replaced (submitted, and earlier jobs cancelled), skipped_overlap, skipped_missed, failed';
