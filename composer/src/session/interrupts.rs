//! Signals that end a session: the first requests an orderly end, the second interrupts it.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

/// Where signals come from.
pub trait InterruptSource {
    /// Whether one came; if not, `context` is woken when one does.
    fn poll_interrupt(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// The signals that end a session.
#[derive(Debug)]
pub struct Interrupts<S> {
    source: S,
    /// The number of signals so far.
    count: u32,
}

impl<S: InterruptSource> Interrupts<S> {
    /// Without any signal so far.
    pub fn new(source: S) -> Self {
        Self { source, count: 0 }
    }

    /// Waits for one.
    pub async fn next(&mut self) {
        poll_fn(|context| self.source.poll_interrupt(context)).await;
        self.count += 1;
    }

    /// Whether a signal has arrived.
    pub async fn came(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.next() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Waits until two signals have arrived in total: a first one during undo requests what is
    /// already being done.
    pub async fn second(&mut self) {
        while self.count < 2 {
            self.next().await;
        }
    }

    /// The result of `work`; `None` if the second signal arrived first.
    pub async fn unless_second<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.second() => None,
        }
    }

    /// The result of `work`, for which `stop` is set at the first signal; `None` if the second one
    /// arrived first.
    pub async fn stops<T>(
        &mut self,
        work: impl Future<Output = T>,
        stop: &AtomicBool,
    ) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = self.next() => stop.store(true, Ordering::Relaxed),
        }
        self.unless_second(work).await
    }
}
