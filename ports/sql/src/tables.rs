//! The tables that the port keeps for every service, and the texts that touch them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, RwLock};

static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Keeps a text for the life of the process. There are as many as services times statements, so the memory is bounded.
pub(crate) fn intern(text: String) -> &'static str {
    let mut texts = TEXTS.lock().expect("nothing panics while the texts are held");
    if let Some(known) = texts.get(text.as_str()) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into_boxed_str());
    texts.insert(kept);
    kept
}

/// The texts that were made for so many kinds of jobs of a service: they are asked for with every claim.
static OF_KINDS: RwLock<BTreeMap<(Asked, &'static str, usize), &'static str>> = RwLock::new(BTreeMap::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Waiting,
    Strange,
    Next,
}

fn of_kinds(asked: Asked, p: &'static str, kinds: usize, make: impl Fn() -> String) -> &'static str {
    let known = OF_KINDS.read().expect("nothing panics while the texts are held").get(&(asked, p, kinds)).copied();
    known.unwrap_or_else(|| {
        let made = intern(make());
        OF_KINDS.write().expect("nothing panics while the texts are held").insert((asked, p, kinds), made);
        made
    })
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The port's own statements, with the prefix of one service.
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct Texts {
            $($(#[$doc])* pub(crate) $name: &'static str,)*
        }

        impl Texts {
            pub(crate) fn of(p: &str) -> Texts {
                Texts { $($name: intern(format!($text, p = p)),)* }
            }
        }
    };
}

texts! {
    cursor_begin = "insert into {p}_cursors (source, seq) values ($1, $2) on conflict (source) do update set seq = excluded.seq where {p}_cursors.seq = 0";
    cursor_move = "update {p}_cursors set seq = $3 where source = $1 and seq = $2";
    cursor_get = "select seq from {p}_cursors where source = $1";
    ahead_put = "insert into {p}_ahead (source, seq) values ($1, $2) on conflict do nothing";
    ahead_drop = "delete from {p}_ahead where source = $1 and seq <= $2";
    ahead_list = "select seq from {p}_ahead where source = $1 order by seq";

    answer_put = "insert into {p}_answers (id, key, fingerprint, answer, at) values ($1, $2, $3, $4, $5) on conflict do nothing";
    answer_get = "select fingerprint, answer from {p}_answers where key = $1";
    answers_oldest = "select id, at from {p}_answers order by id limit $1";
    answer_drop = "delete from {p}_answers where id = $1";

    job_put = "insert into {p}_jobs (id, kind, key, due, wake, deadline, attempts, lease, body, correlation) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
    job_cancel = "delete from {p}_jobs where kind = $1 and key = $2";
    job_use = "delete from {p}_jobs where id = $1 and lease = $2";
    job_lease_of = "select lease from {p}_jobs where id = $1";
    job_claim = "update {p}_jobs set lease = $3, wake = $4, attempts = attempts + 1 where id = $1 and lease = $2 and wake <= $5";
    job_next = "select min(wake) from {p}_jobs";
    job_return = "update {p}_jobs set attempts = attempts - 1, wake = case when lease = $2 then due else wake end, lease = case when lease = $2 then 0 else lease end where id = $1";
    job_later = "update {p}_jobs set lease = 0, due = case when due > $3 then due else $3 end, wake = $3, cause = $4 where id = $1 and lease = $2";
    job_free = "update {p}_jobs set lease = 0, wake = due where lease <> 0";
    job_forget = "delete from {p}_jobs where lease <> 0";
    job_leased = "select count(*) from {p}_jobs where lease <> 0";
    job_pressing = "select count(*) from {p}_jobs where lease <> 0 or wake <= $1";
    job_list = "select id, kind, key, due, deadline, attempts, body, correlation, lease, cause from {p}_jobs where id > $1 order by id limit $2";
    job_get = "select id, kind, key, due, deadline, attempts, body, correlation, lease, cause from {p}_jobs where kind = $1 and key = $2";
    job_count = "select count(*) from {p}_jobs";

    letter_put = "insert into {p}_parked (id, what, source, seq, kind, key, body, cause, attempts, parked_at, behind) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    letter_drop = "delete from {p}_parked where id = $1";
    letter_get = "select id, what, source, seq, kind, key, body, cause, attempts, parked_at, behind from {p}_parked where id = $1";
    letter_all = "select id, what, source, seq, kind, key, body, cause, attempts, parked_at, behind from {p}_parked where id > $1 order by id limit $2";
    letter_key = "select id, what, source, seq, kind, key, body, cause, attempts, parked_at, behind from {p}_parked where key = $3 and id > $1 order by id limit $2";
    letter_keys = "select what, source, key, min(id), count(*) from {p}_parked group by what, source, key order by what, source, key";
    letter_count = "select count(*) from {p}_parked";

    act_put = "insert into {p}_acts (id, at, principal, act, subject, reason) values ($1, $2, $3, $4, $5, $6)";
    trimmed_get = "select ended_before, ids_below from {p}_trimmed where id = 1";
    trimmed_put = "insert into {p}_trimmed (id, ended_before, ids_below) values (1, $1, $2) on conflict (id) do update set ended_before = excluded.ended_before, ids_below = excluded.ids_below where {p}_trimmed.ids_below < excluded.ids_below";

    act_list = "select id, at, principal, act, subject, reason from {p}_acts where id < $1 order by id desc limit $2";
}

/// Gives the text that reads at most `$3` jobs of the kind `$2` that waited at the time `$1`, then `$5` of `$4`, and so on:
/// one statement for all kinds, each with a limit of its own, so that a backlog of one hides no other.
pub(crate) fn jobs_waiting(p: &'static str, kinds: usize) -> &'static str {
    let of_kind = |place: usize| {
        let (kind, limit) = (2 * place + 2, 2 * place + 3);
        let columns = "id, kind, key, due, deadline, attempts, body, correlation, lease, cause";
        format!(
            "select * from (select {columns} from {p}_jobs where kind = ${kind} and wake <= $1 order by wake limit ${limit}) as k{place}"
        )
    };
    of_kinds(Asked::Waiting, p, kinds, || (0..kinds).map(of_kind).collect::<Vec<_>>().join(" union all "))
}

/// Gives the text that reads at most `$2` jobs that waited at the time `$1` and are of none of the kinds `$3`, `$4`, ….
pub(crate) fn jobs_strange(p: &'static str, kinds: usize) -> &'static str {
    of_kinds(Asked::Strange, p, kinds, || {
        let columns = "id, kind, key, due, deadline, attempts, body, correlation, lease, cause";
        let known = (0..kinds).map(|place| format!(" and kind <> ${}", place + 3)).collect::<String>();
        format!("select {columns} from {p}_jobs where wake <= $1{known} order by id limit $2")
    })
}

/// Gives the text that tells when the first job of the kinds `$1`, `$2`, … is to be looked at.
pub(crate) fn jobs_next(p: &'static str, kinds: usize) -> &'static str {
    of_kinds(Asked::Next, p, kinds, || {
        let of_kind = |place: usize| format!("select min(wake) as wake from {p}_jobs where kind = ${}", place + 1);
        let all = (0..kinds).map(of_kind).collect::<Vec<_>>().join(" union all ");
        format!("select min(wake) from ({all}) as k")
    })
}

/// Gives the text that makes the port's own tables; it can run again and again.
///
/// `wake` is when a job is to be looked at next: when it is due, or when the lease of its worker ends. So one index
/// finds, kind by kind, both the jobs that are due and those whose worker has died. Answers are found by a small index of their
/// own because their keys are random, and a random key is dear in proportion to the size of its rows.
pub(crate) fn system(p: &str) -> String {
    format!(
        "create table if not exists {p}_migrations (version bigint primary key, name text not null, checksum bigint not null);
create table if not exists {p}_cursors (source text primary key, seq bigint not null);
create table if not exists {p}_ahead (source text not null, seq bigint not null, primary key (source, seq));
create table if not exists {p}_answers (id bigint primary key, key bigint not null unique, fingerprint bigint not null, answer bytes not null, at bigint not null);
create table if not exists {p}_jobs (id bigint primary key, kind text not null, key bigint not null, due bigint not null, wake bigint not null, deadline bigint, attempts bigint not null, lease bigint not null, body text not null, correlation text not null, cause text, unique (key, kind));
drop index if exists {p}_jobs_wake;
create index if not exists {p}_jobs_kind_wake on {p}_jobs (kind, wake);
create table if not exists {p}_parked (id bigint primary key, what text not null, source text not null, seq bigint not null, kind text not null, key bigint not null, body text not null, cause text not null, attempts bigint not null, parked_at bigint not null, behind bigint);
create index if not exists {p}_parked_key on {p}_parked (key);
create table if not exists {p}_acts (id bigint primary key, at bigint not null, principal text not null, act text not null, subject text not null, reason text not null);
create table if not exists {p}_trimmed (id bigint primary key, ended_before bigint not null, ids_below bigint not null);
"
    )
}
