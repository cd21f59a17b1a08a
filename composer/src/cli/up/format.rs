//! Selects the output format of events.

use rustix::time::{ClockId, clock_gettime};

use super::{
    Ready,
    output_args::{EventFormat, EventView, OutputArgs},
};
use freplace_compose::{
    event::{ChromeTrace, Count, Html, Json, Log, Paint, Render, Stats, Tree, WallClock},
    plan::Action,
};

/// The requested format; `only` says of each node whether its events are shown.
pub(super) fn format(
    output: &OutputArgs,
    ready: &Ready,
    only: &[bool],
    paint: Paint,
) -> Box<dyn Render> {
    let Ready { resolved, plan, .. } = ready;
    let chain = resolved.chain();
    match (output.format, output.layout()) {
        (EventFormat::Json, _) => Box::new(Json::new(plan)),
        (EventFormat::TraceEvent, _) => Box::new(ChromeTrace::new(chain, plan)),
        (EventFormat::Html, _) => Box::new(Html::new(chain, plan, clock())),
        (EventFormat::Human, EventView::Log) => {
            let has_tasks = plan
                .operations
                .iter()
                .any(|operation| matches!(operation.action, Action::Load { has_task: true, .. }));
            Box::new(Log::new(&plan.nodes, clock(), has_tasks, paint))
        }
        (EventFormat::Human, EventView::Tree) => Box::new(Tree::new(chain, plan, clock(), paint)),
        (EventFormat::Human, EventView::Count) => Box::new(Count::new(&plan.nodes, only, paint)),
        (EventFormat::Human, EventView::Stats) => {
            Box::new(Stats::new(&plan.nodes, only, paint, output.is_on_terminal()))
        }
    }
}

/// From the kernel's monotonic clock to the local time of day.
fn clock() -> WallClock {
    let monotonic = clock_gettime(ClockId::Monotonic);
    let monotonic = i128::from(monotonic.tv_sec) * 1_000_000_000 + i128::from(monotonic.tv_nsec);
    let now = jiff::Zoned::now();
    let local =
        now.timestamp().as_nanosecond() + i128::from(now.offset().seconds()) * 1_000_000_000;
    WallClock { offset_ns: local - monotonic }
}
