//! A future that is seldom ready, beside one that is polled all the time.
//!
//! A request wakes its connection about ten times, and looking at the drain or
//! at a timer each time takes a lock that all connections share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A future that is polled only when it has woken its task.
pub(crate) struct Reminder<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// What rings the bell.
    ring: Waker,
    /// The task that the bell wakes.
    task: Waker,
}

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F: Future> Reminder<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::<Bell>::default();
        Self {
            future: Box::pin(future),
            ring: Arc::clone(&bell).into(),
            bell,
            task: Waker::noop().clone(),
        }
    }
}

impl<F: Future> Future for Reminder<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let same_task = this.task.will_wake(cx.waker());
        if same_task && !this.bell.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        this.task.clone_from(cx.waker());
        // A bell that has rung knows its task no more.
        this.bell.task.register(cx.waker());
        // Before the poll: what rings during it is for the next one. Not a plain
        // store: where it has just rung, the poll must see why.
        this.bell.rung.swap(false, Ordering::Acquire);
        this.future
            .as_mut()
            .poll(&mut Context::from_waker(&this.ring))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Polls a reminder that is not ready, as its task's other work does.
    async fn poll_once<F: Future>(reminder: &mut Reminder<F>) {
        poll_fn(|cx| {
            assert!(Pin::new(&mut *reminder).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn it_is_polled_once_however_often_its_task_is_woken_by_others() {
        let polled = AtomicUsize::new(0);
        let mut reminder = Reminder::new(poll_fn(|_| {
            polled.fetch_add(1, Ordering::Relaxed);
            Poll::<()>::Pending
        }));
        for _ in 0..10 {
            poll_once(&mut reminder).await;
        }
        assert_eq!(polled.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn it_wakes_its_task_from_another_one() {
        let notify = Arc::new(Notify::new());
        let told = Arc::clone(&notify);
        // A task of its own: the time-out must not wake it.
        let reminded = tokio::spawn(Reminder::new(async move {
            told.notified().await;
            told.notified().await;
        }));
        tokio::spawn(async move {
            notify.notify_one();
            tokio::time::sleep(Duration::from_millis(10)).await;
            notify.notify_one();
        });
        let outcome = timeout(PATIENCE, reminded).await;
        outcome.expect("the second wake was lost").unwrap();
    }

    #[tokio::test]
    async fn another_task_can_take_it_over() {
        let notify = Arc::new(Notify::new());
        let told = Arc::clone(&notify);
        let mut reminder = Reminder::new(async move { told.notified().await });
        poll_once(&mut reminder).await;
        let taken_over = tokio::spawn(reminder);
        tokio::task::yield_now().await;
        notify.notify_one();
        let outcome = timeout(PATIENCE, taken_over).await;
        outcome.expect("the new task was not woken").unwrap();
    }
}
