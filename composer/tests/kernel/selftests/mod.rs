//! The kernel's own selftests about replacing and tracing programs, as chains: each is validated,
//! brought up on the real kernel and run, and what comes of it is what [`table`] says.

#[allow(dead_code, reason = "what is told of a subtest is for the page")]
mod table;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
};

use freplace_compose::{
    chain::Chain,
    check,
    diag::{Diagnostic, Severity},
    errno::errno_name,
    kernel::{Kernel as _, Linux},
    plan,
    resolve::PartlyResolved,
    run,
};
use rustix::process::Signal;
use table::{Stimulus, SubtestForm, SubtestVerdict};

use crate::{
    support::{Folder, Live, Snapshot, events::events, series, test_run::test_run},
    versions::running,
};

/// Runs every subtest of a file, and names those that came out otherwise.
#[track_caller]
fn all_of(file: &str) {
    let file = table::FILES.iter().find(|one| one.name == file).expect("it is in the table");
    let mut failed = Vec::new();
    for subtest in file.subtests {
        let SubtestForm::Chain { text, stimulus, verdicts } = &subtest.form else { continue };
        let text = text.replace("@tc", table::classifiers(series()));
        let chain = format!("name = \"selftest\"\n{text}");
        let expected = table::verdict(verdicts, series());
        println!("{}/{}", file.name, subtest.name);
        if catch_unwind(AssertUnwindSafe(|| comes_out(&chain, *stimulus, expected))).is_err() {
            failed.push(subtest.name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[track_caller]
fn comes_out(chain: &str, stimulus: Stimulus, expected: SubtestVerdict) {
    let before = Snapshot::take();
    match expected {
        SubtestVerdict::Runs { result, events } => runs(chain, stimulus, result, events),
        SubtestVerdict::Refused { code, errno, words } => refused(chain, &[code], errno, words),
        SubtestVerdict::Unforeseen { errno, words } => refused(chain, &[], errno, words),
        SubtestVerdict::Unwritten { code } => {
            let folder = Folder::new(chain);
            let wrong = match Chain::open(&folder.chain()) {
                Ok(chain) => check::check(&PartlyResolved::open(chain), &running()),
                Err(wrong) => wrong,
            };
            assert_eq!(codes(&wrong), [code], "{wrong:#?}");
        }
        SubtestVerdict::Left(_) => {}
    }
    before.assert_nothing_new();
}

/// The codes of the errors, each once.
fn codes(found: &[Diagnostic]) -> Vec<String> {
    let errors = found.iter().filter(|found| found.severity == Severity::Error);
    let mut codes: Vec<_> = errors.map(|found| found.code.to_string()).collect();
    codes.dedup();
    codes
}

/// It is up, and what is done to it is seen by just those nodes.
#[track_caller]
fn runs(chain: &str, stimulus: Stimulus, result: Option<u32>, expected: &[(&str, usize)]) {
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    match stimulus {
        Stimulus::Packet(program) => {
            let results = test_run(program, &packet());
            assert!(results.iter().all(|one| Some(*one) == result), "{results:?}");
        }
        Stimulus::Connect { refused } => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let to = listener.local_addr().expect("it listens");
            assert_eq!(TcpStream::connect(to).is_err(), refused);
        }
        Stimulus::Bind => drop(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")),
        Stimulus::Getpid => assert_ne!(std::process::id(), 0),
        Stimulus::None => {}
    }
    let finished = live.end(Signal::INT);
    finished.assert_done();
    let events = events(&finished);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        *counts.entry(event["node"].as_str().expect("a node has a name")).or_default() += 1;
    }
    assert_eq!(counts, expected.iter().copied().collect(), "{events:#?}");
}

/// The validator refuses it for these reasons, and the kernel does when it is asked all the same.
#[track_caller]
fn refused(chain: &str, foreseen: &[&str], errno: &str, words: &str) {
    let folder = Folder::new(chain);
    let names = PartlyResolved::open(Chain::open(&folder.chain()).expect("a good chain"));
    let found = check::check(&names, &running());
    assert_eq!(codes(&found), foreseen, "{found:#?}");
    let resolved = names.whole().expect("its names are those of its objects");
    let mut kernel = Linux::new();
    let plan = plan::build(&resolved, kernel.offers());
    let up = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched);
    let Err(failure) = up else { panic!("the kernel takes it") };
    assert!(failure.left.is_empty());
    let log = failure.error.log.clone().unwrap_or_default();
    assert_eq!(failure.error.errno.map(errno_name), Some(errno), "{:?}", failure.error);
    assert!(log.contains(words) && log.is_empty() == words.is_empty(), "{words}: {log}");
}

/// A packet: Ethernet, IPv6 and TCP, without data, of the length that its head names otherwise.
fn packet() -> Vec<u8> {
    const LENGTH: usize = 74;
    let mut packet = vec![0; LENGTH];
    packet[12..14].copy_from_slice(&[0x86, 0xdd]);
    packet[14] = 0x60;
    packet[18..20].copy_from_slice(&123_u16.to_be_bytes());
    packet[20] = 6;
    packet[54 + 12] = 5 << 4;
    packet
}

macro_rules! files {
    ($($file:ident)*) => { $(
        #[test]
        #[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
        fn $file() {
            all_of(stringify!($file));
        }
    )* };
}

files! {
    fexit_bpf2bpf
    trace_ext
    changes_pkt_data
    summarization
    tailcalls
    recursive_attach
    global_func_dead_code
}
