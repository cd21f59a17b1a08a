//! Tests of the programs of a chain, as they ship: `[[test]]` of a chain file, or of a file beside it.
//!
//! A mock is a replacement of a stub, a spy is a tracer, and BPF_PROG_TEST_RUN is the call; hosts of types that
//! the kernel does not run so are attached, and something makes them run (traffic, a command). So a test is a
//! chain: that of the file with its mocks and spies, which goes through the same stages as any other.
//!
//! `read` has text → tests; `arrange` (chain, tests) → a chain for each group of tests that can share one;
//! `conditions` finds what no event of it can have;
//! `session` brings such a chain up and runs its tests one by one, each on maps and variables as they were when
//! the chain came up (`state`); `verdict` compares what came with what was expected; `report` has results as
//! text for people and machines, `coverage` the lines that ran.

mod arrange;
mod conditions;
mod coverage;
mod expectation;
mod read;
mod report;
mod schema;
mod session;
mod state;
mod verdict;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use coverage::Coverage;
use read::ReadTests;
pub use report::{Correction, Tally, TestRecord, junit, tap};
pub use schema::schema;
pub use session::{
    CheckedTests, TestCommand, TestResult, TestSurroundings, TestVerdict, check, run,
};

use crate::{
    chain::{
        Chain, ChainInputs, Filter, GeneratedAnswer, GlobalValue, ObjectRef, Spanned, Value,
        recipe, recipe_name,
    },
    diag::{Code, Diagnostic, Source, Span, in_file_order},
    files,
    packet::{ExpectedPacket, Packet},
    syscalls::Syscall,
    traffic::Protocol,
    version::Requirement,
};

/// A file with tests.
#[derive(Debug)]
pub struct TestFile {
    /// The file.
    pub path: PathBuf,
    /// The chain that its tests are of.
    pub chain: Chain,
    /// The tests, in the order of the file; cases count as tests.
    pub tests: Vec<ProgramTest>,
    /// Capture files that packets are from.
    pub captures: Vec<PathBuf>,
}

/// A test.
#[derive(Debug, Clone)]
pub struct ProgramTest {
    /// Its name; with that of its case.
    pub name: String,
    /// Where it is.
    pub span: Span,
    /// The kernels that it is for; all if not given.
    pub requires: Option<Spanned<Requirement>>,
    /// What makes programs run.
    pub trigger: Trigger,
    /// The longest that it may take.
    pub limit: Duration,
    /// Values of global variables of the hosts and replacements.
    pub globals: Vec<GlobalValue>,
    /// Entries of maps before it.
    pub maps: Vec<MapContent>,
    /// What stands in for functions.
    pub mocks: Vec<Mock>,
    /// What has to hold afterwards.
    pub expect: TestExpectation,
}

/// What makes programs run.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// BPF_PROG_TEST_RUN.
    Run(Box<TestRunSpec>),
    /// Packets over the loopback, with the hosts attached.
    Traffic(Protocol, u32),
    /// A command, with the hosts attached.
    Exec(Vec<Spanned<String>>),
    /// A system call that is made so often, with the hosts attached.
    Syscall(Syscall, u32),
}

/// A run of a program by the kernel.
#[derive(Debug, Clone)]
pub struct TestRunSpec {
    /// The host; the only one if not given.
    pub host: Option<Spanned<String>>,
    /// How often it runs.
    pub repeat: Spanned<u32>,
    /// What it gets.
    pub packet: Option<Spanned<Packet>>,
    /// Fields of its context.
    pub context: Option<Spanned<Value>>,
}

/// Entries of a map.
#[derive(Debug, Clone)]
pub struct MapContent {
    /// Its name.
    pub map: Spanned<String>,
    /// The entries.
    pub entries: Vec<MapEntry>,
}

/// An entry of a map.
#[derive(Debug, Clone)]
pub struct MapEntry {
    /// Its key.
    pub key: Spanned<Value>,
    /// Its value; none where there is to be no such entry.
    pub value: Option<Spanned<Value>>,
    /// Where it is written.
    pub span: Span,
}

/// What stands in for a function.
#[derive(Debug, Clone)]
pub struct Mock {
    /// The function.
    pub function: Spanned<String>,
    /// What does.
    pub by: MockProgram,
}

/// A program that stands in for a function.
#[derive(Debug, Clone)]
pub enum MockProgram {
    /// One that is made.
    Made(Box<GeneratedAnswer>),
    /// One of an object.
    Own {
        /// The object.
        object: Spanned<ObjectRef>,
        /// Its function.
        program: Spanned<String>,
        /// Values of its global variables.
        globals: Vec<GlobalValue>,
    },
}

/// What has to hold after a test.
#[derive(Debug, Clone, Default)]
pub struct TestExpectation {
    /// What the host returned.
    pub returns: Option<Spanned<Value>>,
    /// What it left of the packet.
    pub packet: Option<ExpectedPacket>,
    /// What it left in its context.
    pub context: Option<Spanned<Value>>,
    /// Calls of functions.
    pub calls: Vec<ExpectedCalls>,
    /// Functions in the order in which they are called, these and no others of them.
    pub order: Option<Spanned<Vec<Spanned<String>>>>,
    /// Events of nodes.
    pub events: Vec<ExpectedEvents>,
    /// Entries of maps.
    pub maps: Vec<MapContent>,
    /// Values of global variables of the hosts and replacements.
    pub globals: Vec<GlobalValue>,
    /// How much of the traffic arrived.
    pub arrived: Option<ExpectedCount>,
    /// The exit code of the command; 0 if not given.
    pub exit: Option<Spanned<u32>>,
    /// The error of the system call; none if not given.
    pub errno: Option<Spanned<i32>>,
    /// Nanoseconds of a run that are worth a word when it takes longer.
    pub max_ns: Option<Spanned<u32>>,
}

/// How often something is to happen.
#[derive(Debug, Clone)]
pub struct ExpectedCount {
    /// From so often.
    pub least: u64,
    /// To so often.
    pub most: u64,
    /// Where that is written, or what it is of.
    pub span: Span,
}

/// Calls of a function.
#[derive(Debug, Clone)]
pub struct ExpectedCalls {
    /// The function.
    pub function: Spanned<String>,
    /// The node whose program has it, if not given by the function.
    pub node: Option<Spanned<String>>,
    /// How often.
    pub count: ExpectedCount,
    /// Which of them count.
    pub filter: Option<(Spanned<String>, Filter)>,
}

/// Events of a node.
#[derive(Debug, Clone)]
pub struct ExpectedEvents {
    /// The node.
    pub node: Spanned<String>,
    /// How many.
    pub count: ExpectedCount,
    /// Which of them count.
    pub filter: Option<(Spanned<String>, Filter)>,
}

impl TestFile {
    /// The files that its tests name, besides its chain and the objects of that.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        let mocks =
            self.tests.iter().flat_map(|test| &test.mocks).filter_map(|mock| match &mock.by {
                MockProgram::Own { object, .. } => match &object.value {
                    ObjectRef::File(path) => Some(path.clone()),
                    _ => None,
                },
                MockProgram::Made(_) => None,
            });
        let own = [self.path.clone(), PathBuf::from(&self.chain.source.name)];
        let own = own.into_iter().filter(|path| recipe_name(path).is_none());
        own.chain(self.captures.iter().cloned()).chain(mocks).collect()
    }

    /// Reads the tests in the file at `path`, of a chain that takes `inputs`; none if it has none: neither `[[test]]`, nor `chain`.
    ///
    /// # Errors
    /// Every diagnostic of the file, and of its chain when that is another one.
    pub fn open(path: &Path, inputs: &ChainInputs) -> Result<Option<Self>, Vec<Diagnostic>> {
        let unreadable = |why: String| {
            let message = format!("cannot read {}: {why}", path.display());
            let help = "Name a chain file with tests, a file of tests, or a folder of them.";
            vec![Diagnostic::new(Code::FileUnreadable, message).help(help)]
        };
        if let Some(name) = recipe_name(path) {
            let text = recipe(name).map_err(|unknown| vec![*unknown])?;
            return Self::parse(path, text.to_owned(), inputs);
        }
        let bytes = files::read(path, files::CHAIN);
        let bytes = bytes.map_err(|error| unreadable(files::plain(&error)))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("invalid UTF-8".to_owned()))?;
        Self::parse(path, text, inputs)
    }

    /// The same for `text`, the contents of `path`.
    ///
    /// # Errors
    /// As above.
    pub fn parse(
        path: &Path,
        text: String,
        inputs: &ChainInputs,
    ) -> Result<Option<Self>, Vec<Diagnostic>> {
        let source = Arc::new(Source { name: path.display().to_string(), text, number: 1 });
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let mut found = Vec::new();
        let read = read::tests(&source, &folder, inputs, &mut found);
        let Some(read) = read.filter(|_| found.is_empty()) else {
            return if found.is_empty() { Ok(None) } else { Err(in_file_order(found)) };
        };
        let chain = match &read.chain {
            Some(other) => {
                let set = inputs.set.iter().cloned().chain(read.with).collect();
                Chain::open_with(&other.value, &ChainInputs { set, ..inputs.clone() })?
            }
            None => Chain::parse_with(path, source.text.clone(), inputs)?,
        };
        let ReadTests { tests, captures, .. } = read;
        Ok(Some(Self { path: path.to_owned(), chain, tests, captures }))
    }
}
