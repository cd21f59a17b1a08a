//! Measures how fast events are read: only counted, and written in every format, compared with a
//! libbpf reader that only counts.
//!
//! Every reader gets the same flood from the same program, in portions that fit in the buffer, and
//! has unlimited time. The result is the CPU time of its threads, without that of the program that
//! creates the events.

use std::{ffi::OsString, fs, path::PathBuf, process::Command};

use rustix::process::{Pid, Signal, getpgid};
use serde_json::{Value, json};

use super::{
    Lab, compile,
    guest::{ATTACHED, ATTACHED_PEER, Watched},
    mib,
    sample::Sample,
};
use crate::Result;

/// The program, and the object it is in.
const PROGRAM: &str = "stream";
const OBJECT: &str = "measured";
/// Events created by one call of it.
const EVENTS: u64 = 256;
/// Number of calls whose events fit in the buffer.
const CALLS: u16 = 16;
/// Number of such rounds.
const PIECES: u16 = 64;

/// The options of `up`; the first is the one with a goal.
const WAYS: [(&str, &[&str]); 6] = [
    ("up --view count", &["--view=count"]),
    ("up --format json", &["--format=json"]),
    ("the same, to /dev/null", &["--format=json", "--output=/dev/null"]),
    ("up", &[]),
    ("up --view tree", &["--view=tree"]),
    ("up --format trace-event", &["--format=trace-event"]),
];
const GOALS: [&str; 2] = ["goal: at least 1.0", "goal: at least 0.5, and 0.5 million/s"];
const GOAL_MEMORY: &str = "goal: under 20 MiB";

pub(super) fn run(lab: &Lab<'_>) -> Result {
    let drain = compile("drain", &["-lbpf"])?;
    let object = lab.test_object(OBJECT)?;
    let chain = lab.write_chain(
        "stream",
        &format!(
            "name = \"stream\"\n[host.source]\nobject = \"{OBJECT}.o\"\nprogram = \"{PROGRAM}\"\n\
             attach = {{ tracepoint = \"syscalls/sys_enter_getpgid\" }}\n"
        ),
    )?;
    let mut words: Vec<OsString> = vec!["stream".into(), "--chain".into(), chain.clone().into()];
    words.extend(["--drain".into(), drain.clone().into()]);
    words.extend(["--object".into(), object.clone().into()]);
    let measured = lab.measure(&[drain, object, chain], &words)?;
    println!(
        "\n{} events, in the micro-VM, linux {}, {} runs of each: CPU time of the reader",
        measured["events"], lab.kernel, lab.rounds
    );
    let least = rate(&measured, "least")?;
    println!("  {:<25}  {:>5.2} million/s", "libbpf, counting only", least);
    let mut peak = 0;
    for (number, (name, _)) in WAYS.iter().enumerate() {
        let rate = rate(&measured, name)?;
        let goal = GOALS.get(number).map(|goal| format!(", {goal}")).unwrap_or_default();
        let kib = measured[*name]["peak_kib"].as_u64().ok_or("no peak")?;
        peak = peak.max(kib);
        println!("  {name:<25}  {rate:>5.2} million/s   ratio {:.2}{goal}", rate / least);
    }
    println!("  none lost; peak memory {}, {GOAL_MEMORY}", mib(peak));
    Ok(())
}

/// Millions of events a second.
fn rate(measured: &Value, name: &str) -> Result<f64> {
    let events = measured["events"].as_f64();
    let nanoseconds = measured[name]["cpu_ns"].as_f64();
    let (Some(events), Some(nanoseconds)) = (events, nanoseconds) else {
        return Err(format!("no time of {name}").into());
    };
    Ok(events / nanoseconds * 1e3)
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(super) struct StreamArgs {
    #[arg(long)]
    composer: PathBuf,
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    chain: PathBuf,
    #[arg(long)]
    drain: PathBuf,
    #[arg(long)]
    object: PathBuf,
}

/// A reader: how it is started, and its last line if it received every event.
struct EventReader {
    name: &'static str,
    words: Vec<OsString>,
    sign: &'static str,
    told: String,
}

pub(super) fn measure(arguments: &StreamArgs) -> Result<Value> {
    let events = EVENTS * u64::from(CALLS) * u64::from(PIECES);
    let mut readers = vec![EventReader {
        name: "least",
        words: vec![
            arguments.drain.clone().into(),
            arguments.object.clone().into(),
            PROGRAM.into(),
        ],
        sign: ATTACHED_PEER,
        told: format!("{events} records"),
    }];
    let output = std::env::temp_dir().join("events");
    for (name, asked) in WAYS {
        let mut words: Vec<OsString> = vec![arguments.composer.clone().into()];
        words.extend(["--color=never", "up"].map(Into::into));
        // The last one counts.
        words.extend(["--output".into(), output.clone().into()]);
        words.extend(asked.iter().map(Into::into));
        words.push(arguments.chain.clone().into());
        let told = format!("{events} events, 0 lost");
        readers.push(EventReader { name, words, sign: ATTACHED, told });
    }
    let mut times = vec![Vec::new(); readers.len()];
    let mut peaks = vec![0; readers.len()];
    // The first round brings pages into memory and has QEMU translate the code.
    for round in 0..=arguments.rounds {
        for number in (round..round + readers.len()).map(|number| number % readers.len()) {
            let (nanoseconds, peak) = read(&readers[number])?;
            if round > 0 {
                times[number].push(nanoseconds);
                peaks[number] = peak.max(peaks[number]);
            }
        }
    }
    fs::remove_file(output)?;
    let mut measured = json!({ "events": events });
    for (number, times) in times.into_iter().enumerate() {
        measured[readers[number].name] =
            json!({ "cpu_ns": Sample::of(times).median(), "peak_kib": peaks[number] });
    }
    Ok(measured)
}

/// Runs the flood with one reader; returns its time in nanoseconds and its peak memory in KiB.
fn read(reader: &EventReader) -> Result<(f64, u64)> {
    let mut command = Command::new(&reader.words[0]);
    command.args(&reader.words[1..]);
    let watched = Watched::start(command, reader.sign)?;
    watched.until_idle()?;
    let before = watched.cpu()?;
    for _ in 0..PIECES {
        (0..CALLS).for_each(fire);
        watched.until_idle()?;
    }
    let took = watched.cpu()? - before;
    let peak = watched.peak_kib()?;
    watched.signal(Signal::INT)?;
    let said = watched.end()?;
    if !said.contains(&reader.told) {
        return Err(format!("expected `{}`, got:\n{said}", reader.told).into());
    }
    Ok((took.as_secs_f64() * 1e9, peak))
}

/// Fires the programs of test-programs/ once with `value`: see test-programs/bpf/getpgid.h.
fn fire(value: u16) {
    const MAGIC: i32 = 0x4643_0000;
    // No process has this number: what comes back is an error, and says nothing.
    let _ = getpgid(Pid::from_raw(MAGIC | i32::from(value)));
}
