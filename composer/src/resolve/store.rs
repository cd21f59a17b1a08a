//! The objects that a chain names, each read once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    sync::Arc,
};

use crate::{
    chain::{Chain, ObjectRef, SpannedRef},
    diag::{Code, Diagnostic, unknown_builtin},
    files::{self, plain},
    object::{Object, ObjectError},
};

/// The objects of a chain, by their names in the chain.
#[derive(Debug, Clone, Default)]
pub struct ObjectStore(BTreeMap<ObjectRef, Arc<Object>>);

impl ObjectStore {
    /// Reads every object that `chain` names; what cannot be read is a diagnostic.
    pub(super) fn open(chain: &Chain) -> (Self, Vec<Diagnostic>) {
        let mut read: BTreeMap<&ObjectRef, Option<Arc<Object>>> = BTreeMap::new();
        let mut found = Vec::new();
        for reference in references(chain) {
            if let Entry::Vacant(entry) = read.entry(reference.value) {
                match open_in(&chain.folder, reference) {
                    Ok(object) => entry.insert(Some(Arc::new(object))),
                    Err(diagnostic) => {
                        found.push(*diagnostic);
                        entry.insert(None)
                    }
                };
            }
        }
        let read = read.into_iter().filter_map(|(name, object)| Some((name.clone(), object?)));
        (Self(read.collect()), found)
    }

    /// Of the objects that `chain` names, those that are here; another is a diagnostic.
    pub(super) fn named_by(&self, chain: &Chain) -> (Self, Vec<Diagnostic>) {
        let mut named = Self::default();
        let mut found: BTreeMap<&ObjectRef, Diagnostic> = BTreeMap::new();
        for SpannedRef { value: name, span } in references(chain) {
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
        (named, found.into_values().collect())
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

fn references(chain: &Chain) -> impl Iterator<Item = SpannedRef<'_, ObjectRef>> {
    chain.graph.nodes().filter_map(|(_, node)| node.program()).map(|(object, _)| object)
}

fn open_in(folder: &Path, reference: SpannedRef<'_, ObjectRef>) -> Result<Object, Box<Diagnostic>> {
    let name = match reference.value {
        ObjectRef::File(path) => ObjectRef::File(folder.join(path)),
        builtin @ ObjectRef::Builtin(_) => builtin.clone(),
    };
    open_object(&name).map_err(|found| Box::new(found.label(reference.span, "not usable")))
}

/// Reads the object called `name`; a path is relative to the working directory.
///
/// # Errors
/// A diagnostic without a place.
pub fn open_object(name: &ObjectRef) -> Result<Object, Box<Diagnostic>> {
    let described = |error| Box::new(describe(&error, &name.to_string()));
    match name {
        ObjectRef::File(path) => Object::parse(bytes(path)?).map_err(described),
        ObjectRef::Builtin(builtin) => match freplace_compose_ebpf_programs::object(builtin) {
            Some(bytes) => Object::parse(bytes).map_err(described),
            None => {
                let names: Vec<_> = freplace_compose_ebpf_programs::names().collect();
                Err(Box::new(unknown_builtin("object", builtin, &names)))
            }
        },
    }
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
