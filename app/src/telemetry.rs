//! Logs and metrics of the process.

use std::io::IsTerminal;

use base::Fault;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Seconds, from a tenth of a millisecond to ten seconds.
const SECONDS: [f64; 16] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Counts, in powers of two.
const COUNTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Writes logs to the standard error: as JSON lines, or for people where a person looks. `COMANDA_LOG` filters them.
pub fn begin_logs() {
    let filter = EnvFilter::try_from_env("COMANDA_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
}

/// Collects metrics for Prometheus.
pub fn begin_metrics() -> Result<PrometheusHandle, Fault> {
    let failed = |error| Fault::internal("metrics_failed", "The metrics could not be set up.").because(format!("{error:?}"));
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_per_flush".to_owned()), &COUNTS))
        .map_err(failed)?
        .install_recorder()
        .map_err(failed)
}
