//! The lingering close: the client can read the last response.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::socket::Socket;

/// How long to wait for more from the client.
const SILENCE: Duration = Duration::from_millis(250);
const MAX_TIME: Duration = Duration::from_secs(2);
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Closes the sending side, then reads and discards what the client still sends.
///
/// Without this, a client that is still sending its body receives a reset, which
/// destroys the response that it has not read yet (RFC 9112, section 9.6).
pub(super) async fn linger(socket: &mut Socket) {
    let discard = async {
        socket.shutdown().await?;
        let mut discarded = vec![0; 4096];
        let mut total = 0;
        while let Ok(read) = timeout(SILENCE, socket.read(&mut discarded)).await {
            let read = read?;
            total += read;
            if read == 0 || total > MAX_BYTES {
                break;
            }
        }
        io::Result::Ok(())
    };
    // The socket closes in every case.
    let _ = timeout(MAX_TIME, discard).await;
}
