//! The listeners of a service's two ports.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// The bound listeners. Tests bind port 0 and read the addresses back.
#[derive(Debug)]
pub struct Listeners {
    /// For the API.
    pub public: TcpListener,
    /// For health checks, metrics, and the internal routes.
    pub admin: TcpListener,
}

/// An address that cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {variable}={address}: {error}; {}", hint(error))]
pub struct BindError {
    variable: &'static str,
    address: SocketAddr,
    error: io::Error,
}

impl Listeners {
    /// Binds `HTTP_ADDR` and `ADMIN_ADDR`.
    ///
    /// # Errors
    /// The address that cannot be bound, with the variable to change.
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

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "stop the process that uses this port, or set another port (0 for any)"
        }
        io::ErrorKind::PermissionDenied => "set a port of at least 1024",
        io::ErrorKind::AddrNotAvailable => {
            "set an address of this machine, or 0.0.0.0 for all of them"
        }
        _ => "set another address",
    }
}
