//! `RUST_LOG` and `OTEL_LOG_LEVEL`: the log lines that are written.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::environment::Environment;

/// The target of warnings about the configuration.
pub(crate) const CONFIG_TARGET: &str = "telemetry::config";

/// The targets of the SDK's own log lines, to which `OTEL_LOG_LEVEL` applies. The
/// access log and the service's lines are not the SDK's.
const SDK_TARGETS: [&str; 6] = [
    CONFIG_TARGET,
    "telemetry::init",
    "telemetry::pipeline",
    "telemetry::tls",
    "opentelemetry",
    "opentelemetry_sdk",
];

/// `RUST_LOG`, with `OTEL_LOG_LEVEL` for the SDK's own lines.
pub(super) fn read(env: &mut Environment<'_>) -> Targets {
    let rust_log = rust_log(env);
    let named: Vec<String> = rust_log
        .iter()
        .map(|(target, _)| target.to_owned())
        .collect();
    let add = |targets: Targets, target: &str, level| {
        if named.iter().any(|named| named == target) {
            targets
        } else {
            targets.with_target(target, level)
        }
    };
    match sdk_level(env) {
        Some(level) => SDK_TARGETS
            .into_iter()
            .fold(rust_log, |targets, target| add(targets, target, level)),
        // A quiet log must not hide that a setting has no effect.
        None => add(rust_log, CONFIG_TARGET, LevelFilter::WARN),
    }
}

fn rust_log(env: &mut Environment<'_>) -> Targets {
    const VARIABLE: &str = "RUST_LOG";
    let info = Targets::new().with_default(LevelFilter::INFO);
    let Some(text) = env.text(VARIABLE) else {
        return info;
    };
    text.parse().unwrap_or_else(|_| {
        let hint = "must be a level, or targets with levels, as in info,http=warn";
        env.error(VARIABLE, Some(&text), hint);
        info
    })
}

/// The specification names the variable, but not its values.
fn sdk_level(env: &mut Environment<'_>) -> Option<LevelFilter> {
    let levels = [
        ("none", LevelFilter::OFF),
        ("off", LevelFilter::OFF),
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("info", LevelFilter::INFO),
        ("debug", LevelFilter::DEBUG),
        ("trace", LevelFilter::TRACE),
    ];
    let hint = "must be one of none, error, warn, info, debug, trace";
    env.choice("OTEL_LOG_LEVEL", &levels, hint)
}
