//! Text on its way to stdout or to a file, in a thread of its own: a reader that stands still must
//! not keep `up` from hearing a signal and undoing the chain.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use tokio::{sync::mpsc, task::JoinHandle};

/// Pieces of text that wait for the reader; events wait in the kernel after that.
const QUEUE: usize = 2;

/// Where text goes. `text` tells whether it is for people: it may have colours, which are kept
/// where they are wanted.
pub(super) enum Sink {
    Stdout { text: bool },
    File { file: File, path: PathBuf, text: bool },
}

impl Sink {
    /// The file, if it is one.
    pub(super) fn into_file(self) -> Option<File> {
        match self {
            Self::Stdout { .. } => None,
            Self::File { file, .. } => Some(file),
        }
    }

    fn open(self) -> Box<dyn Write> {
        match self {
            Self::Stdout { text: true } => Box::new(anstream::stdout().lock()),
            Self::Stdout { text: false } => Box::new(io::stdout().lock()),
            Self::File { file, text: true, .. } => Box::new(anstream::AutoStream::auto(file)),
            Self::File { file, text: false, .. } => Box::new(file),
        }
    }
}

/// The way there. It closes when nothing can be written any more.
pub(super) struct Writer {
    queue: mpsc::Sender<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writer {
    pub(super) fn new(sink: Sink) -> Self {
        let (queue, mut texts) = mpsc::channel::<String>(QUEUE);
        let thread = tokio::task::spawn_blocking(move || {
            let name = match &sink {
                Sink::File { path, .. } => Some(path.display().to_string()),
                Sink::Stdout { .. } => None,
            };
            let mut out = sink.open();
            let mut write = || {
                while let Some(text) = texts.blocking_recv() {
                    out.write_all(text.as_bytes())?;
                    out.flush()?;
                }
                Ok(())
            };
            write().map_err(|error: io::Error| match name {
                Some(name) if error.kind() != io::ErrorKind::BrokenPipe => {
                    io::Error::new(error.kind(), format!("{name}: {error}"))
                }
                _ => error,
            })
        });
        Self { queue, thread }
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
