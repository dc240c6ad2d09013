//! Every order in which an order's events, the provider's answers, its silences and our crashes can come.
//!
//! The real rules and the real way of asking are run against a model of a provider. The search goes through all
//! interleavings, with a limited number of things that go wrong, and looks at the money at the end of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base::id::{MethodId, OrderId, ShopId};
use base::{BoxFuture, Currency, Fault, Timestamp};
use futures_util::FutureExt;
use payments_api::events::FailureReason;

use crate::asking::{self, Found};
use crate::domain::{Command, Effect, decide};
use crate::payment::{Method, Payment, State, Terms};
use crate::provider::{BookRow, Charge, ChargeRequest, ChargeState, Provider};

const ORDER: OrderId = OrderId(1_001);
const TOTAL: i64 = 2_598;
/// How many things may go wrong in one run.
const MISHAPS_MAX: u8 = 3;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mishap {
    /// The provider says that it failed; nothing happened.
    Unavailable,
    /// The request never arrives, and nobody can tell.
    LostBefore,
    /// It was carried out, and the answer is lost.
    LostAfter,
    /// It is still on its way, and arrives later.
    Late,
}

const MISHAPS: [Mishap; 4] = [Mishap::Unavailable, Mishap::LostBefore, Mishap::LostAfter, Mishap::Late];

/// A request that moves something at the provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Charge(String),
    Withdraw(String),
    Refund { charge_id: String, key: String, amount_minor: i64 },
}

/// The money as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Books {
    declines: bool,
    charges: BTreeMap<String, (u8, i64)>,
    refunds: BTreeMap<String, i64>,
    late: BTreeSet<Move>,
}

const CAPTURED: u8 = 0;
const DECLINED: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Books {
    fn carry_out(&mut self, wanted: &Move) {
        match wanted {
            Move::Charge(key) => {
                let kind = if self.declines { DECLINED } else { CAPTURED };
                self.charges.entry(key.clone()).or_insert((kind, TOTAL));
            }
            Move::Withdraw(key) => {
                self.charges.entry(key.clone()).or_insert((WITHDRAWN, 0));
            }
            Move::Refund { key, amount_minor, .. } => {
                self.refunds.entry(key.clone()).or_insert(*amount_minor);
            }
        }
    }

    fn charge(&self, key: &str) -> Option<Charge> {
        let states = [ChargeState::Captured, ChargeState::Declined, ChargeState::Withdrawn];
        self.charges.get(key).map(|(kind, _)| Charge { id: format!("ch_{key}"), state: states[usize::from(*kind)] })
    }

    fn captures(&self) -> usize {
        self.charges.values().filter(|(kind, _)| *kind == CAPTURED).count()
    }

    fn held(&self) -> i64 {
        self.captures() as i64 * TOTAL - self.refunds.values().sum::<i64>()
    }
}

/// A provider whose n-th call from now goes wrong.
struct Model {
    books: Mutex<Books>,
    script: Mutex<(usize, Option<(usize, Mishap)>)>,
}

impl Model {
    fn send(&self, wanted: Option<&Move>) -> Result<(), Fault> {
        let mut script = self.script.lock().unwrap();
        let call = script.0;
        script.0 += 1;
        let mishap = script.1.filter(|(at, _)| *at == call).map(|(_, mishap)| mishap);
        let mut books = self.books.lock().unwrap();
        match (mishap, wanted) {
            (None | Some(Mishap::LostAfter), Some(wanted)) => books.carry_out(wanted),
            (Some(Mishap::Late), Some(wanted)) => {
                books.late.insert(wanted.clone());
            }
            _ => {}
        }
        match mishap {
            None => Ok(()),
            Some(Mishap::Unavailable) => Err(Fault::unavailable("provider_failed", "It failed.")),
            Some(_) => Err(Fault::timeout("outside_answer_lost", "It is silent.")),
        }
    }

    fn known(&self, key: &str) -> Result<Option<Charge>, Fault> {
        Ok(self.books.lock().unwrap().charge(key))
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, Fault>>;

impl Provider for Model {
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Answer<'a, Charge> {
        let sent = self.send(Some(&Move::Charge(request.key.clone())));
        Box::pin(async move { sent.and_then(|()| Ok(self.known(&request.key)?.unwrap())) })
    }

    fn find<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Charge>> {
        let sent = self.send(None);
        Box::pin(async move { sent.and_then(|()| self.known(key)) })
    }

    fn withdraw<'a>(&'a self, key: &'a str) -> Answer<'a, Charge> {
        let sent = self.send(Some(&Move::Withdraw(key.to_owned())));
        Box::pin(async move { sent.and_then(|()| Ok(self.known(key)?.unwrap())) })
    }

    fn capture<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Charge> {
        unreachable!("money is taken at once")
    }

    fn void<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Charge> {
        unreachable!("money is taken at once")
    }

    fn refund<'a>(&'a self, charge_id: &'a str, key: &'a str, amount_minor: i64) -> Answer<'a, String> {
        let sent = self.send(Some(&Move::Refund { charge_id: charge_id.to_owned(), key: key.to_owned(), amount_minor }));
        Box::pin(async move { sent.map(|()| format!("re_{key}")) })
    }

    fn books(&self, _: i64, _: u32) -> Answer<'_, Vec<BookRow>> {
        unreachable!("nobody audits here")
    }
}

/// A job that lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Charge { attempts: u8 },
    Withdraw,
    Refund { entry: i64 },
}

/// Where a run stands.
#[derive(Debug, Clone)]
struct World {
    payment: Option<Payment>,
    pending_refunds: BTreeMap<i64, i64>,
    jobs: BTreeSet<Job>,
    books: Books,
    from_orders: Vec<&'static str>,
    from_inventory: Vec<&'static str>,
    overdue: bool,
    mishaps: u8,
}

impl World {
    fn hear(&mut self, command: Command) {
        let decision = decide(ORDER, ShopId(1), self.payment.as_ref(), command, Timestamp(1)).expect("nothing here is refused");
        let Some(after) = decision.after else { return };
        self.payment = Some(after);
        for effect in decision.effects {
            match effect {
                Effect::AskCharge => drop(self.jobs.insert(Job::Charge { attempts: 0 })),
                Effect::LeaveCharge => self.jobs.retain(|job| !matches!(job, Job::Charge { .. })),
                Effect::AskWithdraw => drop(self.jobs.insert(Job::Withdraw)),
                Effect::AskRefund(entry) => drop(self.jobs.insert(Job::Refund { entry })),
                Effect::Note(entry) if !entry.done => drop(self.pending_refunds.insert(entry.id, entry.amount_minor)),
                Effect::Finish { entry, .. } => drop(self.pending_refunds.remove(&entry)),
                _ => {}
            }
        }
    }

    fn is_over(&self) -> bool {
        self.from_orders.is_empty() && self.from_inventory.is_empty() && self.jobs.is_empty() && self.books.late.is_empty()
    }
}

fn heard(event: &str, fee_minor: i64) -> Command {
    match event {
        "created" => Command::Expect(Terms {
            device: None,
            method: Method::Card(Some(MethodId(9))),
            amount_minor: TOTAL,
            currency: Currency::USD,
        }),
        "reserved" => Command::Begin,
        _ => Command::Cancel { fee_minor, refund: 71 },
    }
}

/// Works a job once, as `jobs.rs` does; `crash` loses what was learnt before it is committed.
fn work(mut world: World, job: &Job, script: Option<(usize, Mishap)>, crash: bool) -> World {
    let model = Model { books: Mutex::new(world.books.clone()), script: Mutex::new((0, script)) };
    let payment = world.payment.clone().unwrap();
    let key = asking::key(payment.id, "charge");
    world.jobs.remove(job);
    let found = match job {
        Job::Charge { .. } if world.overdue => asking::withdraw(&model, &key).now_or_never().unwrap().map(found),
        Job::Charge { attempts } => {
            let request = ChargeRequest {
                key,
                amount_minor: payment.amount_minor,
                currency: payment.currency,
                token: "tok_visa".to_owned(),
                capture: true,
                order_reference: String::new(),
            };
            asking::charge(&model, &request, *attempts > 0).now_or_never().unwrap().map(found)
        }
        Job::Withdraw => asking::withdraw(&model, &key).now_or_never().unwrap().map(found),
        Job::Refund { entry } => {
            let amount_minor = world.pending_refunds[entry];
            let (charge_id, key) = (format!("ch_{key}"), asking::key(payment.id, &format!("refund-{entry}")));
            let back = model.refund(&charge_id, &key, amount_minor).now_or_never().unwrap();
            back.map(|provider_id| Command::Return { refund: *entry, amount_minor, provider_id })
        }
    };
    world.books = model.books.into_inner().unwrap();
    match found {
        Ok(command) if !crash => world.hear(command),
        _ => {
            world.jobs.insert(match job {
                Job::Charge { .. } => Job::Charge { attempts: 1 },
                other => other.clone(),
            });
        }
    }
    world
}

fn found(found: Found) -> Command {
    match found {
        Found::Captured(provider_id) => Command::Capture { provider_id, attempts: 1, entry: 72, refund: 73 },
        Found::Declined(provider_id) => Command::Decline { provider_id, attempts: 1, entry: 72 },
        Found::Nothing => Command::GiveUp { reason: FailureReason::ProviderUnavailable, attempts: 1 },
    }
}

/// Gives every world that may come next.
fn nexts(world: &World, fee_minor: i64) -> Vec<World> {
    let mut nexts = Vec::new();
    if !world.from_orders.is_empty() {
        let mut next = world.clone();
        let event = next.from_orders.remove(0);
        next.hear(heard(event, fee_minor));
        nexts.push(next);
    }
    if !world.from_inventory.is_empty() {
        let mut next = world.clone();
        let event = next.from_inventory.remove(0);
        next.hear(heard(event, fee_minor));
        nexts.push(next);
    }
    for late in &world.books.late {
        let mut next = world.clone();
        next.books.late.remove(late);
        next.books.carry_out(late);
        nexts.push(next);
    }
    if !world.overdue && world.jobs.iter().any(|job| matches!(job, Job::Charge { .. })) {
        nexts.push(World { overdue: true, ..world.clone() });
    }
    for job in &world.jobs {
        nexts.push(work(world.clone(), job, None, false));
        if world.mishaps < MISHAPS_MAX {
            let worse = World { mishaps: world.mishaps + 1, ..world.clone() };
            nexts.push(work(worse.clone(), job, None, true));
            for mishap in MISHAPS {
                // The second call of an attempt is the question after a lost answer, or the charge after a question.
                nexts.extend((0..3).map(|call| work(worse.clone(), job, Some((call, mishap)), false)));
            }
        }
    }
    nexts
}

/// Goes through everything that can happen and gives the ends, each once.
fn ends(orders: &[&'static str], inventory: &[&'static str], declines: bool, fee_minor: i64) -> (usize, Vec<World>) {
    let begin = World {
        payment: None,
        pending_refunds: BTreeMap::new(),
        jobs: BTreeSet::new(),
        books: Books { declines, ..Books::default() },
        from_orders: orders.to_vec(),
        from_inventory: inventory.to_vec(),
        overdue: false,
        mishaps: 0,
    };
    let (mut seen, mut ends, mut open) = (BTreeSet::new(), Vec::new(), vec![begin]);
    while let Some(world) = open.pop() {
        assert!(world.books.captures() <= 1, "two captures: {world:?}");
        if !seen.insert(format!("{world:?}")) {
            continue;
        }
        if world.is_over() {
            ends.push(world);
        } else {
            open.extend(nexts(&world, fee_minor));
        }
    }
    (seen.len(), ends)
}

fn books_agree(world: &World) -> &Payment {
    let payment = world.payment.as_ref().expect("the payment was heard of");
    assert_eq!(payment.refunding_minor, 0, "{world:?}");
    assert_eq!(payment.taken_minor - payment.refunded_minor, world.books.held(), "{world:?}");
    payment
}

#[test]
fn an_order_that_goes_on_is_paid_once_or_not_at_all() {
    let (worlds, ends) = ends(&["created"], &["reserved"], false, 0);
    assert!(worlds > 60, "only {worlds} worlds were seen");
    let mut states = BTreeSet::new();
    for world in &ends {
        let payment = books_agree(world);
        let expected = if payment.state == State::Captured { TOTAL } else { 0 };
        assert_eq!(world.books.held(), expected, "{world:?}");
        states.insert(payment.state);
    }
    assert_eq!(states, BTreeSet::from([State::Captured, State::Failed]));
}

#[test]
fn s4_p05_s1_m02_an_order_that_is_cancelled_keeps_no_money_whatever_comes_when() {
    let (worlds, ends) = ends(&["created", "cancelled"], &["reserved"], false, 0);
    assert!(worlds > 250, "only {worlds} worlds were seen");
    let mut states = BTreeSet::new();
    for world in &ends {
        let payment = books_agree(world);
        assert_eq!(world.books.held(), 0, "{world:?}");
        states.insert(payment.state);
    }
    assert_eq!(states, BTreeSet::from([State::Refunded, State::Failed, State::Voided, State::Cancelled]));
}

#[test]
fn a_cancelled_order_keeps_its_fee_at_most() {
    let (_, ends) = ends(&["created", "cancelled"], &["reserved"], false, 500);
    assert!(ends.iter().any(|world| world.books.held() == 500));
    for world in &ends {
        books_agree(world);
        assert!(world.books.held() == 500 || world.books.held() == 0, "{world:?}");
    }
}

#[test]
fn a_declined_card_ends_without_money_whatever_comes_when() {
    for orders in [&["created"][..], &["created", "cancelled"]] {
        let (_, ends) = ends(orders, &["reserved"], true, 0);
        for world in &ends {
            let payment = books_agree(world);
            assert!(matches!(payment.state, State::Failed | State::Voided | State::Cancelled), "{world:?}");
        }
    }
}
