//! A chain as one text, with where each of its values is from.

use std::{fmt::Write as _, ops::Range};

use toml::de::{DeTable, DeValue};

use super::{Composition, Parameter, ROLES};
use crate::{
    chain::params::ValueOrigin,
    diag::{Sources, Span},
    inert::quoted,
};

/// The keys for the whole chain, in the order of the text.
const SETTINGS: [&str; 5] = ["name", "description", "printk", "buffer", "pins"];
/// The column that origins begin in, where the value leaves room.
const COLUMN: usize = 56;

/// The text of a chain file that says the same without parameters and includes. Each value has a comment with
/// its origin.
pub(in crate::chain) fn resolved_text(chain: &Composition<'_>) -> String {
    let text = ResolvedText { chain };
    let mut out = String::new();
    for key in SETTINGS {
        if let Some((place, value)) = chain.root.get_key_value(key) {
            text.entry(&mut out, key, place.span(), value);
        }
    }
    text.requires(&mut out);
    let mut nodes: Vec<_> = ROLES
        .into_iter()
        .filter_map(|role| Some((role, chain.root.get(role.name())?.get_ref().as_table()?)))
        .flat_map(|(role, nodes)| nodes.iter().map(move |(id, node)| (role, id, node)))
        .collect();
    nodes.sort_by_cached_key(|(_, id, _)| chain.sources.span(id.span()));
    for (role, id, node) in nodes {
        let header = format!("\n[{}.{}]", role.name(), key(id.get_ref()));
        text.line(&mut out, &header, &text.origin(&id.span()));
        let DeValue::Table(entries) = node.get_ref() else { continue };
        for (place, value) in entries {
            text.entry(&mut out, place.get_ref(), place.span(), value);
        }
        text.printk(&mut out, &chain.sources.span(id.span()), entries);
    }
    out
}

struct ResolvedText<'c, 't> {
    chain: &'c Composition<'t>,
}

impl ResolvedText<'_, '_> {
    fn entry(
        &self,
        out: &mut String,
        name: &str,
        place: Range<usize>,
        value: &toml::Spanned<DeValue<'_>>,
    ) {
        let mut text = format!("{} = ", key(name));
        inline(&mut text, value.get_ref());
        let mut origin = self.origin(&place);
        for (name, from) in self.parameters(&value.span()) {
            let _ = write!(origin, "; {name}: {from}"); // a String takes everything
        }
        self.line(out, &text, &origin);
    }

    fn line(&self, out: &mut String, text: &str, origin: &str) {
        let width = text.trim_start().chars().count();
        let _ = writeln!(out, "{text}{}  # {origin}", " ".repeat(COLUMN.saturating_sub(width)));
    }

    /// `file:line` of a position.
    fn origin(&self, range: &Range<usize>) -> String {
        place(&self.chain.sources.span(range.clone()))
    }

    /// The parameters that the text at `range` refers to, each with where its value is from.
    fn parameters(&self, range: &Range<usize>) -> Vec<(String, String)> {
        let span = self.chain.sources.span(range.clone());
        let text = span.text();
        let known = self.parameters_of(&self.chain.sources, &span);
        let mut found: Vec<(String, String)> = Vec::new();
        for parameter in known {
            let name = &parameter.name.value;
            if text.contains(&format!("${{{name}}}"))
                && let Some(given) = parameter.value()
            {
                let from = match &given.origin {
                    ValueOrigin::File(span) => place(span),
                    ValueOrigin::User => "--set".to_owned(),
                    ValueOrigin::Variable(name) => {
                        format!("${}{name}", crate::chain::PARAMETER_VARIABLE)
                    }
                };
                found.push((name.clone(), from));
            }
        }
        found
    }

    /// The parameters of the file that `span` is in.
    fn parameters_of(&self, sources: &Sources, span: &Span) -> &[Parameter] {
        if span.source().number == sources.first().number {
            return &self.chain.parameters;
        }
        let number = span.source().number;
        let file = self.chain.included.iter().find(|file| file.source.number == number);
        file.map_or(&[], |file| &file.parameters)
    }

    /// What all of its files require.
    fn requires(&self, out: &mut String) {
        let own = self.chain.root.get("requires");
        let others = self.chain.included.iter().filter_map(|file| file.requires.as_ref());
        let all = own.into_iter().chain(others).filter_map(|value| {
            let kernel = value.get_ref().as_table()?.get("kernel")?;
            Some((kernel.get_ref().as_str()?, self.origin(&kernel.span())))
        });
        let (mut kernels, mut origins): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
        for (kernel, origin) in all {
            if !kernels.contains(&kernel) {
                kernels.push(kernel);
                origins.push(origin);
            }
        }
        if !kernels.is_empty() {
            let text = format!("requires = {{ kernel = {} }}", quoted(&kernels.join(", ")));
            self.line(out, &text, &origins.join(", "));
        }
    }

    /// An included file's `printk`, for a node of it that has a program of its own and does not say.
    fn printk(&self, out: &mut String, node: &Span, entries: &DeTable<'_>) {
        let number = node.source().number;
        let file = self.chain.included.iter().find(|file| file.source.number == number);
        let default = file.and_then(|file| file.printk.as_ref());
        if let Some(value) = default
            && entries.contains_key("program")
            && !entries.contains_key("printk")
        {
            let mut text = "printk = ".to_owned();
            inline(&mut text, value.get_ref());
            self.line(out, &text, &self.origin(&value.span()));
        }
    }
}

fn place(span: &Span) -> String {
    let source = span.source();
    let before = source.text.get(..span.start()).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    format!("{}:{line}", crate::inert::line(&source.name))
}

/// A key as TOML has it.
fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A value in one line.
fn inline(out: &mut String, value: &DeValue<'_>) {
    match value {
        DeValue::String(text) => *out += &quoted(text),
        DeValue::Array(items) => {
            *out += "[";
            for (place, item) in items.iter().enumerate() {
                *out += if place == 0 { "" } else { ", " };
                inline(out, item.get_ref());
            }
            *out += "]";
        }
        DeValue::Table(entries) if entries.is_empty() => *out += "{}",
        DeValue::Table(entries) => {
            *out += "{ ";
            for (place, (name, value)) in entries.iter().enumerate() {
                *out += if place == 0 { "" } else { ", " };
                let _ = write!(out, "{} = ", key(name.get_ref()));
                inline(out, value.get_ref());
            }
            *out += " }";
        }
        DeValue::Integer(number) => {
            let prefix = match number.radix() {
                16 => "0x",
                8 => "0o",
                2 => "0b",
                _ => "",
            };
            let digits = number.as_str();
            let _ = write!(out, "{prefix}{}", digits.strip_prefix('+').unwrap_or(digits));
        }
        DeValue::Float(number) => *out += number.as_str(),
        DeValue::Boolean(value) => *out += if *value { "true" } else { "false" },
        DeValue::Datetime(time) => {
            let _ = write!(out, "{time}");
        }
    }
}
