//! `plan FILE` and `up --dry-run`: the operations that `up` does, from the same list.

use std::{collections::HashMap, fmt::Write as _, path::PathBuf};

use super::{Format, exit::Exit, ink::Ink as _, ready_or_report, screen};
use freplace_compose::{
    inert,
    plan::{Action, LoadAs, Operation, Plan, Target},
    trace::Tracing,
};

/// Show the operations that `up` would do: no root, no kernel, nothing loaded.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArguments {
    /// The chain file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to write the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &PlanArguments) -> Exit {
    match ready_or_report(&arguments.file) {
        Ok(ready) => show(&ready.plan, arguments.format),
        Err(exit) => exit,
    }
}

/// Writes `plan` to stdout.
pub(super) fn show(plan: &Plan, format: Format) -> Exit {
    match format {
        Format::Json => screen::json(plan),
        Format::Human => {
            let widths = Widths::of(plan, true);
            let mut out = format!("{}\n", header(plan));
            for operation in &plan.operations {
                // A String takes everything.
                let _ = writeln!(out, "  {}", line(plan, operation, &widths, None));
            }
            screen::data(&out)
        }
    }
}

/// `tcp  6 nodes`
pub(super) fn header(plan: &Plan) -> String {
    let name = inert::line(&plan.chain);
    format!("{}  {}", name.bold(), screen::count(plan.nodes.len() as u64, "node"))
}

/// Widths of the columns of ids, labels and places.
pub(super) struct Widths {
    id: usize,
    label: usize,
    place: usize,
    /// Who loads each slot, and as what: what stands in a column is named after it.
    loaded: HashMap<usize, (usize, LoadAs)>,
}

impl Widths {
    /// As wide as the widest node, and as the widest map when those are shown too.
    pub(super) fn of(plan: &Plan, with_maps: bool) -> Self {
        let maps = plan.operations.iter().filter_map(|operation| match &operation.action {
            Action::CreateMap { map, .. } if with_maps => {
                Some((map.name.as_str(), map.type_name()))
            }
            _ => None,
        });
        let nodes = plan.nodes.iter().map(|node| (node.id.as_str(), node.label));
        let (id, label) = maps.chain(nodes).fold((0, 0), |(left, right), (id, label)| {
            (left.max(id.chars().count()), right.max(label.chars().count()))
        });
        let places = plan.nodes.iter().map(|node| node.place.chars().count());
        let loads = plan.operations.iter().filter_map(|operation| match &operation.action {
            Action::Load { slot, load_as, .. } => Some((*slot, (operation.node?, *load_as))),
            _ => None,
        });
        Self { id, label, place: places.max().unwrap_or(0), loaded: loads.collect() }
    }
}

/// One operation in one line; with the kernel's id of the program once that is known.
pub(super) fn line(
    plan: &Plan,
    operation: &Operation,
    widths: &Widths,
    program: Option<u32>,
) -> String {
    let node = operation.node.and_then(|node| plan.nodes.get(node));
    let (id, label) = node.map_or(("", ""), |node| (node.id.as_str(), node.label));
    let (verb, id, label, place) = match &operation.action {
        Action::Listen => ("listen", "bpf_printk", "trace", "an instance of tracefs".to_owned()),
        Action::CreateMap { map, .. } => {
            let entries = match map.is_event_buffer() {
                true if map.max_entries == 0 => "one buffer for each CPU".to_owned(),
                true => format!("{} KiB", map.max_entries / 1024),
                false => {
                    screen::count(map.max_entries.into(), "entry").replace("entrys", "entries")
                }
            };
            let of = if id.is_empty() { entries } else { format!("{entries}, for {id} alone") };
            ("map", map.name.as_str(), map.type_name(), of)
        }
        Action::Load { load_as: LoadAs::Tracer(moment), target, trace: Some(tracing), .. } => {
            let target = target.as_ref().map(|target| target_name(plan, target, widths));
            let what = taken(tracing, &target.unwrap_or_default());
            ("load", id, moment.name(), what)
        }
        Action::Load { object, program, target, .. } => {
            let place = match target {
                Some(target) => format!("for {}", target_name(plan, target, widths)),
                None => String::new(),
            };
            let from = format!("{program} of {object}");
            ("load", id, label, if place.is_empty() { from } else { format!("{from}, {place}") })
        }
        Action::AttachHook { attach, .. } => ("attach", id, label, attach.to_string()),
        Action::AttachReplacement { target, .. } => {
            ("attach", id, label, format!("in the place of {}", target_name(plan, target, widths)))
        }
        Action::AttachTracer { slot } => {
            let label = match widths.loaded.get(slot) {
                Some((_, LoadAs::Tracer(moment))) => moment.name(),
                _ => label,
            };
            ("attach", id, label, node.map(|node| node.place.clone()).unwrap_or_default())
        }
    };
    let head =
        format!("{:<6}  {id:<2$}  {:<3$}", verb.dimmed(), label.dimmed(), widths.id, widths.label);
    let line = match program {
        // At work the place is short, and what the kernel calls it is news.
        Some(program) => {
            let place = node.map_or("", |node| node.place.as_str());
            format!("{head}  {place:<0$}  prog {program}", widths.place)
        }
        None => format!("{head}  {place}"),
    };
    inert::line(line.trim_end()).into_owned()
}

/// What a built-in tracer does with the function `target`.
fn taken(tracing: &Tracing, target: &str) -> String {
    if !tracing.tells() {
        return format!("notes when {target} begins");
    }
    let names = tracing.names();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    match &tracing.filter {
        Some(filter) => format!("takes {names} of {target} where {filter}"),
        None => format!("takes {names} of {target}"),
    }
}

/// `connect:stub_handler`, by the node that loaded the target.
fn target_name(plan: &Plan, target: &Target, widths: &Widths) -> String {
    let loaded = widths.loaded.get(&target.slot).and_then(|(node, _)| plan.nodes.get(*node));
    format!("{}:{}", loaded.map_or("?", |node| node.id.as_str()), target.function)
}
