//! From variables to [`Settings`]: one function a group of the specification.

use std::ffi::OsString;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::vars::{MAX_INTEGER, Vars};
use super::{
    BatchSettings, ExporterKind, Limits, PropagatorKind, SamplerKind, ServiceInfo, Settings,
    SettingsError, attributes, otlp,
};

/// Set to another configuration, they would make every variable read here void.
const CONFIG_FILES: [&str; 2] = ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

pub(super) fn settings(
    service: ServiceInfo,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Settings, SettingsError> {
    let mut vars = Vars::new(lookup);
    for variable in CONFIG_FILES {
        if let Some(path) = vars.text(variable) {
            vars.problem(
                variable,
                &path,
                "must be unset: configuration files are not read here, only OTEL_* variables",
            );
        }
    }
    let disabled = disabled(&mut vars);
    let exporter = exporter(&mut vars);
    let settings = Settings {
        disabled,
        propagators: propagators(&mut vars),
        exporter,
        sampler: sampler(&mut vars),
        batch: batch(&mut vars),
        // Who turns the exporter off because of what it cannot do must be able to start.
        otlp: if disabled || exporter != ExporterKind::Otlp {
            otlp::defaults()
        } else {
            otlp::read(&mut vars)
        },
        limits: limits(&mut vars),
        log: log(&mut vars),
        resource: attributes::resource(&mut vars, service),
    };
    if vars.problems.is_empty() {
        Ok(settings)
    } else {
        Err(SettingsError::new(vars.problems))
    }
}

fn disabled(vars: &mut Vars<'_>) -> bool {
    const VARIABLE: &str = "OTEL_SDK_DISABLED";
    let Some(text) = vars.text(VARIABLE) else {
        return false;
    };
    match text.to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => {
            vars.problem(VARIABLE, &text, "must be true or false");
            false
        }
    }
}

fn propagators(vars: &mut Vars<'_>) -> Vec<PropagatorKind> {
    const VARIABLE: &str = "OTEL_PROPAGATORS";
    let Some(text) = vars.text(VARIABLE) else {
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
                vars.problem(VARIABLE, &text, "none must stand alone");
                continue;
            }
            _ => {
                vars.problem(
                    VARIABLE,
                    name,
                    "each must be one of tracecontext, baggage, b3, b3multi, jaeger, none",
                );
                continue;
            }
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn exporter(vars: &mut Vars<'_>) -> ExporterKind {
    const VARIABLE: &str = "OTEL_TRACES_EXPORTER";
    let Some(text) = vars.text(VARIABLE) else {
        return ExporterKind::Otlp;
    };
    match text.to_ascii_lowercase().as_str() {
        "otlp" => ExporterKind::Otlp,
        "console" => ExporterKind::Console,
        "none" => ExporterKind::None,
        _ => {
            vars.problem(
                VARIABLE,
                &text,
                "must be one of otlp, console, none; a Collector turns OTLP into other formats",
            );
            ExporterKind::Otlp
        }
    }
}

fn sampler(vars: &mut Vars<'_>) -> SamplerKind {
    const VARIABLE: &str = "OTEL_TRACES_SAMPLER";
    const ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
    let Some(text) = vars.text(VARIABLE) else {
        if let Some(arg) = vars.text(ARG) {
            // Ignored in silence, a wish for 1 % would become 100 %.
            vars.problem(
                ARG,
                &arg,
                "needs OTEL_TRACES_SAMPLER=parentbased_traceidratio (or traceidratio) beside it",
            );
        }
        return SamplerKind::ParentBasedAlwaysOn;
    };
    match text.to_ascii_lowercase().as_str() {
        "always_on" => SamplerKind::AlwaysOn,
        "always_off" => SamplerKind::AlwaysOff,
        "traceidratio" => SamplerKind::TraceIdRatio(ratio(vars, ARG)),
        "parentbased_always_on" => SamplerKind::ParentBasedAlwaysOn,
        "parentbased_always_off" => SamplerKind::ParentBasedAlwaysOff,
        "parentbased_traceidratio" => SamplerKind::ParentBasedTraceIdRatio(ratio(vars, ARG)),
        _ => {
            vars.problem(
                VARIABLE,
                &text,
                "must be one of always_on, always_off, traceidratio, parentbased_always_on, \
                 parentbased_always_off, parentbased_traceidratio",
            );
            SamplerKind::ParentBasedAlwaysOn
        }
    }
}

fn ratio(vars: &mut Vars<'_>, variable: &'static str) -> f64 {
    let Some(text) = vars.text(variable) else {
        return 1.0;
    };
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            vars.problem(
                variable,
                &text,
                "must be a number from 0 to 1, such as 0.25",
            );
            1.0
        }
    }
}

fn batch(vars: &mut Vars<'_>) -> BatchSettings {
    const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
    const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    let queue = vars.integer(QUEUE, 1..=MAX_INTEGER).unwrap_or(16_384);
    let batch = vars.integer(BATCH, 1..=MAX_INTEGER);
    if let Some(batch) = batch.filter(|&batch| batch > queue) {
        let remedy = format!("must be at most {QUEUE}, which is {queue}");
        vars.problem(BATCH, &batch.to_string(), remedy);
    }
    BatchSettings {
        max_queue_size: size(queue),
        max_export_batch_size: size(batch.unwrap_or_else(|| queue.min(2048))),
        schedule_delay: vars
            .duration("OTEL_BSP_SCHEDULE_DELAY")
            .unwrap_or(Duration::from_secs(1)),
        export_timeout: vars
            .timeout("OTEL_BSP_EXPORT_TIMEOUT")
            .unwrap_or(Duration::from_secs(30)),
    }
}

fn limits(vars: &mut Vars<'_>) -> Limits {
    let mut limit = |variable| vars.integer(variable, 0..=MAX_INTEGER);
    // Both are read before one is chosen, so that a bad one is always named.
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

fn log(vars: &mut Vars<'_>) -> Targets {
    const VARIABLE: &str = "RUST_LOG";
    let all = Targets::new().with_default(LevelFilter::INFO);
    let Some(text) = vars.text(VARIABLE) else {
        return all;
    };
    text.parse().unwrap_or_else(|_| {
        vars.problem(
            VARIABLE,
            &text,
            "must be a level, or targets with levels, as in info,http=warn",
        );
        all
    })
}

fn size(number: u32) -> usize {
    usize::try_from(number).expect("a usize has at least 32 bits where tokio runs")
}
