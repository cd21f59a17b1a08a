//! The corpus, one file for each subject.

mod answers;
mod arguments;
mod called;
mod combined;
mod entries;
mod functions;
mod helpers;
mod hooks;
mod hosts;
mod licences;
mod locks;
mod one_helper;
mod packets;
mod pointers;
mod prototypes;
mod raw_tracepoints;
mod results;
mod several;
mod tables;
mod targets;
mod trampolines;

use crate::case::Case;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        functions::cases,
        prototypes::cases,
        results::cases,
        entries::cases,
        several::cases,
        trampolines::cases,
        packets::cases,
        helpers::cases,
        hooks::cases,
        hosts::cases,
        targets::cases,
        raw_tracepoints::cases,
        arguments::cases,
        called::cases,
        pointers::cases,
        answers::cases,
        one_helper::cases,
        licences::cases,
        locks::cases,
        combined::cases,
        tables::cases,
    ];
    groups.iter().flat_map(|cases| cases()).collect()
}
