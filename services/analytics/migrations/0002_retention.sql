-- When a stretch was last added to, by the clock of the platform: a replay writes minutes of years ago today. What stood
-- here before this column is not known to be old, and stays.
alter table analytics_series add column touched_at bigint not null default 0;
