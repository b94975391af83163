//! File descriptors: raises the process's limit, and keeps connections below it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For listeners, standard streams, the runtime, the exporter and DNS lookups.
const RESERVE: u64 = 64;

/// What a request can need at the same time: the connection of its client, a call to
/// another service, and that service's call back to the admin port.
const PER_CONNECTION: u64 = 3;

/// Raises the soft limit of open files (`RLIMIT_NOFILE`) to the hard one. Returns how
/// many connections each port may accept, at most `max_connections`: the admin port
/// must have descriptors left, whatever the public port holds.
///
/// Logs a warning if the limit is too low for `max_connections`.
pub(crate) fn connection_limit(max_connections: u32) -> u32 {
    let limit = raise().unwrap_or(u64::MAX);
    let connections = connections_within(limit, max_connections);
    if connections < max_connections {
        tracing::warn!(
            max_connections,
            effective = connections,
            open_files = limit,
            needed = PER_CONNECTION * u64::from(max_connections) + RESERVE,
            "MAX_CONNECTIONS is lowered, because the process may open too few files; raise its hard limit (ulimit -Hn), or lower MAX_CONNECTIONS"
        );
    }
    connections
}

/// Returns the limit that applies afterwards; `None` means unlimited.
fn raise() -> Option<u64> {
    /// `OPEN_MAX` of macOS, whose hard limit is higher than the kernel allows.
    const FALLBACK: u64 = 10_240;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = [maximum, Some(FALLBACK)].into_iter().find(|raised| {
        let current = *raised;
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok()
    });
    raised.unwrap_or(current)
}

fn connections_within(limit: u64, max_connections: u32) -> u32 {
    let possible = limit.saturating_sub(RESERVE) / PER_CONNECTION;
    let possible = u32::try_from(possible).unwrap_or(u32::MAX);
    max_connections.min(possible.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_calls_and_the_admin_port() {
        for (limit, max, expected) in [
            (u64::MAX, 8192, 8192),
            (1_048_576, 8192, 8192),
            (24_640, 8192, 8192),
            (24_639, 8192, 8191),
            (1024, 8192, 320),
            (1024, 100, 100),
            (64, 100, 1),
            (0, 100, 1),
        ] {
            assert_eq!(
                connections_within(limit, max),
                expected,
                "of {max} connections with {limit} open files"
            );
        }
    }
}
