//! The context of a program, as a tracer sees it.
//!
//! A program of a network hook is written for `struct xdp_md` or `struct __sk_buff`, which exist in
//! no memory: the verifier turns each access into one of the kernel's own struct. A tracer gets a
//! pointer to that one. So a field keeps its name, and is read where the kernel has it:
//! `xdp_convert_ctx_access` and `bpf_convert_ctx_access`,
//! <https://github.com/torvalds/linux/blob/v6.12/net/core/filter.c>.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::value::ValueType;
use crate::object::ProgramKind;

/// A field of a struct of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelField {
    /// The struct.
    pub structure: Cow<'static, str>,
    /// The field.
    pub field: Cow<'static, str>,
}

/// A field that a program may name, and how the kernel comes to it.
pub(super) struct Translated {
    pub(super) name: &'static str,
    pub(super) way: &'static [KernelField],
    pub(super) of: ValueType,
}

/// What a context is in memory.
pub(super) enum ContextLayout {
    /// The struct that the program was written for.
    Same,
    /// The kernel's own struct.
    Other(&'static [Translated]),
}

/// What the context of a program of `kind` is.
pub(super) fn context(kind: ProgramKind) -> ContextLayout {
    match kind.context_struct() {
        Some("xdp_md") => ContextLayout::Other(XDP),
        Some("__sk_buff") => ContextLayout::Other(SKB),
        Some("pt_regs" | "bpf_raw_tracepoint_args") => ContextLayout::Same,
        None if kind != ProgramKind::Other => ContextLayout::Same,
        _ => ContextLayout::Other(&[]),
    }
}

macro_rules! translated {
    ($($name:literal = $of:ident: $($structure:ident.$field:ident),+;)*) => {
        &[$(Translated {
            name: $name,
            way: &[$(KernelField {
                structure: Cow::Borrowed(stringify!($structure)),
                field: Cow::Borrowed(stringify!($field)),
            }),+],
            of: ValueType::$of,
        }),*]
    };
}

const XDP: &[Translated] = translated! {
    "data" = Address: xdp_buff.data;
    "data_end" = Address: xdp_buff.data_end;
    "data_meta" = Address: xdp_buff.data_meta;
    "ingress_ifindex" = Number: xdp_buff.rxq, xdp_rxq_info.dev, net_device.ifindex;
    "rx_queue_index" = Number: xdp_buff.rxq, xdp_rxq_info.queue_index;
};

const SKB: &[Translated] = translated! {
    "len" = Number: sk_buff.len;
    "protocol" = NetworkShort: sk_buff.protocol;
    "mark" = Number: sk_buff.mark;
    "priority" = Number: sk_buff.priority;
    "hash" = Number: sk_buff.hash;
    "ifindex" = Number: sk_buff.dev, net_device.ifindex;
    "ingress_ifindex" = Number: sk_buff.skb_iif;
    "queue_mapping" = Number: sk_buff.queue_mapping;
    "vlan_tci" = Number: sk_buff.vlan_tci;
};
