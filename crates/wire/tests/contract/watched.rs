//! What people see of calls: meters and log lines.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use base::Fault;
use metrics_exporter_prometheus::PrometheusBuilder;
use wire::Policy;

use crate::house::{House, count, say};

crate::on_all_arms!(every_call_is_measured_by_edge_method_and_code, a_cause_is_logged_once_beside_its_correlation_and_never_sent,);

async fn every_call_is_measured_by_edge_method_and_code(house: House) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _measuring = metrics::set_default_local_recorder(&recorder);
    let breaker = wire::BreakerPolicy { calls_min: 3, ..wire::BreakerPolicy::default() };
    let channel = house.channel(Policy { breaker, ..Policy::default() });
    for _ in 0..3 {
        say(&channel, "a").await.unwrap();
    }
    count(&channel, 3, "fail").await.1.unwrap_err();
    house.notes.fail_next(4, &Fault::unavailable("oven_cold", "The oven is cold."));
    for _ in 0..4 {
        say(&channel, "a").await.unwrap_err();
    }
    let text = shown.render();
    let calls = |method: &str, code: &str| {
        let labels = format!("from=\"tests\",to=\"echo\",method=\"echo.Echo/{method}\",code=\"{code}\"");
        let line = text.lines().find(|line| line.starts_with("comanda_rpc_duration_seconds_count") && line.contains(&labels));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_default()
    };
    assert_eq!(calls("Say", "ok"), 3, "{text}");
    assert_eq!(calls("Say", "unavailable"), 4, "{text}");
    assert_eq!(calls("Count", "failed_precondition"), 1, "{text}");
    assert!(text.contains("comanda_rpc_in_flight{from=\"tests\",to=\"echo\"} 0"), "{text}");
    assert!(text.contains("comanda_breaker_state{from=\"tests\",to=\"echo\"} 2"), "{text}");
}

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps log lines apart by thread: each test has one of its own.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep log lines, once for all tests: `tracing` remembers globally which lines nobody wanted, so a
/// subscriber per test would miss some.
pub fn keep_log_lines() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::fmt().json().with_writer(|| Lines).init());
}

async fn a_cause_is_logged_once_beside_its_correlation_and_never_sent(house: House) {
    let channel = house.channel(Policy::default()).on_behalf(&house.call());
    house.notes.fail_next(1, &Fault::internal("store_failed", "The store failed.").because("disk 3"));
    let fault = say(&channel, "a").await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.cause), ("store_failed", None));
    say(&channel, "panic").await.unwrap_err();

    let text = LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap());
    for (code, cause) in [("store_failed", "disk 3"), ("handler_panicked", "the dough fell")] {
        let told: Vec<_> = text.lines().filter(|line| line.contains(cause)).collect();
        assert_eq!(told.len(), 1, "{text}");
        assert!(told[0].contains(code) && told[0].contains("\"correlation\":\"c-1\""), "{text}");
    }
}
