//! Text on its way to stdout, in a thread of its own: a reader that stands still must not keep `up`
//! from hearing a signal and undoing the chain.

use std::io::{self, Write as _};

use tokio::{sync::mpsc, task::JoinHandle};

/// Pieces of text that wait for the reader; events wait in the kernel after that.
const QUEUE: usize = 2;

/// The way to stdout. It closes when stdout cannot be written any more.
pub(super) struct Writer {
    queue: mpsc::Sender<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writer {
    pub(super) fn new() -> Self {
        let (queue, mut texts) = mpsc::channel::<String>(QUEUE);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some(text) = texts.blocking_recv() {
                let mut stdout = anstream::stdout().lock();
                stdout.write_all(text.as_bytes())?;
                stdout.flush()?;
            }
            Ok(())
        });
        Self { queue, thread }
    }

    /// Waits until there is room for a piece of text, or nobody to read it.
    pub(super) async fn room(&self) {
        // A failure is a closed queue, which is_closed() tells.
        let _ = self.queue.reserve().await;
    }

    /// Waits until stdout cannot be written any more.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Hands over `text`, when there is room for it; leaves it otherwise.
    pub(super) fn write(&self, text: &mut String) {
        if !text.is_empty()
            && let Ok(room) = self.queue.try_reserve()
        {
            room.send(std::mem::take(text));
        }
    }

    /// Hands over the last `text` and waits until all is written.
    pub(super) async fn end(self, text: String) -> io::Result<()> {
        let Self { queue, thread } = self;
        // A failure is a thread that has ended, which says why.
        let _ = queue.send(text).await;
        drop(queue);
        thread.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
