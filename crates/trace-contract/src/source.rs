//! Where traces are read from. A new source is a new variant here.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::ids::TraceId;
use crate::jaeger::Jaeger;
use crate::model::Trace;
use crate::query::QueryError;
use crate::store::Store;
use crate::tempo::Tempo;

/// A backend is polled often at first, because most traces arrive soon.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(50);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Where traces are read from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The spans that a [`crate::Receiver`] received.
    Store(Store),
    /// The spans of a file. All of them are known, so nothing is waited for.
    File(Store),
    /// Jaeger's query service.
    Jaeger(Jaeger),
    /// Tempo's query frontend.
    Tempo(Tempo),
}

impl From<Store> for Source {
    fn from(store: Store) -> Self {
        Self::Store(store)
    }
}

impl From<&Store> for Source {
    fn from(store: &Store) -> Self {
        Self::Store(store.clone())
    }
}

impl From<Jaeger> for Source {
    fn from(jaeger: Jaeger) -> Self {
        Self::Jaeger(jaeger)
    }
}

impl From<Tempo> for Source {
    fn from(tempo: Tempo) -> Self {
        Self::Tempo(tempo)
    }
}

impl Source {
    /// The spans of the trace that have arrived so far; `None` if there are none.
    ///
    /// # Errors
    /// When the query to the backend fails.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, QueryError> {
        match self {
            Self::Store(store) | Self::File(store) => Ok(store.trace(id)),
            Self::Jaeger(jaeger) => jaeger.trace(id).await,
            Self::Tempo(tempo) => tempo.trace(id).await,
        }
    }
}

/// Waits until a source should be read again.
pub(crate) enum NextRead {
    /// When spans arrive.
    Arrival(Store, watch::Receiver<u64>),
    /// After an interval, which grows.
    Poll(Duration),
}

impl NextRead {
    pub(crate) fn of(source: &Source) -> Self {
        match source {
            Source::Store(store) | Source::File(store) => {
                Self::Arrival(store.clone(), store.subscribe())
            }
            Source::Jaeger(_) | Source::Tempo(_) => Self::Poll(MIN_POLL_INTERVAL),
        }
    }

    /// Waits for the next read, at most until `deadline`.
    pub(crate) async fn wait(&mut self, deadline: Instant) {
        match self {
            Self::Arrival(store, seen) => store.changed(seen, deadline).await,
            Self::Poll(interval) => {
                sleep_until((Instant::now() + *interval).min(deadline)).await;
                *interval = (*interval * 2).min(MAX_POLL_INTERVAL);
            }
        }
    }
}
