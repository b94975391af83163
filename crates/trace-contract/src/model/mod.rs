//! A trace as it was exported: spans with typed attribute values, times in
//! nanoseconds, and the resource of each span. All readers produce this model.

mod forest;
mod span;
mod trace;
mod value;

pub use span::{Event, Link, Scope, Span, SpanKind, Status};
pub use trace::Trace;
pub use value::{Attributes, Value};

pub(crate) use forest::Forest;
