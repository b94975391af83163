//! Texts that come again with nearly every request (the host, the caller's
//! address, its user agent), shared between spans instead of copied into each.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::StringValue;

/// How many texts a thread remembers; the callers of a service are few at a time.
const REMEMBERED: usize = 8;

thread_local! {
    static TEXTS: RefCell<Ring<Arc<str>>> = const { RefCell::new(Ring::new()) };
    static ADDRESSES: RefCell<Ring<(IpAddr, Arc<str>)>> = const { RefCell::new(Ring::new()) };
}

/// The last few entries; the oldest gives way.
struct Ring<T> {
    entries: [Option<T>; REMEMBERED],
    next: usize,
}

impl<T> Ring<T> {
    const fn new() -> Self {
        Self {
            entries: [const { None }; REMEMBERED],
            next: 0,
        }
    }

    fn find(&self, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.entries.iter().flatten().find(|entry| is_it(entry))
    }

    fn remember(&mut self, entry: T) {
        self.entries[self.next] = Some(entry);
        self.next = (self.next + 1) % REMEMBERED;
    }
}

/// The text as an attribute's value.
pub(crate) fn text(text: &str) -> StringValue {
    TEXTS.with_borrow_mut(|recent| {
        if let Some(known) = recent.find(|known| **known == *text) {
            return Arc::clone(known).into();
        }
        let new: Arc<str> = text.into();
        recent.remember(Arc::clone(&new));
        new.into()
    })
}

/// The address as an attribute's value.
pub(crate) fn address(address: IpAddr) -> StringValue {
    ADDRESSES.with_borrow_mut(|recent| {
        if let Some((_, known)) = recent.find(|(known, _)| *known == address) {
            return Arc::clone(known).into();
        }
        let new: Arc<str> = address.to_string().into();
        recent.remember((address, Arc::clone(&new)));
        new.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_was_given_however_many_came_before() {
        for round in 0..3 {
            for number in 0..2 * REMEMBERED {
                let given = format!("agent/{number}");
                assert_eq!(text(&given).as_str(), given, "in round {round}");
                let ip = IpAddr::from([127, 0, 0, u8::try_from(number).unwrap()]);
                assert_eq!(address(ip).as_str(), ip.to_string());
            }
        }
    }
}
