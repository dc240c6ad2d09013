//! The laws: what every engine must do, one function each, named as a sentence.

pub mod commits;
mod doubt;
pub mod inbox;
pub mod jobs;
pub mod records;
pub mod tables;

use std::sync::Arc;

use base::{BoxFuture, Event, NewEvent, Timestamp, World};

use crate::{Change, Engine, Migration, Once, Statement, Store, params, statement};

/// Where the laws are tried: an engine with nothing in it, and a way to see what was said.
pub trait Bed: Send + Sync {
    /// Gives the engine.
    fn engine(&self) -> Arc<dyn Engine>;
    /// Gives the world.
    fn world(&self) -> World;
    /// Gives all that a service has said, in order.
    fn said(&self, service: &'static str) -> BoxFuture<'_, Vec<Event>>;
}

/// The tables that the laws need.
pub const TABLES: &[Migration] = &[Migration {
    version: 1,
    name: "things",
    text: "create table law_stock (id bigint primary key, left_over bigint not null, version bigint not null);
        create table law_kept (id bigint primary key, word text, yes boolean, part double precision, raw bytes);",
}];

/// Opens the store on which most laws are tried.
pub async fn open(bed: &dyn Bed) -> Store {
    Store::open(bed.engine(), "law", TABLES, bed.world()).await.expect("a fresh store opens")
}

pub(crate) fn put_stock(id: i64, left_over: i64) -> Statement {
    statement("insert into law_stock (id, left_over, version) values ($1, $2, 1)", params![id, left_over])
}

pub(crate) fn take_stock(id: i64, quantity: i64) -> Statement {
    let text = "update law_stock set left_over = left_over - $2, version = version + 1 where id = $1 and left_over >= $2";
    statement(text, params![id, quantity]).expecting(1)
}

pub(crate) fn add_stock(id: i64, quantity: i64) -> Statement {
    statement("update law_stock set left_over = left_over + $2 where id = $1", params![id, quantity]).expecting(1)
}

pub(crate) async fn stock(store: &Store, id: i64) -> i64 {
    let row = store.read_one("select left_over from law_stock where id = $1", params![id]).await.expect("it reads");
    row.expect("the thing is there").int(0).expect("it is a number")
}

pub(crate) fn event(key: i64, kind: &'static str, data: &str) -> NewEvent {
    let data = format!("{{\"text\":{}}}", serde_json::Value::from(data));
    NewEvent { topic: "law-events", kind, key, at: Timestamp(1_000), correlation: "corr-1".to_owned(), data }
}

pub(crate) fn request(key: i64, fingerprint: i64) -> Once {
    Once::Request { key, fingerprint, at: Timestamp(1_000) }
}

pub(crate) async fn start_with(store: &Store, statement: Statement) {
    let outcome = store.commit(Once::Nothing, Change::new().write(statement)).await.expect("it commits");
    assert!(matches!(outcome, crate::Outcome::Done { .. }), "{outcome:?}");
}

/// Makes one test per law for an adapter. `$bed` is an expression that gives a future of a fresh [`Bed`].
#[macro_export]
macro_rules! laws {
    ($adapter:ident, $bed:expr) => {
        $crate::laws!(@each $adapter, $bed,
            commits: s4_p02_an_event_is_visible_iff_its_write_is = an_event_is_visible_iff_its_write_is,
            commits: s1_i03_a_stale_version_is_refused = a_stale_version_is_refused,
            commits: s4_p05_a_repeat_after_unknown_returns_the_recorded_answer = a_repeat_after_unknown_returns_the_recorded_answer,
            commits: s4_p05_another_body_under_one_key_is_told = another_body_under_one_key_is_told,
            commits: a_refused_commit_leaves_nothing = a_refused_commit_leaves_nothing,
            commits: s1_i03_guarded_stock_is_never_oversold_by_64_writers = guarded_stock_is_never_oversold_by_64_writers,
            commits: one_refused_commit_in_a_group_harms_no_other = one_refused_commit_in_a_group_harms_no_other,
            commits: events_of_one_service_keep_their_order = events_of_one_service_keep_their_order,
            commits: a_broken_statement_leaves_nothing = a_broken_statement_leaves_nothing,
            commits: others_come_before_or_after_a_change_made_alone = others_come_before_or_after_a_change_made_alone,
            inbox: a_cursor_moves_only_with_its_commit = a_cursor_moves_only_with_its_commit,
            inbox: s4_p05_an_event_heard_twice_changes_state_once = an_event_heard_twice_changes_state_once,
            inbox: a_second_loop_is_fenced_out = a_second_loop_is_fenced_out,
            inbox: an_event_done_ahead_is_not_done_again = an_event_done_ahead_is_not_done_again,
            inbox: several_changes_share_one_move_or_none_happens = several_changes_share_one_move_or_none_happens,
            jobs: a_job_is_worked_by_one_lease_only = a_job_is_worked_by_one_lease_only,
            jobs: a_job_whose_worker_died_is_claimed_again = a_job_whose_worker_died_is_claimed_again,
            jobs: a_used_up_job_is_not_used_up_again = a_used_up_job_is_not_used_up_again,
            jobs: there_is_one_job_of_a_kind_and_key = there_is_one_job_of_a_kind_and_key,
            jobs: a_job_made_under_a_lease_is_held = a_job_made_under_a_lease_is_held,
            jobs: a_rescheduled_job_waits_and_keeps_its_cause = a_rescheduled_job_waits_and_keeps_its_cause,
            jobs: a_worked_job_may_leave_its_own_successor = a_worked_job_may_leave_its_own_successor,
            jobs: a_commit_that_makes_a_job_wakes_the_worker = a_commit_that_makes_a_job_wakes_the_worker,
            jobs: each_kind_is_claimed_within_its_own_room = each_kind_is_claimed_within_its_own_room,
            jobs: jobs_of_unknown_kinds_are_found = jobs_of_unknown_kinds_are_found,
            jobs: a_job_given_back_was_not_attempted = a_job_given_back_was_not_attempted,
            jobs: a_claim_in_doubt_is_asked_for_until_it_is_certain = a_claim_in_doubt_is_asked_for_until_it_is_certain,
            jobs: a_claim_is_not_given_up_while_its_lease_would_hold = a_claim_is_not_given_up_while_its_lease_would_hold,
            jobs: what_is_put_off_in_doubt_is_asked_for_again = what_is_put_off_in_doubt_is_asked_for_again,
            records: s4_p07_a_letter_is_kept_until_it_is_taken_once = a_letter_is_kept_until_it_is_taken_once,
            records: acts_tell_who_and_why = acts_tell_who_and_why,
            records: old_answers_are_forgotten_and_new_ones_kept = old_answers_are_forgotten_and_new_ones_kept,
            records: the_mark_of_retention_never_goes_back = the_mark_of_retention_never_goes_back,
            tables: migrations_run_once = migrations_run_once,
            tables: a_failed_migration_leaves_nothing = a_failed_migration_leaves_nothing,
            tables: the_ports_own_tables_follow_their_text = the_ports_own_tables_follow_their_text,
            tables: tables_of_a_newer_program_are_refused = tables_of_a_newer_program_are_refused,
            tables: cyrillic_and_emoji_survive = cyrillic_and_emoji_survive,
            tables: every_kind_of_value_survives = every_kind_of_value_survives,
            tables: sums_and_counts_are_numbers = sums_and_counts_are_numbers,
            tables: too_many_rows_are_a_fault = too_many_rows_are_a_fault,
        );
    };
    (@each $adapter:ident, $bed:expr, $($group:ident: $test:ident = $law:ident,)*) => {
        mod $adapter {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let bed = $bed.await;
                    $crate::laws::$group::$law(&bed).await;
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests;
