//! (a chain, its tests) → for each group of tests that can share it, the chain with their mocks and spies.
//!
//! Tests share a chain when they have the same mocks, the same constants, and the hosts are attached for all or
//! for none of them. What a test names that is not there is found here, before anything is loaded.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use petgraph::graph::NodeIndex;

use super::{
    ExpectedCalls, MapContent, Mock, MockProgram, ProgramTest, TestFile, TestRunSpec, Trigger,
};
use crate::{
    chain::{
        Builtin, Chain, Constant, Data, Filter, GlobalValue, Graph, Node, NodeKind, ObjectRef,
        Output, ProbePoint, Replacement, Results, Role, Spanned, Stub, Tracer, TracerProgram,
        Value,
    },
    diag::{Code, Diagnostic, Span, list, nearest},
    hook::{HostKind, TestRunInput, test_run_input},
    object::{
        MapDef, Object,
        btf::{Type, TypeId},
    },
    resolve::{
        EncodedValue, NodeProgram, Resolved, SetGlobalParts, constant, encode, global_values,
        open_object,
    },
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
    pub(super) expected_maps: Vec<(String, Vec<EncodedEntry>)>,
    /// What is expected of variables, each with the id of its host.
    pub(super) expected_globals: Vec<(String, ExpectedGlobal)>,
    /// The types of the host that is run, and those that the maps are of.
    pub(super) object: Option<Arc<Object>>,
    pub(super) map_types: HashMap<String, Option<Arc<Object>>>,
}

/// A value that is expected of a variable.
#[derive(Debug)]
pub(super) struct ExpectedGlobal {
    /// The variable, with the bytes of the value.
    pub(super) set: SetGlobalParts,
    pub(super) object: Option<Arc<Object>>,
    pub(super) span: Span,
}

impl ArrangedTest<'_> {
    /// Where something is expected of a map.
    pub(super) fn map_span(&self, name: &str) -> Span {
        let expected = self.test.expect.maps.iter().find(|content| content.map.value == name);
        expected.map_or(&self.test.span, |content| &content.map.span).clone()
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

/// The id of the node that mocks a function.
fn mock_id(function: &str) -> String {
    format!("mock.{function}")
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
                Err(found) if wrong.is_empty() => wrong = found,
                Err(_) => {}
            }
        }
        if held.is_empty() { Err(wrong) } else { Ok(held) }
    }

    /// The nodes of the chain with the mocks of the test, and what that leaves nothing to do for removed.
    fn nodes(
        &self,
        constants: &[(String, &GlobalValue)],
        wrong: &mut Vec<Diagnostic>,
    ) -> Vec<Node> {
        let chain = self.base.chain();
        let mut nodes: Vec<Node> = chain.graph.nodes().map(|(_, node)| node.clone()).collect();
        for (host, global) in constants {
            for node in nodes.iter_mut().filter(|node| node.id.value == *host) {
                node.data.globals.retain(|own| own.path.text.value != global.path.text.value);
                node.data.globals.push((*global).clone());
            }
        }
        for mock in &self.test.mocks {
            if let Err(found) = self.mock(mock, &mut nodes) {
                wrong.push(*found);
            }
        }
        nodes
    }

    /// Puts a mock in the place of whatever replaces or traces its function.
    fn mock(&self, mock: &Mock, nodes: &mut Vec<Node>) -> Result<(), Box<Diagnostic>> {
        let (name, span) = (&mock.function.value, &mock.function.span);
        let holders: Vec<&Node> = self
            .hosts()
            .filter(|(_, _, of)| {
                of.object().functions_of(of.program()).any(|one| one.name == *name)
            })
            .map(|(_, node, _)| node)
            .collect();
        if holders.is_empty() {
            let known = self.hosts().flat_map(|(_, _, of)| of.object().functions_of(of.program()));
            let known: Vec<&str> =
                known.filter(|one| one.is_global).map(|one| one.name.as_str()).collect();
            let message = format!("no host has a function `{}` to be mocked", name.escape_debug());
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Global functions of the hosts: {}.", list(&known)),
            };
            return Err(Box::new(self.bad(span, message, "unknown function").help(help)));
        }
        let is_its_stub = |node: &Node| matches!(&node.kind, NodeKind::Stub(stub) if stub.function.value == *name);
        let stubs: Vec<String> = nodes
            .iter()
            .filter(|node| is_its_stub(node))
            .map(|node| node.id.value.clone())
            .collect();
        let mut gone: HashSet<String> = stubs.iter().cloned().collect();
        let on_host = |tracer: &Tracer| {
            holders.iter().any(|host| host.id.value == tracer.target.value)
                && tracer.function.as_ref().is_some_and(|function| function.value == *name)
        };
        // What replaces it, what traces that, and so on.
        loop {
            let more = nodes.iter().find(|node| {
                !gone.contains(&node.id.value)
                    && match &node.kind {
                        NodeKind::Replacement(replacement) => {
                            gone.contains(&replacement.stub.value)
                        }
                        NodeKind::Tracer(tracer) => {
                            gone.contains(&tracer.target.value) || on_host(tracer)
                        }
                        NodeKind::Host(_) | NodeKind::Stub(_) => false,
                    }
            });
            match more {
                Some(node) => gone.insert(node.id.value.clone()),
                None => break,
            };
        }
        nodes.retain(|node| !gone.contains(&node.id.value));
        let here = |value: String| Spanned { value, span: span.clone() };
        let stub = format!("stub.{name}");
        let hosts = holders.iter().map(|host| here(host.id.value.clone())).collect();
        nodes.push(plain(
            &stub,
            span,
            NodeKind::Stub(Stub { function: here(name.clone()), hosts }),
        ));
        let id = mock_id(name);
        let stub = here(stub);
        let replacement = match &mock.by {
            MockProgram::Made(answer) => Replacement {
                object: here_object(ObjectRef::Generated(id.clone()), span),
                program: here(String::new()),
                stub,
                answer: Some(answer.clone()),
            },
            MockProgram::Own { object, program, .. } => {
                Replacement { object: object.clone(), program: program.clone(), stub, answer: None }
            }
        };
        let mut node = plain(&id, span, NodeKind::Replacement(replacement));
        if let MockProgram::Own { globals, .. } = &mock.by {
            node.data.globals.clone_from(globals);
        }
        nodes.push(node);
        Ok(())
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
        let run = match &self.test.trigger {
            Trigger::Run(run) => self.run(run).map_err(&mut keep).ok(),
            Trigger::Traffic(..) | Trigger::Exec(_) => {
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
            let ids: Vec<&str> = nodes.iter().map(|node| node.id.value.as_str()).collect();
            if !ids.contains(&events.node.value.as_str()) {
                let message = format!("unknown node `{}`", events.node.value.escape_debug());
                let help = match nearest(&events.node.value, ids.iter().copied()) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("The nodes of this test are: {}.", list(&ids)),
                };
                keep(Box::new(self.bad(&events.node.span, message, "not in the chain").help(help)));
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
        let map_types =
            expected_maps.iter().map(|(name, _)| (name.clone(), self.object_of_map(name)));
        let map_types = map_types.collect();
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
            map_types,
        })
    }

    fn run(&self, run: &TestRunSpec) -> Result<HostRun, Box<Diagnostic>> {
        let (node, of) = self.host(run)?;
        let kind = of.program().kind;
        let span = run.host.as_ref().map_or(&self.test.span, |host| &host.span);
        let input = kind.program_type().and_then(test_run_input).ok_or_else(|| {
            let message = format!("the kernel does not run {} programs by themselves", kind.name());
            let help = "Write `traffic` or `exec` instead of `run`: the hosts are attached then, and run when \
                        what they are attached to happens.";
            Box::new(self.bad(span, message, "no BPF_PROG_TEST_RUN").help(help))
        })?;
        if run.repeat.value > 1 && !input.repeats {
            let message = format!("the kernel runs {} programs once", kind.name());
            return Err(Box::new(
                self.bad(&run.repeat.span, message, "once").help("Remove `repeat`."),
            ));
        }
        let data = match (&run.packet, input.packet) {
            (Some(packet), true) => packet.value.bytes(),
            (Some(packet), false) => {
                let message = format!("{} programs get no packet", kind.name());
                return Err(Box::new(
                    self.bad(&packet.span, message, "a packet").help("Remove `packet`."),
                ));
            }
            // The shortest frame.
            (None, true) => vec![0; 60],
            (None, false) => Vec::new(),
        };
        let object = of.object();
        let context_type = context_type(object, of);
        let mut context = Vec::new();
        if let Some(value) = &run.context {
            context = self.context(object, context_type.filter(|_| input.context), value)?.bytes;
            self.fill_lengths(object, context_type, input, data.len(), &mut context);
        } else if !input.packet
            && let Some(size) = context_type.and_then(|of| object.btf.size(of))
        {
            context = vec![0; size as usize];
        }
        let expect = &self.test.expect;
        let verdicts = HostKind::of_program(kind).map_or(&[][..], |kind| kind.verdicts);
        let returns = match &expect.returns {
            Some(value) => Some(self.returned(of, verdicts, value)?),
            None => None,
        };
        if let Some(packet) = &expect.packet
            && !input.packet
        {
            let message = format!("{} programs leave no packet", kind.name());
            return Err(Box::new(self.bad(packet.span(), message, "no packet").help("Remove it.")));
        }
        let expected_context = match &expect.context {
            Some(value) => {
                if context.is_empty() {
                    let size = context_type.and_then(|of| object.btf.size(of)).unwrap_or(0);
                    context = vec![0; size as usize];
                    self.fill_lengths(object, context_type, input, data.len(), &mut context);
                }
                Some(self.context(object, context_type.filter(|_| input.context), value)?)
            }
            None => None,
        };
        Ok(HostRun {
            host: node.id.value.clone(),
            input,
            data,
            context,
            repeat: if input.repeats { run.repeat.value } else { 0 },
            returns,
            verdicts,
            expected_context,
        })
    }

    fn context(
        &self,
        object: &Object,
        of: Option<TypeId>,
        value: &Spanned<Value>,
    ) -> Result<EncodedValue, Box<Diagnostic>> {
        let of = of.ok_or_else(|| {
            let message = "the context of this host cannot be set";
            let help = "The kernel takes none for its type, or the object's BTF does not have its fields: a \
                        program that reads one has them.";
            Box::new(self.bad(&value.span, message, "not known").help(help))
        })?;
        encode(Code::BadTest, (&object.btf, of), "ctx", value)
    }

    /// Sets the fields of a context that say how long the packet is.
    fn fill_lengths(
        &self,
        object: &Object,
        of: Option<TypeId>,
        input: TestRunInput,
        length: usize,
        context: &mut [u8],
    ) {
        let Some((_, Type::Struct { members, .. })) = of.and_then(|of| object.btf.resolve(of))
        else {
            return;
        };
        for member in members.iter().filter(|one| input.length_fields.contains(&one.name)) {
            let at = (member.bit_offset / 8) as usize;
            if let (Some(place), Ok(length)) = (context.get_mut(at..at + 4), u32::try_from(length))
            {
                place.copy_from_slice(&length.to_ne_bytes());
            }
        }
    }

    /// The number that a host is expected to return.
    fn returned(
        &self,
        of: &NodeProgram,
        verdicts: &[(&str, i64)],
        value: &Spanned<Value>,
    ) -> Result<i64, Box<Diagnostic>> {
        if let Value::Text(text) = &value.value
            && let Some((_, number)) = verdicts.iter().find(|(name, _)| name == text)
        {
            return Ok(*number);
        }
        let object = of.object();
        let entry = object.functions.get(of.program().function);
        let prototype = entry.and_then(|entry| object.btf.get(entry.prototype?));
        let Some(Type::Prototype { returns, .. }) = prototype else {
            let message = "the type that the host returns is not known";
            return Err(Box::new(
                self.bad(&value.span, message, "a result").help("Compile with -g."),
            ));
        };
        let bytes = encode(Code::BadTest, (&object.btf, returns), "returns", value);
        let bytes = bytes.map_err(|found| {
            let names: Vec<&str> = verdicts.iter().map(|(name, _)| *name).collect();
            match names.is_empty() {
                true => found,
                false => {
                    Box::new(found.help(format!("Write a number, or one of: {}.", list(&names))))
                }
            }
        })?;
        // What is returned has 32 bits here.
        let first = bytes.bytes.first_chunk().copied().unwrap_or_default();
        Ok(i32::from_ne_bytes(first).into())
    }

    /// The entries of a map of the chain as bytes.
    fn map(&self, content: &MapContent) -> Result<(String, Vec<EncodedEntry>), Box<Diagnostic>> {
        let name = &content.map;
        let all = || {
            let of_chain = self.base.programs().flat_map(|(_, _, of)| {
                let object: &Object = of.object();
                of.maps().map(move |map| (object, map))
            });
            let of_mocks = self.own_mocks().flat_map(|(_, object)| {
                let object: &Object = object;
                object.maps.iter().map(move |map| (object, map))
            });
            of_chain.chain(of_mocks).filter(|(_, map)| !map.name.starts_with("fc_"))
        };
        let Some((object, map)) = all().find(|(_, map)| map.name == name.value) else {
            let names: Vec<&str> = all().map(|(_, map)| map.name.as_str()).collect();
            let message = format!("map `{}` not found", name.value.escape_debug());
            let help = match nearest(&name.value, names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if names.is_empty() => "The programs of the chain have no maps.".to_owned(),
                None => format!("The maps of the chain are: {}.", list(&names)),
            };
            return Err(Box::new(self.bad(&name.span, message, "unknown map").help(help)));
        };
        let btf = &object.btf;
        let part = |of: TypeId, size: u32, what: &str, value: &Spanned<Value>| match of {
            0 => self.untyped(size, what, value),
            of => encode(Code::BadTest, (btf, of), what, value),
        };
        let mut entries = Vec::new();
        for entry in &content.entries {
            let key = part(map.types.0, map.key_size, "key", &entry.key)?;
            let value = match &entry.value {
                Some(value) => Some(part(map.types.1, map.value_size, "value", value)?),
                None => None,
            };
            let value_span = entry.value.as_ref().map(|value| value.span.clone());
            entries.push(EncodedEntry { key, value, span: entry.span.clone(), value_span });
        }
        Ok((name.value.clone(), entries))
    }

    /// The object that defines a map with types.
    fn object_of_map(&self, name: &str) -> Option<Arc<Object>> {
        let has = |map: &MapDef| map.name == name && map.types.1 != 0;
        let mut programs = self.base.programs();
        let of_chain = programs.find(|(_, _, of)| of.maps().any(has));
        let of_chain = of_chain.map(|(_, _, of)| of.shared_object());
        let found = of_chain.or_else(|| {
            let mut mocks = self.own_mocks().map(|(_, object)| object);
            mocks.find(|object| object.maps.iter().any(has))
        });
        found.map(Arc::clone)
    }

    /// The numbers of the names that `filter` compares with, as the objects of a node know them: its own, and for a
    /// tracer that of what it traces.
    fn names(&self, node: &str, nodes: &[Node], filter: &Filter) -> HashMap<String, i128> {
        let target =
            nodes.iter().find(|one| one.id.value == node).and_then(|one| match &one.kind {
                NodeKind::Tracer(tracer) => Some(tracer.target.value.as_str()),
                _ => None,
            });
        let is_of = |id: &str| id == node || Some(id) == target;
        let mut objects: Vec<(&Object, &[(&str, i64)])> = Vec::new();
        for (_, one, of) in self.base.programs().filter(|(_, one, _)| is_of(&one.id.value)) {
            let kind = HostKind::of_program(of.program().kind);
            let verdicts = kind.filter(|_| one.role() == Role::Host).map(|kind| kind.verdicts);
            objects.push((of.object(), verdicts.unwrap_or_default()));
        }
        objects.extend(
            self.own_mocks().filter(|(id, _)| is_of(id)).map(|(_, object)| (&**object, &[][..])),
        );
        let mut names = HashMap::new();
        for name in names_in(filter) {
            let number = objects.iter().find_map(|(object, verdicts)| {
                let verdict = verdicts.iter().find(|(known, _)| *known == name);
                let verdict = verdict.map(|(_, number)| i128::from(*number));
                verdict.or_else(|| constant(&object.btf, name))
            });
            names.extend(number.map(|number| (name.to_owned(), number)));
        }
        names
    }

    /// A value of a map without types: a number of its size, or all bytes in hexadecimal.
    fn untyped(
        &self,
        size: u32,
        what: &str,
        value: &Spanned<Value>,
    ) -> Result<EncodedValue, Box<Diagnostic>> {
        let bytes = match &value.value {
            Value::Number(number) if matches!(size, 1 | 2 | 4 | 8) => {
                let bytes = number.to_ne_bytes();
                let from = if cfg!(target_endian = "big") { 8 - size as usize } else { 0 };
                Some(bytes[from..from + size as usize].to_vec())
            }
            Value::Text(text) => {
                let digits: String = text.chars().filter(|one| !one.is_whitespace()).collect();
                let pairs = digits.as_bytes().chunks(2);
                let bytes =
                    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                bytes.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() == size as usize)
            }
            _ => None,
        };
        let bytes = bytes.ok_or_else(|| {
            let message = format!("`{what}` has {size} bytes of no known type");
            let help = format!(
                "Write its {size} bytes in hexadecimal: \"00 01 …\", or give the map types \
                                (__type) in the program."
            );
            Box::new(self.bad(&value.span, message, "of another size").help(help))
        })?;
        let whole = crate::resolve::EncodedPart {
            name: what.to_owned(),
            of: 0,
            bits: 0..8 * u64::from(size),
        };
        Ok(EncodedValue { bytes, parts: vec![whole] })
    }

    /// The id of the tracer that sees the calls; it is among `nodes` afterwards.
    fn spy(
        &self,
        calls: &ExpectedCalls,
        nodes: &mut Vec<Node>,
        spies: &mut HashMap<String, String>,
    ) -> Result<String, Box<Diagnostic>> {
        let (target, function) = self.watched(calls, nodes)?;
        let point = match calls.filter.as_ref().is_some_and(|(_, filter)| asks_for_return(filter)) {
            true => ProbePoint::Fexit,
            false => ProbePoint::Fentry,
        };
        let filter = calls.filter.as_ref().map(|(text, _)| text.value.as_str()).unwrap_or_default();
        let key = format!("{target} {function:?} {filter} {point:?}");
        if let Some(known) = spies.get(&key) {
            return Ok(known.clone());
        }
        let id = format!("spy.{}", spies.len() + 1);
        let span = &calls.function.span;
        let tracer = Tracer {
            program: TracerProgram::BuiltIn(Box::new(Builtin {
                both: false,
                capture: None,
                filter: calls.filter.clone(),
            })),
            point,
            target: Spanned { value: target, span: span.clone() },
            function: function.map(|value| Spanned { value, span: span.clone() }),
        };
        nodes.push(plain(&id, span, NodeKind::Tracer(tracer)));
        spies.insert(key, id.clone());
        Ok(id)
    }

    /// The node and the function of it that `calls` is of: what stands in for a function is watched in its place.
    fn watched(
        &self,
        calls: &ExpectedCalls,
        nodes: &[Node],
    ) -> Result<(String, Option<String>), Box<Diagnostic>> {
        let name = &calls.function.value;
        if let Some(node) = &calls.node {
            return Ok((node.value.clone(), Some(name.clone())));
        }
        let stubs = nodes.iter().filter(
            |node| matches!(&node.kind, NodeKind::Stub(stub) if stub.function.value == *name),
        );
        let stubs: Vec<&str> = stubs.map(|node| node.id.value.as_str()).collect();
        let in_place = nodes.iter().find(|node| {
            matches!(&node.kind, NodeKind::Replacement(one) if stubs.contains(&one.stub.value.as_str()))
        });
        if let Some(replacement) = in_place {
            return Ok((replacement.id.value.clone(), None));
        }
        let run = match &self.test.trigger {
            Trigger::Run(run) => Some(self.host(run)?.0.id.value.as_str()),
            _ => None,
        };
        let has =
            |of: &NodeProgram| of.object().functions_of(of.program()).any(|one| one.name == *name);
        let is_there = |id: &str| nodes.iter().any(|node| node.id.value == id);
        let mut holders: Vec<&Node> = self
            .base
            .programs()
            .filter(|(_, node, of)| {
                node.built_in().is_none() && node.role() != Role::Tracer && has(of)
            })
            .map(|(_, node, _)| node)
            .filter(|node| is_there(&node.id.value))
            .collect();
        holders.sort_by_key(|node| Some(node.id.value.as_str()) != run);
        match holders.first() {
            Some(node) => Ok((node.id.value.clone(), Some(name.clone()))),
            None => {
                let known = self
                    .base
                    .programs()
                    .flat_map(|(_, _, of)| of.object().functions_of(of.program()));
                let known: Vec<&str> = known.map(|one| one.name.as_str()).collect();
                let message = format!("no program has a function `{}`", name.escape_debug());
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "Inlined functions are not there; `inspect` lists those that are."
                        .to_owned(),
                };
                Err(Box::new(
                    self.bad(&calls.function.span, message, "unknown function").help(help),
                ))
            }
        }
    }
}

/// A node with nothing but its kind.
fn plain(id: &str, span: &Span, kind: NodeKind) -> Node {
    let id = Spanned { value: id.to_owned(), span: span.clone() };
    Node { id, kind, section: None, output: Output::default(), data: Data::default() }
}

fn here_object(value: ObjectRef, span: &Span) -> Spanned<ObjectRef> {
    Spanned { value, span: span.clone() }
}

/// The struct that the context of a program is, by the type of its parameter.
fn context_type(object: &Object, of: &NodeProgram) -> Option<TypeId> {
    let entry = object.functions.get(of.program().function)?;
    let Type::Prototype { parameters, .. } = object.btf.get(entry.prototype?)? else { return None };
    let (_, Type::Ptr(to)) = object.btf.resolve(parameters.first()?.1)? else { return None };
    match object.btf.resolve(to)? {
        (id, Type::Struct { size: 1.., .. }) => Some(id),
        _ => None,
    }
}

/// The names that a condition compares with.
fn names_in(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::Not(inner) => names_in(inner),
        Filter::And(left, right) | Filter::Or(left, right) => {
            let mut names = names_in(left);
            names.extend(names_in(right));
            names
        }
        Filter::Test(test) => match &test.to {
            Some((_, Spanned { value: Constant::Name(name), .. })) => vec![name],
            _ => Vec::new(),
        },
    }
}

/// Whether a condition is about what is only known when a function returns.
fn asks_for_return(filter: &Filter) -> bool {
    match filter {
        Filter::Test(test) => {
            matches!(test.path.first.value.as_str(), "ret" | "$ret" | "took" | "$took")
        }
        Filter::Not(inner) => asks_for_return(inner),
        Filter::And(left, right) | Filter::Or(left, right) => {
            asks_for_return(left) || asks_for_return(right)
        }
    }
}
