//! Opens the source of the trace: Jaeger, an OTLP receiver, or a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use trace_contract::{Jaeger, Receiver, Source, Store, TraceId, formats};

use crate::args::InputArgs;
use crate::failure::Failure;

/// The maximum size of a file, also after decompression: 512 MiB.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The source of the trace, ready to be read.
pub(crate) struct Input {
    pub(crate) source: Source,
    /// How long to wait for the trace; zero for a file.
    pub(crate) timeout: Duration,
    kind: Kind,
}

enum Kind {
    Jaeger,
    File(Store, String),
    Listening(Store, Receiver),
}

impl Input {
    /// Opens the source that the arguments select. `--file` and `--listen` take
    /// precedence over Jaeger, whose URL may come from the environment.
    pub(crate) async fn open(args: &InputArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.file {
            return Self::read(path);
        }
        if let Some(address) = &args.listen {
            return Self::listen(address, args.timeout).await;
        }
        let Some(url) = &args.jaeger else {
            return Err(Failure::not_checked(
                "no source for the trace: use --jaeger URL (or JAEGER_URL), --listen ADDRESS \
                 or --file FILE",
            ));
        };
        let jaeger = Jaeger::new(url).map_err(Failure::not_checked)?;
        Ok(Self {
            source: jaeger.into(),
            timeout: args.timeout,
            kind: Kind::Jaeger,
        })
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let store = read_store(path).map_err(|error| {
            Failure::not_checked(format!("cannot read {}: {error}", path.display()))
        })?;
        Ok(Self {
            source: store.clone().into(),
            timeout: Duration::ZERO,
            kind: Kind::File(store, path.display().to_string()),
        })
    }

    async fn listen(address: &str, timeout: Duration) -> Result<Self, Failure> {
        let receiver = Receiver::bind(address).await.map_err(|error| {
            Failure::not_checked(format!(
                "cannot listen on {address}: {error}. Use --listen with a free port, such as \
                 127.0.0.1:4318"
            ))
        })?;
        eprintln!("receiving OTLP/HTTP at {}", receiver.endpoint());
        Ok(Self {
            source: receiver.store().into(),
            timeout,
            kind: Kind::Listening(receiver.store(), receiver),
        })
    }

    /// How long the trace must stay unchanged; zero for a file.
    pub(crate) fn stable_for(&self, requested: Duration) -> Duration {
        match self.kind {
            Kind::File(..) => Duration::ZERO,
            Kind::Jaeger | Kind::Listening(..) => requested,
        }
    }

    /// The trace to use without a trace id and without a request: the only trace of the
    /// file, or the first that is received.
    pub(crate) async fn only_trace(&self) -> Result<TraceId, Failure> {
        match &self.kind {
            Kind::Jaeger => Err(Failure::not_checked(
                "no trace selected: use --url to send a request, or a trace id",
            )),
            Kind::File(store, path) => match store.trace_ids()[..] {
                [id] => Ok(id),
                [] => Err(Failure::not_checked(format!("{path} has no span"))),
                ref ids => Err(Failure::not_checked(format!(
                    "{path} has {} traces: select one by its id, such as {}",
                    ids.len(),
                    ids[0]
                ))),
            },
            Kind::Listening(store, receiver) => {
                let what = format!("a first span at {}", receiver.endpoint());
                let has_span = |store: &Store| store.span_count() > 0;
                store
                    .wait_for(&what, self.timeout, has_span)
                    .await
                    .map_err(Failure::not_checked)?;
                Ok(store.trace_ids()[0])
            }
        }
    }
}

/// Reads a file, and reports what was not read.
fn read_store(path: &Path) -> Result<Store, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    let contents = formats::read(&bytes, MAX_FILE_BYTES)?;
    for warning in contents.warnings {
        eprintln!("warning: {}: {warning}", path.display());
    }
    let store = Store::new();
    store.keep(usize::MAX);
    store.add(contents.spans);
    Ok(store)
}
