//! The file of this repository: it is valid, it says what the services rely on, and a slip in it is found.

use std::time::Duration;

use crate::{Breaker, Code, EdgePolicy, Mode, PLATFORM, Problem, RetryBudget, Store, Topology, mermaid};

const TEXT: &str = include_str!("../../../topology.toml");

fn topology() -> Topology {
    Topology::parse(TEXT).unwrap_or_else(|report| panic!("{report}"))
}

/// The problems after one replacement, which must hit.
fn problems_after(from: &str, to: &str) -> Vec<Problem> {
    let changed = TEXT.replacen(from, to, 1);
    assert_ne!(changed, TEXT, "`{from}` is not in the file any more");
    Topology::parse(&changed).map_or_else(|report| report.problems().to_vec(), |topology| topology.warnings().to_vec())
}

fn helps(problems: &[Problem], code: Code) -> Vec<&str> {
    problems.iter().filter(|problem| problem.code == code).filter_map(|problem| problem.help.as_deref()).collect()
}

#[test]
fn the_file_is_valid_and_nothing_in_it_is_odd() {
    assert_eq!(topology().warnings(), []);
}

#[test]
fn services_and_edges_can_be_asked_for() {
    let topology = topology();
    let names: Vec<&str> = topology.services().map(|service| service.name.as_str()).collect();
    let expected = ["analytics", "catalog", "delivery", "gateway", "inventory", "kitchen", "notifications", "orders", "payments"];
    assert_eq!(names, expected);
    assert_eq!(topology.service("catalog").unwrap().store, Store::Documents);
    assert_eq!(topology.service("gateway").unwrap().needs.len(), 8);
    assert_eq!(topology.service("users"), None);

    let edge = topology.edge("orders", "payments").unwrap();
    let breaker = Breaker { failures_percent: 30, open_for: Duration::from_secs(2), ..Breaker::DEFAULT };
    let timeout = Duration::from_millis(600);
    let expected = EdgePolicy { timeout, retries: 2, retry_budget: RetryBudget::DEFAULT, in_flight: 256, breaker };
    assert_eq!(edge, &expected);
    assert_eq!(topology.edge("payments", "orders"), None);
    assert_eq!(topology.edges().count(), 14);
    let callers: Vec<&str> = topology.callers_of("catalog").map(|caller| caller.name.as_str()).collect();
    assert_eq!(callers, ["analytics", "gateway", "kitchen", "orders"]);
}

#[test]
fn each_event_has_its_owner_its_topic_and_its_hearers() {
    let topology = topology();
    assert_eq!(topology.producer_of("order.paid"), Some("payments"));
    assert_eq!(topology.topic_of("order.paid"), Some("payment-events"));
    assert_eq!(topology.producer_of("order.shipped"), Some("delivery"));
    assert_eq!(topology.topic_of("order.shipped"), Some("order-events"));
    assert_eq!(topology.producer_of("dead_letter.parked"), Some(PLATFORM));
    assert_eq!(topology.producer_of("order.progressed"), None);
    assert_eq!(topology.hearers_of("stock.reserved"), ["analytics", "orders", "payments"]);
    assert!(topology.hearers_of("dish.ready").is_empty());
    assert_eq!(topology.events().count(), 29);
    let topics: Vec<&str> = topology.topics().map(|topic| topic.name.as_str()).collect();
    let expected = [
        "catalog-events",
        "dlq-events",
        "kitchen-events",
        "notification-events",
        "order-events",
        "payment-events",
        "stock-events",
        "user-events",
    ];
    assert_eq!(topics, expected);
}

#[test]
fn no_step_of_the_checkout_is_a_coordinator() {
    let topology = topology();
    let saga = topology.saga("checkout").unwrap();
    assert!(saga.ends_with("order.delivered") && saga.ends_with("order.cancelled") && !saga.ends_with("order.paid"));
    assert_eq!(saga.deadline, Duration::from_secs(36 * 3600));
    assert_eq!(saga.step("take-payment").unwrap().deadline, Some(Duration::from_secs(15 * 60)));
    assert_eq!(saga.step("place").unwrap().deadline, None);
    let undoes: Vec<&str> = saga.undone_by("take-payment").map(|step| step.does.as_str()).collect();
    assert_eq!(undoes, ["refund"]);
    let openings = saga.steps.iter().filter(|step| step.hears.is_empty()).count();
    assert_eq!(openings, 1, "everything after placing is a reaction to an event");
    let longest = saga.steps.iter().map(|step| step.says.len()).max();
    assert!(longest < Some(saga.steps.len()), "no step says what all the others do");
}

#[test]
fn the_environments_and_the_promised_speed_are_there() {
    let topology = topology();
    assert_eq!(topology.environment("laptop").unwrap().mode, Mode::AllInOne);
    assert_eq!(topology.environment("laptop").unwrap().engines["sql"], "sqlite");
    assert_eq!(topology.environments().count(), 2);
    assert_eq!(topology.slo().unwrap().accept_p95, Duration::from_millis(20));
}

#[test]
fn the_checkout_can_be_drawn() {
    let topology = topology();
    let drawing = mermaid(topology.saga("checkout").unwrap());
    assert_eq!(drawing, include_str!("../golden/checkout.mmd"), "the drawing is now:\n{drawing}");
}

#[test]
fn a_renamed_peer_is_found_and_the_right_one_is_proposed() {
    for (from, to, meant) in [
        ("needs.catalog =", "needs.catalogue =", "did you mean `catalog`?"),
        ("needs.payments =", "needs.payment =", "did you mean `payments`?"),
        ("needs.orders =", "needs.oders =", "did you mean `orders`?"),
        ("needs.inventory =", "needs.invnetory =", "did you mean `inventory`?"),
    ] {
        let problems = problems_after(from, to);
        assert_eq!(helps(&problems, Code::UnknownService), [meant], "{to}: {problems:?}");
    }
}

#[test]
fn a_renamed_service_is_missed_wherever_it_was_needed() {
    let problems = problems_after("[services.catalog]", "[services.catalogs]");
    assert_eq!(helps(&problems, Code::UnknownService), ["did you mean `catalogs`?"; 4]);
    assert_eq!(problems.len(), 4);
}

#[test]
fn other_slips_are_found_at_their_line() {
    for (from, to, code, help) in [
        ("store = \"sql\"", "store = \"slq\"", Code::UnknownValue, Some("did you mean `sql`?")),
        ("says.stock-events", "says.stock-event", Code::UnknownTopic, Some("did you mean `stock-events`?")),
        (
            "hears = [\"order.created\", \"stock",
            "hears = [\"order.create\", \"stock",
            Code::UndeclaredEvent,
            Some("did you mean `order.created`?"),
        ),
        ("timeout = \"800ms\"", "timeuot = \"800ms\"", Code::UnknownKey, Some("did you mean `timeout`?")),
        ("timeout = \"800ms\"", "timeout = \"0.8s\"", Code::BadDuration, Some(crate::duration::FORM)),
        ("owns = \"counts", "own = \"counts", Code::MissingKey, None),
        (
            "store = \"documents\"",
            "store = \"documents\"\nneeds.orders.timeout = \"1s\"",
            Code::CycleInNeeds,
            Some("let one of them hear an event instead"),
        ),
        ("\"dead_letter.parked\", \"dead_letter.redriven\",", "\"dead_letter.parked\",", Code::UnheardEvent, None),
        ("who = \"kitchen\"", "who = \"kitchn\"", Code::UnknownService, Some("did you mean `kitchen`?")),
        ("undoes = [\"cook\"]", "undoes = [\"coook\"]", Code::UnknownStep, Some("did you mean `cook`?")),
    ] {
        let problems = problems_after(from, to);
        let found = problems.iter().find(|problem| problem.code == code).unwrap_or_else(|| panic!("{to}: {problems:?}"));
        assert_eq!(found.help.as_deref(), help, "{to}");
        assert!(found.column > 0 && found.column <= found.source_line.chars().count(), "{to}");
    }
}

#[test]
fn a_torn_file_is_reported_and_never_a_panic() {
    for at in (0..TEXT.len()).step_by(41).filter(|at| TEXT.is_char_boundary(*at)) {
        // Only that it comes back: some beginnings of the file are valid by themselves.
        let _ = Topology::parse(&TEXT[..at]).map_err(|report| report.to_string());
        let _ = Topology::parse(&TEXT[at..]).map_err(|report| report.to_string());
    }
}
