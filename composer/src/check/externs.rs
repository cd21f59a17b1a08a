//! References of programs that neither their object nor the kernels of the chain define.

use std::collections::{HashMap, HashSet};

use super::{Context, Load, title};
use crate::{
    diag::{Code, Diagnostic},
    object::{CutError, ExternKind, Object, Open, Referent},
    profile::Presence,
};

pub(super) fn check(context: &mut Context<'_>) {
    let mut known = HashMap::new();
    let mut told = HashSet::new();
    for index in context.chain.graph.node_indices() {
        for load in context.loads(index) {
            let (object, program) = (load.object, load.program);
            // Chains may have many nodes of one program, and many that have one table.
            let key = (&load.of.reference().value, program.name.as_str());
            if !load.is_own && !told.insert(key) {
                continue;
            }
            let findings: &Vec<ExternFault> =
                known.entry(key).or_insert_with(|| match object.cut(program) {
                    Ok(cut) => externs(object, &cut.open),
                    Err(error) => vec![ExternFault::Broken(error)],
                });
            for finding in findings {
                tell(context, &load, finding);
            }
        }
    }
}

fn tell(context: &mut Context<'_>, load: &Load<'_>, finding: &ExternFault) {
    let place = load.of.asked().clone();
    let it = match load.is_own {
        true => format!("`{}` of {}", load.program.name, title(load.node)),
        false => load.title(),
    };
    match finding {
        ExternFault::Broken(error) => {
            let message = format!("{it} is incomplete: {error}");
            let help = "Build the object again. If it is one of several, link them first (bpftool \
                        gen object).";
            context.report(
                Code::Undefined,
                message,
                &place,
                "used by this program",
                help.to_owned(),
            );
        }
        ExternFault::Undefined(extern_name) => {
            let message = format!("undefined reference to `{extern_name}` in {it}");
            let help = format!(
                "Define `{extern_name}`, or link the object that defines it (bpftool gen object). \
                 Declare it __ksym if it is a kernel symbol."
            );
            context.report(Code::Undefined, message, &place, "used by this program", help);
        }
        ExternFault::OfKernel(extern_name, what) => {
            let message = format!("{it} requires the kernel's {what} `{extern_name}`");
            let help = format!("If `{extern_name}` is optional, declare it __weak and test it.");
            let found = Diagnostic::new(Code::KernelLacksName, message)
                .label(&place, "used by this program")
                .help(help);
            let plain = extern_name.split("___").next().unwrap_or_default().to_owned();
            let is_function = *what == "function";
            context.push_where(found, |profile| {
                profile.targets.as_ref().is_some_and(|targets| {
                    let presence = match is_function {
                        true => targets.kernel_function(&plain),
                        false => targets.kernel_variable(&plain),
                    };
                    presence == Presence::Missing
                })
            });
        }
    }
}

/// What may be wrong with a program, whatever chain it is in.
enum ExternFault {
    Broken(CutError),
    Undefined(String),
    /// A name that the kernel must define, and its kind.
    OfKernel(String, &'static str),
}

fn externs(object: &Object, open: &[Open]) -> Vec<ExternFault> {
    let mut seen = HashSet::new();
    let indices = open.iter().filter_map(|open| match open.to {
        Referent::Extern(index) => Some(index),
        _ => None,
    });
    let externs = indices.filter(|index| seen.insert(*index));
    externs
        .filter_map(|index| object.externs.get(index))
        .filter(|one| !one.weak)
        .filter_map(|one| match one.kind {
            ExternKind::Undefined => Some(ExternFault::Undefined(one.name.clone())),
            ExternKind::Variable(_) => Some(ExternFault::OfKernel(one.name.clone(), "variable")),
            ExternKind::Function(_) => Some(ExternFault::OfKernel(one.name.clone(), "function")),
            // The configuration is known to the kernel that runs, and to nobody else.
            ExternKind::Kconfig(_) => None,
        })
        .collect()
}
