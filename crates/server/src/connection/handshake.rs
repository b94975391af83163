//! The last connections of a listener.
//!
//! The kernel completes handshakes by itself: between the last accept and the
//! close of a listener there is always a moment in which a client is connected
//! to nobody, sends its request, and gets a reset. So before the last accept the
//! kernel is told to take in no new handshake. A client that tries then hears
//! nothing, tries again after a second, and is refused, or reaches another
//! replica.

use tokio::net::TcpListener;

/// Tells the kernel to drop the first packet of every new handshake; says
/// whether it will.
#[cfg(target_os = "linux")]
pub(crate) fn refuse_new(listener: &TcpListener) -> bool {
    use socket2::{SockFilter, SockRef};

    // Classic BPF (linux/filter.h): of a packet, the filter sees the TCP header.
    const LOAD_BYTE_AT: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const TCP_FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const NOTHING: u32 = 0;
    let filter = [
        SockFilter::new(LOAD_BYTE_AT, 0, 0, TCP_FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, NOTHING),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    let attached = SockRef::from(listener).attach_filter(&filter);
    if let Err(error) = &attached {
        tracing::debug!(%error, "the kernel takes no filter; a last connection may be reset");
    }
    attached.is_ok()
}

/// No other kernel can be told.
#[cfg(not(target_os = "linux"))]
pub(crate) fn refuse_new(_: &TcpListener) -> bool {
    false
}
