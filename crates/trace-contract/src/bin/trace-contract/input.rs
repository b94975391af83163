//! Opens the source of the trace: a backend, an OTLP receiver, or a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use trace_contract::{
    Authorities, ClientOptions, Jaeger, Receiver, Settled, Source, Store, Tempo, TraceId, formats,
};

use crate::args::InputArgs;
use crate::failure::Failure;
use crate::target::Target;

/// The maximum size of a file, also after decompression: 512 MiB.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The source of the trace, ready to be read.
pub(crate) struct Input {
    pub(crate) source: Source,
    /// How long to wait for the trace, and to compare it.
    pub(crate) timeout: Duration,
    /// The authorities that requests trust.
    pub(crate) ca: Authorities,
    kind: Kind,
}

enum Kind {
    Backend,
    File(Store, String),
    Listening(Store, Receiver),
}

impl Input {
    /// Opens the source that the arguments select. `--file` and `--listen` take
    /// precedence over a backend, whose URL may come from the environment.
    pub(crate) async fn open(args: &InputArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.file {
            return Self::read(path, args.timeout);
        }
        if let Some(address) = &args.listen {
            return Self::listen(address, args.timeout, authorities(args)?).await;
        }
        Ok(Self {
            source: backend(args)?,
            timeout: args.timeout,
            ca: authorities(args)?,
            kind: Kind::Backend,
        })
    }

    fn read(path: &Path, timeout: Duration) -> Result<Self, Failure> {
        let store = read_store(path).map_err(|error| {
            Failure::not_checked(format!("cannot read {}: {error}", path.display()))
        })?;
        Ok(Self {
            source: Source::File(store.clone()),
            timeout,
            ca: Authorities::default(),
            kind: Kind::File(store, path.display().to_string()),
        })
    }

    async fn listen(address: &str, timeout: Duration, ca: Authorities) -> Result<Self, Failure> {
        let receiver = Receiver::bind(address).await.map_err(|error| {
            Failure::not_checked(format!(
                "cannot listen on {address}: {error}. Use --listen with a free port, such as \
                 127.0.0.1:4318"
            ))
        })?;
        eprintln!("receiving OTLP (gRPC and HTTP) at {}", receiver.endpoint());
        Ok(Self {
            source: receiver.store().into(),
            timeout,
            ca,
            kind: Kind::Listening(receiver.store(), receiver),
        })
    }

    /// The trace, after nothing has arrived for `settle`.
    pub(crate) async fn settled_trace(
        &self,
        target: &Target,
        settle: Duration,
    ) -> Result<Settled, Failure> {
        let expectation = target.expectation.settle(settle);
        let id = target.trace_id;
        let settled = self.source.settled_trace(id, &expectation, self.timeout);
        settled.await.map_err(Failure::from)
    }

    /// The trace to use without a trace id and without a request: the only trace of the
    /// file, or the first that is received.
    pub(crate) async fn only_trace(&self) -> Result<TraceId, Failure> {
        match &self.kind {
            Kind::Backend => Err(Failure::not_checked(
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

/// The backend that the arguments select.
fn backend(args: &InputArgs) -> Result<Source, Failure> {
    let mut options = ClientOptions::default().trust(authorities(args)?);
    for line in &args.source_headers {
        options = options.header(line).map_err(Failure::not_checked)?;
    }
    let source = match (&args.jaeger, &args.tempo) {
        (Some(url), None) => Jaeger::with_options(url, &options).map(Source::from),
        (None, Some(url)) => Tempo::new(url, &options).map(Source::from),
        (Some(_), Some(_)) => {
            return Err(Failure::not_checked(
                "two sources for the trace: use either --jaeger (or JAEGER_URL) or --tempo (or \
                 TEMPO_URL)",
            ));
        }
        (None, None) => {
            return Err(Failure::not_checked(
                "no source for the trace: use --jaeger URL (or JAEGER_URL), --tempo URL (or \
                 TEMPO_URL), --listen ADDRESS or --file FILE",
            ));
        }
    };
    source.map_err(Failure::not_checked)
}

/// The certificate authorities of `--ca`.
fn authorities(args: &InputArgs) -> Result<Authorities, Failure> {
    match &args.ca {
        None => Ok(Authorities::default()),
        Some(path) => Authorities::from_pem_file(path).map_err(Failure::not_checked),
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
