//! A listener: accepts connections up to the limit, and ends when asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::{self, ROUND_TRIP, Serving};
use crate::drain::Phase;
use crate::handshake;

/// Serves until the drain has reached [`Phase::Closing`] and every connection
/// has ended.
pub(crate) async fn run(listener: TcpListener, serving: Serving, slots: Slots) {
    let drain = serving.drain.clone();
    tokio::select! {
        biased;
        () = drain.reached(Phase::Closing) => {}
        () = accept_all(&listener, &serving, &slots) => {}
    }
    if handshake::refuse_new(&listener) {
        // Those that have begun come in meanwhile.
        let last = accept_all(&listener, &serving, &slots);
        let _ = timeout(ROUND_TRIP, last).await;
    }
    accept_waiting(listener, &serving, &slots);
    slots.all_free().await;
}

/// The connections that a listener may serve at once.
#[derive(Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    all: u32,
    /// Connections being served; the semaphore cannot say it while somebody waits for all of it.
    served: Arc<AtomicUsize>,
}

impl Slots {
    pub(crate) fn new(all: u32) -> Self {
        let free = Arc::new(Semaphore::new(all as usize));
        Self {
            free,
            all,
            served: Arc::default(),
        }
    }

    /// Connections being served now.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    async fn one(&self, full: &mut Complaint) -> OwnedSemaphorePermit {
        if self.free.available_permits() == 0 && full.is_due() {
            tracing::warn!(
                max_connections = self.all,
                "every connection is taken; more wait"
            );
        }
        Arc::clone(&self.free)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    fn serve(
        &self,
        (stream, peer): (TcpStream, SocketAddr),
        serving: &Serving,
        slot: OwnedSemaphorePermit,
    ) {
        let serving = serving.clone();
        let held = (slot, Counted::new(Arc::clone(&self.served)));
        // Made inside: a future that is handed in takes its memory twice.
        tokio::spawn(async move {
            let _held = held;
            connection::serve(stream, peer, serving).await;
        });
    }

    async fn all_free(&self) {
        let _all = self
            .free
            .acquire_many(self.all)
            .await
            .expect("the semaphore is never closed");
    }
}

/// Counts a connection for as long as it lives, however it ends.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept_all(listener: &TcpListener, serving: &Serving, slots: &Slots) {
    let mut backoff = Backoff::default();
    let mut full = Complaint::default();
    loop {
        let slot = slots.one(&mut full).await;
        match listener.accept().await {
            Ok(accepted) => {
                backoff.wait = Backoff::SHORTEST;
                slots.serve(accepted, serving, slot);
            }
            // The client has gone before we came.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => backoff.wait(&error).await,
        }
    }
}

/// Takes in the connections that the kernel has completed already, and closes:
/// closing alone would reset them. Asks the kernel itself, which knows of them
/// before the runtime does.
fn accept_waiting(listener: TcpListener, serving: &Serving, slots: &Slots) {
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok(slot) = Arc::clone(&slots.free).try_acquire_owned() {
        let accepted = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(_) => return,
        };
        let (stream, peer) = accepted;
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            slots.serve((stream, peer), serving, slot);
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// What to do while the process has no file descriptor or memory left: wait,
/// longer each time, instead of spinning.
struct Backoff {
    wait: Duration,
    complaint: Complaint,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            wait: Self::SHORTEST,
            complaint: Complaint::default(),
        }
    }
}

impl Backoff {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    async fn wait(&mut self, error: &io::Error) {
        if self.complaint.is_due() {
            tracing::error!(%error, "cannot accept connections; raise the limit of open files, or lower MAX_CONNECTIONS");
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(Self::LONGEST);
    }
}

/// A log line that is due every ten seconds at most, for what goes on and on.
#[derive(Default)]
struct Complaint {
    last: Option<Instant>,
}

impl Complaint {
    fn is_due(&mut self) -> bool {
        const PAUSE: Duration = Duration::from_secs(10);
        let due = self.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}
