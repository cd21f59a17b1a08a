//! Text → the values of `recipe.toml`.

use semver::Version;

use super::{BuildStep, Manifest, SeenKernel, SeenVerdict, licence};
use crate::{
    chain::{
        Spanned,
        table::{Diagnostics, Table},
    },
    diag::{Code, Diagnostic},
    recipe::{
        digest::Digest,
        file::{format, line, parsed, tables, texts},
        packed::portable,
    },
};

/// The longest name.
const NAME: usize = 64;

/// A name of a recipe, which is part of names of files and of references in registries.
pub(in crate::recipe) fn name(text: &str) -> Result<String, &'static str> {
    let good =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let well = text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.len() <= NAME
        && text.chars().all(good);
    match well {
        true => Ok(text.to_owned()),
        false => Err("needs lower-case letters, digits and `-`, at most 64, a letter first"),
    }
}

pub(super) fn manifest(top: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<Manifest> {
    let known = format(&["format"], top, report);
    let name = parsed(&["name"], "\"drop-udp\"", top, report, name);
    let version = parsed(&["version"], "\"1.0.0\"", top, report, str::parse::<Version>);
    let description = parsed(&["description"], "\"drops UDP packets\"", top, report, line);
    let license = parsed(&["license"], "\"MIT OR Apache-2.0\"", top, report, licence::expression);
    let authors = texts("authors", top, report);
    authors
        .iter()
        .filter_map(|author| invisible("authors", author))
        .for_each(|found| report.push(found));
    let build = tables("build", top, report, step);
    each_object_once(&build, report);
    let seen = tables("seen", top, report, seen);
    known?;
    Some(Manifest {
        name: name?.value,
        version: version?.value,
        description: description?.value,
        authors: authors.into_iter().map(|author| author.value).collect(),
        license: license?.value,
        build,
        seen,
    })
}

fn invisible(key: &str, text: &Spanned<String>) -> Option<Diagnostic> {
    let why = line(&text.value).err()?;
    Some(Diagnostic::new(Code::BadValue, format!("invalid item of `{key}`")).label(&text.span, why))
}

fn step(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<BuildStep> {
    let ends = |end: &'static str| {
        move |text: &str| {
            portable(text).map_err(|why| why.to_string())?;
            match text.strip_suffix(end).is_some_and(|stem| !stem.is_empty()) {
                true => Ok(text.to_owned()),
                false => Err(format!("the name has to end in {end}")),
            }
        }
    };
    let source = parsed(&["source"], "\"drop.bpf.c\"", table, report, ends(".c"));
    let object = parsed(&["object"], "\"drop.bpf.o\"", table, report, ends(".o"));
    let mut defines = Vec::new();
    for Spanned { value, span } in texts("defines", table, report) {
        match define(&value) {
            Ok(()) => defines.push(value),
            Err(why) => report.push(
                Diagnostic::new(Code::BadValue, "invalid item of `defines`")
                    .label(&span, why)
                    .help("Write NAME or NAME=VALUE, as behind -D of clang."),
            ),
        }
    }
    Some(BuildStep { source: source?, object: object?, defines })
}

/// Whether it can stand behind -D.
fn define(text: &str) -> Result<(), &'static str> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    if !name.starts_with(letter)
        || !name.chars().all(|other| letter(other) || other.is_ascii_digit())
    {
        return Err("the name is no identifier of C");
    }
    line(value).map(drop)
}

fn each_object_once(build: &[BuildStep], report: &mut Diagnostics<'_>) {
    let mut made = std::collections::HashMap::new();
    for step in build {
        if let Some(first) = made.insert(&step.object.value, &step.object.span) {
            let message = format!("two sources for the object {}", step.object.value);
            report.push(
                Diagnostic::new(Code::BadValue, message)
                    .label(&step.object.span, "again here")
                    .label(first, "first here")
                    .help("Give each source an object of its own."),
            );
        }
    }
}

fn seen(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<SeenKernel> {
    let kernel = parsed(&["kernel"], "\"6.12.57+deb13-cloud-amd64\"", table, report, line);
    let verdict = parsed(&["verdict"], "\"passed\"", table, report, |text| {
        let found = SeenVerdict::ALL.into_iter().find(|verdict| verdict.name() == text);
        found.ok_or("not `passed`, `failed` or `refused`")
    });
    let digest = parsed(&["digest"], "\"sha256:…\"", table, report, str::parse::<Digest>);
    let date = parsed(&["date"], "\"2026-11-29\"", table, report, day);
    Some(SeenKernel {
        kernel: kernel?.value,
        verdict: verdict?.value,
        digest: digest?.value,
        date: date?.value,
    })
}

fn day(text: &str) -> Result<String, &'static str> {
    let found: Result<jiff::civil::Date, _> = text.parse();
    match found {
        // The parser knows more forms than this one.
        Ok(date) if date.to_string() == text => Ok(text.to_owned()),
        _ => Err("not a day as 2026-11-29"),
    }
}
