//! The arguments that a tracer sees of its target, and the accesses that the kernel refuses.
//!
//! `btf_ctx_access`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/btf.c>.

use super::has_trusted_entry;
use crate::{
    chain::ProbePoint,
    object::{
        Object, Program, ProgramKind,
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
pub(crate) enum VisibleArguments<'a> {
    /// Its parameters.
    Typed(Vec<(&'a str, TypeId)>),
    Untyped,
}

impl<'a> VisibleArguments<'a> {
    /// What a tracer sees of the function `index` of `program`, which is a replacement or not; none
    /// without a prototype.
    pub(crate) fn of(
        object: &'a Object,
        program: &Program,
        index: usize,
        is_replacement: bool,
    ) -> Option<Self> {
        let definition = object.functions.get(index)?;
        let prototype = definition.prototype.and_then(|id| object.btf.get(id));
        let Some(Type::Prototype { parameters, .. }) = prototype else { return None };
        let is_typed = match program.function == index && !is_replacement {
            true => has_trusted_entry(object, program),
            false => definition.is_global,
        };
        Some(if is_typed { Self::Typed(parameters) } else { Self::Untyped })
    }
}

/// A function as a tracer's program finds it.
pub(crate) struct AccessTarget<'a> {
    /// The object that holds it.
    pub(crate) object: &'a Object,
    /// Its index there.
    pub(crate) function: usize,
    /// Its arguments.
    pub(crate) seen: VisibleArguments<'a>,
    /// The kinds of program that it is loaded in: a replacement may have hosts of several.
    pub(crate) kinds: Vec<ProgramKind>,
}

impl AccessTarget<'_> {
    /// The first of `facts` about a program of the object `tracer` that the kernel refuses here.
    pub(crate) fn refuses(
        &self,
        facts: &[Fact],
        tracer: &Object,
        point: ProbePoint,
    ) -> Option<AccessRefusal> {
        let Self { object, seen, .. } = self;
        let name = &object.functions.get(self.function)?.name;
        facts.iter().find_map(|fact| {
            self.kinds.iter().find_map(|kind| match fact.what {
                FactKind::ReadsContext { offset, width } => {
                    refusal(object, name, seen, point, *kind, offset, width)
                }
                FactKind::ReadsThrough { number, offset, width, of } => {
                    let of = of.and_then(|of| tracer.btf.resolve(of)).map(|(_, ty)| ty);
                    through(object, name, seen, *kind, number, offset, width, of.as_ref())
                }
                _ => None,
            })
        })
    }
}

/// Why an access is refused.
#[derive(Debug)]
pub(crate) struct AccessRefusal {
    /// What the program does, in words: ``reads missing argument 3 of `parse` ``.
    pub(crate) what: String,
    /// The kernel's words.
    pub(crate) words: String,
    /// What to write instead.
    pub(crate) help: String,
    /// Which kernels refuse it, when not all do.
    pub(crate) refused_by: Option<fn(&Profile) -> bool>,
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
