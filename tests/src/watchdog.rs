//! Ends the processes that we started when we end in a way that leaves us no
//! time to do it: killed, aborted, or interrupted in the middle of a test.
//!
//! A shell of its own process group reads a pipe from us. It knows from it what
//! runs; when the pipe closes, which the kernel does however we end, it ends
//! what is left.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// SIGTERM first: a container is ended by its client, if that is asked politely.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=
while read -r what group; do
    case $what in
    +) groups="$groups $group" ;;
    -) kept=
       for it in $groups; do [ "$it" = "$group" ] || kept="$kept $it"; done
       groups=$kept ;;
    esac
done
[ -n "$groups" ] || exit 0
for it in $groups; do kill -s TERM -- "-$it"; done
for round in 1 2 3 4 5 6 7 8 9 10; do
    left=
    for it in $groups; do kill -s 0 -- "-$it" && left="$left $it"; done
    groups=$left
    [ -n "$groups" ] || exit 0
    sleep 0.2
done
for it in $groups; do kill -s KILL -- "-$it"; done
"#;

static WATCHDOG: OnceLock<Mutex<Watchdog>> = OnceLock::new();

struct Watchdog {
    pipe: ChildStdin,
    /// Kept, so that it is not reaped while it is needed.
    _shell: Child,
}

/// A process group that the watchdog knows of, until this is dropped.
#[derive(Debug)]
pub struct Watched(u32);

impl Watched {
    /// Has the process group ended when we end.
    ///
    /// # Errors
    /// When the watchdog cannot be started, or has gone.
    pub fn new(group: u32) -> io::Result<Self> {
        tell("+", group)?;
        Ok(Self(group))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A watchdog that has gone has nothing to forget.
        let _ = tell("-", self.0);
    }
}

fn tell(what: &str, group: u32) -> io::Result<()> {
    let watchdog = if let Some(watchdog) = WATCHDOG.get() {
        watchdog
    } else {
        let started = Mutex::new(start()?);
        // When another thread was first, ours reads an empty pipe and ends.
        WATCHDOG.get_or_init(|| started)
    };
    let mut watchdog = watchdog.lock().unwrap_or_else(PoisonError::into_inner);
    watchdog
        .pipe
        .write_all(format!("{what} {group}\n").as_bytes())
}

fn start() -> io::Result<Watchdog> {
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let pipe = shell.stdin.take().expect("it was asked for");
    Ok(Watchdog {
        pipe,
        _shell: shell,
    })
}
