//! The output options of `up`: which events, how many, for how long, in which format and to which
//! file.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{CommandFactory as _, ValueEnum, error::ErrorKind};

use super::sink::Sink;
use crate::cli::{Cli, exit::Exit, screen};
use freplace_compose::{
    chain::Role,
    diag::{Diagnostic, nearest},
    event::Paint,
    inert,
    plan::{Plan, PlannedNode},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OutputArgs {
    /// End after this time, for example 10s, 1m30s or 500ms. Also ends CMD.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// End after showing this many events. Also ends CMD.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Show only events of these nodes. Separate ids with commas, or repeat the option.
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    only: Vec<String>,
    /// Layout of events for people [default: log].
    #[arg(long, value_name = "VIEW")]
    view: Option<EventView>,
    /// Format of events and, with --dry-run, of the plan.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: EventFormat,
    /// Write events to FILE; `-` is stdout.
    // The last one counts: the micro-VM's own command line has it again.
    #[arg(long, short, value_name = "FILE", overrides_with = "output")]
    output: Option<PathBuf>,
}

/// How events are laid out for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EventView {
    /// One line per event, as it arrives.
    Log,
    /// One host invocation at a time, as a call tree.
    Tree,
    /// Only a per-node event count at the end.
    Count,
    /// Events, calls and how long calls took, for each node: live on a terminal, else at the end.
    Stats,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EventFormat {
    /// Text for people.
    Human,
    /// NDJSON for programs.
    Json,
    /// Chrome trace-event JSON for trace viewers such as ui.perfetto.dev.
    TraceEvent,
    /// A page for browsers, written at the end: the chain, durations, results, calls.
    Html,
}

/// A span of time as a person writes it: `10s`, `1m30s`, `500ms`, or a number of seconds.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let bare = text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let parsed = || text.parse::<jiff::SignedDuration>().ok()?.try_into().ok();
    bare.or_else(parsed).ok_or_else(|| "write, for example, 10s, 1m30s or 500ms".to_owned())
}

/// A mistake in usage, told as clap tells its own.
pub(super) fn usage(message: &str) -> Exit {
    let message = inert::line(message);
    let mut command = Cli::command();
    // Its usage line is the verb's, which has to be built first.
    command.build();
    let error = match command.find_subcommand_mut("up") {
        Some(up) => up.error(ErrorKind::ValueValidation, message),
        None => command.error(ErrorKind::ValueValidation, message),
    };
    // A mistake stays one, whether or not somebody reads of it.
    let _ = error.print();
    Exit::Usage
}

impl OutputArgs {
    /// Which nodes of `plan` are shown; refuses what goes with nothing.
    pub(in crate::cli) fn check(&self, plan: &Plan, dry_run: bool) -> Result<Vec<bool>, Exit> {
        if self.view.is_some() && self.format != EventFormat::Human {
            return Err(usage("`--view` requires `--format human`"));
        }
        if dry_run && ![EventFormat::Human, EventFormat::Json].contains(&self.format) {
            return Err(usage("`--dry-run` supports only the formats `human` and `json`"));
        }
        if dry_run && self.output.is_some() {
            return Err(usage(
                "`--output` cannot be used with `--dry-run`, which produces no events",
            ));
        }
        if self.only.is_empty() {
            return Ok(vec![true; plan.nodes.len()]);
        }
        let mut shown = vec![false; plan.nodes.len()];
        for id in self.only.iter().map(|id| id.trim()) {
            if let Some(stub) =
                plan.nodes.iter().find(|node| node.id == id && node.role == Role::Stub)
            {
                return Err(usage(&format!(
                    "`--only {}`: a stub emits no events; name its replacement or tracer",
                    stub.id
                )));
            }
            // A stub has no program, so it emits nothing. The nodes of a pattern are `ID:FUNCTION`.
            let is_it = |node: &PlannedNode| {
                let of_pattern = node.id.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'));
                (node.id == id || of_pattern) && node.role != Role::Stub
            };
            if !plan.nodes.iter().any(is_it) {
                let programs = || plan.nodes.iter().filter(|node| node.role != Role::Stub);
                let ids = || programs().map(|node| node.id.as_str());
                let near = match nearest(id, ids()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its nodes are {}", ids().collect::<Vec<_>>().join(", ")),
                };
                let chain = &plan.chain;
                return Err(usage(&format!(
                    "`--only {}`: unknown node of chain `{chain}`; {near}",
                    id.escape_debug()
                )));
            }
            for (shown, node) in shown.iter_mut().zip(&plan.nodes) {
                *shown |= is_it(node);
            }
        }
        Ok(shown)
    }

    /// How to lay events out for people.
    pub(super) fn layout(&self) -> EventView {
        self.view.unwrap_or(EventView::Log)
    }

    /// Whether events go to a terminal.
    pub(super) fn is_on_terminal(&self) -> bool {
        self.file().is_none() && std::io::stdout().is_terminal()
    }

    /// Whether stdout is the events' alone, so that a command must not write there.
    pub(super) fn has_stdout(&self) -> bool {
        match &self.output {
            Some(path) => path.as_os_str() == "-",
            None => self.format != EventFormat::Human,
        }
    }

    /// Whether they are written in colours, there.
    pub(super) fn paint(&self, sink: &Sink) -> Paint {
        Paint { colors: self.format == EventFormat::Human && sink.shows_colors() }
    }

    /// The file that events go to, when it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| path.as_os_str() != "-")
    }

    /// Where events go. A file is made now, before anything is loaded.
    pub(super) fn sink(&self) -> Result<Sink, Diagnostic> {
        match self.file() {
            Some(path) => {
                let help = "Name a file in an existing folder that you can write to.";
                let file = screen::create(path, help)?;
                Ok(Sink::File { file, path: path.to_owned() })
            }
            None => Ok(Sink::Stdout),
        }
    }
}
