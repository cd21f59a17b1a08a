//! The objects that a chain names, each read once.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use crate::{
    chain::{Chain, Node, ObjectRef, SpannedRef},
    diag::{Code, Diagnostic, list, nearest},
    files::{self, plain},
    object::{Object, ObjectError, Program},
};

/// The objects of a chain, by what the chain calls them.
#[derive(Debug, Default)]
pub struct ObjectStore {
    objects: BTreeMap<ObjectRef, Object>,
    /// The programs of nodes that say by themselves of which type they are, by the node's id.
    typed: HashMap<String, Program>,
}

impl ObjectStore {
    /// Reads every object that `chain` names; what cannot be read is a diagnostic.
    #[must_use]
    pub fn open(chain: &Chain) -> (Self, Vec<Diagnostic>) {
        let mut library = Self::default();
        let mut failed: BTreeMap<&ObjectRef, ()> = BTreeMap::new();
        let mut found = Vec::new();
        for (_, node) in chain.graph.nodes() {
            let Some((reference, _)) = node.program() else { continue };
            let name = reference.value;
            if library.objects.contains_key(name) || failed.contains_key(name) {
                continue;
            }
            match read(reference, chain) {
                Ok(object) => {
                    library.objects.insert(name.clone(), object);
                }
                Err(diagnostic) => {
                    failed.insert(name, ());
                    found.push(*diagnostic);
                }
            }
        }
        library.typed = typed(chain, &library);
        (library, found)
    }

    /// The object that the chain calls `name`.
    #[must_use]
    pub fn get(&self, name: &ObjectRef) -> Option<&Object> {
        self.objects.get(name)
    }

    /// The object of `node` and its program, when both are there.
    #[must_use]
    pub fn program(&self, node: &Node) -> Option<(&Object, &Program)> {
        let (object, program) = node.program()?;
        let object = self.get(object.value)?;
        let typed = self.typed.get(&node.id.value);
        Some((object, typed.or_else(|| object.program(program.value))?))
    }

    /// The objects with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectRef, &Object)> {
        self.objects.iter()
    }
}

/// Objects that were read already, by what a chain calls them.
impl FromIterator<(ObjectRef, Object)> for ObjectStore {
    fn from_iter<I: IntoIterator<Item = (ObjectRef, Object)>>(objects: I) -> Self {
        Self { objects: objects.into_iter().collect(), typed: HashMap::new() }
    }
}

fn typed(chain: &Chain, library: &ObjectStore) -> HashMap<String, Program> {
    let program = |node: &Node| {
        let section = node.section.as_ref()?;
        let (_, program) = library.program(node)?;
        let program = Program::new(&program.name, &section.value, program.function);
        Some((node.id.value.clone(), program))
    };
    chain.graph.nodes().filter_map(|(_, node)| program(node)).collect()
}

fn read(reference: SpannedRef<'_, ObjectRef>, chain: &Chain) -> Result<Object, Box<Diagnostic>> {
    let name = match reference.value {
        ObjectRef::File(path) => ObjectRef::File(chain.folder.join(path)),
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
                let names = freplace_compose_ebpf_programs::names;
                let help = match nearest(builtin, names()) {
                    Some(near) => format!("Did you mean `builtin:{near}`?"),
                    None => {
                        format!("Built-in objects are: {}.", list(&names().collect::<Vec<_>>()))
                    }
                };
                let message = format!("unknown built-in object `{builtin}`");
                Err(Box::new(Diagnostic::new(Code::UnknownBuiltin, message).help(help)))
            }
        },
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    files::read(path, files::OBJECT).map_err(|error| {
        let message = format!("cannot read {}: {}", path.display(), plain(&error));
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
