//! Broken files and the reports about them, letter by letter; the pairs lie in `golden/`.

use crate::{Code, Topology};

macro_rules! golden {
    ($($test:ident: $file:literal,)*) => {
        $(#[test]
        fn $test() {
            let text = include_str!(concat!("../golden/", $file, ".toml"));
            let report = Topology::parse(text).expect_err("this file is broken").to_string();
            assert_eq!(report, include_str!(concat!("../golden/", $file, ".txt")).trim_end(), "the report is now:\n{report}");
        })*

        const REPORTS: &[&str] = &[$(include_str!(concat!("../golden/", $file, ".txt"))),*];
    };
}

golden! {
    keys_types_names_and_numbers_are_checked: "shape",
    calls_go_one_way_and_to_services: "edges",
    each_event_has_one_owner_and_hearers: "events",
    a_saga_agrees_with_its_services: "saga",
    a_text_that_is_not_toml_is_not_asked_whether_it_fits: "syntax",
    a_key_written_twice_is_refused: "duplicates",
}

#[test]
fn every_code_has_an_example() {
    let codes = [
        Code::Syntax,
        Code::DuplicateKey,
        Code::UnknownKey,
        Code::MissingKey,
        Code::WrongType,
        Code::BadName,
        Code::BadDuration,
        Code::OutOfRange,
        Code::UnknownValue,
        Code::DuplicateEntry,
        Code::UnknownService,
        Code::UnknownTopic,
        Code::UndeclaredEvent,
        Code::UnheardEvent,
        Code::DuplicateOwnerOfEvent,
        Code::CycleInNeeds,
        Code::StoreRequired,
        Code::SagaEventUnknown,
        Code::SagaEventNotSaid,
        Code::SagaEventNotHeard,
        Code::SagaEventFromNowhere,
        Code::SagaWithoutEnd,
        Code::UnknownStep,
        Code::DuplicateStep,
        Code::DeadlineTooLong,
    ];
    for code in codes {
        let severity = if code.is_warning() { "warning" } else { "error" };
        let head = format!("{severity}[{code}]: ");
        assert!(REPORTS.iter().any(|report| report.contains(&head)), "no golden file shows {code}");
    }
}

#[test]
fn an_empty_file_lacks_everything() {
    let report = Topology::parse("").expect_err("nothing is declared");
    let lacks: Vec<&str> = report.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(lacks, ["the file lacks the key `services`", "the file lacks the key `topics`"]);
}

#[test]
fn warnings_alone_do_not_refuse_a_file() {
    let text = r#"
        topics.all-events = { carries = "everything", retention = "1d" }
        services.orders = { owns = "orders", store = "sql", says.all-events = ["order.created"] }
    "#;
    let topology = Topology::parse(text).expect("an event that nobody hears is only odd");
    let [warning] = topology.warnings() else { panic!("one warning: {:?}", topology.warnings()) };
    assert_eq!((warning.code, warning.line), (Code::UnheardEvent, 3));
}
