//! From the environment to [`Config`]: one function per group of the specification.

use std::ffi::OsString;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::environment::{Environment, MAX_INTEGER};
use super::error::ConfigError;
use super::model::{
    BatchConfig, Config, ExporterKind, Limits, PropagatorKind, SamplerKind, ServiceInfo,
};
use super::{otlp, resource};

/// With a configuration file the specification ignores every other variable.
const CONFIG_FILES: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

impl Config {
    /// Reads the process's environment; see [`Config::from_vars`].
    pub fn from_env(service: ServiceInfo) -> Result<Self, ConfigError> {
        Self::from_vars(service, |name| std::env::var_os(name))
    }

    /// Reads every variable of [`VARIABLES`](super::VARIABLES) through `lookup`.
    /// An empty value counts as unset, as the OpenTelemetry specification requires.
    ///
    /// # Errors
    /// Every invalid variable.
    pub fn from_vars(
        service: ServiceInfo,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut env = Environment::new(&lookup);
        let config = read(&mut env, service);
        if env.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::new(env.problems))
        }
    }
}

fn read(env: &mut Environment<'_>, service: ServiceInfo) -> Config {
    for variable in CONFIG_FILES {
        if let Some(path) = env.text(variable) {
            let hint =
                "must be unset: configuration files are not supported, only OTEL_* variables";
            env.problem(variable, &path, hint);
        }
    }
    let disabled = disabled(env);
    let exporter = exporter(env);
    Config {
        disabled,
        propagators: propagators(env),
        exporter,
        sampler: sampler(env),
        batch: batch(env),
        // A service that does not export must start whatever the OTLP variables are.
        otlp: if disabled || exporter != ExporterKind::Otlp {
            otlp::defaults()
        } else {
            otlp::read(env)
        },
        limits: limits(env),
        log: log(env),
        resource: resource::read(env, service),
    }
}

fn disabled(env: &mut Environment<'_>) -> bool {
    let choices = [("true", true), ("false", false)];
    env.choice("OTEL_SDK_DISABLED", &choices, "must be true or false")
        .unwrap_or(false)
}

fn propagators(env: &mut Environment<'_>) -> Vec<PropagatorKind> {
    const VARIABLE: &str = "OTEL_PROPAGATORS";
    let Some(text) = env.text(VARIABLE) else {
        return vec![PropagatorKind::TraceContext, PropagatorKind::Baggage];
    };
    let names: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect();
    let mut kinds = Vec::new();
    for name in &names {
        let kind = match name.to_ascii_lowercase().as_str() {
            "tracecontext" => PropagatorKind::TraceContext,
            "baggage" => PropagatorKind::Baggage,
            "b3" => PropagatorKind::B3,
            "b3multi" => PropagatorKind::B3Multi,
            "jaeger" => PropagatorKind::Jaeger,
            "none" if names.iter().all(|n| n.eq_ignore_ascii_case("none")) => continue,
            "none" => {
                env.problem(VARIABLE, &text, "none must be the only entry");
                continue;
            }
            _ => {
                let hint =
                    "each entry must be one of tracecontext, baggage, b3, b3multi, jaeger, none";
                env.problem(VARIABLE, name, hint);
                continue;
            }
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn exporter(env: &mut Environment<'_>) -> ExporterKind {
    let choices = [
        ("otlp", ExporterKind::Otlp),
        ("console", ExporterKind::Console),
        ("none", ExporterKind::None),
    ];
    let hint = "must be one of otlp, console, none; a Collector converts OTLP to other formats";
    env.choice("OTEL_TRACES_EXPORTER", &choices, hint)
        .unwrap_or(ExporterKind::Otlp)
}

fn sampler(env: &mut Environment<'_>) -> SamplerKind {
    const VARIABLE: &str = "OTEL_TRACES_SAMPLER";
    const ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
    let Some(text) = env.text(VARIABLE) else {
        if let Some(arg) = env.text(ARG) {
            // Ignoring it would sample 100 % instead of, say, 1 %.
            let hint = "requires OTEL_TRACES_SAMPLER=parentbased_traceidratio (or traceidratio)";
            env.problem(ARG, &arg, hint);
        }
        return SamplerKind::ParentBasedAlwaysOn;
    };
    match text.to_ascii_lowercase().as_str() {
        "always_on" => SamplerKind::AlwaysOn,
        "always_off" => SamplerKind::AlwaysOff,
        "traceidratio" => SamplerKind::TraceIdRatio(ratio(env, ARG)),
        "parentbased_always_on" => SamplerKind::ParentBasedAlwaysOn,
        "parentbased_always_off" => SamplerKind::ParentBasedAlwaysOff,
        "parentbased_traceidratio" => SamplerKind::ParentBasedTraceIdRatio(ratio(env, ARG)),
        _ => {
            let hint = "must be one of always_on, always_off, traceidratio, parentbased_always_on, \
                        parentbased_always_off, parentbased_traceidratio";
            env.problem(VARIABLE, &text, hint);
            SamplerKind::ParentBasedAlwaysOn
        }
    }
}

fn ratio(env: &mut Environment<'_>, variable: &'static str) -> f64 {
    let Some(text) = env.text(variable) else {
        return 1.0;
    };
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            env.problem(
                variable,
                &text,
                "must be a number from 0 to 1, such as 0.25",
            );
            1.0
        }
    }
}

fn batch(env: &mut Environment<'_>) -> BatchConfig {
    const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
    const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    let queue = env.integer(QUEUE, 1..=MAX_INTEGER).unwrap_or(16_384);
    let batch = env.integer(BATCH, 1..=MAX_INTEGER);
    if let Some(batch) = batch.filter(|&batch| batch > queue) {
        let hint = format!("must be at most {QUEUE}, which is {queue}");
        env.problem(BATCH, &batch.to_string(), hint);
    }
    BatchConfig {
        max_queue_size: size(queue),
        max_export_batch_size: size(batch.unwrap_or_else(|| queue.min(2048))),
        schedule_delay: env
            .duration("OTEL_BSP_SCHEDULE_DELAY")
            .unwrap_or(Duration::from_secs(1)),
        export_timeout: env
            .timeout("OTEL_BSP_EXPORT_TIMEOUT")
            .unwrap_or(Duration::from_secs(30)),
    }
}

fn limits(env: &mut Environment<'_>) -> Limits {
    let mut limit = |variable| env.integer(variable, 0..=MAX_INTEGER);
    // The general limits are read even if the span's own override them, so that
    // an invalid one is always reported.
    let all_attributes = limit("OTEL_ATTRIBUTE_COUNT_LIMIT");
    let all_lengths = limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    Limits {
        attributes: limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")
            .or(all_attributes)
            .unwrap_or(128),
        attribute_value_length: limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")
            .or(all_lengths)
            .map(size),
        events: limit("OTEL_SPAN_EVENT_COUNT_LIMIT").unwrap_or(128),
        links: limit("OTEL_SPAN_LINK_COUNT_LIMIT").unwrap_or(128),
        attributes_per_event: limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT").unwrap_or(128),
        attributes_per_link: limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT").unwrap_or(128),
    }
}

fn log(env: &mut Environment<'_>) -> Targets {
    const VARIABLE: &str = "RUST_LOG";
    let info = Targets::new().with_default(LevelFilter::INFO);
    let Some(text) = env.text(VARIABLE) else {
        return info;
    };
    text.parse().unwrap_or_else(|_| {
        let hint = "must be a level, or targets with levels, as in info,http=warn";
        env.problem(VARIABLE, &text, hint);
        info
    })
}

fn size(number: u32) -> usize {
    usize::try_from(number)
        .expect("a usize has at least 32 bits on every platform that tokio supports")
}
