//! `header`: the C header that eBPF programs of a chain include.

use super::{exit::Exit, screen};

pub(super) fn run() -> Exit {
    screen::data(freplace_compose_common::HEADER_TEXT)
}
