//! Free ports of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// How often a start is tried with other ports.
const ATTEMPTS: usize = 5;

/// Different ports that are free now. Another process may take one before it is used; see
/// [`retry`].
///
/// # Errors
/// If this machine has no free port.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    ports.copy_from_slice(&free_vec(N)?);
    Ok(ports)
}

/// The same, if the number is only known at run time.
///
/// # Errors
/// If this machine has no free port.
pub fn free_vec(count: usize) -> Result<Vec<u16>> {
    // All stay open until the last is known, so that all are different.
    let listeners: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("no port is free")?;
    let port = |listener: &TcpListener| Ok(listener.local_addr()?.port());
    listeners.iter().map(port).collect()
}

/// Those of `ports` that another process listens on, on loopback or on all interfaces.
pub fn in_use(ports: &[u16]) -> Vec<u16> {
    let hosts = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED];
    let in_use = |port: &u16| {
        let failed = |host| TcpListener::bind((host, *port)).is_err();
        hosts.into_iter().any(failed)
    };
    ports.iter().copied().filter(in_use).collect()
}

/// Calls `start`, which chooses free ports; again with other ones if another process has
/// taken one of them in the meantime.
///
/// # Errors
/// The error of the last call. It must contain what the operating system has reported.
pub async fn retry<T>(start: impl AsyncFn() -> Result<T>) -> Result<T> {
    for _ in 1..ATTEMPTS {
        match start().await {
            Err(error) if is_port_conflict(&error) => {}
            result => return result,
        }
    }
    start().await
}

fn is_port_conflict(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}").to_lowercase();
    text.contains("address already in use")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;

    use anyhow::bail;

    use super::*;

    #[test]
    fn free_ports_are_different_and_not_in_use() {
        let ports = free::<8>().unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 8, "{ports:?}");
        assert_eq!(in_use(&ports), [] as [u16; 0]);
    }

    #[test]
    fn a_port_in_use_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(in_use(&[port]), [port]);
    }

    #[tokio::test]
    async fn only_a_port_conflict_is_retried() {
        let starts = Cell::new(0);
        let result = retry(async || {
            starts.set(starts.get() + 1);
            match starts.get() {
                1 => bail!("cannot listen on 127.0.0.1:1: Address already in use (os error 98)"),
                _ => bail!("another error"),
            }
        });
        let result: Result<()> = result.await;
        assert_eq!(result.unwrap_err().to_string(), "another error");
        assert_eq!(starts.get(), 2);
    }
}
