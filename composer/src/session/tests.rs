//! What becomes of events, whatever happens: sessions on a kernel that is played, in no time.

mod accounting;
mod ending;
mod text;
mod user_maps;

use super::fake::{FakeCommand, Paper, Played, SessionRequest, Stage, World, play};
use crate::event::{EventCounts, Paint, WallClock};

const EVENTS: &str = freplace_compose_common::EVENTS_MAP;
const CLOCK: WallClock = WallClock { offset_ns: 0 };
const BARE: Paint = Paint { colors: false };

/// Emits so many events of number `node`, all at once.
fn emit(world: &World, node: u32, record: &[u8], count: usize) {
    (0..count).for_each(|_| world.programs.emit(EVENTS, node, record));
}

/// Produced, delivered and lost of all nodes.
fn counts(played: &Played) -> (u64, u64, u64) {
    let EventCounts { produced, delivered, lost } = played.report().accounting.total();
    (produced, delivered, lost)
}
