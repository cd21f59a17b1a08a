//! What makes programs run, and what they get.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::count;
use crate::{
    chain::{
        Spanned,
        reading::value,
        table::{Diagnostics, Table, string, strings, wrong_type},
    },
    diag::{Code, Diagnostic},
    files,
    packet::{Packet, PacketSource, PacketStart, captured},
    syscalls::{SYSCALLS, Syscall},
    testing::{ProgramTest, TestRunSpec, Trigger},
    traffic::Protocol,
};

pub(super) fn with_packet(
    mut test: ProgramTest,
    number: Option<String>,
    packet: Spanned<Packet>,
) -> ProgramTest {
    if let Trigger::Run(run) = &mut test.trigger {
        run.packet = Some(packet);
    }
    test.name.extend(number.map(|number| format!(": {number}")));
    test
}

/// What a test hands to a host.
pub(super) enum Packets {
    None,
    One(Spanned<Packet>),
    Captured(Vec<(String, Spanned<Packet>)>),
}

pub(super) fn packets(
    table: &mut Table<'_>,
    folder: &Path,
    captures: &mut Vec<PathBuf>,
    report: &mut Diagnostics<'_>,
) -> Option<Packets> {
    let Some((_, found)) = table.get("packet") else { return Some(Packets::None) };
    let span = report.span(found);
    match PacketSource::read(found, report.sources, report.diagnostics)? {
        PacketSource::Packet(value) => Some(Packets::One(Spanned { value, span })),
        PacketSource::Capture(path) => {
            let file = folder.join(&path.value);
            let bytes = match files::read(&file, files::OBJECT) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let message =
                        format!("cannot read {}: {}", file.display(), files::plain(&error));
                    let found = Diagnostic::new(Code::CaptureUnreadable, message)
                        .label(&path.span, "a capture file")
                        .help("Paths are relative to the test file.");
                    report.push(found);
                    return None;
                }
            };
            captures.push(file);
            match captured(&bytes) {
                Ok(packets) => Some(Packets::Captured(
                    packets
                        .into_iter()
                        .enumerate()
                        .map(|(number, packet)| {
                            let name = format!("{} #{}", path.value, number + 1);
                            let value = Packet::dissect(&packet.bytes, PacketStart::Ethernet);
                            (name, Spanned { value, span: span.clone() })
                        })
                        .collect(),
                )),
                Err(error) => {
                    report.push(error.at(&path));
                    None
                }
            }
        }
    }
}

pub(super) fn trigger(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<Trigger> {
    let keys = ["run", "traffic", "exec", "syscall"].map(|key| table.get(key));
    let repeat = table.get("repeat");
    let context = table.get("ctx");
    let given: Vec<_> = keys.iter().flatten().map(|(key, _)| key.clone()).collect();
    if let [first, second, ..] = given.as_slice() {
        let wrong = report
            .at(Code::BadValue, "a test with two triggers", first, "one")
            .label(second, "another one")
            .help("Write one of `run`, `traffic`, `exec` and `syscall`.");
        report.push(wrong);
        return None;
    }
    let [run, traffic, exec, syscall] = keys;
    if run.is_none() && !given.is_empty() {
        for (name, place) in [("repeat", &repeat), ("ctx", &context)] {
            let Some((key, _)) = place else { continue };
            let message = format!("`{name}` without `run`");
            let wrong = report
                .at(Code::BadValue, message, key, "only for BPF_PROG_TEST_RUN")
                .help("Remove it, or write run = \"HOST\".");
            report.push(wrong);
        }
    }
    if let Some((_, found)) = traffic {
        return self::traffic(found, report);
    }
    if let Some((_, found)) = exec {
        let words = strings("exec", found, report);
        if words.is_empty() {
            wrong_type("`exec`", "a command: [\"/bin/true\"]", found, report);
            return None;
        }
        return Some(Trigger::Exec(words));
    }
    if let Some((_, found)) = syscall {
        return self::syscall(found, report);
    }
    let host = match run {
        Some((_, found)) => Some(string("`run`", found, report)?),
        None => None,
    };
    let repeat = match repeat {
        Some((_, found)) => count("`repeat`", 1, found, report)?,
        None => Spanned { value: 1, span: report.bytes(0..0) },
    };
    let context = match context {
        Some((_, found)) => Some(value("`ctx`", found, report)?),
        None => None,
    };
    Some(Trigger::Run(Box::new(TestRunSpec { host, repeat, packet: None, context })))
}

/// Reads `"udp"`, or `{ udp = 3 }`.
fn traffic(found: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<Trigger> {
    const PROTOCOLS: [(&str, Protocol); 3] =
        [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("icmp", Protocol::Icmp)];
    let named = |name: &str| PROTOCOLS.iter().find(|(known, _)| *known == name);
    let read = several("a number of packets", named, found, report)?;
    if read.is_none() {
        wrong_type("`traffic`", "\"tcp\", \"udp\", \"icmp\", or { udp = 3 }", found, report);
    }
    read.map(|((_, protocol), count)| Trigger::Traffic(*protocol, count))
}

/// Reads `"openat"`, or `{ openat = 3 }`.
fn syscall(found: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<Trigger> {
    let read = several("a number of calls", Syscall::named, found, report)?;
    if read.is_none() {
        let names: Vec<&str> = SYSCALLS.iter().map(|one| one.name).collect();
        let span = report.span(found);
        let message = "`syscall` must be one of the calls that can be made, or { openat = 3 }";
        let wrong = report
            .at(Code::BadValue, message, &span, "not among them")
            .help(format!("Write one of: {}. Others can be made by `exec`.", names.join(", ")));
        report.push(wrong);
    }
    read.map(|(syscall, count)| Trigger::Syscall(syscall, count))
}

/// Reads a name, or a table of one with a number, called `number` in messages: what `named` knows, and how often.
/// An inner `None` is for anything else.
#[expect(clippy::option_option, reason = "what is reported already, and what is not")]
fn several<T>(
    number: &str,
    named: impl Fn(&str) -> Option<T>,
    found: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Option<(T, u32)>> {
    if let Some(text) = found.get_ref().as_str() {
        return Some(named(text).map(|one| (one, 1)));
    }
    let table = found.get_ref().as_table().filter(|table| table.len() == 1);
    let Some((key, value)) = table.and_then(|table| table.iter().next()) else {
        return Some(None);
    };
    let Some(one) = named(key.get_ref()) else { return Some(None) };
    Some(Some((one, count(number, 1, value, report)?.value)))
}
