//! Gives a `tracing` span that starts a trace the anchor of its times.
//!
//! tracing-opentelemetry takes a new span's context from the current one. So the first
//! layer makes a context with an anchor current while the span is created, and the
//! second one restores the previous context.

use std::cell::RefCell;

use opentelemetry::{Context, ContextGuard};
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{self, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Anchor;

thread_local! {
    static ATTACHED: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// The layer before tracing-opentelemetry's.
pub(super) struct Attach;

/// The layer after tracing-opentelemetry's.
pub(super) struct Detach;

impl<S> Layer<S> for Attach
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: layer::Context<'_, S>) {
        let anchored = Context::map_current(|context| match Anchor::of(context) {
            Some(_) => None,
            None => Some(Anchor::now().keep_in(context)),
        });
        let attached = anchored.map(Context::attach);
        ATTACHED.set(attached);
    }
}

impl<S> Layer<S> for Detach
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: layer::Context<'_, S>) {
        drop(ATTACHED.take());
    }
}
