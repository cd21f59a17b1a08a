//! The objects that a chain names, each read once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    sync::Arc,
};

use super::{RunningPrograms, answer};
use crate::{
    chain::{Chain, Node, ObjectRef, SpannedRef},
    diag::{Code, Diagnostic, unknown_builtin},
    files::{self, plain},
    object::{Object, ObjectError},
};

/// The objects of a chain, by their names in the chain.
#[derive(Debug, Clone, Default)]
pub struct ObjectStore(BTreeMap<ObjectRef, Arc<Object>>);

impl ObjectStore {
    /// Reads every object that `chain` names; what cannot be read is a diagnostic.
    pub(super) fn open(chain: &Chain, running: &dyn RunningPrograms) -> (Self, Vec<Diagnostic>) {
        let mut read: BTreeMap<&ObjectRef, Option<Arc<Object>>> = BTreeMap::new();
        let mut found = Vec::new();
        for reference in references(chain).filter(|one| !is_generated(one.value)) {
            if let Entry::Vacant(entry) = read.entry(reference.value) {
                match open_in(&chain.folder, reference, running) {
                    Ok(object) => entry.insert(Some(object)),
                    Err(diagnostic) => {
                        found.push(*diagnostic);
                        entry.insert(None)
                    }
                };
            }
        }
        let object_of = |host: &Node| read.get(host.program()?.0.value)?.clone();
        let made = answer::objects(chain, &object_of, &mut found);
        read.extend(made);
        let read = read.into_iter().filter_map(|(name, object)| Some((name.clone(), object?)));
        (Self(read.collect()), found)
    }

    /// Of the objects that `chain` names, those that are here; another is a diagnostic.
    pub(super) fn named_by(&self, chain: &Chain) -> (Self, Vec<Diagnostic>) {
        let mut named = Self::default();
        let mut found: BTreeMap<&ObjectRef, Diagnostic> = BTreeMap::new();
        let own = references(chain).filter(|one| !is_generated(one.value));
        for SpannedRef { value: name, span } in own {
            match self.0.get(name) {
                Some(object) => {
                    named.0.insert(name.clone(), Arc::clone(object));
                }
                None => {
                    found.entry(name).or_insert_with(|| {
                        Diagnostic::new(Code::ObjectUnreadable, format!("no object {name}"))
                            .label(span, "not usable")
                    });
                }
            }
        }
        let mut found: Vec<_> = found.into_values().collect();
        let object_of = |host: &Node| self.get(host.program()?.0.value).map(Arc::clone);
        for (name, object) in answer::objects(chain, &object_of, &mut found) {
            named.0.extend(object.map(|object| (name.clone(), object)));
        }
        (named, found)
    }

    /// The object that the chain calls `name`.
    #[must_use]
    pub fn get(&self, name: &ObjectRef) -> Option<&Arc<Object>> {
        self.0.get(name)
    }

    /// The objects with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectRef, &Object)> {
        self.0.iter().map(|(name, object)| (name, object.as_ref()))
    }
}

/// Objects that were read already, by what a chain calls them.
impl FromIterator<(ObjectRef, Arc<Object>)> for ObjectStore {
    fn from_iter<I: IntoIterator<Item = (ObjectRef, Arc<Object>)>>(objects: I) -> Self {
        Self(objects.into_iter().collect())
    }
}

/// Whether the composer makes it of others.
fn is_generated(name: &ObjectRef) -> bool {
    matches!(name, ObjectRef::Generated(_))
}

fn references(chain: &Chain) -> impl Iterator<Item = SpannedRef<'_, ObjectRef>> {
    chain.graph.nodes().filter_map(|(_, node)| node.program()).map(|(object, _)| object)
}

fn open_in(
    folder: &Path,
    reference: SpannedRef<'_, ObjectRef>,
    running: &dyn RunningPrograms,
) -> Result<Arc<Object>, Box<Diagnostic>> {
    let found = match reference.value {
        ObjectRef::File(path) => open_object(&ObjectRef::File(folder.join(path))).map(Arc::new),
        builtin @ ObjectRef::Builtin(_) => open_object(builtin).map(Arc::new),
        ObjectRef::Running(program) => running.find(program),
        generated @ ObjectRef::Generated(_) => open_object(generated).map(Arc::new),
    };
    let label = match reference.value {
        ObjectRef::Running(_) => "names a program in the kernel",
        ObjectRef::File(_) | ObjectRef::Builtin(_) | ObjectRef::Generated(_) => "not usable",
    };
    found.map_err(|found| Box::new(found.label(reference.span, label)))
}

/// Reads the object called `name`; a path is relative to the working directory.
///
/// # Errors
/// A diagnostic without a place.
pub fn open_object(name: &ObjectRef) -> Result<Object, Box<Diagnostic>> {
    match name {
        ObjectRef::File(path) => parse_object(name, bytes(path)?),
        ObjectRef::Running(program) => Err(Box::new(
            Diagnostic::new(Code::NotLooked, format!("`{program}` is a program in the kernel"))
                .help("Use `freplace-compose ps` for programs in the kernel."),
        )),
        ObjectRef::Generated(_) => {
            let message = format!("{name} is made of the object of its stub");
            Err(Box::new(Diagnostic::new(Code::ObjectUnreadable, message)))
        }
        ObjectRef::Builtin(builtin) => match freplace_compose_ebpf_programs::object(builtin) {
            Some(bytes) => parse_object(name, bytes),
            None => {
                let names: Vec<_> = freplace_compose_ebpf_programs::names().collect();
                Err(Box::new(unknown_builtin("object", builtin, &names)))
            }
        },
    }
}

/// Reads the object called `name` from its bytes.
///
/// # Errors
/// A diagnostic without a place.
pub fn parse_object(
    name: &ObjectRef,
    bytes: impl Into<Arc<[u8]>>,
) -> Result<Object, Box<Diagnostic>> {
    Object::parse(bytes).map_err(|error| Box::new(describe(&error, &name.to_string())))
}

/// How to install the object at `path`, where it is one of a package of other projects.
#[must_use]
pub fn installation(path: &Path) -> Option<&'static str> {
    /// What the names of libxdp's objects begin with.
    const LIBXDP: [&str; 4] = ["xdp-dispatcher", "xdpdump_", "xdpfilt_", "xsk_def_xdp_prog"];
    let name = path.file_name()?.to_str().filter(|_| path.is_absolute())?;
    LIBXDP.iter().any(|known| name.starts_with(known)).then_some(
        "Install libxdp and xdp-tools; on Debian and Ubuntu: apt-get install libxdp1 xdp-tools",
    )
}

fn bytes(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    files::read(path, files::OBJECT).map_err(|error| {
        let message = format!("cannot read {}: {}", path.display(), plain(&error));
        if let Some(help) = installation(path) {
            return Box::new(Diagnostic::new(Code::ObjectUnreadable, message).help(help));
        }
        let name =
            path.file_name().map_or_else(|| "my.bpf.o".into(), |name| name.to_string_lossy());
        let stem = name.trim_end_matches(".o").trim_end_matches(".bpf");
        let arch = std::env::consts::ARCH;
        let help = format!(
            "Build the object first, for example: clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -I \
             common/include -I /usr/include/{arch}-linux-gnu -c {stem}.bpf.c -o {name}. Paths of \
             objects are relative to the chain file."
        );
        Box::new(Diagnostic::new(Code::ObjectUnreadable, message).help(help))
    })
}

fn describe(error: &ObjectError, name: &str) -> Diagnostic {
    let (code, help) = match error {
        ObjectError::NotElf | ObjectError::NotBpf(_) => {
            (Code::NotAnObject, "Name an object file compiled with clang -target bpf.")
        }
        ObjectError::ByteOrder => (
            Code::NotAnObject,
            "Build it for this machine: -target bpf uses the byte order of the machine it runs on.",
        ),
        ObjectError::Damaged(_) | ObjectError::Btf(_) => {
            (Code::ObjectDamaged, "Build it again. The file may have been truncated.")
        }
        ObjectError::NoBtf => (
            Code::NoObjectBtf,
            "Compile with -g, and do not strip the object (llvm-strip -g keeps BTF). Replacing \
             and tracing require BTF.",
        ),
    };
    Diagnostic::new(code, format!("invalid eBPF object {name}: {error}")).help(help)
}
