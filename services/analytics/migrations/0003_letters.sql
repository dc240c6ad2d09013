-- What lay in the dead letters when a rebuild began: heard, but not counted. A rebuild leaves exactly this out. One that
-- is at work now began without noting it, so what is parked at this moment stands for it.
create table analytics_replays_parked (source text not null, seq bigint not null, primary key (source, seq));
insert into analytics_replays_parked (source, seq) select source, seq from analytics_parked where what = 'event';
