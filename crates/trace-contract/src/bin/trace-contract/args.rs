//! What can be said on the command line, and in the environment for a Job that
//! has no command line of its own.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use trace_contract::{SpanId, TraceId, Waterfall};

const AFTER_HELP: &str = "\
Exit status: 0 the contract is satisfied, 1 the trace differs, 2 it could not be checked.

Examples:
  trace-contract check --jaeger http://127.0.0.1:16686 --url http://127.0.0.1:8080/hello hello.yaml
  trace-contract record --jaeger http://127.0.0.1:16686 --url http://127.0.0.1:8080/hello -o hello.yaml
  trace-contract check --listen 127.0.0.1:4318 --url http://127.0.0.1:8080/hello hello.yaml
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
    /// Sends a request, waits for its whole trace, and says whether it satisfies the contracts.
    Check(CheckArgs),
    /// Shows a trace as a waterfall.
    Show(ShowArgs),
    /// Writes a first contract from the trace of a request.
    Record(RecordArgs),
    /// Prints the JSON Schema of the contract language.
    Schema,
}

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    /// The contracts, each of which the trace must satisfy.
    #[arg(required = true, value_name = "CONTRACT")]
    pub(crate) contracts: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) origin: OriginArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Check this trace, instead of sending a request.
    #[arg(long, value_name = "ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    /// The caller's span id that the root must have as its parent, with --trace-id or --file.
    #[arg(long, value_name = "SPAN_ID", conflicts_with = "url")]
    pub(crate) parent: Option<SpanId>,
    /// By how much the clocks of different services may be apart.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = humantime::parse_duration)]
    pub(crate) clock_skew: Duration,
    /// How long a satisfied contract must stay so: a span too many may come late.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = humantime::parse_duration)]
    pub(crate) settle: Duration,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The trace to show, instead of sending a request.
    #[arg(value_name = "TRACE_ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    #[command(flatten)]
    pub(crate) origin: OriginArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// Record this trace, instead of sending a request.
    #[arg(long, value_name = "ID", conflicts_with = "url")]
    pub(crate) trace_id: Option<TraceId>,
    #[command(flatten)]
    pub(crate) origin: OriginArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// The file to write, which must not exist; without it, the standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Where the trace is read from.
#[derive(Debug, clap::Args)]
pub(crate) struct OriginArgs {
    /// Read the trace from the Jaeger v2 whose query service is at this URL.
    #[arg(
        long,
        value_name = "URL",
        env = "JAEGER_URL",
        hide_env_values = true,
        help_heading = "Where the trace is read from"
    )]
    pub(crate) jaeger: Option<String>,
    /// Receive it here by OTLP/HTTP, instead: services export to `http://ADDRESS`.
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "file",
        help_heading = "Where the trace is read from"
    )]
    pub(crate) listen: Option<String>,
    /// Read it from a file of OTLP JSON or protobuf, instead; may be in gzip.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "url",
        help_heading = "Where the trace is read from"
    )]
    pub(crate) file: Option<PathBuf>,
    /// How long the whole trace is waited for, such as 30s or 500ms.
    #[arg(
        long,
        value_name = "TIME",
        env = "TRACE_CONTRACT_TIMEOUT",
        default_value = "30s",
        value_parser = humantime::parse_duration,
        help_heading = "Where the trace is read from"
    )]
    pub(crate) timeout: Duration,
}

/// The request whose trace it is.
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    /// Send a request to this URL, with a traceparent of its own.
    #[arg(
        long,
        env = "TRACE_CONTRACT_URL",
        hide_env_values = true,
        help_heading = "The request"
    )]
    pub(crate) url: Option<String>,
    /// The request's method.
    #[arg(short = 'X', long, default_value = "GET", help_heading = "The request")]
    pub(crate) method: String,
    /// A header of the request; can be given several times.
    #[arg(
        short = 'H',
        long = "header",
        value_name = "NAME: VALUE",
        help_heading = "The request"
    )]
    pub(crate) headers: Vec<String>,
    /// The request's body, or @FILE.
    #[arg(short = 'd', long, value_name = "BODY", help_heading = "The request")]
    pub(crate) body: Option<String>,
    /// The status that must be answered.
    #[arg(
        long,
        value_name = "STATUS",
        requires = "url",
        help_heading = "The request"
    )]
    pub(crate) expect_status: Option<u16>,
    /// The service starts a trace of its own, which its traceresponse header names.
    #[arg(long, requires = "url", help_heading = "The request")]
    pub(crate) new_trace: bool,
    /// First send it so many times at once, unsampled, until ten rounds in a row are answered, each
    /// request in --warm-up-within, with the expected status or any below 500. For at most --timeout.
    /// Behind pods that have just started or been replaced, a call may be tried again, or find an old
    /// one on a connection that was kept: such a trace says nothing of the system.
    #[arg(
        long,
        value_name = "REQUESTS",
        default_value_t = 0,
        help_heading = "The request"
    )]
    pub(crate) warm_up: usize,
    /// How long each answer may take then: less than a call that is tried again takes.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1s",
        value_parser = humantime::parse_duration,
        help_heading = "The request"
    )]
    pub(crate) warm_up_within: Duration,
}

/// How a waterfall is drawn.
#[derive(Debug, clap::Args)]
pub(crate) struct PictureArgs {
    /// Whether the waterfall is coloured.
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,
    /// How many columns the waterfall may take, at least 80.
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

impl PictureArgs {
    /// The waterfall of a trace, with a newline at its end.
    pub(crate) fn draw(&self, trace: &trace_contract::Trace) -> String {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let forbidden = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
                !forbidden && std::io::stdout().is_terminal()
            }
        };
        let waterfall = Waterfall::new(trace).width(self.width).color(color);
        format!("{waterfall}\n")
    }
}
