//! What a session needs besides a kernel, for tests: signals, a command, a reader of the text, and
//! a simulated clock.

use std::{
    cell::RefCell,
    io,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use freplace_compose_common::Header;
use serde_json::Value;
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::{Instant, timeout},
};

use super::{
    Awaited, Command, End, Happened, InterruptSource, Interrupts, Lookout, Notice, Session,
    Subject, Undone, View, Writer, undo,
};
use crate::{
    chain::Chain,
    event::{Json, Layout, Render},
    kernel::fake::{Fake, Programs},
    plan::{self, Plan},
    resolve::Resolved,
    run,
};

/// The longest that a session may take, in its own time: whoever waits for ever fails.
const BOUND: Duration = Duration::from_secs(3600);

/// A chain with its objects, and a kernel to bring it up on.
pub(super) struct Stage {
    pub(super) resolved: Resolved,
    pub(super) plan: Plan,
    pub(super) kernel: Fake,
}

impl Stage {
    /// The chain `text`; objects of the test programs are beside it.
    pub(super) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for object in ["foreign", "printers"] {
            let bytes = freplace_compose_test_programs::object(object).expect("it was compiled");
            std::fs::write(folder.path().join(format!("{object}.o")), bytes).expect("room in /tmp");
        }
        let chain = Chain::parse(&folder.path().join("chain.toml"), text.to_owned()).expect("good");
        let resolved = Resolved::open(chain).expect("its objects are there");
        let plan = plan::build(&resolved, plan::Offers::default());
        let kernel = Fake::default();
        kernel.programs_do.skip(Some(0), Some(0));
        Self { resolved, plan, kernel }
    }

    /// chains/tcp.toml.
    pub(super) fn tcp() -> Self {
        Self::new(include_str!("../../../chains/tcp.toml"))
    }

    /// The number of the node `id`.
    pub(super) fn node(&self, id: &str) -> u32 {
        let found = self.plan.nodes.iter().position(|node| node.id == id);
        u32::try_from(found.expect("a node")).expect("there are few")
    }

    /// A record of node `id`, with the number `call` as its time and its call's.
    pub(super) fn record(&self, id: &str, call: u64) -> Vec<u8> {
        let index = self.node(id);
        let mut programs = self.resolved.programs();
        let (_, _, of) = programs.find(|(_, node, _)| node.id.value == id).expect("a program");
        let object = of.object();
        let layouts =
            object.events.iter().filter_map(|id| Some((*id, Layout::of(&object.btf, *id)?)));
        let (of, layout) = layouts.into_iter().next().expect("it has an event");
        let mut record = [call, call].map(u64::to_ne_bytes).concat();
        record.extend([index, of, layout.size, 0, 7, 7].map(u32::to_ne_bytes).concat());
        record.resize(Header::LEN + layout.size as usize, 0);
        record
    }
}

/// What is asked of a session.
pub(super) struct SessionRequest {
    /// The format; NDJSON when it is not given.
    pub(super) format: Option<Box<dyn Render>>,
    /// The nodes that are shown; all when there are none.
    pub(super) only: Vec<&'static str>,
    pub(super) limit: Option<u64>,
    pub(super) duration: Option<Duration>,
    pub(super) command: Option<FakeCommand>,
    pub(super) paper: Paper,
    /// Who looks after programs of others; nobody when it is not given.
    pub(super) lookout: Option<Lookout>,
}

impl Default for SessionRequest {
    fn default() -> Self {
        Self {
            format: None,
            only: Vec::new(),
            limit: None,
            duration: None,
            command: None,
            paper: Paper::new(),
            lookout: None,
        }
    }
}

/// What a test has in its hands while a session goes on.
pub(super) struct World {
    pub(super) programs: Programs,
    interrupts: mpsc::UnboundedSender<()>,
    pub(super) paper: Paper,
    notices: Rc<RefCell<Vec<String>>>,
}

impl World {
    /// A signal comes.
    pub(super) fn interrupt(&self) {
        self.interrupts.send(()).expect("the session hears");
    }

    /// Gives the session as long as it takes to do all that it can do by now, and then some.
    pub(super) async fn a_while(&self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// What was reported so far.
    pub(super) fn notices(&self) -> Vec<String> {
        self.notices.borrow().clone()
    }
}

/// What came of a session.
pub(super) struct Played {
    pub(super) end: End,
    /// None when a second signal came.
    pub(super) undone: Option<Undone>,
    pub(super) text: String,
    pub(super) notices: Vec<String>,
}

impl Played {
    /// The records of NDJSON that are of kind `record`.
    pub(super) fn records(&self, record: &str) -> Vec<Value> {
        let lines = self.text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.filter(|value: &Value| value["record"] == record).collect()
    }

    pub(super) fn report(&self) -> &super::Report {
        self.undone.as_ref().and_then(|undone| undone.report.as_ref()).expect("it came to its end")
    }
}

/// Brings the chain up, and has a session go on while `script` plays the world around it.
pub(super) async fn play(
    stage: Stage,
    asked: SessionRequest,
    script: impl AsyncFnOnce(&World),
) -> Played {
    let Stage { resolved, plan, mut kernel } = stage;
    let running =
        run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched).expect("it comes up");
    let (interrupts, source) = mpsc::unbounded_channel();
    let notices = Rc::new(RefCell::new(Vec::new()));
    let world = World {
        programs: kernel.programs_do.clone(),
        interrupts,
        paper: asked.paper.clone(),
        notices: Rc::clone(&notices),
    };
    let notify =
        Box::new(move |notice: Notice<'_>| notices.borrow_mut().push(format!("{notice:?}")));
    let is_shown = |id: &str| asked.only.is_empty() || asked.only.contains(&id);
    let only = plan.nodes.iter().map(|node| is_shown(&node.id)).collect();
    let format = asked.format.unwrap_or_else(|| Box::new(Json::new(&plan)));
    let subject = Subject { resolved: &resolved, running: &running };
    let view = View::new(format, only, asked.limit);
    let writer = asked.paper.writer();
    let session = Session::open(&mut kernel, &subject, view, writer, notify);
    let mut session = session.expect("it opens");
    session.start(&[]);
    let mut interrupts = Interrupts::new(FakeInterrupts(source));
    let mut lookout = asked.lookout.unwrap_or_else(|| Lookout::of(Vec::new(), Arc::new(|| None)));
    let mut awaited = Awaited {
        command: asked.command,
        deadline: asked.duration.map(|duration| Instant::now() + duration),
        lookout: &mut lookout,
    };
    let work = async {
        let end = loop {
            match session.run(&mut interrupts, &mut awaited).await {
                Happened::End(end) => break end,
                Happened::Changed(changes) => {
                    changes.iter().for_each(|change| session.changed(change, &[]));
                }
            }
        };
        let undone = undo(&plan, running, kernel, Some(session));
        let undone = interrupts.unless_second(undone).await;
        (end, undone.map(|undone| undone.expect("nothing panics")))
    };
    let both = async { tokio::join!(work, script(&world)) };
    let ((end, undone), ()) = timeout(BOUND, both).await.expect("nobody waits for ever");
    let (text, notices) = (world.paper.text(), world.notices());
    Played { end, undone, text, notices }
}

/// Signals that a test sends.
struct FakeInterrupts(mpsc::UnboundedReceiver<()>);

impl InterruptSource for FakeInterrupts {
    fn poll_interrupt(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_recv(context) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            // Nobody sends any more.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// A command; what was done to it can be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct FakeCommand {
    ends: Arc<Notify>,
    status: Arc<Mutex<i32>>,
    /// Whether it ends on request.
    obeys: bool,
    done: Arc<Mutex<Vec<&'static str>>>,
}

impl FakeCommand {
    /// One that runs until it is told to end; `obeys` says whether it then does.
    pub(super) fn new(obeys: bool) -> Self {
        Self { obeys, ..Self::default() }
    }

    /// It ends with the exit code `code`.
    pub(super) fn end(&self, code: i32) {
        *lock(&self.status) = code << 8;
        self.ends.notify_one();
    }

    /// What was done to it.
    pub(super) fn done(&self) -> Vec<&'static str> {
        lock(&self.done).clone()
    }
}

impl Command for FakeCommand {
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.ends.notified().await;
        Ok(ExitStatus::from_raw(*lock(&self.status)))
    }

    fn terminate(&mut self) {
        lock(&self.done).push("terminate");
        if self.obeys {
            self.end(0);
        }
    }

    async fn kill(&mut self) {
        lock(&self.done).push("kill");
    }
}

/// Who takes the text: at once, when told to, or not at all.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    text: Arc<Mutex<String>>,
    /// The number of pieces that it accepts.
    pieces: Arc<Semaphore>,
    /// The error after the last of them.
    fails: Option<io::ErrorKind>,
}

impl Paper {
    /// Takes everything.
    pub(super) fn new() -> Self {
        Self::taking(Semaphore::MAX_PERMITS)
    }

    /// Stands still after so many pieces.
    pub(super) fn taking(pieces: usize) -> Self {
        Self { text: Arc::default(), pieces: Arc::new(Semaphore::new(pieces)), fails: None }
    }

    /// Fails after so many pieces.
    pub(super) fn failing_after(pieces: usize, fails: io::ErrorKind) -> Self {
        Self { fails: Some(fails), ..Self::taking(pieces) }
    }

    /// Takes everything from now on.
    pub(super) fn go_on(&self) {
        self.pieces.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// What was written so far.
    pub(super) fn text(&self) -> String {
        lock(&self.text).clone()
    }

    fn writer(&self) -> Writer {
        let Self { text, pieces, fails } = self.clone();
        Writer::fed_to(|mut feed| {
            tokio::spawn(async move {
                while let Some(piece) = feed.next().await {
                    match (pieces.try_acquire(), fails) {
                        (Ok(permit), _) => permit.forget(),
                        (Err(_), Some(kind)) => return Err(kind.into()),
                        (Err(_), None) => match pieces.acquire().await {
                            Ok(permit) => permit.forget(),
                            Err(error) => return Err(io::Error::other(error)),
                        },
                    }
                    lock(&text).push_str(&piece);
                }
                Ok(())
            })
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
