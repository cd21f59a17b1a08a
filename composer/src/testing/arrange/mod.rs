//! (a chain, its tests) → for each group of tests that can share it, the chain with their mocks and spies.
//!
//! Tests share a chain when they have the same mocks, the same constants, and the hosts are attached for all or
//! for none of them. What a test names that is not there is found here, before anything is loaded.

mod contents;
mod mocks;
mod run;
mod spies;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use petgraph::graph::NodeIndex;

use super::{
    ExpectedCalls, MapContent, Mock, MockProgram, ProgramTest, TestFile, TestRunSpec, Trigger,
};
use crate::{
    chain::{Chain, GlobalValue, Graph, Node, NodeKind, ObjectRef, Results, Role},
    diag::{Code, Diagnostic, Span, list, nearest},
    hook::TestRunInput,
    object::Object,
    resolve::{EncodedValue, NodeProgram, Resolved, SetGlobalParts, global_values, open_object},
};

/// Tests with the chain that they share.
#[derive(Debug)]
pub(super) struct TestGroup<'t> {
    /// The chain of the file with mocks and spies.
    pub(super) chain: Chain,
    /// Whether its hosts are attached.
    pub(super) attached: bool,
    pub(super) tests: Vec<ArrangedTest<'t>>,
}

/// A test whose names were found.
#[derive(Debug)]
pub(super) struct ArrangedTest<'t> {
    pub(super) test: &'t ProgramTest,
    /// The run of a host, where it is one.
    pub(super) run: Option<HostRun>,
    /// Values of variables, with the node whose program has them.
    pub(super) globals: Vec<(String, SetGlobalParts)>,
    /// Entries of maps: the map, its keys and values.
    pub(super) maps: Vec<(String, Vec<EncodedEntry>)>,
    /// The spy of each of the expected calls, and of each function of the expected order.
    pub(super) calls: Vec<String>,
    pub(super) order: Vec<String>,
    /// The numbers of names in the condition of each of the expected events.
    pub(super) names: Vec<HashMap<String, i128>>,
    /// What is expected of maps.
    pub(super) expected_maps: Vec<ExpectedMap>,
    /// What is expected of variables, each with the id of its host.
    pub(super) expected_globals: Vec<(String, ExpectedGlobal)>,
    /// The types of the host that is run.
    pub(super) object: Option<Arc<Object>>,
}

/// What is expected of a map.
#[derive(Debug)]
pub(super) struct ExpectedMap {
    pub(super) name: String,
    pub(super) entries: Vec<EncodedEntry>,
    /// The object with its types; none where it has none.
    pub(super) types: Option<Arc<Object>>,
    /// Where it is named.
    pub(super) span: Span,
}

/// A value that is expected of a variable.
#[derive(Debug)]
pub(super) struct ExpectedGlobal {
    /// The variable, with the bytes of the value.
    pub(super) set: SetGlobalParts,
    pub(super) object: Option<Arc<Object>>,
    pub(super) span: Span,
}

impl TestGroup<'_> {
    /// A group of one of its tests, without the spies of the others.
    pub(super) fn of_one(&self, test: &ArrangedTest<'_>) -> Self {
        let own: HashSet<&String> = test.calls.iter().chain(&test.order).collect();
        let stays = |id: &String| !id.starts_with(SPY) || own.contains(id);
        let nodes = self.chain.graph.nodes().map(|(_, node)| node);
        let nodes = nodes.filter(|node| stays(&node.id.value)).cloned().collect();
        let chain = Chain { graph: Graph::with(nodes), ..self.chain.clone() };
        Self { chain, attached: self.attached, tests: Vec::new() }
    }
}

/// A run of a host by the kernel.
#[derive(Debug)]
pub(super) struct HostRun {
    /// The id of the host.
    pub(super) host: String,
    pub(super) input: TestRunInput,
    pub(super) data: Vec<u8>,
    pub(super) context: Vec<u8>,
    pub(super) repeat: u32,
    /// What is expected to be returned.
    pub(super) returns: Option<i64>,
    /// The names of what is returned.
    pub(super) verdicts: &'static [(&'static str, i64)],
    /// What is expected in the context afterwards.
    pub(super) expected_context: Option<EncodedValue>,
}

/// A key and a value as bytes.
#[derive(Debug)]
pub(super) struct EncodedEntry {
    pub(super) key: EncodedValue,
    pub(super) value: Option<EncodedValue>,
    pub(super) span: Span,
    pub(super) value_span: Option<Span>,
}

/// The tests of `file` that `wanted` takes, in groups.
///
/// # Errors
/// What the tests name that is not there, or cannot be.
pub(super) fn arrange<'t>(
    file: &'t TestFile,
    base: &Resolved,
    wanted: &dyn Fn(&ProgramTest) -> bool,
) -> Result<Vec<TestGroup<'t>>, Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    let mut groups: BTreeMap<String, Grouped<'t>> = BTreeMap::new();
    let mut order = Vec::new();
    let opened = own_objects(file, base);
    for test in file.tests.iter().filter(|test| wanted(test)) {
        let arranger = Arranger { base, test, opened: &opened };
        let attached = !matches!(test.trigger, Trigger::Run(_));
        let (globals, constants) = match arranger.globals() {
            Ok(globals) => globals,
            Err(found) => {
                wrong.extend(found);
                continue;
            }
        };
        let mocks: Vec<String> = test.mocks.iter().map(text_of_mock).collect();
        let constant: Vec<String> = constants
            .iter()
            .map(|(node, global)| {
                format!("{node}.{} {}", global.path.text.value, global.value.value)
            })
            .collect();
        let key = format!("{attached} {mocks:?} {constant:?}");
        let group = groups.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Grouped {
                nodes: arranger.nodes(&constants, &mut wrong),
                attached,
                spies: HashMap::new(),
                tests: Vec::new(),
            }
        });
        match arranger.test(&mut group.nodes, &mut group.spies, globals) {
            Ok(arranged) => group.tests.push(arranged),
            Err(found) => wrong.extend(found),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let groups = order.into_iter().filter_map(|key| groups.remove(&key)).map(|group| {
        let Grouped { nodes, attached, tests, .. } = group;
        let chain = Chain { graph: Graph::with(nodes), ..base.chain().clone() };
        TestGroup { chain, attached, tests }
    });
    Ok(groups.collect())
}

/// The objects of mocks that are programs of their own. One that cannot be read is an error of the chain with it.
fn own_objects(file: &TestFile, base: &Resolved) -> HashMap<ObjectRef, Arc<Object>> {
    let mut opened = HashMap::new();
    for mock in file.tests.iter().flat_map(|test| &test.mocks) {
        let MockProgram::Own { object, .. } = &mock.by else { continue };
        if !opened.contains_key(&object.value) {
            let known = base.objects().get(&object.value).cloned();
            let found = known.or_else(|| open_object(&object.value).ok().map(Arc::new));
            opened.extend(found.map(|found| (object.value.clone(), found)));
        }
    }
    opened
}

/// A group that is being made.
struct Grouped<'t> {
    nodes: Vec<Node>,
    attached: bool,
    /// The ids of the spies, by what they are on and which calls they see.
    spies: HashMap<String, String>,
    tests: Vec<ArrangedTest<'t>>,
}

/// A mock as text, without the places in the file.
fn text_of_mock(mock: &Mock) -> String {
    let function = &mock.function.value;
    match &mock.by {
        MockProgram::Own { object, program, globals } => {
            let set = globals.iter().map(|one| (&one.path.text.value, one.value.value.to_string()));
            let set: Vec<_> = set.collect();
            format!("{function} {} {} {set:?}", object.value, program.value)
        }
        MockProgram::Made(answer) => {
            let results = match &answer.results {
                Results::Nothing => String::new(),
                Results::InOrder(values) => {
                    values.iter().map(|value| format!("{},", value.value)).collect()
                }
                Results::ByArguments(cases) => cases
                    .iter()
                    .map(|case| {
                        let filter = case.filter.as_ref().map(|(text, _)| text.value.as_str());
                        format!("{filter:?} {},", case.value.value)
                    })
                    .collect(),
            };
            let writes: Vec<String> = answer
                .writes
                .iter()
                .map(|(name, value)| format!("{} {}", name.value, value.value))
                .collect();
            format!("{function} [{results}] {writes:?}")
        }
    }
}

/// What the ids of spies begin with.
const SPY: &str = "spy.";

/// What the ids of mocks begin with.
const MOCK: &str = "mock.";

/// The id of the node that mocks a function.
fn mock_id(function: &str) -> String {
    format!("{MOCK}{function}")
}

/// Whether the node with this id is part of the tests, and not of what is tested.
pub(super) fn is_of_tests(id: &str) -> bool {
    id.starts_with(MOCK) || id.starts_with(SPY)
}

struct Arranger<'a, 't> {
    base: &'a Resolved,
    test: &'t ProgramTest,
    /// The objects of mocks that are programs of their own.
    opened: &'a HashMap<ObjectRef, Arc<Object>>,
}

impl<'t> Arranger<'_, 't> {
    fn bad(&self, span: &Span, message: impl Into<String>, label: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(Code::BadTest, message).label(span, label))
    }

    fn hosts(&self) -> impl Iterator<Item = (NodeIndex, &Node, &NodeProgram)> {
        self.base.programs().filter(|(_, node, _)| node.role() == Role::Host)
    }

    /// The replacements of the chain that no mock stands in for.
    fn replacements(&self) -> impl Iterator<Item = (NodeIndex, &Node, &NodeProgram)> {
        let is_mocked = |stub: &str| {
            self.base.chain().graph.nodes().any(|(_, node)| match &node.kind {
                NodeKind::Stub(one) if node.id.value == stub => {
                    let mut mocks = self.test.mocks.iter();
                    mocks.any(|mock| mock.function.value == one.function.value)
                }
                _ => false,
            })
        };
        self.base.programs().filter(move |(_, node, _)| match &node.kind {
            NodeKind::Replacement(one) => one.answer.is_none() && !is_mocked(&one.stub.value),
            _ => false,
        })
    }

    /// The objects of the test's mocks that are programs of their own, each with the id of its node.
    fn own_mocks(&self) -> impl Iterator<Item = (String, &Arc<Object>)> {
        self.test.mocks.iter().filter_map(|mock| match &mock.by {
            MockProgram::Own { object, .. } => {
                Some((mock_id(&mock.function.value), self.opened.get(&object.value)?))
            }
            MockProgram::Made(_) => None,
        })
    }

    /// The host that is run.
    fn host(&self, run: &TestRunSpec) -> Result<(&Node, &NodeProgram), Box<Diagnostic>> {
        let ids: Vec<&str> = self.hosts().map(|(_, node, _)| node.id.value.as_str()).collect();
        let Some(wanted) = &run.host else {
            let mut hosts = self.hosts();
            return match (hosts.next(), hosts.next()) {
                (Some((_, node, of)), None) => Ok((node, of)),
                _ => {
                    let found =
                        self.bad(&self.test.span, "the test does not name its host", "this test");
                    Err(Box::new(
                        found.help(format!("Write run = \"HOST\", one of: {}.", list(&ids))),
                    ))
                }
            };
        };
        let found = self.hosts().find(|(_, node, _)| node.id.value == wanted.value);
        found.map(|(_, node, of)| (node, of)).ok_or_else(|| {
            let message = format!("unknown host `{}`", wanted.value.escape_debug());
            let help = match nearest(&wanted.value, ids.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("The hosts of the chain are: {}.", list(&ids)),
            };
            Box::new(self.bad(&wanted.span, message, "not in the chain").help(help))
        })
    }

    /// The values of variables that can be set at any time, and those of constants, each with the id of its host.
    #[expect(clippy::type_complexity, reason = "two lists of one shape")]
    fn globals(
        &self,
    ) -> Result<(Vec<(String, SetGlobalParts)>, Vec<(String, &'t GlobalValue)>), Vec<Diagnostic>>
    {
        let (mut variables, mut constants) = (Vec::new(), Vec::new());
        for global in &self.test.globals {
            for (node, set) in self.holders_of(global)? {
                match set.global.section.starts_with(".rodata") {
                    true => constants.push((node, global)),
                    false => variables.push((node, set)),
                }
            }
        }
        Ok((variables, constants))
    }

    /// The nodes that have the variable of `global`: of the hosts that which is run, or each; and replacements.
    fn holders_of(
        &self,
        global: &GlobalValue,
    ) -> Result<Vec<(String, SetGlobalParts)>, Vec<Diagnostic>> {
        let title = "the test";
        let run = match &self.test.trigger {
            Trigger::Run(run) => {
                Some(self.host(run).map_err(|found| vec![*found])?.0.id.value.clone())
            }
            _ => None,
        };
        let mut held = Vec::new();
        let mut wrong = Vec::new();
        let is_other = |id: &str| run.as_ref().is_some_and(|run| run != id);
        let hosts = self.hosts().filter(|(_, node, _)| !is_other(&node.id.value));
        for (_, node, of) in hosts.chain(self.replacements()) {
            match global_values(std::slice::from_ref(global), title, of.object()) {
                Ok(set) => held.extend(set.into_iter().map(|set| (node.id.value.clone(), set))),
                Err(found) if wrong.is_empty() || worth(&found) > worth(&wrong) => wrong = found,
                Err(_) => {}
            }
        }
        if held.is_empty() { Err(wrong) } else { Ok(held) }
    }

    /// What is expected of triggers that the test does not have.
    fn without_trigger(&self) -> Vec<Diagnostic> {
        let (expect, trigger) = (&self.test.expect, &self.test.trigger);
        let keys = [
            (
                ("arrived", "traffic", "\"udp\""),
                expect.arrived.as_ref().map(|one| &one.span),
                matches!(trigger, Trigger::Traffic(..)),
            ),
            (
                ("exit", "exec", "[\"/bin/true\"]"),
                expect.exit.as_ref().map(|one| &one.span),
                matches!(trigger, Trigger::Exec(_)),
            ),
            (
                ("errno", "syscall", "\"openat\""),
                expect.errno.as_ref().map(|one| &one.span),
                matches!(trigger, Trigger::Syscall(..)),
            ),
        ];
        let wrong = keys.into_iter().filter(|(_, _, has)| !has).filter_map(|(names, span, _)| {
            let (key, needed, example) = names;
            let message = format!("`{key}` without `{needed}`");
            let found = self.bad(span?, message, "there is none");
            Some(found.help(format!("Write {needed} = {example}, or remove it.")))
        });
        wrong.collect()
    }

    /// The test with its names found, and its spies among `nodes`.
    fn test(
        &self,
        nodes: &mut Vec<Node>,
        spies: &mut HashMap<String, String>,
        globals: Vec<(String, SetGlobalParts)>,
    ) -> Result<ArrangedTest<'t>, Vec<Diagnostic>> {
        let expect = &self.test.expect;
        let mut wrong = Vec::new();
        let mut keep = |found: Box<Diagnostic>| wrong.push(*found);
        for found in self.without_trigger() {
            keep(Box::new(found));
        }
        let run = match &self.test.trigger {
            Trigger::Run(run) => self.run(run).map_err(&mut keep).ok(),
            Trigger::Traffic(..) | Trigger::Exec(_) | Trigger::Syscall(..) => {
                let only = [
                    ("returns", expect.returns.as_ref().map(|one| &one.span)),
                    ("packet", expect.packet.as_ref().map(crate::packet::ExpectedPacket::span)),
                    ("ctx", expect.context.as_ref().map(|one| &one.span)),
                    ("max_ns", expect.max_ns.as_ref().map(|one| &one.span)),
                ];
                for (key, span) in only {
                    let Some(span) = span else { continue };
                    let message = format!("`{key}` can only be expected of a host that is run");
                    let help = "Write `run`, or expect calls: { function = \"...\", where = \"ret == 0\" }.";
                    keep(Box::new(self.bad(span, message, "not known here").help(help)));
                }
                None
            }
        };
        let calls = expect
            .calls
            .iter()
            .filter_map(|calls| self.spy(calls, nodes, spies).map_err(&mut keep).ok());
        let calls: Vec<String> = calls.collect();
        let order = expect.order.iter().flat_map(|order| &order.value).filter_map(|function| {
            let any = ExpectedCalls {
                function: function.clone(),
                node: None,
                count: super::ExpectedCount {
                    least: 0,
                    most: u64::MAX,
                    span: function.span.clone(),
                },
                filter: None,
            };
            self.spy(&any, nodes, spies).map_err(&mut keep).ok()
        });
        let order: Vec<String> = order.collect();
        for events in &expect.events {
            if let Err(found) = self.known_node(&events.node, nodes) {
                keep(found);
            }
        }
        let names = expect.events.iter().map(|events| match &events.filter {
            Some((_, filter)) => self.names(&events.node.value, nodes, filter),
            None => HashMap::new(),
        });
        let names = names.collect();
        let mut entries = |maps: &[MapContent]| {
            let encoded = maps.iter().filter_map(|map| self.map(map).map_err(&mut keep).ok());
            encoded.collect::<Vec<_>>()
        };
        let (maps, expected_maps) = (entries(&self.test.maps), entries(&expect.maps));
        let expected_maps =
            expect.maps.iter().zip(expected_maps).map(|(content, (name, entries))| {
                let types = self.object_of_map(&name);
                ExpectedMap { name, entries, types, span: content.map.span.clone() }
            });
        let expected_maps = expected_maps.collect();
        let mut expected_globals = Vec::new();
        for global in &expect.globals {
            match self.holders_of(global) {
                Ok(held) => expected_globals.extend(held.into_iter().map(|(node, set)| {
                    let object = self.base.programs().find(|(_, one, _)| one.id.value == node);
                    let object = object.map(|(_, _, of)| Arc::clone(of.shared_object()));
                    let span = global.value.span.clone();
                    (node, ExpectedGlobal { set, object, span })
                })),
                Err(found) => wrong.extend(found),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let test = self.test;
        let object = match &test.trigger {
            Trigger::Run(run) => self.host(run).ok().map(|(_, of)| Arc::clone(of.shared_object())),
            _ => None,
        };
        Ok(ArrangedTest {
            test,
            run,
            globals,
            maps,
            calls,
            order,
            names,
            expected_maps,
            expected_globals,
            object,
        })
    }
}

/// How much is said of a variable: that a value does not fit, what it may be called instead, or only that it is
/// not there.
fn worth(found: &[Diagnostic]) -> (bool, bool) {
    let is_near = |one: &Diagnostic| one.help.iter().any(|help| help.starts_with("Did you mean"));
    (found.iter().any(|one| one.code != Code::UnknownGlobal), found.iter().any(is_near))
}
