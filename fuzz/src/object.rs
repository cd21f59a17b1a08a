//! The reader of objects: any bytes give facts or an error, and rules, plan and events accept
//! either.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use freplace_compose::{
    chain::{Chain, ObjectRef},
    check::{Kernels, check},
    event::{Decoder, Layout},
    object::{
        BtfKinds, NeededTypes, Object,
        btf::{Btf, Type},
        prototype, subset,
    },
    plan,
    resolve::{ObjectStore, PartlyResolved},
};

use crate::event;

/// Types that are looked at, of an object that has more.
const TYPES: usize = 300;

/// Reads `data` as an object and asks all there is to ask of it; then puts it in the place of each
/// built-in object that has a program of the same name.
///
/// # Panics
/// When the composer does.
pub fn object(data: &[u8]) {
    static BUILTINS: LazyLock<Vec<(ObjectRef, Arc<Object>)>> = LazyLock::new(crate::builtins);
    static CHAINS: LazyLock<Vec<Chain>> = LazyLock::new(crate::shipped);
    let Ok(object) = Object::parse(data) else { return };
    let object = Arc::new(object);
    look_at(&object);
    for (name, builtin) in &*BUILTINS {
        if !builtin.programs.iter().any(|program| object.program(&program.name).is_some()) {
            continue;
        }
        let others = BUILTINS.iter().filter(|(other, _)| other != name).cloned();
        let library: ObjectStore = others.chain([(name.clone(), Arc::clone(&object))]).collect();
        let is_in = |chain: &&Chain| {
            let mut objects = chain.graph.nodes().filter_map(|(_, node)| node.program());
            objects.any(|(object, _)| object.value == name)
        };
        for chain in CHAINS.iter().filter(is_in) {
            let names = PartlyResolved::of(chain.clone(), &library);
            let _ = check(&names, &Kernels::default());
            let Ok(resolved) = names.whole() else { continue };
            let (plan, decoder) =
                (plan::build(&resolved, plan::Offers::default()), Decoder::new(&resolved));
            for (node, _) in plan.nodes.iter().enumerate() {
                for kind in &object.events {
                    event::show(chain, &plan, &decoder, &event::record(node as u32, *kind, data));
                }
            }
        }
    }
}

fn look_at(object: &Object) {
    for program in &object.programs {
        let reached = object.reachable(program);
        assert!(reached.contains(&program.function));
        assert!(reached.iter().all(|index| *index < object.functions.len()));
        assert!(object.program(&program.name).is_some());
        let _ = object.helpers(program.function);
    }
    for function in &object.functions {
        assert!(object.function(&function.name).is_some());
        let _ = object.prototype(function);
    }
    for (id, _) in object.btf.iter().take(TYPES) {
        let _ = (object.btf.size(id), object.btf.resolve(id), Layout::of(&object.btf, id));
        let _ = prototype::declare(&object.btf, id, "x");
    }
    let named = object.btf.iter().take(TYPES).filter_map(|(_, ty)| match ty {
        Type::Struct { name, .. } | Type::Enum { name, .. } | Type::Typedef { name, .. } => {
            Some(name)
        }
        _ => None,
    });
    let cuts = object.programs.iter().filter_map(|program| object.cut(program).ok());
    let mut kernel = BTreeSet::new();
    for cut in cuts.take(TYPES) {
        let functions = object.function_info(&cut).into_iter().map(|(_, id)| (id, true));
        let needed = NeededTypes { functions: functions.collect(), ..NeededTypes::default() };
        Btf::parse(object.trimmed(&needed, BtfKinds::Linux5_15)).expect("types keep their numbers");
        kernel.extend(object.kernel_types(&cut).unwrap_or_default());
    }
    let kernel = kernel.iter().map(String::as_str);
    let names: BTreeSet<&str> = named.chain(kernel).collect();
    let names: Vec<&str> = names.into_iter().collect();
    Btf::parse(subset(&object.btf, &names)).expect("a subset is well formed");
}
