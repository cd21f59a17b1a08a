//! The corpus, one file for each subject.

mod combined;
mod entries;
mod functions;
mod hooks;
mod packets;
mod prototypes;
mod results;
mod several;
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
        hooks::cases,
        combined::cases,
    ];
    groups.iter().flat_map(|cases| cases()).collect()
}
