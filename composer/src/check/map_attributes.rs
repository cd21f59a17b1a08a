//! Map definitions that no kernel accepts, and changes to maps in the chain: checked before
//! anything is loaded.

use std::collections::HashMap;

use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP, trace::TIMES_MAP};

use super::{Context, title};
use crate::{
    chain::{MapChange, Node, Spanned, map_name},
    diag::{Code, Diagnostic, list, nearest},
    object::{MapDef, Object},
    resolve::{ChainMap, is_shared},
};

/// A value that each CPU has for itself: `PCPU_MIN_UNIT_SIZE`,
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/percpu.h>.
const PER_CPU: u32 = 32 << 10;
/// `NR_CPUS` of x86-64 and arm64 at most.
const MOST_CPUS: u32 = 8192;
/// What the kernel allocates in one piece at most, `KMALLOC_MAX_SIZE`.
const LARGEST: u64 = 4 << 20;
/// Addresses of a stack at most, as `kernel.perf_event_max_stack` is unless somebody raises it.
const DEEPEST_STACK: u32 = 127;
/// `BPF_F_NO_PREALLOC`.
const NO_PREALLOC: u32 = 1;

pub(super) fn check(context: &mut Context<'_>) {
    let mut told = Vec::new();
    let mut found = Vec::new();
    for (_, node, of) in context.names.programs() {
        let reference = of.reference();
        for legacy in of.legacy_maps() {
            found.push(
                Diagnostic::new(
                    Code::LegacyMap,
                    format!("{} uses the legacy map `{legacy}`", title(node)),
                )
                .label(of.asked(), "used here")
                .help(format!(
                    "Write: struct {{ __uint(type, ...); __type(key, ...); __type(value, ...); \
                     __uint(max_entries, ...); }} {legacy} SEC(\".maps\"); libbpf no longer \
                     supports SEC(\"maps\") with struct bpf_map_def."
                )),
            );
        }
        for (map, ChainMap { map: made, .. }) in of.chain_maps() {
            let key = (&reference.value, &map.name);
            if told.contains(&key) {
                continue;
            }
            if let Some((what, help)) = wrong(made) {
                told.push(key);
                let change = node.data.maps.iter().find(|change| change.map.value == map.name);
                let span = change.map_or(&reference.span, |change| &change.map.span);
                found.push(
                    Diagnostic::new(
                        Code::MapAttributes,
                        format!("map `{}` of {} {what}", map.name, title(node)),
                    )
                    .label(span, "rejected by every kernel")
                    .note(format!(
                        "{}  {}  key {}  value {}  entries {}  flags {:#x}",
                        map.name,
                        made.type_name(),
                        made.key_size,
                        made.value_size,
                        made.max_entries,
                        made.flags
                    ))
                    .help(help),
                );
            }
        }
        found.extend(node.data.maps.iter().filter_map(|change| {
            let object = of.object();
            let used = object.maps.iter().find(|map| map.name == change.map.value);
            unknown(node, object, &change.map, used)
        }));
    }
    found.extend(said_twice(context));
    context.found.extend(found);
}

/// A map that the object does not have, or that is the composer's own.
fn unknown(
    node: &Node,
    object: &Object,
    name: &Spanned<String>,
    map: Option<&MapDef>,
) -> Option<Diagnostic> {
    let shown = name.value.escape_debug();
    let own = [COUNTS_MAP, EVENTS_MAP, TIMES_MAP];
    let found = |code, message: String, label: &str| {
        Diagnostic::new(code, message).label(&name.span, label)
    };
    if own.contains(&name.value.as_str()) {
        let message =
            format!("{} changes `{shown}`, which is reserved for the composer", title(node));
        let help = "Remove it. Set the size of the event buffer with `buffer = \"4MiB\"` at the \
                    top of the chain.";
        return Some(found(Code::BadValue, message, "reserved").help(help));
    }
    if map.is_some() {
        return None;
    }
    let names: Vec<_> = object.maps.iter().map(|map| map.name.as_str()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !own.contains(name)).collect();
    let message = format!("map `{shown}` not found in the object of {}", title(node));
    let help = match nearest(&name.value, names.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if names.is_empty() => "Its object has no maps of its own.".to_owned(),
        None => format!("Its maps are: {}.", list(&names)),
    };
    Some(found(Code::UnknownMap, message, "not in its object").help(help))
}

/// Two nodes that say different things of a map that both share.
fn said_twice(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut first: HashMap<String, (&Node, &MapChange)> = HashMap::new();
    let mut found = Vec::new();
    for (_, node, of) in context.names.programs() {
        let object = of.object();
        for change in &node.data.maps {
            let name = change.map.value.as_str();
            let shared = object.maps.iter().any(|map| map.name == name && is_shared(map));
            let key = map_name(&node.scope, name);
            let Some((other, before)) = first.get(&key).filter(|_| shared) else {
                first.insert(key, (node, change));
                continue;
            };
            let differs =
                |one: Option<u32>, two: Option<u32>| one.is_some() && two.is_some() && one != two;
            let value = |one: &Option<Spanned<u32>>| one.as_ref().map(|one| one.value);
            let pins = (before.pin.as_ref(), change.pin.as_ref());
            let differ = differs(value(&before.max_entries), value(&change.max_entries))
                || differs(value(&before.flags), value(&change.flags))
                || matches!(pins, (Some(one), Some(two)) if one.value != two.value)
                || matches!((before.keep, change.keep), (Some(one), Some(two)) if one != two);
            if differ {
                let message = format!(
                    "conflicting attributes in `{}` and `{}` for map `{name}`",
                    other.id.value, node.id.value
                );
                found.push(
                    Diagnostic::new(Code::BadValue, message)
                        .label(&change.map.span, "conflicts with this")
                        .label(&before.map.span, "first set here")
                        .help(
                            "Set it once. Maps of the same name are one map for the whole chain.",
                        ),
                );
            }
        }
    }
    found
}

/// Why no kernel makes `map`, and what helps. The checks of each type are in
/// <https://github.com/torvalds/linux/tree/v6.12/kernel/bpf>.
fn wrong(map: &MapDef) -> Option<(String, String)> {
    let kind = map.type_name();
    let name = &map.name;
    let (key, value) = (map.key_size, map.value_size);
    let write = |what: &str| format!("In its definition, write {what}");
    let sized = format!(
        "Set it in the chain: maps = {{ {name} = {{ max_entries = 1024 }} }}. The object leaves \
         it to the loader."
    );
    let may_be_empty = matches!(
        kind,
        "perf_event_array"
            | "sk_storage"
            | "inode_storage"
            | "task_storage"
            | "cgrp_storage"
            | "cgroup_storage"
            | "percpu_cgroup_storage"
            | "struct_ops"
            | "unknown"
            | "unspec"
    );
    if matches!(kind, "unspec") {
        return Some(("has no type".to_owned(), write("__uint(type, BPF_MAP_TYPE_HASH).")));
    }
    if map.max_entries == 0 && !may_be_empty {
        return Some(("has no entries".to_owned(), sized));
    }
    if map.holds_maps() && map.inner.is_none() {
        let help = write(
            "the type of its maps: __array(values, struct inner), where struct inner is a \
                   map.",
        );
        return Some(("has no definition of its inner maps".to_owned(), help));
    }
    if let Some((what, help)) = map.inner.as_deref().and_then(wrong) {
        return Some((format!("has an inner map that {what}"), help));
    }
    if let Some((last, _)) = map.values.last().filter(|(last, _)| *last >= map.max_entries) {
        let what = format!("has {} entries, but a value at entry {last}", map.max_entries);
        return Some((
            what,
            format!("Increase it: maps = {{ {name} = {{ max_entries = {} }} }}", last + 1),
        ));
    }
    let is_hash = matches!(kind, "hash" | "lru_hash" | "percpu_hash" | "lru_percpu_hash");
    let is_array = matches!(kind, "array" | "percpu_array");
    if (is_hash || kind == "lpm_trie") && key == 0 {
        return Some(("has no key".to_owned(), write("__type(key, ...).")));
    }
    if is_array && key != 4 {
        let what = format!("is an array with keys of {key} bytes");
        return Some((what, write("__type(key, __u32).")));
    }
    let needs_value = is_hash
        || is_array
        || matches!(kind, "lpm_trie" | "queue" | "stack" | "bloom_filter" | "stack_trace")
        || kind.ends_with("_storage");
    if needs_value && value == 0 {
        return Some(("has no value".to_owned(), write("__type(value, ...).")));
    }
    match kind {
        "percpu_array" | "percpu_hash" | "lru_percpu_hash"
            if value.checked_next_multiple_of(8).is_none_or(|value| value > PER_CPU) =>
        {
            let what = format!(
                "has per-CPU values of {value} bytes, but at most {PER_CPU} are \
                                supported"
            );
            Some((what, "Reduce the size of the value, or use a type without `percpu`.".to_owned()))
        }
        "hash" | "lru_hash" if u64::from(key) + u64::from(value) > LARGEST => {
            let what = format!("has entries of {} bytes", u64::from(key) + u64::from(value));
            Some((what, "Reduce it. An entry of a hash has to be smaller than 4 MiB.".to_owned()))
        }
        "cpumap" if map.max_entries > MOST_CPUS => {
            let what = format!("is a cpumap of {} entries", map.max_entries);
            let help = format!(
                "Reduce it: maps = {{ {name} = {{ max_entries = {MOST_CPUS} }} }}. The map has \
                 one entry per CPU, and kernels support at most {MOST_CPUS}."
            );
            Some((what, help))
        }
        "cpumap" | "devmap" | "devmap_hash" | "sockmap" | "sockhash" | "reuseport_sockarray"
            if ![4, 8].contains(&value) =>
        {
            let what = format!("is a {kind} with values of {value} bytes");
            Some((what, write("__uint(value_size, 4).")))
        }
        "stack_trace" if value % 8 != 0 || value / 8 > DEEPEST_STACK => {
            let what = format!("holds stacks of {value} bytes");
            let help = format!(
                "Use a multiple of 8 bytes. A stack has at most {DEEPEST_STACK} \
                                addresses of 8 bytes."
            );
            Some((what, help))
        }
        "lpm_trie" if map.flags & NO_PREALLOC == 0 => {
            let what = "is a trie without BPF_F_NO_PREALLOC".to_owned();
            let help = format!(
                "{} Or in the chain: maps = {{ {name} = {{ flags = {} }} }}",
                write("__uint(map_flags, BPF_F_NO_PREALLOC)."),
                map.flags | NO_PREALLOC
            );
            Some((what, help))
        }
        "lpm_trie" if !(5..=260).contains(&key) => {
            let what = format!("is a trie with keys of {key} bytes");
            Some((what, write("a key that consists of the length, a __u32, and 1 to 256 bytes.")))
        }
        "bloom_filter" if map.extra > 15 => {
            let what = format!("is a filter with {} hash functions", map.extra);
            Some((what, write("__uint(map_extra, N) with N up to 15.")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MapDef, wrong};
    use crate::object::map_types;

    fn map(kind: &str) -> MapDef {
        let (map_type, _) = map_types().find(|(_, name)| *name == kind).expect("a type");
        let entries = 8;
        MapDef { map_type, key_size: 4, value_size: 8, max_entries: entries, ..MapDef::default() }
    }

    #[test]
    fn what_a_kernel_makes_is_not_refused() {
        for kind in ["hash", "array", "percpu_array", "stack_trace", "cpumap", "devmap", "stack"] {
            assert_eq!(wrong(&map(kind)), None, "{kind}");
        }
        let trie = MapDef { key_size: 8, flags: 1, ..map("lpm_trie") };
        assert_eq!(wrong(&trie), None);
        let widest = MapDef { value_size: 32 << 10, ..map("percpu_array") };
        assert_eq!(wrong(&widest), None);
    }

    #[test]
    fn what_no_kernel_makes_is() {
        let refused = [
            MapDef { max_entries: 0, ..map("hash") },
            MapDef { key_size: 0, ..map("hash") },
            MapDef { value_size: 0, ..map("array") },
            MapDef { key_size: 8, ..map("array") },
            MapDef { value_size: (32 << 10) + 1, ..map("percpu_hash") },
            MapDef { max_entries: 8193, ..map("cpumap") },
            MapDef { value_size: 12, ..map("stack_trace") },
            MapDef { value_size: 1024, ..map("stack_trace") },
            MapDef { value_size: 6, ..map("devmap") },
            map("array_of_maps"),
            map("lpm_trie"),
            MapDef { extra: 16, ..map("bloom_filter") },
            MapDef::default(),
        ];
        for map in refused {
            assert!(wrong(&map).is_some(), "{map:?}");
        }
    }
}
