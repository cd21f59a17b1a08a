//! The contents of a chain file, each value with its location in the text.

use std::{fmt, path::PathBuf, sync::LazyLock};

use super::{
    Data, GeneratedAnswer, Output,
    expression::{Filter, ValuePath},
};
use crate::{diag::Span, hook::Attach, running::ProgramRef};

/// A value and its location in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its location.
    pub span: Span,
}

/// A value and the location in the file that requests it.
#[derive(Debug)]
pub struct SpannedRef<'a, T: ?Sized> {
    /// The value.
    pub value: &'a T,
    /// The location that requests it.
    pub span: &'a Span,
}

impl<T: ?Sized> Clone for SpannedRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for SpannedRef<'_, T> {}

/// A node of the chain.
#[derive(Debug, Clone)]
pub struct Node {
    /// Unique over the whole chain.
    pub id: Spanned<String>,
    /// The include that it is from: maps of one name are one map for the nodes of an include. Empty for the
    /// chain's own file.
    pub scope: String,
    /// Its kind, with the details.
    pub kind: NodeKind,
    /// The program's type as a section name, if that of the object does not define it.
    pub section: Option<Spanned<String>>,
    /// The part of its program's own output that is shown.
    pub output: Output,
    /// Its settings for its object's maps and global variables.
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

/// The kind of a node, without details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Host,
    Stub,
    Replacement,
    Tracer,
}

impl Role {
    /// Its name, which is also the key in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Stub => "stub",
            Self::Replacement => "replacement",
            Self::Tracer => "tracer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A program at a kernel hook, or one that is only reached by tail calls.
#[derive(Debug, Clone)]
pub struct Host {
    /// The object that holds it.
    pub object: Spanned<ObjectRef>,
    /// Its function; empty for a program that runs already, whose name is found with it.
    pub program: Spanned<String>,
    /// Where it goes; nowhere when it is put into a table for tail calls, or runs already.
    pub attach: Option<Spanned<Attach>>,
    /// Whether another program that runs takes its place when it is detached.
    pub follow: bool,
}

impl Host {
    /// The program in the kernel that it is, when somebody else loaded it.
    #[must_use]
    pub fn running(&self) -> Option<&ProgramRef> {
        match &self.object.value {
            ObjectRef::Running(program) => Some(program),
            ObjectRef::Builtin(_) | ObjectRef::File(_) | ObjectRef::Generated(_) => None,
        }
    }

    /// Where it is, in words: its hook, or the program that it is; nothing when only tail calls lead to it.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.attach, self.running()) {
            (Some(attach), _) => attach.value.to_string(),
            (None, Some(program)) => program.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// A function of one or more hosts that replacements can replace.
#[derive(Debug, Clone)]
pub struct Stub {
    /// Its name in the hosts' objects.
    pub function: Spanned<String>,
    /// Ids of the hosts.
    pub hosts: Vec<Spanned<String>>,
}

/// A program that replaces a stub.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The object that holds it.
    pub object: Spanned<ObjectRef>,
    /// Its function; empty when the composer makes it.
    pub program: Spanned<String>,
    /// Id of the stub.
    pub stub: Spanned<String>,
    /// What it does, when the composer makes it: then it has no object and no program to name.
    pub answer: Option<Box<GeneratedAnswer>>,
}

/// A program that runs when its target is entered or left.
#[derive(Debug, Clone)]
pub struct Tracer {
    /// The program that runs.
    pub program: TracerProgram,
    /// When it runs.
    pub point: ProbePoint,
    /// Id of the node it traces.
    pub target: Spanned<String>,
    /// The traced function of that node; its entry function if not given.
    pub function: Option<Spanned<String>>,
}

/// The program of a tracer.
#[derive(Debug, Clone)]
pub enum TracerProgram {
    /// One of the author's.
    Own {
        /// The object that holds it.
        object: Spanned<ObjectRef>,
        /// Its function.
        program: Spanned<String>,
    },
    /// The built-in tracer with its settings.
    BuiltIn(Box<Builtin>),
}

impl Tracer {
    /// The settings of the built-in tracer, if it uses that.
    #[must_use]
    pub fn built_in(&self) -> Option<&Builtin> {
        match &self.program {
            TracerProgram::Own { .. } => None,
            TracerProgram::BuiltIn(request) => Some(request),
        }
    }

    /// The number of places that it takes on each function: measuring the duration of a call needs
    /// one at the entry, too.
    #[must_use]
    pub fn places(&self) -> usize {
        match (&self.program, self.point) {
            (TracerProgram::BuiltIn(_), ProbePoint::Fexit) => 2,
            _ => 1,
        }
    }
}

/// The settings of a built-in tracer.
#[derive(Debug, Clone)]
pub struct Builtin {
    /// Whether it records each entry besides each return: `trace`.
    pub both: bool,
    /// The values to record of a call; all arguments if not given.
    pub capture: Option<Vec<ValuePath>>,
    /// The condition for recording a call, as text and parsed.
    pub filter: Option<(Spanned<String>, Filter)>,
}

impl Builtin {
    /// The built-in object it is in.
    #[must_use]
    pub fn object() -> &'static ObjectRef {
        static OBJECT: LazyLock<ObjectRef> = LazyLock::new(|| ObjectRef::Builtin("trace".into()));
        &OBJECT
    }

    /// Its program for a probe point.
    #[must_use]
    pub fn program(point: ProbePoint) -> &'static str {
        match point {
            ProbePoint::Fentry => "trace_entry",
            ProbePoint::Fexit => "trace_exit",
        }
    }

    /// Its program for both probe points, which not every kernel takes.
    #[must_use]
    pub fn fsession() -> &'static str {
        "trace_session"
    }
}

/// When a tracer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbePoint {
    /// When the target is entered.
    Fentry,
    /// When it returns.
    Fexit,
}

impl ProbePoint {
    /// The kernel's name for it, which is also the key in the file.
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
    /// A program that runs already, with all of its functions.
    Running(ProgramRef),
    /// A replacement that the composer makes, by its id.
    Generated(String),
}

impl ObjectRef {
    /// Reads the value of `object`.
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
            Self::Running(program) => write!(f, "running:{program}"),
            Self::Generated(id) => write!(f, "generated:{id}"),
        }
    }
}

/// The name that a map has in the chain: that of the object, in the scope of the node that uses it. Those of
/// this program are for the whole chain.
#[must_use]
pub fn map_name(scope: &str, name: &str) -> String {
    match scope.is_empty() || name.starts_with("fc_") {
        true => name.to_owned(),
        false => format!("{scope}.{name}"),
    }
}

/// What the node is, for messages: `` replacement `handler_v1` ``.
pub(crate) fn title(node: &Node) -> String {
    format!("{} `{}`", node.role(), node.id.value)
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

    /// Where it is attached, if it is a host that is.
    #[must_use]
    pub fn attach(&self) -> Option<&Spanned<Attach>> {
        match &self.kind {
            NodeKind::Host(host) => host.attach.as_ref(),
            _ => None,
        }
    }

    /// Whether it goes on on the program that takes its place, as a host that somebody else loaded.
    #[must_use]
    pub fn follows(&self) -> bool {
        matches!(&self.kind, NodeKind::Host(host) if host.follow)
    }

    /// The program in the kernel that it is, when it is a host that somebody else loaded.
    #[must_use]
    pub fn running(&self) -> Option<&ProgramRef> {
        match &self.kind {
            NodeKind::Host(host) => host.running(),
            _ => None,
        }
    }

    /// When a tracer sees its target, in order; never, for a node that is none.
    #[must_use]
    pub fn moments(&self) -> &'static [ProbePoint] {
        let NodeKind::Tracer(tracer) = &self.kind else { return &[] };
        match (tracer.built_in(), tracer.point) {
            (Some(request), _) if request.both => &[ProbePoint::Fentry, ProbePoint::Fexit],
            (_, ProbePoint::Fentry) => &[ProbePoint::Fentry],
            (_, ProbePoint::Fexit) => &[ProbePoint::Fexit],
        }
    }

    /// The name of its program's kind: `kprobe`, `freplace`, `fentry`, or `stub`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match &self.kind {
            NodeKind::Host(Host { attach: Some(attach), .. }) => attach.value.kind.name,
            NodeKind::Host(host) if host.running().is_some() => "running",
            NodeKind::Host(Host { attach: None, .. }) => "tail call",
            NodeKind::Stub(_) => "stub",
            NodeKind::Replacement(_) => "freplace",
            NodeKind::Tracer(tracer) => match self.moments() {
                [_, _] => "trace",
                _ => tracer.point.name(),
            },
        }
    }

    /// What it does, when it is a replacement that the composer makes.
    #[must_use]
    pub fn answer(&self) -> Option<&GeneratedAnswer> {
        match &self.kind {
            NodeKind::Replacement(replacement) => replacement.answer.as_deref(),
            _ => None,
        }
    }

    /// What the built-in tracer is asked for, where that is its program.
    #[must_use]
    pub fn built_in(&self) -> Option<&Builtin> {
        match &self.kind {
            NodeKind::Tracer(tracer) => tracer.built_in(),
            _ => None,
        }
    }

    /// The object and program that it loads, each with the location that requests it; a stub loads
    /// none. The built-in tracer is requested by its target.
    #[must_use]
    pub fn program(&self) -> Option<(SpannedRef<'_, ObjectRef>, SpannedRef<'_, str>)> {
        match &self.kind {
            NodeKind::Stub(_) => None,
            NodeKind::Host(Host { object, program, .. })
            | NodeKind::Replacement(Replacement { object, program, .. })
            | NodeKind::Tracer(Tracer {
                program: TracerProgram::Own { object, program }, ..
            }) => {
                let object = SpannedRef { value: &object.value, span: &object.span };
                Some((object, SpannedRef { value: program.value.as_str(), span: &program.span }))
            }
            NodeKind::Tracer(Tracer {
                program: TracerProgram::BuiltIn(_), point, target, ..
            }) => {
                let object = SpannedRef { value: Builtin::object(), span: &target.span };
                Some((object, SpannedRef { value: Builtin::program(*point), span: &target.span }))
            }
        }
    }
}
