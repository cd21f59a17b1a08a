//! The chain of a group of tests while it is up, and one test on it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{PlannedGroup, TestResult, TestSurroundings, TestVerdict, kernel_said, planned};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic},
    event::{Decoder, Json, Render as _},
    files::plain,
    kernel::{
        CountReader as _, KernelError, KernelReader, LinesRun, ProgramHandle, RecordReader as _,
        TestKernel, TestRun, TestRunOutput, machine,
    },
    plan::{Action, Plan},
    resolve::Resolved,
    run::{self, Running, unwatched},
    testing::{
        Trigger,
        arrange::{ArrangedTest, ExpectedMap, HostRun, TestGroup, is_of_tests},
        state::ChainState,
        verdict::{Came, Judgement, verdict},
    },
    traffic::{self, Request},
};
use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP};

/// A chain that is up.
pub(super) struct TestedChain<K: KernelReader> {
    resolved: Resolved,
    plan: Plan,
    running: Running,
    decoder: Decoder,
    source: Option<(K::Records, K::Counters)>,
    pub(super) state: ChainState,
    /// The number of each node and its loaded program.
    programs: Vec<(usize, ProgramHandle)>,
    /// All programs but those of mocks and spies.
    tested: Vec<ProgramHandle>,
    /// Whether no test ran yet.
    is_fresh: bool,
    /// Events that found no room, so far.
    lost: u64,
}

impl<K: TestKernel> TestedChain<K> {
    pub(super) fn bring_up(kernel: &mut K, group: &TestGroup<'_>) -> Result<Self, Vec<Diagnostic>> {
        let PlannedGroup { resolved, plan, decoder } = planned(group)?;
        let running = run::up(kernel, &plan, resolved.objects(), &mut |done| unwatched(done));
        let running = running.map_err(|failure| {
            let (targets, _) = machine::targets();
            vec![run::explain(&failure, &plan, &targets, false)]
        })?;
        let programs = programs(&plan, &running);
        match Self::opened(kernel, &running, &programs) {
            Ok((source, state)) => Ok(Self {
                tested: tested(&plan, &running, &resolved),
                decoder,
                resolved,
                plan,
                running,
                source,
                state,
                programs,
                is_fresh: true,
                lost: 0,
            }),
            Err(error) => {
                let _ = running.abandon(kernel); // what is left ends with this process
                Err(vec![kernel_said("cannot read what the chain holds", &error)])
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "the readers of a chain")]
    fn opened(
        kernel: &mut K,
        running: &Running,
        programs: &[(usize, ProgramHandle)],
    ) -> Result<(Option<(K::Records, K::Counters)>, ChainState), KernelError> {
        let source = match (running.map(EVENTS_MAP), running.map(COUNTS_MAP)) {
            (Some(events), Some(counts)) => {
                Some((kernel.records(events)?, kernel.counters(counts)?))
            }
            _ => None,
        };
        Ok((source, ChainState::save(kernel, running, programs)?))
    }

    pub(super) fn take_down(self, kernel: &mut K) {
        let Self { running, state, source, .. } = self;
        state.release(kernel);
        drop(source);
        let _ = running.abandon(kernel); // what is left ends with this process
    }

    /// The number of the node with this id.
    fn node(&self, id: &str) -> Option<usize> {
        self.plan.nodes.iter().position(|node| node.id == id)
    }

    pub(super) fn test(
        &mut self,
        kernel: &mut K,
        arranged: &ArrangedTest<'_>,
        around: TestSurroundings<'_>,
    ) -> TestResult {
        let started = Instant::now();
        let mut result = match self.came(kernel, arranged, (started, around)) {
            Ok(came) => {
                let Judgement { failure, remarks, corrections } = verdict(arranged, &came);
                let verdict = match failure {
                    None => TestVerdict::Passed,
                    Some(failure) => TestVerdict::Failed(vec![failure]),
                };
                let run_ns = came.output.as_ref().map(|output| output.duration_ns);
                TestResult {
                    run_ns,
                    remarks,
                    corrections,
                    ..TestResult::of(arranged.test, verdict)
                }
            }
            Err(found) => TestResult::of(arranged.test, TestVerdict::Failed(vec![*found])),
        };
        match self.lines_run(kernel) {
            Ok(lines) => result.lines = lines,
            Err(error) => result.remarks.push(format!("cannot read which lines ran: {error}")),
        }
        TestResult { took: started.elapsed(), ..result }
    }

    /// Does what the test says, and takes down what came.
    fn came(
        &mut self,
        kernel: &mut K,
        arranged: &ArrangedTest<'_>,
        (started, around): (Instant, TestSurroundings<'_>),
    ) -> Result<Came, Box<Diagnostic>> {
        let test = arranged.test;
        let told = |what: &str, error: &KernelError| {
            Box::new(kernel_said(what, error).label(&test.span, "this test"))
        };
        if !self.is_fresh {
            self.state.restore(kernel).map_err(|error| told("cannot reset the maps", &error))?;
        }
        self.is_fresh = false;
        self.set_up(kernel, arranged).map_err(|error| told("cannot write to a map", &error))?;
        self.drain();
        // What is attached may have run since the last test.
        let _ = self.lines_run(kernel);
        let deadline = started + test.limit;
        let (mut arrived, mut exit, mut errno) = (None, None, None);
        let output = match (&test.trigger, &arranged.run) {
            (Trigger::Run(_), Some(run)) => {
                let program = self.node(&run.host).and_then(|node| {
                    self.programs.iter().find(|(of, _)| *of == node).map(|(_, program)| *program)
                });
                let program = program.ok_or_else(|| {
                    told("the host is not loaded", &KernelError::here("look up", &run.host))
                })?;
                Some(run_host(kernel, program, run, deadline).map_err(|error| match error {
                    RunError::Kernel(error) => told("the kernel did not run the host", &error),
                    RunError::TooLong(runs) => {
                        let message = format!("still running after {} s", test.limit.as_secs());
                        let found = Diagnostic::new(Code::TestFailed, message);
                        let found = found.label(&test.span, format!("ended after {runs} runs"));
                        Box::new(found.help("Lower `repeat`, or raise `limit`."))
                    }
                })?)
            }
            (Trigger::Traffic(protocol, count), _) => {
                let asked = Request {
                    protocol: *protocol,
                    host: std::net::Ipv4Addr::LOCALHOST.into(),
                    port: 0,
                    count: *count,
                    size: 64,
                    interval: Duration::ZERO,
                    wait: Duration::from_secs(1).min(test.limit),
                    listen: *protocol != traffic::Protocol::Icmp,
                };
                let report = traffic::make(&asked).map_err(|error| {
                    let message = format!("cannot send packets: {}", plain(&error));
                    let found = Diagnostic::new(Code::TestFailed, message);
                    Box::new(found.label(&test.span, "this test"))
                })?;
                arrived = report.arrived;
                kernel.settle();
                None
            }
            (Trigger::Exec(words), _) => {
                let texts: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
                let code = (around.exec)(&texts, deadline).map_err(|why| {
                    let command = &words[0];
                    let found = Diagnostic::new(Code::TestFailed, why);
                    Box::new(found.label(&command.span, "this command"))
                })?;
                exit = Some(code);
                kernel.settle();
                None
            }
            (Trigger::Syscall(syscall, count), _) => {
                // The first that fails, if one does.
                errno = Some((0..*count).map(|_| syscall.make()).find(|errno| *errno != 0));
                kernel.settle();
                None
            }
            (Trigger::Run(_), None) => None, // an arranged test has it
        };
        let events = self.drain();
        let lost = self.lost_since();
        let held = self.held(kernel, arranged);
        let (maps, variables) = held.map_err(|error| told("cannot read a map", &error))?;
        Ok(Came { output, arrived, exit, errno, events, lost, maps, variables })
    }

    /// Writes the entries and variables of the test.
    fn set_up(&self, kernel: &mut K, arranged: &ArrangedTest<'_>) -> Result<(), KernelError> {
        let missing = |name: &str| KernelError::here("look up", format!("`{name}` is not there"));
        for (name, entries) in &arranged.maps {
            let map = self.running.map(name).ok_or_else(|| missing(name))?;
            let shape = kernel.shape(map)?;
            for entry in entries {
                match &entry.value {
                    Some(value) => {
                        // Each CPU has the same.
                        let mut one = value.bytes.clone();
                        one.resize(one.len().max(1).next_multiple_of(8), 0);
                        let whole = match shape.whole_value == shape.value_size {
                            true => value.bytes.clone(),
                            false => one.repeat(shape.whole_value / one.len()),
                        };
                        kernel.set_element(map, &entry.key.bytes, &whole)?;
                    }
                    None => kernel.remove_element(map, &entry.key.bytes)?,
                }
            }
        }
        for (host, set) in arranged.globals.iter().map(|(host, set)| (host, &set.global)) {
            let node = self.node(host).ok_or_else(|| missing(host))?;
            let map = self.state.variables(node, &set.section).ok_or_else(|| missing(&set.name))?;
            let key = 0_u32.to_ne_bytes();
            let mut bytes = kernel.element(map, &key)?.ok_or_else(|| missing(&set.name))?;
            let at = usize::try_from(set.offset).unwrap_or(usize::MAX);
            let place = bytes.get_mut(at..at.saturating_add(set.bytes.len()));
            place.ok_or_else(|| missing(&set.name))?.copy_from_slice(&set.bytes);
            kernel.set_element(map, &key, &bytes)?;
        }
        Ok(())
    }

    /// The maps and variables that the test expects something of: entries, and the section of each variable.
    #[expect(clippy::type_complexity, reason = "two lists of what is held")]
    fn held(
        &self,
        kernel: &K,
        arranged: &ArrangedTest<'_>,
    ) -> Result<(Vec<Vec<(Vec<u8>, Vec<u8>)>>, Vec<Option<Vec<u8>>>), KernelError> {
        let missing = |name: &str| KernelError::here("look up", format!("`{name}` is not there"));
        let mut maps = Vec::new();
        for ExpectedMap { name, .. } in &arranged.expected_maps {
            let map = self.running.map(name).ok_or_else(|| missing(name))?;
            maps.push(kernel.elements(map)?);
        }
        let mut variables = Vec::new();
        for (host, expected) in &arranged.expected_globals {
            let node = self.node(host).ok_or_else(|| missing(host))?;
            let held = self.state.variables(node, &expected.set.global.section);
            variables.push(match held {
                Some(map) => kernel.element(map, &0_u32.to_ne_bytes())?,
                None => None,
            });
        }
        Ok((maps, variables))
    }

    /// The events that are there, as JSON.
    fn drain(&mut self) -> Vec<serde_json::Value> {
        const BATCH: usize = 4096;
        let Some((records, _)) = &mut self.source else { return Vec::new() };
        let mut json = Json::new(&self.plan);
        let (mut found, mut line) = (Vec::new(), String::new());
        loop {
            let decoder = &self.decoder;
            let count = records.read(BATCH, |_, record| {
                let Ok(event) = decoder.decode(record) else { return };
                line.clear();
                json.event(&event, &mut line);
                found.extend(serde_json::from_str(&line).ok());
            });
            if count == 0 {
                return found;
            }
        }
    }

    /// Which lines of the programs that are tested ran since this was last asked, where that is counted.
    fn lines_run(&self, kernel: &mut K) -> Result<Vec<LinesRun>, KernelError> {
        let mut found = Vec::new();
        for program in &self.tested {
            found.extend(kernel.lines_run(*program)?);
        }
        Ok(found)
    }

    /// How many events found no room since this was last asked.
    fn lost_since(&mut self) -> u64 {
        let Some((_, counts)) = &self.source else { return 0 };
        let nodes = u32::try_from(self.resolved.chain().graph.len()).unwrap_or(u32::MAX);
        let lost = (0..nodes).filter_map(|node| counts.count(node).ok()).map(|count| count.lost);
        let lost: u64 = lost.sum();
        let since = lost - self.lost.min(lost);
        self.lost = lost;
        since
    }
}

/// The loaded program of each node, the first one where it has several.
fn programs(plan: &Plan, running: &Running) -> Vec<(usize, ProgramHandle)> {
    let mut found: Vec<(usize, ProgramHandle)> = Vec::new();
    for (operation, program) in running.programs() {
        let operation = plan.operation(operation);
        let is_load = operation.is_some_and(|one| matches!(one.action, Action::Load { .. }));
        if let Some(node) = operation.and_then(|one| one.node).filter(|_| is_load)
            && !found.iter().any(|(known, _)| *known == node)
        {
            found.push((node, program));
        }
    }
    found
}

/// The loaded programs that are neither part of the tests nor made by the composer.
fn tested(plan: &Plan, running: &Running, resolved: &Resolved) -> Vec<ProgramHandle> {
    let made = resolved.chain().graph.nodes().filter_map(|(_, node)| match &node.kind {
        NodeKind::Replacement(one) if one.answer.is_some() => Some(node.id.value.as_str()),
        _ => None,
    });
    let made: HashSet<&str> = made.collect();
    let is_tested = |operation| {
        let node = plan.operation(operation).and_then(|operation| operation.node);
        let node = node.and_then(|node| plan.nodes.get(node));
        node.is_some_and(|node| !is_of_tests(&node.id) && !made.contains(node.id.as_str()))
    };
    let programs = running.programs().filter(|(operation, _)| is_tested(*operation));
    programs.map(|(_, program)| program).collect()
}

/// Why a run did not end well.
enum RunError {
    Kernel(KernelError),
    /// After so many runs there was no time left.
    TooLong(u32),
}

/// Runs a host as often as asked for, some runs at a time, so that it ends in time.
fn run_host<K: TestKernel>(
    kernel: &mut K,
    program: ProgramHandle,
    run: &HostRun,
    deadline: Instant,
) -> Result<TestRunOutput, RunError> {
    /// Room for what a program puts in front of a packet, or behind it.
    const GROWTH: usize = 4096;
    const AT_ONCE: u32 = 10_000;
    let room = if run.input.packet { run.data.len() + GROWTH } else { 0 };
    let (mut left, mut runs, mut nanoseconds) = (run.repeat, 0_u32, 0_u64);
    loop {
        let repeat = left.min(AT_ONCE);
        let asked = TestRun { data: &run.data, context: &run.context, repeat, room };
        let output = kernel.test_run(program, &asked).map_err(RunError::Kernel)?;
        runs += repeat;
        left -= repeat;
        nanoseconds += u64::from(output.duration_ns) * u64::from(repeat.max(1));
        if left == 0 {
            let mean = nanoseconds / u64::from(runs.max(1));
            return Ok(TestRunOutput {
                duration_ns: u32::try_from(mean).unwrap_or(u32::MAX),
                ..output
            });
        }
        if Instant::now() > deadline {
            return Err(RunError::TooLong(runs));
        }
    }
}
