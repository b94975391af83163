//! The two ports of a service.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// A service's bound listeners. Tests bind port 0 and read the addresses back.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub public: TcpListener,
    /// Probes, metrics, and what only the system's own services call.
    pub admin: TcpListener,
}

/// A port that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {variable}={address}: {error}; {}", remedy(error))]
pub struct BindError {
    variable: &'static str,
    address: SocketAddr,
    error: io::Error,
}

impl Listeners {
    /// Binds `HTTP_ADDR` and `ADMIN_ADDR`.
    ///
    /// # Errors
    /// The address that could not be bound, with the setting to change.
    pub async fn bind(http: SocketAddr, admin: SocketAddr) -> Result<Self, BindError> {
        Ok(Self {
            public: bind("HTTP_ADDR", http).await?,
            admin: bind("ADMIN_ADDR", admin).await?,
        })
    }
}

async fn bind(variable: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| BindError {
        variable,
        address,
        error,
    })
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "stop what uses that port, or set another one (0 for any)",
        io::ErrorKind::PermissionDenied => "set a port from 1024 up",
        io::ErrorKind::AddrNotAvailable => {
            "set an address of this machine, or 0.0.0.0 for all of them"
        }
        _ => "set another address",
    }
}
