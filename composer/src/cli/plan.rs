//! `plan FILE` and `up --dry-run`: the operations of `up`, from the same plan.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use super::{
    Format, exit::Exit, ink::Ink as _, inputs::ChainFile, kernels::PlannedKernel, ready_or_report,
    screen, wrap,
};
use freplace_compose::{
    inert,
    kernel::RunningKernel,
    object::ProgramKind,
    plan::{Action, Filling, LoadAs, Operation, Plan, Target},
    trace::Tracing,
};

/// Show the operations that `up` would perform.
///
/// Needs no root and loads nothing. The plan is for kernels of the running kernel's version, or for
/// KERNEL: newer kernels may need fewer operations.
///
/// Example: freplace-compose plan chains/tcp.toml
#[derive(Debug, clap::Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    chain: ChainFile,
    #[command(flatten)]
    kernel: PlannedKernel,
    /// Format of the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &PlanArguments) -> Exit {
    let offers = match arguments.kernel.offers() {
        Ok(offers) => offers,
        Err(exit) => return exit,
    };
    let ChainFile { file, .. } = &arguments.chain;
    match ready_or_report(file, &arguments.chain.inputs(), &RunningKernel::default(), offers) {
        Ok(ready) => show(&ready.plan, arguments.format),
        Err(exit) => exit,
    }
}

/// Writes `plan` to stdout.
pub(super) fn show(plan: &Plan, format: Format) -> Exit {
    match format {
        Format::Json => screen::json(plan),
        Format::Human => {
            let (widths, columns) = (Widths::of(plan, true), wrap::columns());
            let mut out = format!("{}\n", header(plan));
            for operation in &plan.operations {
                // A String takes everything.
                let _ = writeln!(out, "  {}", planned(plan, operation, &widths, columns));
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
    /// Who loads each slot, as what, and for which target: what stands in a column is named after
    /// it.
    loaded: HashMap<usize, (usize, LoadAs, Option<Target>, String)>,
    /// Nodes that go to functions of several programs: a tracer of a stub in two hosts is loaded
    /// once for each.
    several: HashSet<usize>,
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
        let nodes = plan.operations.iter().filter_map(|operation| {
            let node = plan.nodes.get(operation.node?)?;
            Some((node.id.as_str(), operation_label(&operation.action).unwrap_or(node.label)))
        });
        let (id, label) = maps.chain(nodes).fold((0, 0), |(left, right), (id, label)| {
            (left.max(id.chars().count()), right.max(label.chars().count()))
        });
        let loading = plan.operations.iter().filter_map(|one| plan.nodes.get(one.node?));
        let places = loading.map(|node| node.place.to_string().chars().count());
        let loads = plan.operations.iter().filter_map(|operation| match &operation.action {
            Action::Load { slot, load_as, target, program, .. } => {
                Some((*slot, (operation.node?, *load_as, target.clone(), program.clone())))
            }
            Action::Adopt { slot, program, .. } => {
                let as_it_is = LoadAs::Hook(ProgramKind::Other);
                Some((*slot, (operation.node?, as_it_is, None, program.clone())))
            }
            _ => None,
        });
        let loaded: HashMap<_, (usize, LoadAs, Option<Target>, String)> = loads.collect();
        let mut first = HashMap::new();
        let slots = loaded.values().filter_map(|(node, _, of, _)| Some((*node, of.as_ref()?.slot)));
        let differs = |(node, slot): &(usize, usize)| first.entry(*node).or_insert(*slot) != slot;
        let several = slots.filter(differs).map(|(node, _)| node).collect();
        Self { id, label, place: places.max().unwrap_or(0), loaded, several }
    }
}

/// The word for what an operation loads, where it is not that for the node: a `trace` loads programs
/// for both moments.
fn operation_label(action: &Action) -> Option<&'static str> {
    match action {
        Action::Load { load_as, .. } => load_as.tracer_name(),
        _ => None,
    }
}

/// An operation that was planned: in one line, or in several that fit so many columns.
fn planned(plan: &Plan, operation: &Operation, widths: &Widths, columns: Option<usize>) -> String {
    let node = operation.node.and_then(|node| plan.nodes.get(node));
    let (id, label) = node.map_or(("", ""), |node| (node.id.as_str(), node.label));
    let label = operation_label(&operation.action).unwrap_or(label);
    let (verb, id, label, place) = match &operation.action {
        Action::Listen => ("listen", "bpf_printk", "trace", "a tracefs instance".to_owned()),
        Action::Fill { table, entry, with } => {
            let kind = plan.operations.iter().find_map(|operation| match &operation.action {
                Action::CreateMap { map, .. } if map.name == *table => Some(map.type_name()),
                _ => None,
            });
            let what = match with {
                Filling::Map { inner } => format!("{inner} at {entry}"),
                Filling::Program { slot } => {
                    let loaded = widths.loaded.get(slot);
                    let program = loaded.map_or("?", |loaded| loaded.3.as_str());
                    let node = loaded.and_then(|loaded| plan.nodes.get(loaded.0));
                    let node = node.map_or("?", |node| node.id.as_str());
                    format!("{node}:{program} at {entry}")
                }
            };
            ("put", table.as_str(), kind.unwrap_or_default(), what)
        }
        Action::CreateMap { map, pin, .. } => {
            let entries = match map.is_event_buffer() {
                true if map.max_entries == 0 => "one buffer per CPU".to_owned(),
                true => format!("{} KiB", map.max_entries / 1024),
                false => screen::count(map.max_entries.into(), "entry"),
            };
            let of = if id.is_empty() { entries } else { format!("{entries}, only for {id}") };
            let of = match pin {
                Some(pin) => format!("{of}, pinned at {}", pin.path.display()),
                None => of,
            };
            ("map", map.name.as_str(), map.type_name(), of)
        }
        Action::Load { target, trace: Some(tracing), trace_entry, .. } => {
            let target = target.as_ref().map(|target| target_name(plan, target, widths));
            let taken = taken(tracing, trace_entry.as_deref(), &target.unwrap_or_default());
            ("load", id, label, taken)
        }
        Action::Load { object, program, target, globals, .. } => {
            let place = match target {
                Some(target) => format!("for {}", target_name(plan, target, widths)),
                None => String::new(),
            };
            let from = format!("{program} of {object}");
            let what = if place.is_empty() { from } else { format!("{from}, {place}") };
            let parts = globals.iter().flat_map(|set| &set.parts);
            let parts: Vec<_> = parts.map(|(part, value)| format!("{part} = {value}")).collect();
            let what = match parts.is_empty() {
                true => what,
                false => format!("{what}, with {}", parts.join(", ")),
            };
            ("load", id, label, what)
        }
        Action::Adopt { id: program, program: name, .. } => {
            ("use", id, label, format!("{name} (program {program})"))
        }
        Action::AttachHook { attach, .. } => ("attach", id, label, attach.to_string()),
        Action::Run { attach, .. } => ("run", id, label, attach.to_string()),
        Action::AttachReplacement { target, .. } => {
            ("attach", id, label, format!("replaces {}", target_name(plan, target, widths)))
        }
        Action::AttachTracer { slot } => {
            let label = match widths.loaded.get(slot) {
                Some((_, load_as, ..)) => load_as.tracer_name().unwrap_or(label),
                None => label,
            };
            let place = node.map(|node| node.place.to_string()).unwrap_or_default();
            let owner = widths.loaded.get(slot).and_then(|(_, _, target, _)| {
                owner(plan, operation.node?, target.as_ref()?, widths)
            });
            (
                "attach",
                id,
                label,
                owner.map_or(place.clone(), |owner| format!("{place} in {owner}")),
            )
        }
    };
    let head = head(verb, id, label, widths);
    // As wide as two blanks and the columns of the head.
    let at = 2 + 6 + 2 + widths.id + 2 + widths.label + 2;
    let place = inert::line(&place);
    let place = wrap::wrapped(&place, at, &" ".repeat(at), columns);
    format!("{}  {place}", inert::line(&head)).trim_end().to_owned()
}

/// A program that was loaded, in one line with the kernel's id of it: the place is short there.
pub(super) fn loaded(plan: &Plan, operation: &Operation, widths: &Widths, program: u32) -> String {
    let node = operation.node.and_then(|node| plan.nodes.get(node));
    let (id, label) = node.map_or(("", ""), |node| (node.id.as_str(), node.label));
    let place = node.map(|node| node.place.to_string()).unwrap_or_default();
    let label = operation_label(&operation.action).unwrap_or(label);
    let verb = if matches!(operation.action, Action::Adopt { .. }) { "use" } else { "load" };
    let head = head(verb, id, label, widths);
    let owner = match &operation.action {
        Action::Load { target: Some(target), .. } => {
            operation.node.and_then(|node| owner(plan, node, target, widths))
        }
        _ => None,
    };
    let owner = owner.map_or_else(String::new, |owner| format!("  in {owner}"));
    let line = format!("{head}  {place:<0$}  prog {program}{owner}", widths.place);
    inert::line(&line).into_owned()
}

fn head(verb: &str, id: &str, label: &str, widths: &Widths) -> String {
    format!("{:<6}  {id:<2$}  {:<3$}", verb.dimmed(), label.dimmed(), widths.id, widths.label)
}

/// The node whose program holds `target`, where `node` goes to functions of several.
fn owner<'a>(plan: &'a Plan, node: usize, target: &Target, widths: &Widths) -> Option<&'a str> {
    widths.several.contains(&node).then(|| target_owner(plan, target, widths))
}

/// What a built-in tracer does with the function `target`, and at the entry, where it is at both moments.
fn taken(tracing: &Tracing, entry: Option<&Tracing>, target: &str) -> String {
    let names = |tracing: &Tracing| match tracing.names() {
        names if names.is_empty() => "nothing".to_owned(),
        names => names.join(", "),
    };
    let taken = match entry.filter(|entry| entry.tells()) {
        _ if !tracing.tells() => format!("records when {target} is entered"),
        None => format!("captures {} of {target}", names(tracing)),
        Some(entry) => {
            let (entry, exit) = (names(entry), names(tracing));
            format!("captures {exit} of {target}, and {entry} at the entry")
        }
    };
    match &tracing.filter {
        Some(filter) => format!("{taken} where {filter}"),
        None => taken,
    }
}

/// `connect:stub_handler`, by the node that loaded the target.
fn target_name(plan: &Plan, target: &Target, widths: &Widths) -> String {
    format!("{}:{}", target_owner(plan, target, widths), target.function)
}

/// The node that loaded the target.
fn target_owner<'a>(plan: &'a Plan, target: &Target, widths: &Widths) -> &'a str {
    let loaded = widths.loaded.get(&target.slot).and_then(|(node, ..)| plan.nodes.get(*node));
    loaded.map_or("?", |node| node.id.as_str())
}
