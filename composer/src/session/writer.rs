//! Writes text in a thread of its own, so that a stalled reader does not prevent a session from
//! receiving a signal and undoing the chain.

use std::io;

use tokio::{sync::mpsc, task::JoinHandle};

/// Pieces of text that wait for the reader; events wait in the kernel after that.
pub(super) const QUEUE: usize = 2;
/// As many bytes as a batch of events takes, most of the time.
const PIECE: usize = 128 << 10;

/// The way out. It closes when nothing can be written any more.
#[derive(Debug)]
pub struct Writer {
    queue: mpsc::Sender<String>,
    /// Written pieces to be reused: allocating memory costs more than filling it.
    empty: mpsc::Receiver<String>,
    thread: JoinHandle<io::Result<()>>,
}

/// The other end of a [`Writer`].
#[derive(Debug)]
pub struct Feed {
    texts: mpsc::Receiver<String>,
    used: mpsc::Sender<String>,
}

impl Feed {
    /// The next piece of text; `None` after the last one.
    pub async fn next(&mut self) -> Option<String> {
        self.texts.recv().await
    }

    /// Writes every piece to `out` as it comes.
    ///
    /// # Errors
    /// When `out` takes no more.
    fn copy(mut self, out: &mut dyn io::Write) -> io::Result<()> {
        while let Some(mut text) = self.texts.blocking_recv() {
            out.write_all(text.as_bytes())?;
            out.flush()?;
            text.clear();
            // When there are enough of them, it is let go.
            let _ = self.used.try_send(text);
        }
        Ok(())
    }
}

impl Writer {
    /// Writes to the destination that `open` opens, in a thread of its own.
    pub fn new<W: io::Write>(open: impl FnOnce() -> W + Send + 'static) -> Self {
        Self::fed_to(|feed| tokio::task::spawn_blocking(move || feed.copy(&mut open())))
    }

    /// Passes every piece to the task that `start` starts.
    pub fn fed_to(start: impl FnOnce(Feed) -> JoinHandle<io::Result<()>>) -> Self {
        let (queue, texts) = mpsc::channel(QUEUE);
        let (used, empty) = mpsc::channel(QUEUE + 1);
        Self { queue, empty, thread: start(Feed { texts, used }) }
    }

    /// Waits until there is room for a piece of text, or nobody to read it.
    pub(super) async fn room(&self) {
        // A failure is a closed queue, which is_closed() tells.
        let _ = self.queue.reserve().await;
    }

    /// Waits until nothing can be written any more.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Hands over `text`, when there is room for it; leaves it otherwise.
    pub(super) fn write(&mut self, text: &mut String) {
        if !text.is_empty()
            && let Ok(room) = self.queue.try_reserve()
        {
            let next = self.empty.try_recv().unwrap_or_else(|_| String::with_capacity(PIECE));
            room.send(std::mem::replace(text, next));
        }
    }

    /// Hands over the last `text` and waits until all is written.
    pub(super) async fn end(self, text: String) -> io::Result<()> {
        let Self { queue, thread, .. } = self;
        // A failure is a thread that has ended, which says why.
        let _ = queue.send(text).await;
        drop(queue);
        thread.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
