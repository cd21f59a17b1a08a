//! Perf events that sample: a clock or a counter of each CPU.

use super::{
    Attach, HostKind, KeySpec, Mechanism, Misfit, PERF_LINKS, PerfEvent, Refusal, Refused,
    Sampling, TargetKey, Template, Values, cookie::COOKIE_KEY,
};
use crate::object::{ProgramKind, ProgramType};

pub(super) static PERF_EVENT: HostKind = HostKind {
    name: "perf_event",
    aliases: &["perf", "profile"],
    summary: "A perf event, sampled on every CPU.",
    program: ProgramKind::PerfEvent,
    program_type: ProgramType::PerfEvent,
    section: "perf_event",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a perf event",
        form: None,
        example: "cpu-clock",
        parts: &["event"],
        pattern: None,
        read,
    },
    settings: &[
        KeySpec {
            key: FREQUENCY,
            what: "a frequency",
            doc: "Samples per second on each CPU; 99 if neither it nor `period` is given.",
            values: Values::Number(1, 100_000),
            excludes: &[PERIOD],
            need: |_| None,
        },
        KeySpec {
            key: PERIOD,
            what: "a period",
            doc: "One sample for this many events, instead of a frequency.",
            values: Values::Number(1, u32::MAX as i64),
            excludes: &[FREQUENCY],
            need: |_| None,
        },
        KeySpec {
            key: CPU,
            what: "a CPU",
            doc: "Only events of this CPU.",
            values: Values::Number(0, 65_535),
            excludes: &[],
            need: |_| None,
        },
        KeySpec {
            key: PID,
            what: "a process",
            doc: "Only events of the process with this id.",
            values: Values::Number(1, 4_194_304),
            excludes: &[],
            need: |_| None,
        },
        COOKIE_KEY,
    ],
    mechanism: |attach| {
        let number = |key| attach.number(key).and_then(|number| u32::try_from(number).ok());
        let (event_type, config) = numbers(&attach.target).unwrap_or_default();
        let every = match (number(PERIOD), number(FREQUENCY)) {
            (Some(period), _) => Sampling::Period(period),
            (None, frequency) => Sampling::Frequency(frequency.unwrap_or(DEFAULT_FREQUENCY)),
        };
        let (cpu, pid) = (number(CPU), number(PID));
        Mechanism::PerfEvent(PerfEvent::Sampled { event_type, config, every, cpu, pid })
    },
    needs: &[&PERF_LINKS],
    modules: &[],
    exclusive: None,
    map: None,
    // Which events a machine counts depends on its CPU.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/perf_event.bpf.c"),
        target: "cpu-clock",
        elsewhere: None,
        stub: "wanted",
        traffic: "sleep 1",
        since: None,
    },
    source: (
        "int f(struct bpf_perf_event_data *ctx)",
        "`ctx->regs`, the registers of the interrupted code, `ctx->sample_period`, `ctx->addr`",
    ),
};

const FREQUENCY: &str = "frequency";
const PERIOD: &str = "period";
const CPU: &str = "cpu";
const PID: &str = "pid";

/// Samples per second: not a divisor of what programs do every 10 ms.
const DEFAULT_FREQUENCY: u32 = 99;

/// `PERF_TYPE_SOFTWARE` and `PERF_TYPE_HARDWARE` with their events, as perf(1) calls them,
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/perf_event.h>.
const SOFTWARE: u32 = 1;
const HARDWARE: u32 = 0;
const EVENTS: &[(&str, (u32, u64))] = &[
    ("cpu-clock", (SOFTWARE, 0)),
    ("task-clock", (SOFTWARE, 1)),
    ("page-faults", (SOFTWARE, 2)),
    ("context-switches", (SOFTWARE, 3)),
    ("cpu-migrations", (SOFTWARE, 4)),
    ("minor-faults", (SOFTWARE, 5)),
    ("major-faults", (SOFTWARE, 6)),
    ("alignment-faults", (SOFTWARE, 7)),
    ("emulation-faults", (SOFTWARE, 8)),
    ("cpu-cycles", (HARDWARE, 0)),
    ("instructions", (HARDWARE, 1)),
    ("cache-references", (HARDWARE, 2)),
    ("cache-misses", (HARDWARE, 3)),
    ("branch-instructions", (HARDWARE, 4)),
    ("branch-misses", (HARDWARE, 5)),
    ("bus-cycles", (HARDWARE, 6)),
    ("stalled-cycles-frontend", (HARDWARE, 7)),
    ("stalled-cycles-backend", (HARDWARE, 8)),
    ("ref-cycles", (HARDWARE, 9)),
];

fn numbers(event: &str) -> Option<(u32, u64)> {
    EVENTS.iter().find(|(name, _)| *name == event).map(|(_, numbers)| *numbers)
}

fn read(text: &str) -> Result<String, Misfit> {
    match numbers(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Misfit {
            label: "not a perf event",
            help: "Write a name as in `perf list sw hw`: cpu-clock, task-clock, page-faults, \
                   context-switches, cpu-migrations, cpu-cycles, instructions, cache-misses, \
                   branch-misses and others.",
        }),
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let Attach { target, .. } = refused.attach;
    let number = |key| refused.attach.number(key).unwrap_or_default();
    let (why, help) = match refused.errno {
        "ENOENT" | "EOPNOTSUPP" | "ENODEV" if refused.attach.number(CPU).is_none() => (
            format!("this machine does not count {target}"),
            "Virtual machines often have no hardware events. Write cpu-clock.".to_owned(),
        ),
        "ENODEV" | "EINVAL" if refused.attach.number(CPU).is_some() => (
            format!("CPU {} is not online", number(CPU)),
            "List the CPUs with: lscpu -e".to_owned(),
        ),
        "ESRCH" => (
            format!("process {} not found", number(PID)),
            "The process may have ended. List the processes with: ps".to_owned(),
        ),
        "EINVAL" => (
            "the kernel does not allow this frequency".to_owned(),
            "Write a lower frequency. /proc/sys/kernel/perf_event_max_sample_rate has the limit."
                .to_owned(),
        ),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}
