//! From the environment to [`Config`]: one function per group of the specification.

use std::ffi::OsString;
use std::time::Duration;

use super::environment::{Environment, MAX_INTEGER};
use super::error::{ConfigError, Problem};
use super::model::{
    BatchConfig, Config, ExporterKind, Limits, PropagatorKind, SamplerKind, ServiceInfo,
};
use super::{log, names, otlp, own, resource, unsupported};

impl Config {
    /// Reads the process's environment; see [`Config::from_vars`]. A name that is
    /// similar to that of a known variable is a problem, too.
    ///
    /// # Errors
    /// As [`Config::from_vars`].
    pub fn from_env(service: ServiceInfo) -> Result<Self, ConfigError> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self::from_named_vars(service, |name| std::env::var_os(name), names)
    }

    /// Reads every variable of [`VARIABLES`](super::VARIABLES) through `lookup`.
    /// An empty value counts as unset, as the OpenTelemetry specification requires.
    ///
    /// An invalid value of an `OTEL_*` variable is in [`Config::warnings`], and the
    /// default is used, as the specification requires.
    ///
    /// # Errors
    /// Every invalid value of another variable. With `TELEMETRY_STRICT=true`, each
    /// warning is an error.
    pub fn from_vars(
        service: ServiceInfo,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        Self::from_named_vars(service, lookup, std::iter::empty())
    }

    pub(super) fn from_named_vars(
        service: ServiceInfo,
        lookup: impl Fn(&str) -> Option<OsString>,
        names: impl Iterator<Item = String>,
    ) -> Result<Self, ConfigError> {
        let mut env = Environment::new(&lookup);
        let strict = own::strict(&mut env);
        let mut config = read(&mut env, service);
        unsupported::check(&mut env);
        names::check(&mut env, names);
        if strict && !env.problems.is_empty() {
            return Err(ConfigError::new(env.problems));
        }
        let is_warning = |problem: &Problem| problem.fallback.is_some();
        let (warnings, errors): (Vec<_>, Vec<_>) = env.problems.into_iter().partition(is_warning);
        if !errors.is_empty() {
            return Err(ConfigError::new(errors));
        }
        config.warnings = warnings;
        Ok(config)
    }
}

fn read(env: &mut Environment<'_>, service: ServiceInfo) -> Config {
    let disabled = env.boolean("OTEL_SDK_DISABLED").unwrap_or(false);
    let exporter = exporter(env);
    Config {
        disabled,
        propagators: propagators(env),
        exporter,
        sampler: sampler(env),
        batch: batch(env),
        // A service that does not export needs no valid endpoint.
        otlp: if disabled || exporter != ExporterKind::Otlp {
            otlp::without_export(env)
        } else {
            otlp::read(env)
        },
        limits: limits(env),
        log: log::read(env),
        resource: resource::read(env, service),
        warnings: Vec::new(),
    }
}

fn propagators(env: &mut Environment<'_>) -> Vec<PropagatorKind> {
    const VARIABLE: &str = "OTEL_PROPAGATORS";
    const IGNORED: &str = "this entry is ignored";
    let default = vec![PropagatorKind::TraceContext, PropagatorKind::Baggage];
    let Some(text) = env.text(VARIABLE) else {
        return default;
    };
    let names = text.split(',').map(str::trim).filter(|n| !n.is_empty());
    let (none, names): (Vec<&str>, Vec<&str>) = names.partition(|n| n.eq_ignore_ascii_case("none"));
    if !none.is_empty() && !names.is_empty() {
        env.warn(
            VARIABLE,
            Some(&text),
            "none must be the only entry",
            IGNORED,
        );
    }
    let mut kinds = Vec::new();
    for name in &names {
        match propagator(name) {
            // The specification requires each propagator to be registered once.
            Some(kind) if kinds.contains(&kind) => {}
            Some(kind) => kinds.push(kind),
            None => {
                let hint =
                    "each entry must be one of tracecontext, baggage, b3, b3multi, jaeger, none";
                env.warn(VARIABLE, Some(name), hint, IGNORED);
            }
        }
    }
    if kinds.is_empty() && none.is_empty() {
        // No entry is valid: as if the variable was not set.
        return default;
    }
    kinds
}

fn propagator(name: &str) -> Option<PropagatorKind> {
    Some(match name.to_ascii_lowercase().as_str() {
        "tracecontext" => PropagatorKind::TraceContext,
        "baggage" => PropagatorKind::Baggage,
        "b3" => PropagatorKind::B3,
        "b3multi" => PropagatorKind::B3Multi,
        "jaeger" => PropagatorKind::Jaeger,
        _ => return None,
    })
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
    let name = env.text(VARIABLE);
    let sampler = match name.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("always_on") => SamplerKind::AlwaysOn,
        Some("always_off") => SamplerKind::AlwaysOff,
        Some("traceidratio") => return SamplerKind::TraceIdRatio(ratio(env)),
        Some("parentbased_traceidratio") => {
            return SamplerKind::ParentBasedTraceIdRatio(ratio(env));
        }
        Some("parentbased_always_on") | None => SamplerKind::ParentBasedAlwaysOn,
        Some("parentbased_always_off") => SamplerKind::ParentBasedAlwaysOff,
        Some(_) => {
            let hint = "must be one of always_on, always_off, traceidratio, parentbased_always_on, \
                        parentbased_always_off, parentbased_traceidratio";
            env.problem(VARIABLE, &name.unwrap_or_default(), hint);
            SamplerKind::ParentBasedAlwaysOn
        }
    };
    if let Some(arg) = env.text(SAMPLER_ARG) {
        let hint = "is used only with OTEL_TRACES_SAMPLER=parentbased_traceidratio or traceidratio";
        env.warn(SAMPLER_ARG, Some(&arg), hint, "it is ignored");
    }
    sampler
}

const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

fn ratio(env: &mut Environment<'_>) -> f64 {
    let Some(text) = env.text(SAMPLER_ARG) else {
        return 1.0;
    };
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            let hint = "must be a number from 0 to 1, such as 0.25";
            env.problem(SAMPLER_ARG, &text, hint);
            1.0
        }
    }
}

fn batch(env: &mut Environment<'_>) -> BatchConfig {
    const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
    const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    let queue = env.integer(QUEUE, 1..=MAX_INTEGER).unwrap_or(16_384);
    let default = queue.min(2048);
    let mut batch = env.integer(BATCH, 1..=MAX_INTEGER).unwrap_or(default);
    if batch > queue {
        let hint = format!("must be at most {QUEUE}, which is {queue}");
        let fallback = format!("{default} is used");
        env.warn(BATCH, Some(&batch.to_string()), hint, &fallback);
        batch = default;
    }
    let delay = env.duration("OTEL_BSP_SCHEDULE_DELAY");
    BatchConfig {
        max_queue_size: size(queue),
        max_export_batch_size: size(batch),
        // Zero means as soon as possible: a millisecond is the timer's resolution.
        schedule_delay: delay.map_or(Duration::from_secs(1), |delay| {
            delay.max(Duration::from_millis(1))
        }),
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

fn size(number: u32) -> usize {
    usize::try_from(number)
        .expect("a usize has at least 32 bits on every platform that tokio supports")
}
