//! The destination of events: stdout or a file.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use crate::cli::{exit::Exit, screen};
use freplace_compose::files::plain;

/// Where text goes.
pub(super) enum Sink {
    Stdout,
    File { file: File, path: PathBuf },
}

/// The name of where it goes.
pub(super) struct SinkName(Option<PathBuf>);

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

    /// Its name.
    pub(super) fn target(&self) -> SinkName {
        match self {
            Self::Stdout => SinkName(None),
            Self::File { path, .. } => SinkName(Some(path.clone())),
        }
    }

    /// What to write to.
    pub(super) fn open(self) -> Box<dyn Write> {
        match self {
            Self::Stdout => Box::new(io::stdout().lock()),
            Self::File { file, .. } => Box::new(file),
        }
    }
}

impl SinkName {
    /// What a failed write there means.
    pub(super) fn write_failed(&self, error: io::Error) -> Exit {
        let error = match &self.0 {
            Some(path) if error.kind() != io::ErrorKind::BrokenPipe => {
                io::Error::new(error.kind(), format!("{}: {}", path.display(), plain(&error)))
            }
            _ => error,
        };
        screen::write_failed(&error)
    }
}
