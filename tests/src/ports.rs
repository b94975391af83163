//! Ports of this machine that nothing listens on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// Ports of the loopback interface that are free now, all different.
///
/// Another process may take one before it is used: whoever starts something on
/// it must be ready to try again with others.
///
/// # Errors
/// Where this machine has no free port.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    ports.copy_from_slice(&some(N)?);
    Ok(ports)
}

/// As [`free`], where it is not known before how many.
///
/// # Errors
/// Where this machine has no free port.
pub fn some(count: usize) -> Result<Vec<u16>> {
    // All are held until all are known, so that none is given twice.
    let mut held = Vec::with_capacity(count);
    let mut ports = Vec::with_capacity(count);
    for _ in 0..count {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        ports.push(listener.local_addr()?.port());
        held.push(listener);
    }
    Ok(ports)
}

/// Whether `address` could be listened on now.
///
/// # Errors
/// Why it could not.
pub fn check(address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn free_ports_are_different_and_can_be_taken() {
        let ports = free::<8>().unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 8, "{ports:?}");
        for port in ports {
            check((Ipv4Addr::LOCALHOST, port).into()).unwrap();
        }
    }

    #[test]
    fn a_port_in_use_is_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let error = check(listener.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
