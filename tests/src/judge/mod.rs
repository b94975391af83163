//! What a test under load needs to judge the system: the machine to itself, the
//! services' last words, their memory, and whether traces are whole.

mod alone;
mod ending;
mod memory;
mod patient;
mod whole;

pub use alone::Alone;
pub use ending::{end, figures, last_words};
pub use memory::resident;
pub use patient::patient;
pub use whole::{GREETING, HELLO, SpansOf, union, whole};
