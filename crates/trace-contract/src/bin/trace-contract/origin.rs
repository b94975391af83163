//! Where the trace is read from: a Jaeger, an OTLP receiver of our own, or a file.

use std::path::Path;
use std::time::Duration;

use trace_contract::{Jaeger, Receiver, Source, Store, TraceId, otlp};

use crate::args::OriginArgs;
use crate::failure::Failure;

/// As much as a file may hold when it is unpacked.
const FILE_LIMIT: u64 = 1 << 30;

/// Where the trace is read from, ready to be read.
pub(crate) struct Origin {
    pub(crate) source: Source,
    /// How long the trace is waited for; what is in a file is all there is.
    pub(crate) timeout: Duration,
    kind: Kind,
}

enum Kind {
    Jaeger,
    File(Store, String),
    Listening(Store, Receiver),
}

impl Origin {
    /// Opens what the arguments name.
    pub(crate) async fn open(args: &OriginArgs) -> Result<Self, Failure> {
        // A JAEGER_URL of the environment does not stand against what was said.
        if let Some(path) = &args.file {
            let store = read(path)?;
            return Ok(Self {
                source: store.clone().into(),
                timeout: Duration::ZERO,
                kind: Kind::File(store, path.display().to_string()),
            });
        }
        if let Some(address) = &args.listen {
            let receiver = Receiver::bind(address.as_str()).await.map_err(|error| {
                Failure::not_checked(format!(
                    "cannot listen on {address}: {error}. Write --listen like 127.0.0.1:4318, \
                     with a port that is free"
                ))
            })?;
            eprintln!("receiving OTLP/HTTP at {}", receiver.endpoint());
            return Ok(Self {
                source: receiver.store().into(),
                timeout: args.timeout,
                kind: Kind::Listening(receiver.store(), receiver),
            });
        }
        let Some(url) = &args.jaeger else {
            return Err(Failure::not_checked(
                "no word of where the trace is: give --jaeger URL (or JAEGER_URL), \
                 --listen ADDRESS or --file FILE",
            ));
        };
        let jaeger = Jaeger::new(url).map_err(Failure::not_checked)?;
        Ok(Self {
            source: jaeger.into(),
            timeout: args.timeout,
            kind: Kind::Jaeger,
        })
    }

    /// How long the trace must stay as it is: what is in a file does.
    pub(crate) fn settle(&self, asked: Duration) -> Duration {
        match self.kind {
            Kind::File(..) => Duration::ZERO,
            Kind::Jaeger | Kind::Listening(..) => asked,
        }
    }

    /// The trace that is meant where none was named and no request was sent: the
    /// only one of a file, or the first one that is received.
    pub(crate) async fn only_trace(&self) -> Result<TraceId, Failure> {
        match &self.kind {
            Kind::Jaeger => Err(Failure::not_checked(
                "no word of which trace: give --url to send a request, or a trace id",
            )),
            Kind::File(store, path) => match store.trace_ids()[..] {
                [id] => Ok(id),
                [] => Err(Failure::not_checked(format!("{path} has no span"))),
                ref ids => Err(Failure::not_checked(format!(
                    "{path} has {} traces: say which, by its id, such as {}",
                    ids.len(),
                    ids[0]
                ))),
            },
            Kind::Listening(store, receiver) => {
                let what = format!("a first span at {}", receiver.endpoint());
                let some = |store: &Store| store.span_count() > 0;
                store
                    .wait_for(&what, self.timeout, some)
                    .await
                    .map_err(Failure::not_checked)?;
                Ok(store.trace_ids()[0])
            }
        }
    }
}

fn read(path: &Path) -> Result<Store, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::not_checked(format!("cannot read {}: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| refused(&error))?;
    let spans = otlp::from_bytes(&bytes, FILE_LIMIT).map_err(|error| refused(&error))?;
    let store = Store::new();
    store.keep(usize::MAX);
    store.add(spans);
    Ok(store)
}
