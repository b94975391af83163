//! `bench --instructions`: the instructions that one request takes, counted by callgrind.
//!
//! CPU time differs by tens of per cent between two runs on a shared machine;
//! instructions repeat to about 1 %. Both services run under callgrind with their
//! default log level, one log line per request included. One connection sends
//! `GET /hello` without a `traceparent`, so that each request is a new trace of eight
//! spans; the receiver in this process takes the spans. Each configuration runs twice
//! with different numbers of requests. The difference in instructions is divided by
//! the difference in requests: start, warm-up and shutdown cancel out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::tests::local::{Binaries, System, SystemConfig};
use ::tests::workspace;
use anyhow::{Context, Result, ensure};
use trace_contract::Receiver;

use super::build;
use crate::{console, program};

/// Requests of the shorter run, which warms up, and of the longer one.
///
/// Their difference fills a fixed number of export batches (512 spans each): 15 of
/// the gateway, 9 of hello.
const REQUESTS: [u32; 2] = [512, 2048];
/// Spans of one `GET /hello`.
const SPANS: u64 = 8;
/// How long the last spans may take to arrive after the services have ended.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);

/// One way to run the system.
struct Configuration {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    sampled: Sampled,
    /// The highest number of instructions per request, of both services together.
    limit: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sampled {
    All,
    Some,
    None,
}

const CONFIGURATIONS: [Configuration; 3] = [
    Configuration {
        name: "traced",
        variables: &[],
        sampled: Sampled::All,
        limit: Some(275_000),
    },
    Configuration {
        name: "untraced",
        variables: &[("OTEL_SDK_DISABLED", "true")],
        sampled: Sampled::None,
        limit: Some(215_000),
    },
    Configuration {
        name: "1 % sampled",
        variables: &[
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
        ],
        sampled: Sampled::Some,
        limit: None,
    },
];

/// Instructions per request.
struct Counts {
    gateway: u64,
    hello: u64,
}

/// Measures all configurations and prints a table. Returns whether no limit is exceeded.
///
/// # Errors
/// If valgrind is not installed, a request fails, or spans are lost.
pub(super) async fn run() -> Result<bool> {
    program::require(&["valgrind"])?;
    let services = build::services().await?;
    let directory = workspace().join("target/callgrind");
    fs::create_dir_all(&directory)?;
    let receiver = Receiver::bind("127.0.0.1:0").await?;
    receiver.store().keep(0);
    let mut measured = Vec::new();
    for configuration in &CONFIGURATIONS {
        let counts = per_request(configuration, &services, &receiver, &directory).await?;
        measured.push((configuration, counts));
    }
    Ok(print_table(&measured))
}

/// Prints the counts next to their limits. Returns whether no limit is exceeded.
fn print_table(measured: &[(&Configuration, Counts)]) -> bool {
    println!("instructions per request; release build with jemalloc, as in the images\n");
    println!(
        "{:<13} {:>9} {:>9} {:>9} {:>9}",
        "", "gateway", "hello", "both", "limit"
    );
    let mut within_limits = true;
    for (Configuration { name, limit, .. }, Counts { gateway, hello }) in measured {
        let both = gateway + hello;
        print!("{name:<13} {gateway:>9} {hello:>9} {both:>9}");
        match limit {
            Some(limit) if both > *limit => {
                within_limits = false;
                println!(" {limit:>9}  EXCEEDED");
            }
            Some(limit) => println!(" {limit:>9}  met"),
            None => println!(" {:>9}", "-"),
        }
    }
    within_limits
}

async fn per_request(
    configuration: &Configuration,
    services: &Binaries,
    receiver: &Receiver,
    directory: &Path,
) -> Result<Counts> {
    let [few, many] = REQUESTS;
    console::progress(format!(
        "{}: {few} requests, then {many}, under callgrind",
        configuration.name
    ));
    let short = totals(configuration, few, services, receiver, directory).await?;
    let long = totals(configuration, many, services, receiver, directory).await?;
    let difference = |short: u64, long: u64| long.saturating_sub(short) / u64::from(many - few);
    Ok(Counts {
        gateway: difference(short.gateway, long.gateway),
        hello: difference(short.hello, long.hello),
    })
}

/// The instructions of each service from its start to its end.
async fn totals(
    configuration: &Configuration,
    requests: u32,
    services: &Binaries,
    receiver: &Receiver,
    directory: &Path,
) -> Result<Counts> {
    receiver.store().clear();
    let [gateway, gateway_counts] = under_callgrind("gateway", &services.gateway, directory)?;
    let [hello, hello_counts] = under_callgrind("hello", &services.hello, directory)?;
    let programs = Binaries {
        gateway,
        hello,
        others: services.others.clone(),
    };
    let mut settings = SystemConfig::defaults()
        .binaries(&programs)
        .export_to(receiver.endpoint())
        // Under callgrind a request takes fifty times as long: no timeout may end one,
        // and only full batches are exported, however long they take to fill.
        .all("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .gateway("HELLO_TIMEOUT", "60s")
        .hello("GATEWAY_TIMEOUT", "60s");
    for (name, value) in configuration.variables {
        settings = settings.all(name, value);
    }
    let mut system = System::start(settings).await?;
    let sent = send(&system.url("/hello"), requests).await;
    sent.with_context(|| format!("a request under callgrind failed\n{}", system.report()))?;
    system.terminate().await?;
    arrived(configuration.sampled, requests, receiver).await?;
    Ok(Counts {
        gateway: summary(&gateway_counts)?,
        hello: summary(&hello_counts)?,
    })
}

/// Writes a script that runs `program` under callgrind; returns its path and that
/// of the file that callgrind writes at the end.
fn under_callgrind(name: &str, program: &Path, directory: &Path) -> Result<[PathBuf; 2]> {
    let script = directory.join(name);
    let counts = directory.join(format!("{name}.out"));
    let text = format!(
        "#!/bin/sh\nexec valgrind --tool=callgrind --quiet --callgrind-out-file='{}' '{}'\n",
        counts.display(),
        program.display()
    );
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    // The counts of an earlier run must not pass for those of this one.
    if counts.exists() {
        fs::remove_file(&counts)?;
    }
    Ok([script, counts])
}

/// Sends requests on one connection, each after the previous response.
async fn send(url: &str, requests: u32) -> Result<()> {
    let client = trace_contract::http_client::builder().no_proxy().build()?;
    for _ in 0..requests {
        let response = client.get(url).send().await?.error_for_status()?;
        response.bytes().await?;
    }
    Ok(())
}

/// Checks that the receiver has as many spans as the services have made.
async fn arrived(sampled: Sampled, requests: u32, receiver: &Receiver) -> Result<()> {
    let store = receiver.store();
    let expected = match sampled {
        Sampled::All => SPANS * u64::from(requests),
        Sampled::Some | Sampled::None => 0,
    };
    let all = store.wait_for("every span to arrive", ARRIVAL_TIMEOUT, |store| {
        store.span_count() >= expected
    });
    all.await.context("spans were lost")?;
    let actual = store.span_count();
    ensure!(
        sampled == Sampled::Some || actual == expected,
        "{actual} spans arrived, expected {expected}"
    );
    Ok(())
}

/// The number of instructions in callgrind's output file.
fn summary(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    parse_summary(&text).with_context(|| format!("{} has no line 'totals:'", path.display()))
}

fn parse_summary(text: &str) -> Option<u64> {
    let total = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    total.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read_from_callgrinds_output() {
        let text =
            "# callgrind format\nevents: Ir\nsummary: 12\n\nfn=(1) main\n3 12\n\ntotals: 34\n";
        assert_eq!(parse_summary(text), Some(34));
        assert_eq!(parse_summary("events: Ir\n"), None);
    }
}
