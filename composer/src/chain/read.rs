//! Text → nodes. Continues after each error, so that one run reports all of them.

use std::{collections::HashMap, path::PathBuf};

use super::{
    Host, Node, NodeKind, ObjectRef, Replacement, Role, Spanned, Stub,
    answer::answer,
    buffer::buffer,
    compose::{Composition, IncludedFile},
    hook::attach,
    maps::{Data, data, pins},
    output::{Output, output},
    running::running,
    table::{Diagnostics, Table, TomlValue, strings, wrong_type},
    tracer::tracer,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    inert,
    version::Requirement,
};

/// What a file says, as far as it could be read.
#[derive(Default)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) requires: Vec<Spanned<Requirement>>,
    pub(super) buffer: Option<u32>,
    pub(super) pins: Option<PathBuf>,
    pub(super) nodes: Vec<Node>,
    /// Ids of nodes that are there, but could not be read. What refers to them is not wrong.
    pub(super) unread: Vec<String>,
}

/// Reads the chain; `slips` are mistakes that leave it whole but for themselves.
pub(super) fn file(
    chain: &Composition<'_>,
    diagnostics: &mut Vec<Diagnostic>,
    slips: &mut Vec<Diagnostic>,
) -> File {
    let Composition { root, sources, included, .. } = chain;
    let mut report = Diagnostics { sources, diagnostics, slips };
    let mut top = report.table("the chain".to_owned(), report.bytes(0..0), root);
    let name = top.string("name", &mut report).map(|name| name.value);
    let description = top.string("description", &mut report).map(|text| text.value);
    let printk = top.boolean("printk", &mut report);
    let own = requires(&mut top, &mut report);
    let others = included.iter().filter_map(|file| file.requires.as_ref());
    let others: Vec<_> = others.filter_map(|value| requirement(value, &mut report)).collect();
    let requires = own.into_iter().chain(others).collect();
    let buffer = buffer(&mut top, &mut report);
    let pins = pins(&mut top, &mut report);
    // Those are done.
    for key in ["params", "include"] {
        top.get(key);
    }
    let mut file = File { name, description, requires, buffer, pins, ..File::default() };
    // Tests are read by who runs them.
    top.get("test");
    section(&mut top, Role::Host, &mut report, &mut file, host);
    // Hosts that could not be read, and a `host` that is no table, were reported already.
    let mut has_hosts = top.get("host").is_some_and(|(_, value)| {
        value.get_ref().as_table().is_none_or(|tables| !tables.is_empty())
    });
    section(&mut top, Role::Stub, &mut report, &mut file, stub);
    section(&mut top, Role::Replacement, &mut report, &mut file, replacement);
    section(&mut top, Role::Tracer, &mut report, &mut file, tracer);
    for (key, near) in top.finish(&mut report) {
        has_hosts |= near == "host" || near == "include";
        let tables = root.get(key).and_then(|value| value.get_ref().as_table());
        file.unread.extend(tables.into_iter().flat_map(|ids| ids.keys()).map(ToString::to_string));
    }
    if !has_hosts && chain.unread.is_empty() {
        let found = report
            .at(Code::NoHost, "chain without a host", &report.bytes(0..0), "")
            .help("Add a [host.NAME] table. A chain needs at least one program at a kernel hook.");
        report.push(found);
    }
    // The order of the file, whatever the order of the tables above.
    file.nodes.sort_by(|one, other| one.id.span.cmp(&other.id.span));
    // The file that a node is from, by the number of its text.
    let of_included = |file: &IncludedFile<'_>| {
        (file.source.number, (file.scope.clone(), printk_of(file, &mut report)))
    };
    let files: HashMap<_, _> = included.iter().map(of_included).collect();
    for node in &mut file.nodes {
        let of = files.get(&node.id.span.source().number);
        let printk = of.map_or(printk, |(_, printk)| *printk);
        node.scope = of.map(|(scope, _)| scope.clone()).unwrap_or_default();
        if node.program().is_some() {
            node.output.printk = node.output.printk.or(printk);
        }
    }
    file
}

/// Whether lines of `bpf_printk` are shown, where a node of an included file does not say.
fn printk_of(file: &IncludedFile<'_>, report: &mut Diagnostics<'_>) -> Option<bool> {
    let value = file.printk.as_ref()?;
    let found = value.get_ref().as_bool();
    if found.is_none() {
        wrong_type("`printk`", "true or false", value, report);
    }
    found
}

/// Reads `requires = { kernel = ">=6.6" }`.
pub(crate) fn requires(
    top: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<Requirement>> {
    let (_, value) = top.get("requires")?;
    requirement(value, report)
}

fn requirement(value: TomlValue<'_>, report: &mut Diagnostics<'_>) -> Option<Spanned<Requirement>> {
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("`requires`", "a table: { kernel = \">=6.6\" }", value, report);
        return None;
    };
    let mut table = report.table("`requires`".to_owned(), report.span(value), entries);
    let kernel = table.required(&["kernel"], "\">=6.6\"", report);
    table.finish(report);
    let Spanned { value, span } = kernel?;
    match value.parse() {
        Ok(value) => Some(Spanned { value, span }),
        Err(error) => {
            let message = format!("invalid kernel requirement `{value}`");
            let found = report
                .at(Code::BadValue, message, &span, format!("{error}"))
                .help("Write, for example, kernel = \">=6.6\" or kernel = \">=6.1, <7\".");
            report.push(found);
            None
        }
    }
}

/// Reads one of the node's tables; `None` when something that it needs is not there.
type ReadNode = fn(&mut Table<'_>, &mut Diagnostics<'_>) -> Option<NodeKind>;

/// Reads every `[ROLE.ID]`.
fn section(
    top: &mut Table<'_>,
    role: Role,
    report: &mut Diagnostics<'_>,
    file: &mut File,
    read: ReadNode,
) {
    let key = role.name();
    let Some((_, value)) = top.get(key) else { return };
    let Some(tables) = value.get_ref().as_table() else {
        let wanted = format!("single tables: [{key}.NAME]");
        return wrong_type(&format!("`{key}`"), &wanted, value, report);
    };
    for (id, value) in tables {
        let name: &str = id.get_ref();
        let span = report.span(id);
        let Some(entries) = value.get_ref().as_table() else {
            let wanted = format!("a single table: [{key}.{name}]");
            wrong_type(&format!("{key} `{name}`"), &wanted, value, report);
            file.unread.push(name.to_owned());
            continue;
        };
        check_id(name, &span, report);
        let mut table = report.table(format!("{key} `{name}`"), span.clone(), entries);
        let mut kind = read(&mut table, report);
        if let Some(NodeKind::Replacement(Replacement { object, .. })) = &mut kind
            && let ObjectRef::Generated(id) = &mut object.value
        {
            name.clone_into(id);
        }
        // A stub has no program that could be of a type, or write anything; what runs already is as it is;
        // and what the composer makes has nothing to be set.
        let is_ours = match &kind {
            Some(NodeKind::Host(host)) => host.running().is_none(),
            Some(NodeKind::Replacement(replacement)) => replacement.answer.is_none(),
            _ => role != Role::Stub,
        };
        let (section, output, data) = match is_ours {
            false => (None, Output::default(), Data::default()),
            true => {
                (table.string("type", report), output(&mut table, report), data(&mut table, report))
            }
        };
        let is_built_in =
            matches!(&kind, Some(NodeKind::Tracer(tracer)) if tracer.built_in().is_some());
        if let Some(section) = section.as_ref().filter(|_| is_built_in) {
            let message = "`type` requires `object`; this is a built-in tracer";
            let found = report
                .at(Code::BadValue, message, &section.span, "not valid without `object`")
                .help("Remove it. The built-in tracer determines its own type.");
            report.push(found);
        }
        let misspelt = table.finish(report);
        // A host without `attach` is another thing, but not when the key is only misspelt.
        let unclear = key == "host" && misspelt.iter().any(|(_, near)| *near == "attach");
        match kind.filter(|_| !unclear) {
            Some(kind) => {
                file.nodes.push(Node {
                    id: Spanned { value: name.to_owned(), span },
                    scope: String::new(),
                    kind,
                    section,
                    output,
                    data,
                });
            }
            None => file.unread.push(name.to_owned()),
        }
    }
}

/// Ids are printed in columns and typed on command lines.
fn check_id(id: &str, span: &Span, report: &mut Diagnostics<'_>) {
    // Some letters show nothing: the filler of Hangul is one.
    let is_letter = |letter: char| letter.is_alphanumeric() && inert::is_visible(letter);
    let plain = |letter: char| is_letter(letter) || matches!(letter, '_' | '-' | '.');
    if id.is_empty() || !id.chars().all(plain) {
        let message = match id {
            "" => "empty node id".to_owned(),
            id => format!("invalid node id `{id}`"),
        };
        let found = report
            .at(Code::BadValue, message, span, "invalid id")
            .help("Use letters, digits, `_`, `-` and `.`.");
        report.push(found);
    }
}

pub(super) fn object(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<ObjectRef>> {
    let text = table.required(&["object"], "\"my.bpf.o\"", report)?;
    Some(Spanned { value: ObjectRef::new(&text.value), span: text.span })
}

fn host(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<NodeKind> {
    if let Some((_, value)) = table.get("running") {
        return running(value, report).map(NodeKind::Host);
    }
    let object = object(table, report);
    let program = table.required(&["program"], "\"my_program\"", report);
    // Without one it is a program for tail calls.
    let attach = match table.get("attach") {
        Some((_, value)) => Some(attach(value, report)?),
        None => {
            // What cannot be read anyway is told all that it lacks.
            if object.is_none() || program.is_none() {
                table.missing(&["attach"], "{ kprobe = \"tcp_connect\" }");
            }
            None
        }
    };
    Some(NodeKind::Host(Host { object: object?, program: program?, attach, follow: false }))
}

fn stub(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<NodeKind> {
    let function = table.required(&["function"], "\"stub_handler\"", report);
    let hosts = match table.get("hosts") {
        Some((_, value)) => {
            let hosts = strings("hosts", value, report);
            each_once(&hosts, report);
            let is_empty = value.get_ref().as_array().is_some_and(|items| items.is_empty());
            if is_empty {
                let found = report
                    .at(Code::BadValue, "`hosts` is empty", &report.span(value), "no hosts listed")
                    .help("List the hosts whose objects define the stub.");
                report.push(found);
            }
            Some(hosts)
        }
        None => {
            table.missing(&["hosts"], "[\"my_host\"]");
            None
        }
    };
    Some(NodeKind::Stub(Stub { function: function?, hosts: hosts? }))
}

/// A host listed twice would be asked to take the same replacement twice, which no kernel does.
fn each_once(hosts: &[Spanned<String>], report: &mut Diagnostics<'_>) {
    let mut seen: HashMap<&str, &Spanned<String>> = HashMap::new();
    for host in hosts {
        let Some(first) = seen.get(host.value.as_str()) else {
            seen.insert(&host.value, host);
            continue;
        };
        let message = format!("duplicate host `{}` in `hosts`", host.value);
        let found = report
            .at(Code::BadValue, message, &host.span, "again")
            .label(&first.span, "first listed here")
            .help("List each host once.");
        report.push(found);
    }
}

fn replacement(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<NodeKind> {
    if let Some((place, answer)) = answer(table, report) {
        let stub = table.required(&["stub"], "\"my_stub\"", report);
        let own = ["object", "program"].map(|key| table.get(key));
        if let Some((key, _)) = own.into_iter().flatten().next() {
            let message = "a replacement has a program, or says what it returns and writes";
            let found = report
                .at(Code::BadValue, message, &key, "a program of its own")
                .label(&place, "and what it does")
                .help("Remove `object` and `program`, or `returns` and `writes`.");
            report.push(found);
            return None;
        }
        // Who makes it is known by its id, which the caller has.
        let object = Spanned { value: ObjectRef::Generated(String::new()), span: place.clone() };
        let program = Spanned { value: String::new(), span: place };
        let answer = Some(Box::new(answer?));
        return Some(NodeKind::Replacement(Replacement { object, program, stub: stub?, answer }));
    }
    let object = object(table, report);
    let program = table.required(&["program"], "\"my_program\"", report);
    let stub = table.required(&["stub"], "\"my_stub\"", report);
    Some(NodeKind::Replacement(Replacement {
        object: object?,
        program: program?,
        stub: stub?,
        answer: None,
    }))
}
