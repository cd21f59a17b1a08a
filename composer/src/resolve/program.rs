//! The program of a node, and what is loaded with it.

use std::sync::Arc;

use super::{
    ChainMap, ObjectStore, SetGlobal, globals,
    maps::{self, Changes},
    records::{self, EventRecords, RecordStruct},
    tables,
};
use crate::{
    chain::{Node, ObjectRef, Spanned},
    diag::{Code, Diagnostic, Span, list, nearest},
    object::{MapDef, Object, Program, Uses},
};

/// The program of a node, and what is loaded with it.
#[derive(Debug)]
pub struct NodeProgram {
    reference: Spanned<ObjectRef>,
    asked: Span,
    object: Arc<Object>,
    program: Program,
    uses: Uses,
    /// Those of `uses`, in the same order.
    maps: Vec<Arc<ChainMap>>,
    globals: Vec<(SetGlobal, usize)>,
    records: Vec<EventRecords>,
}

impl NodeProgram {
    /// The program of `node`; none for a stub, or where something of it is not there. What that is
    /// goes to `wrong`, but for objects, which were looked for before.
    pub(super) fn find<'c>(
        node: &'c Node,
        objects: &ObjectStore,
        changes: &mut Changes<'c>,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let (reference, name) = node.program()?;
        let object = objects.get(reference.value)?;
        let records = records::find(node, object, wrong);
        let found = match reference.value {
            // What runs, or is made, is one program, whatever its name.
            ObjectRef::Running(_) | ObjectRef::Generated(_) => object.programs.first(),
            ObjectRef::File(_) | ObjectRef::Builtin(_) => object.program(name.value),
        };
        let Some(found) = found else {
            let message = format!("program `{1}` not found in {0}", reference.value, name.value);
            let found = Diagnostic::new(Code::UnknownProgram, message)
                .label(name.span, "not in the object")
                .help(suggest(object, name.value));
            wrong.push(found);
            return None;
        };
        let program = match &node.section {
            // The node says by itself of which type its program is.
            Some(section) => Program::new(&found.name, &section.value, found.function),
            None => found.clone(),
        };
        // The built-in tracer is given its tables otherwise.
        let globals = match node.built_in() {
            Some(_) => Vec::new(),
            None => globals::settings(node, object, wrong),
        };
        let uses = maps::uses(node, object, &program);
        wrong.extend(tables::no_programs(node, name.span, &uses));
        Some(Self {
            reference: Spanned { value: reference.value.clone(), span: reference.span.clone() },
            asked: name.span.clone(),
            maps: changes.maps_of(node, reference.value, object, &uses),
            uses,
            object: Arc::clone(object),
            program,
            globals,
            records,
        })
    }

    /// Its object as named in the chain, with the location of the name.
    #[must_use]
    pub fn reference(&self) -> &Spanned<ObjectRef> {
        &self.reference
    }

    /// The location that names the program.
    #[must_use]
    pub fn asked(&self) -> &Span {
        &self.asked
    }

    /// Its object.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Its object, for who keeps it.
    pub(crate) fn shared_object(&self) -> &Arc<Object> {
        &self.object
    }

    /// The program itself.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The maps that are created for it, in the order of the object: those that it and its leaves
    /// refer to, and those that the chain names.
    pub fn maps(&self) -> impl Iterator<Item = &MapDef> {
        self.uses.maps(&self.object)
    }

    /// The same maps, each with the changes of the chain.
    pub fn chain_maps(&self) -> impl Iterator<Item = (&MapDef, &ChainMap)> {
        self.maps().zip(self.maps.iter().map(Arc::as_ref))
    }

    /// The programs that are initial entries of its program arrays, which are loaded as well.
    pub fn leaves(&self) -> impl Iterator<Item = &Program> {
        self.uses.leaves(&self.object)
    }

    /// The global variables that are set to something else than in the object.
    pub fn globals(&self) -> impl Iterator<Item = &SetGlobal> {
        self.globals.iter().map(|(set, _)| set)
    }

    /// The same, each with the number of the first of the node's values that is for it.
    pub(crate) fn settings(&self) -> &[(SetGlobal, usize)] {
        &self.globals
    }

    /// The event maps that the node has for itself, each with the struct that its records are, where the
    /// chain names one.
    pub fn event_maps(&self) -> impl Iterator<Item = (&MapDef, Option<&RecordStruct>)> {
        let own = self.uses.indexed_maps(&self.object).filter(|(_, map)| !maps::is_shared(map));
        own.map(|(index, map)| {
            let named = self.records.iter().find(|records| records.map == index);
            (map, named.and_then(|records| records.record.as_ref()))
        })
    }

    /// The maps of the old form that it refers to.
    pub(crate) fn legacy_maps(&self) -> &[String] {
        &self.uses.legacy
    }
}

fn suggest(object: &Object, name: &str) -> String {
    let programs = || object.programs.iter().map(|program| program.name.as_str());
    if let Some((_, function)) = object.function(name) {
        let what =
            if function.section == ".text" { "is a function, not a program" } else { "static" };
        return format!(
            "Write the name of a global function with a SEC(\"...\"). `{name}` is \
                        {what}."
        );
    }
    match nearest(name, programs()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if object.programs.is_empty() => "The object has no programs.".to_owned(),
        None => format!("Its programs are: {}.", list(&programs().collect::<Vec<_>>())),
    }
}
