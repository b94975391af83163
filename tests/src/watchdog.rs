//! Stops our child processes if this process dies without doing so: if it is killed, aborted
//! or interrupted in the middle of a test.
//!
//! A shell in a process group of its own reads from a pipe which process groups run. When this
//! process dies, for whatever reason, the kernel closes the pipe, and the shell stops those
//! that still run. Linux can send a signal when a parent dies (`PR_SET_PDEATHSIG`), but only
//! unsafe code can request that.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// SIGTERM first: `docker run` then stops its container.
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
    /// Kept, so that its process id stays valid.
    _shell: Child,
}

/// A process group that the watchdog stops if this process dies before this is dropped.
#[derive(Debug)]
pub struct Watched(u32);

impl Watched {
    /// Adds a process group.
    ///
    /// # Errors
    /// If the watchdog cannot be started, or no longer runs.
    pub fn new(group: u32) -> io::Result<Self> {
        send("+", group)?;
        Ok(Self(group))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Without a watchdog there is nothing to remove.
        let _ = send("-", self.0);
    }
}

fn send(what: &str, group: u32) -> io::Result<()> {
    let watchdog = if let Some(watchdog) = WATCHDOG.get() {
        watchdog
    } else {
        let started = Mutex::new(start()?);
        // If another thread was first, ours reads an empty pipe and exits.
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
    let pipe = shell.stdin.take().expect("stdin is piped");
    Ok(Watchdog {
        pipe,
        _shell: shell,
    })
}
