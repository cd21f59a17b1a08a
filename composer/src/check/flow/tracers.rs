//! Tracers that read arguments that their target lacks, or of types that they cannot read.
//!
//! `btf_ctx_access`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.

use super::{CheckedProgram, Context, Rejection, host_kinds};
use crate::{
    chain::{NodeKind, ProbePoint},
    check::stubs::has_trusted_entry,
    diag::{Code, Diagnostic},
    object::{
        Object, ProgramKind,
        btf::{Type, TypeId},
        flow::{Fact, FactKind},
    },
    profile::Profile,
};

/// What a tracer sees of its target where the verifier does not go by the prototype: as many
/// numbers as there are registers.
const UNTYPED: usize = 5;
/// `MAX_BPF_FUNC_ARGS`, and a result behind them.
const MOST_BYTES: i64 = 12 * 8;

/// What a tracer sees of a function.
enum VisibleArguments<'a> {
    /// Its parameters.
    Typed(Vec<(&'a str, TypeId)>),
    Untyped,
}

/// Why an access is refused.
struct AccessRefusal {
    what: String,
    words: String,
    help: String,
    /// By some kernels only.
    refused_by: Option<fn(&Profile) -> bool>,
}

pub(super) fn find(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let NodeKind::Tracer(tracer) = &subject.node.kind else { return None };
    let graph = &context.chain.graph;
    for function in context.names.functions(subject.index) {
        let (place, name) = (function.holder, function.name.as_str());
        if context.misfits.contains(&place) {
            continue;
        }
        let target = graph.node(place);
        // Of a tracer that is traced, the rule on nested tracers tells enough.
        let (kind, is_replacement) = match &target.kind {
            NodeKind::Host(_) => (context.program(place)?.1.kind, false),
            NodeKind::Replacement(_) => (ProgramKind::Freplace, true),
            _ => continue,
        };
        let Some((object, program)) = context.program(place) else { continue };
        let definition = &object.functions[function.index];
        let prototype = definition.prototype.and_then(|id| object.btf.get(id));
        let Some(Type::Prototype { parameters, .. }) = prototype else { continue };
        let is_entry = program.function == function.index;
        let seen = if is_entry && !is_replacement {
            match has_trusted_entry(object, program) {
                true => VisibleArguments::Typed(parameters),
                false => VisibleArguments::Untyped,
            }
        } else if definition.is_global {
            VisibleArguments::Typed(parameters)
        } else {
            VisibleArguments::Untyped
        };
        // A replacement is of the type of its host, which may be one of several.
        let kinds = match is_replacement {
            false => vec![kind],
            true => host_kinds(context, place),
        };
        for fact in facts {
            let refusal = kinds.iter().find_map(|kind| match fact.what {
                FactKind::ReadsContext { offset, width } => {
                    refusal(object, name, &seen, tracer.point, *kind, offset, width)
                }
                FactKind::ReadsThrough { number, offset, width, of } => {
                    let of = of.and_then(|of| subject.object.btf.resolve(of));
                    let of = of.map(|(_, ty)| ty);
                    through(object, name, &seen, *kind, number, offset, width, of.as_ref())
                }
                _ => None,
            });
            let Some(refusal) = refusal else { continue };
            let message = format!("{} {}", subject.title(), refusal.what);
            let found = Diagnostic::new(Code::TracerDereference, message)
                .label(subject.of.asked(), "reads it")
                .label(&tracer.target.span, "target")
                .note(format!("target  {}", object.prototype(definition).unwrap_or_default()))
                .says("EACCES", refusal.words)
                .help(refusal.help);
            return Some(Rejection { found, refused_by: refusal.refused_by });
        }
    }
    None
}

/// Why the kernel does not let `width` bytes at `offset` be read, if it does not.
fn refusal(
    object: &Object,
    function: &str,
    seen: &VisibleArguments<'_>,
    point: ProbePoint,
    kind: ProgramKind,
    offset: i64,
    width: u8,
) -> Option<AccessRefusal> {
    let count = match seen {
        VisibleArguments::Typed(parameters) => parameters.len(),
        VisibleArguments::Untyped => UNTYPED,
    };
    let invalid = format!("invalid bpf_context access off={offset} size={width}");
    let first = offset / 8 * 8;
    if !(0..MOST_BYTES).contains(&offset) || offset % i64::from(width) != 0 {
        return Some(AccessRefusal {
            what: format!("reads byte {offset} of its context, beyond its arguments"),
            words: invalid,
            help: has(function, count, point),
            refused_by: None,
        });
    }
    if offset != first {
        return Some(AccessRefusal {
            what: format!("reads part of an argument of `{function}`"),
            words: format!("func '{function}' offset {offset} is not multiple of 8"),
            help: "Read the whole argument of 8 bytes, and extract the part from it.".to_owned(),
            refused_by: None,
        });
    }
    let number = usize::try_from(offset / 8).ok()?;
    let last = count + usize::from(point == ProbePoint::Fexit);
    if number >= last {
        // Behind the last one the kernel does not go on counting where it knows the types.
        let counted = match seen {
            VisibleArguments::Typed(_) => number.min(count + 1) + 1,
            VisibleArguments::Untyped => number + 1,
        };
        return Some(AccessRefusal {
            what: format!("reads missing argument {} of `{function}`", number + 1),
            words: format!("func '{function}' doesn't have {counted}-th argument"),
            help: has(function, count, point),
            refused_by: None,
        });
    }
    let VisibleArguments::Typed(parameters) = seen else { return None };
    let (name, of) = parameters.get(number)?;
    let Some((_, Type::Ptr(to))) = object.btf.resolve(*of) else { return None };
    let pointee = match object.btf.resolve(to)?.1 {
        // No struct: to the verifier such a pointer is a number.
        Type::Void | Type::Int { .. } => None,
        Type::Struct { name, .. } | Type::Forward { name, .. } => Some(name),
        _ => Some(""),
    };
    let is_context = |name: &str| kind.context_struct() == Some(name) || name.ends_with("_buff");
    if pointee.is_none_or(is_context) {
        return (width != 8).then(|| AccessRefusal {
            what: format!("reads part of pointer `{name}` of `{function}`"),
            words: format!("func '{function}' size {width} must be 8"),
            help: "Read the whole pointer of 8 bytes.".to_owned(),
            refused_by: Some(|profile| profile.features.pointer_arguments_whole),
        });
    }
    Some(AccessRefusal {
        what: format!("reads `{name}` of `{function}`, a pointer to the program's own type"),
        words: invalid,
        help: format!(
            "Read the pointer with bpf_get_func_arg(ctx, {number}, &address), and the memory \
             behind it with bpf_probe_read_kernel(). Do not list it among the arguments of \
             BPF_PROG."
        ),
        refused_by: None,
    })
}

/// How many bytes of `struct xdp_md` there are, where `struct xdp_buff` has nothing but pointers.
const XDP_MD: i64 = 24;

/// Why the kernel does not let `width` bytes at `offset` be read behind the pointer that is argument
/// `number`. A context is the kernel's own struct to a tracer, not what the program sees:
/// `btf_translate_to_vmlinux`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.
#[expect(clippy::too_many_arguments, reason = "a function's, its caller's and the access")]
fn through(
    object: &Object,
    function: &str,
    seen: &VisibleArguments<'_>,
    kind: ProgramKind,
    number: u8,
    offset: i64,
    width: u8,
    of: Option<&Type<'_>>,
) -> Option<AccessRefusal> {
    let VisibleArguments::Typed(parameters) = seen else { return None };
    let (name, argument) = parameters.get(usize::from(number))?;
    let Some((_, Type::Ptr(to))) = object.btf.resolve(*argument) else { return None };
    let Type::Struct { name: context, .. } = object.btf.resolve(to)?.1 else { return None };
    if context != "xdp_md" || kind.context_struct() != Some(context) {
        return None;
    }
    // Where CO-RE finds the place, it is that of the struct in the source.
    let is_it = match of {
        None => width < 8 && (0..XDP_MD).contains(&offset),
        Some(Type::Struct { name, .. }) => name.split("___").next() == Some(context),
        Some(_) => false,
    };
    is_it.then(|| AccessRefusal {
        what: format!("reads fields of `struct {context}` through `{name}` of `{function}`"),
        words: "cannot access ptr member ".to_owned(),
        help: "Use the built-in tracer for these fields: trace = \"NODE\" and capture = \
             [\"ctx->data\"]. Or declare `struct xdp_buff` with \
             __attribute__((preserve_access_index)) and read its fields. A tracer gets the \
             kernel's own `struct xdp_buff` instead of `struct xdp_md`."
            .to_owned(),
        refused_by: None,
    })
}

/// How many arguments there are to read.
fn has(function: &str, count: usize, point: ProbePoint) -> String {
    let result = match point {
        ProbePoint::Fexit => ", followed by the result",
        ProbePoint::Fentry => "",
    };
    let arguments = match count {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        count => format!("{count} arguments"),
    };
    format!("A tracer sees {arguments} of `{function}`{result}.")
}
