//! Reports on the events of `up`: losses as they occur, and the totals at the end.

use super::sink::SinkName;
use crate::cli::{exit::Exit, ink::Ink as _, screen};
use freplace_compose::{
    chain::buffer_size,
    diag::list,
    event::{Loss, Skips},
    plan::Plan,
    session::{Notice, Report},
};

/// Reports what cannot wait for the end.
pub(super) fn notice(notice: &Notice<'_>, plan: &Plan) {
    match notice {
        Notice::Malformed(error) => screen::say!("{} {error}", "malformed:".red()),
        Notice::Lost(Loss { node, map, count }) => {
            let told = match node.and_then(|node| plan.nodes.get(node)) {
                Some(node) => {
                    let events = screen::count(*count, "event");
                    format!("{events} of `{}`: the buffer of `{map}` was full", node.id)
                }
                None => {
                    let lines = screen::count(*count, "line");
                    format!("{lines} of {map}, of this chain or of other programs")
                }
            };
            screen::say!("{} {told}", "lost".yellow());
        }
    }
}

/// Writes the last lines; and a mismatch of the accounting, which would be a bug of ours.
pub(super) fn closing(report: Report, plan: &Plan, target: &SinkName) -> Exit {
    let accounting = &report.accounting;
    // As many as the head of it all says.
    let nodes = plan.nodes.len() as u64;
    let (total, shown) = (accounting.total(), report.shown);
    let mut text = format!(
        "detached {}   {}, {} lost",
        screen::count(nodes, "node"),
        screen::count(shown, "event"),
        total.lost
    );
    let skipped = accounting.skips.total();
    if skipped > 0 {
        text += &format!(", {skipped} skipped");
    }
    let more = total.delivered - shown;
    if more > 0 {
        text += &format!("   {more} more events filtered out by --only");
    }
    if accounting.undecoded > 0 {
        text += &format!("   {} could not be decoded", accounting.undecoded);
    }
    screen::say!("{text}");
    if accounting.lost_in_common() > 0
        && let Some(size) = plan.buffer()
    {
        screen::say!(
            "events were lost; increase `buffer` (currently {}) at the top of the chain file",
            buffer_size(size)
        );
    }
    for host in &report.unnumbered {
        screen::say!(
            "events of `{host}` cannot be grouped by call: call fc_enter() first and fc_leave() \
             last in its program"
        );
    }
    for (index, node) in plan.nodes.iter().enumerate() {
        for map in accounting.uncounted_of(index) {
            screen::say!(
                "lost events of `{}` cannot be counted: the kernel does not report drops for \
                 `{map}`",
                node.id
            );
        }
    }
    report_skips(plan, &accounting.skips);
    if !accounting.balance() {
        screen::say!(
            "{} {} produced, but {} read and {} lost; please report this",
            "bug:".red(),
            screen::count(total.produced, "event"),
            total.delivered + accounting.malformed,
            total.lost
        );
        return Exit::Failed;
    }
    report.written.map_or_else(|error| target.write_failed(error), |()| Exit::Done)
}

/// Says whose program was not run though its event came, and of whose that is not known.
fn report_skips(plan: &Plan, skips: &Skips) {
    let mut unknown = Vec::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        match skips.of(index) {
            Some(0) => {}
            Some(count) => screen::say!(
                "`{}` was skipped {}: its event occurred while a program ran on the same CPU",
                node.id,
                screen::count(count, "time")
            ),
            None => unknown.push(node.id.as_str()),
        }
    }
    if !unknown.is_empty() {
        screen::say!(
            "skipped runs of {} cannot be counted: the kernel counts them since Linux 6.7",
            list(&unknown)
        );
    }
}
