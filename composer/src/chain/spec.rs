//! What a chain file asks for, value by value, each with its place in the text.

use std::{fmt, path::PathBuf};

use super::{
    Data, Output,
    expression::{Filter, Path},
};
use crate::{diag::Span, hook::Attach};

/// A value and the bytes of the file it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A node of the chain.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique over the whole chain.
    pub id: Spanned<String>,
    /// What it is.
    pub kind: NodeKind,
    /// What its program is, as a section's name would say it, where that of the object does not.
    pub section: Option<Spanned<String>>,
    /// What is shown of what its program writes by itself.
    pub output: Output,
    /// What it says of its object's maps and global variables.
    pub data: Data,
}

/// The four kinds of node.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the types are documented")]
pub enum NodeKind {
    Host(Host),
    Stub(Stub),
    Replacement(Replacement),
    Tracer(Tracer),
}

/// The kind of a node, without what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Host,
    Stub,
    Replacement,
    Tracer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Stub => "stub",
            Self::Replacement => "replacement",
            Self::Tracer => "tracer",
        })
    }
}

/// A program at a kernel hook, or one that is only reached by tail calls.
#[derive(Debug, Clone)]
pub struct Host {
    /// The object that holds it.
    pub object: Spanned<ObjectRef>,
    /// Its function.
    pub program: Spanned<String>,
    /// Where it goes; nowhere when it is put into a table for tail calls.
    pub attach: Option<Spanned<Attach>>,
}

/// A function of one or more hosts that a replacement may take the place of.
#[derive(Debug, Clone)]
pub struct Stub {
    /// Its name in the hosts' objects.
    pub function: Spanned<String>,
    /// Ids of the hosts.
    pub hosts: Vec<Spanned<String>>,
}

/// A program that takes a stub's place.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The object that holds it.
    pub object: Spanned<ObjectRef>,
    /// Its function.
    pub program: Spanned<String>,
    /// Id of the stub.
    pub stub: Spanned<String>,
}

/// A program that runs when its target is entered or left.
#[derive(Debug, Clone)]
pub struct Tracer {
    /// The object that holds it.
    pub object: Spanned<ObjectRef>,
    /// Its function.
    pub program: Spanned<String>,
    /// When it runs.
    pub moment: Moment,
    /// Id of the node it traces.
    pub target: Spanned<String>,
    /// The function of that node it traces; its entry function when not given.
    pub function: Option<Spanned<String>>,
    /// What the built-in tracer is asked for, when it is that; the object and program are its own.
    pub builtin: Option<Box<Builtin>>,
}

impl Tracer {
    /// How many programs it puts on each function: one that measures how long a call takes has to
    /// see it begin, too.
    #[must_use]
    pub fn programs(&self) -> usize {
        if self.builtin.is_some() && self.moment == Moment::Fexit { 2 } else { 1 }
    }
}

/// What a built-in tracer is asked for.
#[derive(Debug, Clone)]
pub struct Builtin {
    /// Whether it tells of each entry too, besides of each return: `trace`.
    pub both: bool,
    /// What it takes of a call; all arguments when not given.
    pub capture: Option<Vec<Path>>,
    /// What has to hold of a call that it tells, as it is written and as it was read.
    pub filter: Option<(Spanned<String>, Filter)>,
}

impl Builtin {
    /// The built-in object it is in.
    pub const OBJECT: &str = "trace";
    /// Its program for a moment.
    #[must_use]
    pub fn program(moment: Moment) -> &'static str {
        match moment {
            Moment::Fentry => "trace_entry",
            Moment::Fexit => "trace_exit",
        }
    }
}

/// When a tracer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When the target is entered.
    Fentry,
    /// When it returns.
    Fexit,
}

impl Moment {
    /// The kernel's word for it, which is also the key in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
        }
    }
}

/// Where a compiled object comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectRef {
    /// One that is part of this program: `builtin:NAME`.
    Builtin(String),
    /// A file; relative to the chain file.
    File(PathBuf),
}

impl ObjectRef {
    /// Reads what stands behind `object =`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text.strip_prefix("builtin:") {
            Some(name) => Self::Builtin(name.to_owned()),
            None => Self::File(PathBuf::from(text)),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Node {
    /// What it is.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.kind {
            NodeKind::Host(_) => Role::Host,
            NodeKind::Stub(_) => Role::Stub,
            NodeKind::Replacement(_) => Role::Replacement,
            NodeKind::Tracer(_) => Role::Tracer,
        }
    }

    /// The word for what its program is: `kprobe`, `freplace`, `fentry`; `stub` has none.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match &self.kind {
            NodeKind::Host(Host { attach: Some(attach), .. }) => attach.value.kind.name,
            NodeKind::Host(Host { attach: None, .. }) => "tail call",
            NodeKind::Stub(_) => "stub",
            NodeKind::Replacement(_) => "freplace",
            NodeKind::Tracer(tracer) => match &tracer.builtin {
                Some(builtin) if builtin.both => "trace",
                _ => tracer.moment.name(),
            },
        }
    }

    /// The object and program it loads; a stub loads none.
    #[must_use]
    pub fn program(&self) -> Option<(&Spanned<ObjectRef>, &Spanned<String>)> {
        match &self.kind {
            NodeKind::Host(Host { object, program, .. })
            | NodeKind::Replacement(Replacement { object, program, .. })
            | NodeKind::Tracer(Tracer { object, program, .. }) => Some((object, program)),
            NodeKind::Stub(_) => None,
        }
    }
}
