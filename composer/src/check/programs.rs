//! Program types that do not fit their use in the chain.

use petgraph::graph::NodeIndex;

use super::{Context, is_replacement, title, tracing_kind};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, nearest},
    hook::{HostKind, KINDS, why_unsupported},
    object::{Program, ProgramKind, ProgramType},
};

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node, of) in context.names.programs() {
        let program = of.program();
        if !is_known_type(context, node) {
            context.misfits.insert(index);
            continue;
        }
        // A replacement may also be written as a program of its host's own type: loading it as an
        // extension is the loader's decision.
        let host_kinds: Vec<ProgramKind> = if is_replacement(node) {
            let hosts = context.chain.graph.hosts_below(index);
            hosts.into_iter().filter_map(|host| Some(context.program(host)?.1.kind)).collect()
        } else {
            Vec::new()
        };
        if let Some((wanted, help)) = mismatch(node, program, &host_kinds) {
            let message =
                format!("program `{}` has the wrong type for {}", program.name, title(node));
            let label = format!("is SEC(\"{}\"), but {wanted} is required", program.section);
            context.report(Code::WrongProgramType, message, of.asked(), label, help);
            context.misfits.insert(index);
        }
    }
    below_misfits(context);
}

/// What goes into a host of the wrong type, or is on it, is judged by that type: of it, nothing more
/// can be said.
fn below_misfits(context: &mut Context<'_>) {
    if context.misfits.is_empty() {
        return;
    }
    let graph = &context.chain.graph;
    let stands_on = |index: &NodeIndex| {
        graph.hosts_below(*index).iter().any(|host| context.misfits.contains(host))
    };
    let above: Vec<_> = graph.nodes().map(|(index, _)| index).filter(stands_on).collect();
    context.misfits.extend(above);
}

/// Whether the node does not say of which type its program is, or says it in a known word.
fn is_known_type(context: &mut Context<'_>, node: &Node) -> bool {
    let Some(section) = &node.section else { return true };
    let (kind, _) = ProgramKind::of_section(&section.value);
    if kind != ProgramKind::Other {
        return true;
    }
    let help = match nearest(&section.value, ProgramKind::section_names()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "Write a type as in SEC(\"...\"): type = \"xdp\".".to_owned(),
    };
    let message = format!("unknown program type `{}`", section.value);
    context.report(Code::BadValue, message, &section.span, "unknown type", help);
    false
}

/// What the program ought to be and how to get there, when it is something else.
fn mismatch(
    node: &Node,
    program: &Program,
    host_kinds: &[ProgramKind],
) -> Option<(String, String)> {
    use ProgramKind as Kind;
    let kind = program.kind;
    match &node.kind {
        NodeKind::Host(host) => {
            let wanted = host.attach.as_ref()?.value.kind;
            // What the kernel looks at is the program type, which several kinds may share.
            let is_one_place =
                matches!(wanted.program_type, ProgramType::Tracing | ProgramType::Lsm);
            if kind.program_type() == Some(wanted.program_type)
                && (kind == wanted.program || !is_one_place)
            {
                return placed(program, wanted);
            }
            let name = wanted.name;
            let help = match (KINDS.iter().find(|own| own.program == kind), kind) {
                (Some(own), _) => format!(
                    "Attach it to a matching hook, attach = {{ {} = \"...\" }}, or compile it as \
                     SEC(\"{name}\").",
                    own.name
                ),
                (None, Kind::Freplace) => {
                    "Move the SEC(\"freplace\") program to a [replacement.NAME].".to_owned()
                }
                (None, Kind::Fentry | Kind::Fexit | Kind::FmodRet) => tracing(kind),
                (None, Kind::Other) => made_up(name),
                (None, _) => match kind.program_type().and_then(why_unsupported) {
                    Some(why) => {
                        format!("Programs of type {} cannot be hosts: {why}.", kind.name())
                    }
                    None => format!("Compile it as SEC(\"{name}\")."),
                },
            };
            Some((format!("SEC(\"{name}\")"), help))
        }
        NodeKind::Replacement(_) => {
            // Whatever an author calls the section, it is loaded as an extension.
            let fits = matches!(kind, Kind::Freplace | Kind::Other) || host_kinds.contains(&kind);
            (!fits).then(|| {
                let help = match kind {
                    Kind::Fentry | Kind::Fexit | Kind::FmodRet => tracing(kind),
                    _ => "Compile it as SEC(\"freplace\").".to_owned(),
                };
                ("SEC(\"freplace\")".to_owned(), help)
            })
        }
        NodeKind::Tracer(tracer) => {
            let wanted = tracing_kind(tracer.point).name();
            (kind != tracing_kind(tracer.point)).then(|| {
                let help = match kind {
                    Kind::Fentry | Kind::Fexit => {
                        format!("Write {} = \"{}\" instead.", kind.name(), tracer.target.value)
                    }
                    Kind::FmodRet => tracing(kind),
                    Kind::Freplace => {
                        "Move the SEC(\"freplace\") program to a [replacement.NAME].".to_owned()
                    }
                    Kind::Other => made_up(wanted),
                    _ => format!(
                        "Write a program for this target: SEC(\"{wanted}\") int BPF_PROG(...). Or \
                         remove `object` and `program` to use the built-in tracer."
                    ),
                };
                (format!("SEC(\"{wanted}\")"), help)
            })
        }
        NodeKind::Stub(_) => None,
    }
}

/// What becomes of a tracing program in a chain.
fn tracing(kind: ProgramKind) -> String {
    match kind {
        ProgramKind::FmodRet => "To observe a result, write a SEC(\"fexit\") program; to change \
                                 it, a SEC(\"freplace\") program for a stub. SEC(\"fmod_ret\") \
                                 programs attach only to kernel functions."
            .to_owned(),
        kind => {
            let name = kind.name();
            format!("Move the SEC(\"{name}\") program to a [tracer.NAME] with {name} = \"...\".")
        }
    }
}

/// What to do about a section of a made-up name.
fn made_up(name: &str) -> String {
    format!("Compile it as SEC(\"{name}\"), or write type = \"{name}\" in its table.")
}

/// What the program of a host ought to be when it is of the right type, but not made for one place.
fn placed(program: &Program, wanted: &HostKind) -> Option<(String, String)> {
    let name = program.kind.name();
    let section = wanted.section;
    let (_, wanted) = ProgramKind::of_section(section);
    if let Some(table) = program.traits.table.filter(|_| program.traits.table != wanted.table) {
        let table = table.name();
        let help = format!(
            "Compile it as SEC(\"{section}\"), or attach it to an entry of a map of type {table}, \
             through which it is called: attach = {{ {table} = \"...\" }}."
        );
        return Some((format!("SEC(\"{section}\")"), help));
    }
    program.traits.many.filter(|_| wanted.many.is_none()).map(|_| {
        let help = format!(
            "Compile it as SEC(\"{name}\"). This one is for several attach targets, but a host \
             has one."
        );
        (format!("SEC(\"{name}\")"), help)
    })
}
