//! Programs whose functions are places for other programs: the dispatchers of libxdp and bpfman.
//!
//! libxdp's protocol: <https://github.com/xdp-project/xdp-tools/blob/main/lib/libxdp/protocol.org>. bpfman's
//! dispatchers, <https://github.com/bpfman/bpfman/tree/main/bpf>, have the same names and places, and pins in a
//! bpffs of bpfman's own, at /run/bpfman/fs.

use super::{Census, Effect, RunningProgram};

/// A dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatcher<'a> {
    /// Who made it, as far as its pins tell.
    pub maker: Option<&'static str>,
    /// Its slots, with what is in each.
    pub slots: Vec<(&'a str, Option<&'a RunningProgram>)>,
    /// The program that stands in the place of all of it: libxdp does so where there is one.
    pub replaced_by: Option<&'a RunningProgram>,
}

/// The names that both give to it.
const NAMES: [&str; 2] = ["xdp_dispatcher", "tc_dispatcher"];

impl<'a> Dispatcher<'a> {
    /// `program` as a dispatcher, when it is one.
    #[must_use]
    pub fn of(census: &'a Census, program: &'a RunningProgram) -> Option<Self> {
        if !NAMES.contains(&program.name.as_str()) {
            return None;
        }
        let is_slot = |name: &str| {
            let number = name.strip_prefix("prog").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let inside: Vec<_> = census
            .on(program.id)
            .filter(|(how, ..)| *how == Effect::Replaces)
            .map(|(_, function, by)| (function, by))
            .collect();
        let slots = program.functions.iter().filter(|function| is_slot(&function.name));
        let slots = slots.map(|function| {
            let taken = inside.iter().find(|(id, _)| *id == function.btf_id);
            (function.name.as_str(), taken.map(|(_, by)| *by))
        });
        let slots: Vec<_> = slots.collect();
        let pins = inside.iter().flat_map(|(_, by)| by.all_pins());
        let pins = pins.chain(program.all_pins());
        let maker = pins.map(|pin| pin.to_string_lossy()).find_map(|pin| {
            if pin.contains("/bpfman/fs/") {
                Some("bpfman")
            } else if pin.contains("/xdp/dispatch-") {
                Some("libxdp")
            } else {
                None
            }
        });
        let entry = program.functions.first().map(|entry| entry.btf_id);
        let replaced_by = inside.iter().find(|(id, _)| Some(*id) == entry).map(|(_, by)| *by);
        (!slots.is_empty()).then_some(Self { maker, slots, replaced_by })
    }
}
