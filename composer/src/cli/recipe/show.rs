//! `recipe show RECIPE`: what a recipe says of itself, and what it would do.

mod json;

use std::fmt::Write as _;

use super::found::{self, FoundRecipe};
use crate::cli::{Format, exit::Exit, ink::Ink as _, report, screen, wrap};
use freplace_compose::{
    chain::Parameter,
    diag::Diagnostic,
    recipe::{ProgramSummary, SeenKernel, Signer, Summary, Trust, verify},
};

/// Show a recipe: what it attaches to, what it can change, who signed it, the kernels it was seen on.
///
/// What its programs can change is determined from the helpers that they call. Programs that write to packets directly,
/// or return verdicts, are not recognised by that; where they are attached is shown.
///
/// Example: freplace-compose recipe show ./drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct ShowRecipe {
    /// Folder, packed recipe, or name of a recipe in chain.lock or in the cache.
    #[arg(value_name = "RECIPE")]
    recipe: String,
    /// Format of the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &ShowRecipe) -> Exit {
    let shown = found::recipe(&arguments.recipe).and_then(|found| ShownRecipe::of(found, false));
    match (shown, arguments.format) {
        (Ok(shown), Format::Human) => screen::data(&shown.text(wrap::columns())),
        (Ok(shown), Format::Json) => screen::json(&shown.to_json()),
        (Err(found), _) => {
            report::all(&found);
            Exit::Invalid
        }
    }
}

/// What there is to be shown of a recipe.
pub(in crate::cli) struct ShownRecipe {
    found: FoundRecipe,
    summary: Summary,
    signer: Signer,
}

impl ShownRecipe {
    /// What is to be shown of `found`; a signature of a trusted key is required where the user says so.
    pub(super) fn of(found: FoundRecipe, required: bool) -> Result<Self, Vec<Diagnostic>> {
        let one = |found: Box<Diagnostic>| vec![*found];
        let trust = Trust::open(&Trust::path().map_err(one)?)?;
        let signer =
            verify(&found.packed, found.signature.as_deref(), &found.source, &trust, required);
        let summary = Summary::of(&found.packed)?;
        Ok(Self { signer: signer.map_err(one)?, summary, found })
    }

    /// The trusted key that signed it.
    pub(super) fn key(&self) -> Option<String> {
        match &self.signer {
            Signer::Trusted { key, .. } => Some(key.to_string()),
            Signer::Nobody | Signer::Unknown { .. } => None,
        }
    }

    /// The page for people, wrapped at `columns`.
    pub(in crate::cli) fn text(&self, columns: Option<usize>) -> String {
        let packed = &self.found.packed;
        let manifest = packed.manifest();
        // A String takes everything, here and below.
        let mut out = format!("{}\n", manifest.title().bold());
        let mut line = |head: &str, text: &str| {
            let text = wrap::wrapped(text, HEAD, &" ".repeat(HEAD), columns);
            let _ = writeln!(out, "{head:<HEAD$}{text}");
        };
        line("", &manifest.description);
        if !manifest.authors.is_empty() {
            line("authors", &manifest.authors.join(", "));
        }
        line("licence", &manifest.license);
        line("digest", &packed.digest().to_string());
        line("signed", &signed(&self.signer));
        let bytes: usize = packed.files().map(|(_, bytes)| bytes.len()).sum();
        let files = screen::count(packed.files().count() as u64, "file");
        line("contains", &format!("{files}, {} KiB", bytes.div_ceil(1024)));
        for (at, parameter) in packed.chain().parameters.iter().enumerate() {
            line(if at == 0 { "set" } else { "" }, &parameter_line(parameter));
        }
        for (at, program) in self.summary.programs.iter().enumerate() {
            line(if at == 0 { "programs" } else { "" }, &attached(program));
        }
        let changes = self.changes();
        if changes.is_empty() {
            line("changes", "nothing, by the helpers that its programs call");
        }
        for (at, change) in changes.iter().enumerate() {
            line(if at == 0 { "changes" } else { "" }, change);
        }
        if manifest.seen.is_empty() {
            line("kernels", "not tried on any, as far as recipe.toml says");
        }
        for (at, seen) in manifest.seen.iter().enumerate() {
            line(if at == 0 { "kernels" } else { "" }, &self.seen(seen));
        }
        out
    }

    /// What its programs can change, a line for each program and kind of change.
    fn changes(&self) -> Vec<String> {
        let programs = self.summary.programs.iter();
        let lines = programs.flat_map(|program| {
            program.changes.iter().map(|(change, helpers)| {
                format!("{}, by {} ({})", change.name(), program.node, helpers.join(", "))
            })
        });
        lines.collect()
    }

    fn seen(&self, seen: &SeenKernel) -> String {
        let stale = match seen.digest == self.found.packed.tested_digest() {
            true => "",
            false => ", with other files than these",
        };
        format!("{} {} on {}{stale}", seen.kernel, seen.verdict.name(), seen.date)
    }
}

/// Columns before the text of a line.
const HEAD: usize = 10;

/// `iface (string, default lo): the interface to filter`
fn parameter_line(parameter: &Parameter) -> String {
    let Parameter { name, of, help, default, .. } = parameter;
    let default = match default {
        Some(default) => format!("default {}", default.value),
        None => "required".to_owned(),
    };
    let help = help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
    format!("{} ({}, {default}){help}", name.value, of.name())
}

fn attached(program: &ProgramSummary) -> String {
    let ProgramSummary { node, kind, place, program, object, .. } = program;
    format!("{node}: {kind} {place} ({program} of {object})").replace("  ", " ")
}

fn signed(signer: &Signer) -> String {
    match signer {
        Signer::Nobody => "by nobody".to_owned(),
        Signer::Unknown { id } => {
            format!("by key {id}, which is not trusted, so that it was not verified")
        }
        Signer::Trusted { key, comment } => format!("by trusted key {} ({comment})", key.id()),
    }
}
