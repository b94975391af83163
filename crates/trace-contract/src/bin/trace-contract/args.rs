//! The command line, and the environment variables that a Job may use instead.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use trace_contract::{Expectation, SpanId, TraceId, Waterfall};

const AFTER_HELP: &str = "\
Exit status: 0 the contract is satisfied, 1 the trace differs, 2 it could not be checked.

Examples:
  trace-contract check --jaeger http://127.0.0.1:16686 --url http://127.0.0.1:8080/hello hello.yaml
  trace-contract check --listen 127.0.0.1:4318 --url http://127.0.0.1:8080/hello hello.yaml
  trace-contract record --listen 127.0.0.1:4318 --url http://127.0.0.1:8080/hello -o hello.yaml
  trace-contract show --jaeger http://127.0.0.1:16686 4bf92f3577b34da6a3ce929d0e0e4736";

/// Checks the trace of one request against a contract.
#[derive(Debug, Parser)]
#[command(name = "trace-contract", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a request, wait for its complete trace, and check it against the contracts.
    Check(CheckArgs),
    /// Show a trace as a waterfall.
    Show(ShowArgs),
    /// Write a first contract from the trace of a request.
    Record(RecordArgs),
    /// Print the JSON Schema of the contract language.
    Schema,
}

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    /// Contract files; the trace must satisfy all of them.
    #[arg(required = true, value_name = "CONTRACT")]
    pub(crate) contracts: Vec<PathBuf>,
    /// Check this trace instead of sending a request.
    #[arg(long, value_name = "ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    /// The required parent of the root span, with --trace-id or --file.
    #[arg(long, value_name = "SPAN_ID", conflicts_with = "url")]
    pub(crate) parent: Option<SpanId>,
    #[command(flatten)]
    pub(crate) clocks: ClockArgs,
    #[command(flatten)]
    pub(crate) waterfall: WaterfallArgs,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Show this trace instead of sending a request.
    #[arg(value_name = "TRACE_ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    #[command(flatten)]
    pub(crate) waterfall: WaterfallArgs,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// Record this trace instead of sending a request.
    #[arg(long, value_name = "ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    /// Write the contract to this new file instead of the standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) clocks: ClockArgs,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

/// Which times are possible.
#[derive(Debug, clap::Args)]
pub(crate) struct ClockArgs {
    /// How far the clocks of different instances may differ.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = humantime::parse_duration)]
    pub(crate) clock_skew: Duration,
    /// How far the times of spans of one instance may differ. Some runtimes, such as browsers,
    /// have times of different resolution.
    #[arg(long, value_name = "TIME", default_value = "1us", value_parser = humantime::parse_duration)]
    pub(crate) same_instance_skew: Duration,
}

impl ClockArgs {
    pub(crate) fn apply(&self, expectation: Expectation) -> Expectation {
        Expectation {
            clock_skew: self.clock_skew,
            same_instance_skew: self.same_instance_skew,
            ..expectation
        }
    }
}

// This group and the next come last in each command: a help heading applies to all
// arguments after it.
/// Where the trace is read from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where the trace is read from")]
pub(crate) struct InputArgs {
    /// Read the trace from Jaeger v2, whose query service has this URL.
    #[arg(long, value_name = "URL", env = "JAEGER_URL", hide_env_values = true)]
    pub(crate) jaeger: Option<String>,
    /// Read the trace from Grafana Tempo, whose query frontend has this URL.
    #[arg(long, value_name = "URL", env = "TEMPO_URL", hide_env_values = true)]
    pub(crate) tempo: Option<String>,
    /// A header of the queries to --jaeger or --tempo, such as 'X-Scope-OrgID: team'; may be
    /// repeated. A secret is safer in the environment variable.
    #[arg(
        long = "source-header",
        value_name = "NAME: VALUE",
        env = "TRACE_CONTRACT_SOURCE_HEADER",
        hide_env_values = true
    )]
    pub(crate) source_headers: Vec<String>,
    /// For HTTPS, also trust the certificate authorities in this PEM file.
    #[arg(long, value_name = "FILE", env = "TRACE_CONTRACT_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// Receive the trace over OTLP (gRPC, or HTTP with protobuf or JSON) on this address; services
    /// export to `http://ADDRESS`.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    pub(crate) listen: Option<String>,
    /// Read the trace from a file: OTLP, Jaeger, Tempo or Zipkin v2; the format is detected. It may be
    /// compressed with gzip or zstd.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub(crate) file: Option<PathBuf>,
    /// How long to wait for the complete trace, such as 30s or 500ms.
    #[arg(
        long,
        value_name = "TIME",
        env = "TRACE_CONTRACT_TIMEOUT",
        default_value = "30s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
    /// For how long nothing must have arrived before the trace counts as complete. SDKs export
    /// every 5 seconds by default; use less only if all services export more often
    /// (`OTEL_BSP_SCHEDULE_DELAY`). A file, and a trace that ended more than five minutes ago,
    /// are complete without a wait.
    #[arg(
        long,
        value_name = "TIME",
        env = "TRACE_CONTRACT_SETTLE",
        default_value = "6s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) settle: Duration,
}

/// The request whose trace is checked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The request")]
pub(crate) struct RequestArgs {
    /// Send a request to this URL, with a new traceparent.
    #[arg(long, env = "TRACE_CONTRACT_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// The method of the request.
    #[arg(short = 'X', long, default_value = "GET")]
    pub(crate) method: String,
    /// A header of the request; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// The body of the request, or @FILE.
    #[arg(short = 'd', long, value_name = "BODY")]
    pub(crate) body: Option<String>,
    /// The required status of the response.
    #[arg(long, value_name = "STATUS", requires = "url")]
    pub(crate) expect_status: Option<u16>,
    /// The service starts a new trace and returns its id in the traceresponse header.
    #[arg(long, requires = "url")]
    pub(crate) new_trace: bool,
    /// Before the request, send rounds of this many concurrent unsampled requests, until ten rounds
    /// in a row succeed: each request within --warm-up-within, with the expected status, or any below
    /// 500. Gives up after --timeout. Use it right after a deployment: clients may retry calls to
    /// pods that are starting, and may still be connected to pods that are stopping, and the trace
    /// would show that.
    #[arg(long, value_name = "REQUESTS", default_value_t = 0)]
    pub(crate) warm_up: usize,
    /// The maximum time of a response during the warm-up; less than a call with a retry takes.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) warm_up_within: Duration,
}

/// How the waterfall is drawn.
#[derive(Debug, clap::Args)]
pub(crate) struct WaterfallArgs {
    /// Whether the waterfall has colours.
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,
    /// The width of the waterfall in columns, at least 80.
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

impl WaterfallArgs {
    /// The waterfall of a trace, with a newline at its end.
    pub(crate) fn draw(&self, trace: &trace_contract::Trace) -> String {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
                !no_color && std::io::stdout().is_terminal()
            }
        };
        let waterfall = Waterfall::new(trace).width(self.width).color(color);
        format!("{waterfall}\n")
    }
}
