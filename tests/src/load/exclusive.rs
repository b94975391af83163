//! One load at a time: two loads on one machine would measure each other.

use std::fs::File;

use anyhow::{Context, Result};

/// The exclusive right to put load on this machine, among all tests of this build. It is
/// released when this is dropped.
#[derive(Debug)]
pub struct ExclusiveLoad {
    /// The kernel releases the lock when the file is closed, also if the process is killed.
    _lock: File,
}

impl ExclusiveLoad {
    /// Waits until no other test has it, in this process or in another one.
    ///
    /// # Errors
    /// If the lock file, next to the test's program, cannot be written.
    pub async fn acquire() -> Result<Self> {
        let program = std::env::current_exe()?;
        let path = program.with_file_name("one-load-at-a-time.lock");
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::create(&path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let lock = locked.await?.context("locking one-load-at-a-time.lock")?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn only_one_holder_exists_at_a_time() {
        static HOLDERS: AtomicU32 = AtomicU32::new(0);
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..8 {
            all.spawn(async {
                let _exclusive = ExclusiveLoad::acquire().await.unwrap();
                let others = HOLDERS.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                HOLDERS.fetch_sub(1, Ordering::SeqCst);
                others
            });
        }
        let others = all.join_all().await;
        assert_eq!(others, [0; 8], "other holders at each acquisition");
    }
}
