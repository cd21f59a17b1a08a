//! Text on its way to stdout or to a file, in a thread of its own: a reader that stands still must
//! not keep `up` from hearing a signal and undoing the chain.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use tokio::{sync::mpsc, task::JoinHandle};

use crate::cli::screen;
use freplace_compose::files::plain;

/// Pieces of text that wait for the reader; events wait in the kernel after that.
const QUEUE: usize = 2;
/// As many bytes as a batch of events takes, most of the time.
const PIECE: usize = 128 << 10;

/// Where text goes.
pub(super) enum Sink {
    Stdout,
    File { file: File, path: PathBuf },
}

impl Sink {
    /// The file, if it is one.
    pub(super) fn into_file(self) -> Option<File> {
        match self {
            Self::Stdout => None,
            Self::File { file, .. } => Some(file),
        }
    }

    /// Whether colours are wanted there.
    pub(super) fn shows_colors(&self) -> bool {
        match self {
            Self::Stdout => screen::colors_of(&io::stdout()),
            Self::File { file, .. } => screen::colors_of(file),
        }
    }

    fn open(self) -> Box<dyn Write> {
        match self {
            Self::Stdout => Box::new(io::stdout().lock()),
            Self::File { file, .. } => Box::new(file),
        }
    }
}

/// The way there. It closes when nothing can be written any more.
pub(super) struct Writer {
    queue: mpsc::Sender<String>,
    /// Pieces that were written, to be filled again: new memory costs more than what is put in it.
    empty: mpsc::Receiver<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writer {
    pub(super) fn new(sink: Sink) -> Self {
        let (queue, mut texts) = mpsc::channel::<String>(QUEUE);
        let (used, empty) = mpsc::channel(QUEUE + 1);
        let thread = tokio::task::spawn_blocking(move || {
            let name = match &sink {
                Sink::File { path, .. } => Some(path.display().to_string()),
                Sink::Stdout => None,
            };
            let mut out = sink.open();
            let mut write = || {
                while let Some(mut text) = texts.blocking_recv() {
                    out.write_all(text.as_bytes())?;
                    out.flush()?;
                    text.clear();
                    // When there are enough of them, it is let go.
                    let _ = used.try_send(text);
                }
                Ok(())
            };
            write().map_err(|error: io::Error| match name {
                Some(name) if error.kind() != io::ErrorKind::BrokenPipe => {
                    io::Error::new(error.kind(), format!("{name}: {}", plain(&error)))
                }
                _ => error,
            })
        });
        Self { queue, empty, thread }
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
