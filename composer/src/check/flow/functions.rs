//! Global functions that the verifier rejects because of their prototype.
//!
//! A global function is verified separately, by its prototype: `btf_prepare_func_args`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>. Whether it is a stub of the
//! chain does not matter to the kernel. Before Linux 6.8 every loaded one is verified, since then
//! only those with a call that the verifier reaches.

use super::{Books, CheckedProgram, Context, Profile, arguments::stub, doubt};
use crate::{
    check::title,
    diag::{Code, Diagnostic},
    function::prototype_rules,
    object::{
        Function,
        flow::{FactKind, Findings, PrototypeFault, unfit},
    },
};

pub(super) fn check<'a>(
    context: &mut Context<'a>,
    books: &mut Books<'a>,
    subject: &CheckedProgram<'a>,
    findings: &Findings,
) {
    let object = subject.object;
    for index in object.reachable(subject.program) {
        let Some(function) = object.functions.get(index).filter(|function| function.is_global)
        else {
            continue;
        };
        if index == subject.program.function {
            continue;
        }
        let kind = subject.loaded.kind;
        let why = |profile: &Profile| unfit(object, function, kind, prototype_rules(profile));
        // Kernels have their own reasons and words: those of the oldest that refuses it are told.
        let profiles = context.kernels.profiles.iter();
        let Some((refusing, reason)) = profiles
            .map(|profile| (profile, why(profile)))
            .find_map(|(profile, why)| Some((profile, why?)))
        else {
            continue;
        };
        let calls = |what: &FactKind| *what == FactKind::Calls(index);
        // What is not called is not there to be replaced, so a stub is judged in any case.
        let is_called = findings.certain.iter().any(|fact| calls(&fact.what))
            || stub(context, subject, &function.name).is_some();
        let may_be = findings.possible.iter().any(|fact| calls(&fact.what));
        if !books.functions.insert((&subject.of.reference().value, index)) {
            continue;
        }
        let found = describe(context, subject, function, &reason, refusing);
        if may_be && !is_called {
            context.found.push(doubt(found.clone()));
        }
        context.push_where(found, |profile: &Profile| {
            why(profile).is_some() && (is_called || !profile.features.lazy_functions)
        });
    }
}

fn describe(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    function: &Function,
    why: &PrototypeFault<'_>,
    refusing: &Profile,
) -> Diagnostic {
    let object = subject.object;
    let name = &function.name;
    let parameters = object.functions.iter().position(|other| std::ptr::eq(other, function));
    let parameters = parameters.map(|index| object.parameters(index)).unwrap_or_default();
    let argument = |number: usize| match parameters.get(number) {
        Some(name) if !name.is_empty() => format!("`{name}`"),
        _ => format!("argument {}", number + 1),
    };
    let takes_void = refusing.features.void_functions;
    let errno = match why {
        PrototypeFault::Result if takes_void => "EOPNOTSUPP",
        _ => "EINVAL",
    };
    let (code, what, words, help) = match why {
        PrototypeFault::Result => (
            Code::StubResult,
            "does not return a number".to_owned(),
            if takes_void {
                format!(
                    "Global function {name}() return value not void or scalar. Only those are \
                     supported."
                )
            } else {
                format!("Global function {name}() doesn't return scalar. Only those are supported.")
            },
            format!("Change the return type to int: __attribute__((noinline)) int {name}(...)"),
        ),
        PrototypeFault::Count(count) => (
            Code::FunctionPrototype,
            format!("has {count} parameters, but at most 5 are supported"),
            format!("Global function {name}() with {count} > 5 args. Buggy compiler."),
            "Put some of them into a struct and pass a pointer to it.".to_owned(),
        ),
        PrototypeFault::Pointee { number, kind, name: tag } => {
            let declared = match *kind {
                "FWD" => format!("`struct {tag}`, which is only declared"),
                "UNKNOWN" => "`void`".to_owned(),
                _ => "a function".to_owned(),
            };
            (
                Code::FunctionPrototype,
                format!("has {} of type pointer to {declared}", argument(*number)),
                format!("arg#{number} reference type('{kind} {tag}') size cannot be determined"),
                format!(
                    "Define the struct, pass the address as a __u64, or make the function static: \
                     it is then verified together with `{}`, and cannot be replaced. The verifier \
                     needs the size of the pointed-to type.",
                    subject.program.name
                ),
            )
        }
        PrototypeFault::Parameter { number, kind } => (
            Code::FunctionPrototype,
            match *kind {
                "PTR" => format!("has {} of type pointer to memory", argument(*number)),
                _ => format!("has {} that is neither a number nor a pointer", argument(*number)),
            },
            format!("Arg#{number} type {kind} in {name}() is not supported yet."),
            match *kind {
                "PTR" => "Pass the value behind the pointer, or the address as a __u64. This \
                          kernel accepts only pointers to the context."
                    .to_owned(),
                _ => "Pass a pointer to it.".to_owned(),
            },
        ),
    };
    let (message, span, label) = match stub(context, subject, name) {
        Some((node, span)) => (format!("{} {what}", title(node)), span, "this function"),
        None => {
            let message = format!("{} calls `{name}`, which {what}", subject.title());
            (message, subject.of.asked().clone(), "calls it")
        }
    };
    Diagnostic::new(code, message)
        .label(&span, label)
        .note(format!("function  {}", object.prototype(function).unwrap_or_default()))
        .says(errno, words)
        .help(help)
}
