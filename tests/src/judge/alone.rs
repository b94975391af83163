//! One load at a time: two loads on one machine would measure each other.

use std::fs::File;

use anyhow::{Context, Result};

/// The right to put load on this machine, among the tests of this build. Given
/// back when it is dropped.
#[derive(Debug)]
pub struct Alone {
    /// Locked until it is closed, which the kernel does however we end.
    _lock: File,
}

impl Alone {
    /// Waits until no other test puts load on, of this process or of another.
    ///
    /// # Errors
    /// When the lock's file, beside the test's program, cannot be written.
    pub async fn wait() -> Result<Self> {
        let program = std::env::current_exe()?;
        let path = program.with_file_name("one-load-at-a-time.lock");
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::create(&path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let lock = locked.await?.context("waiting for other tests' load")?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn only_one_is_alone() {
        static INSIDE: AtomicU32 = AtomicU32::new(0);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..8 {
            all.spawn(async {
                let _alone = Alone::wait().await.unwrap();
                let others = INSIDE.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                INSIDE.fetch_sub(1, Ordering::SeqCst);
                others
            });
        }
        let others = all.join_all().await;
        assert_eq!(others, [0; 8], "others inside when one came in");
    }
}
