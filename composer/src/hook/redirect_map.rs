//! devmap and cpumap: an entry of a map that an XDP program redirects frames to.

use super::{
    Attach, Destination, Exclusive, HostKind, KeySpec, MapUse, Mechanism, Refusal, Refused,
    TargetKey, Template, Values,
    map::{MAP_NAME, map_name},
    xdp,
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static DEVMAP: HostKind = AT_ENTRY;

const AT_ENTRY: HostKind = HostKind {
    name: "devmap",
    aliases: &[],
    summary: "An entry of a map of network interfaces: frames that XDP redirects there, before the \
              interface sends them.",
    program: ProgramKind::Xdp,
    program_type: ProgramType::Xdp,
    section: "xdp/devmap",
    expected_attach_type: |_| Some(AttachType::XdpDevmap),
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: false,
    verdicts: xdp::ACTIONS,
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a map of network interfaces",
        form: None,
        example: "ports",
        parts: &["map"],
        pattern: Some(MAP_NAME),
        read: map_name,
    },
    settings: &[
        KeySpec {
            key: KEY,
            what: "a key",
            doc: "The entry, which the XDP program names in `bpf_redirect_map`.",
            values: Values::RequiredNumber(0, u32::MAX as i64),
            excludes: &[],
            need: |_| None,
        },
        KeySpec {
            key: INTERFACE,
            what: "a network interface",
            doc: "The interface that sends the frames.",
            values: Values::RequiredText("lo"),
            excludes: &[],
            need: |_| None,
        },
    ],
    mechanism: |attach| Mechanism::MapEntry {
        key: entry(attach),
        to: Destination::Interface(attach.text(INTERFACE).unwrap_or_default()),
    },
    needs: &[],
    modules: &[],
    exclusive: Some(&Exclusive {
        place: |attach| format!("entry {} of map `{}`", entry(attach), attach.target),
        help: "Write another key, or one host that calls two stubs. An entry has one program.",
    }),
    map: Some(&MapUse {
        name: |attach| Some(&attach.target),
        types: |_| &["devmap", "devmap_hash"],
        value: Some(("struct bpf_devmap_val", 8)),
        entry: |attach| Some(entry(attach)),
    }),
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/devmap.bpf.c"),
        target: "ports",
        elsewhere: None,
        stub: "verdict",
        traffic: "true",
        since: None,
    },
    source: (
        "int f(struct xdp_md *ctx)",
        "the frame as for xdp, and `ctx->egress_ifindex`; XDP_PASS sends it, XDP_DROP does not",
    ),
};

pub(super) static CPUMAP: HostKind = HostKind {
    name: "cpumap",
    summary: "An entry of a map of CPUs: frames that XDP redirects there, on that CPU.",
    section: "xdp/cpumap",
    expected_attach_type: |_| Some(AttachType::XdpCpumap),
    target: TargetKey { what: "a map of CPUs", example: "cpus", ..AT_ENTRY.target },
    settings: &[
        KeySpec {
            key: CPU,
            what: "a CPU",
            doc: "The CPU, which is the key of the entry as well.",
            values: Values::RequiredNumber(0, 65_535),
            excludes: &[],
            need: |_| None,
        },
        KeySpec {
            key: SIZE,
            what: "a number of frames",
            doc: "How many frames wait for the CPU at most; 192 when not given.",
            values: Values::Number(1, 16_384),
            excludes: &[],
            need: |_| None,
        },
    ],
    mechanism: |attach| {
        let size = attach.number(SIZE).and_then(|size| u32::try_from(size).ok());
        Mechanism::MapEntry {
            key: entry(attach),
            to: Destination::Cpu(size.unwrap_or(DEFAULT_SIZE)),
        }
    },
    map: Some(&MapUse {
        name: |attach| Some(&attach.target),
        types: |_| &["cpumap"],
        value: Some(("struct bpf_cpumap_val", 8)),
        entry: |attach| Some(entry(attach)),
    }),
    template: Template {
        program: include_str!("templates/cpumap.bpf.c"),
        target: "cpus",
        ..AT_ENTRY.template
    },
    source: (
        "int f(struct xdp_md *ctx)",
        "the frame as for xdp; XDP_PASS hands it to the network stack of that CPU",
    ),
    ..AT_ENTRY
};

const KEY: &str = "key";
const INTERFACE: &str = "interface";
const CPU: &str = "cpu";
const SIZE: &str = "size";
const DEFAULT_SIZE: u32 = 192;

/// The key of the entry.
fn entry(attach: &Attach) -> u32 {
    let key = attach.number(KEY).or_else(|| attach.number(CPU));
    key.and_then(|key| u32::try_from(key).ok()).unwrap_or_default()
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let attach = refused.attach;
    let (map, key) = (&attach.target, entry(attach));
    match (refused.errno, attach.text(INTERFACE)) {
        ("ENODEV" | "EINVAL", Some(interface)) if refused.call == "find interface" => {
            Some(Refusal::no_target(
                format!("network interface {interface} not found"),
                "List the interfaces with: ip link".to_owned(),
            ))
        }
        ("ENODEV", None) => Some(Refusal::no_target(
            format!("CPU {key} not found"),
            "List the CPUs with: lscpu -e".to_owned(),
        )),
        ("EEXIST", _) => Some(Refusal {
            code: Code::Busy,
            why: format!("entry {key} of map `{map}` is in use"),
            help: format!("Write another key. Show the map with: bpftool map dump name {map}"),
        }),
        ("E2BIG", _) => Some(Refusal::no_target(
            format!("map `{map}` has no entry {key}"),
            "Write a lower key, or set max_entries in `maps`.".to_owned(),
        )),
        _ => None,
    }
}
