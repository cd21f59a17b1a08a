//! Tests of programs: mocks, spies, runs, and what is told when an expectation does not hold.

use std::{fs, path::Path};

use freplace_compose::testing::{TestRecord, junit};

use crate::support::{
    Folder, Snapshot,
    process::{binary, output},
    recipe,
};

/// The files of this folder, and a capture, beside all test programs.
fn folder() -> Folder {
    let folder = Folder::new("");
    let files = [
        ("run.toml", include_str!("testing/run.toml")),
        ("attached.toml", include_str!("testing/attached.toml")),
        ("failing.toml", include_str!("testing/failing.toml")),
        ("waiting.toml", include_str!("testing/waiting.toml")),
    ];
    for (name, text) in files {
        fs::write(folder.chain().with_file_name(name), text).expect("room in /tmp");
    }
    fs::write(folder.chain().with_file_name("two.pcap"), capture(&[53, 54])).expect("room in /tmp");
    folder
}

/// A capture file with a datagram for each of these ports.
fn capture(ports: &[u16]) -> Vec<u8> {
    // Magic number, version 2.4, zone, accuracy, longest packet, Ethernet.
    let header: [u32; 6] = [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 0xffff, 1];
    let mut file: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    for port in ports {
        let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        packet.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        packet.extend([4, 210].iter().chain(&port.to_be_bytes()).chain(&[0, 8, 0, 0]));
        let length = u32::try_from(packet.len()).expect("it is short");
        file.extend([0, 0, length, length].iter().flat_map(|word: &u32| word.to_le_bytes()));
        file.extend(packet);
    }
    file
}

/// Runs `test` on a file or folder; its results, and its exit code.
#[track_caller]
fn results(path: &Path, arguments: &[&str]) -> (Vec<TestRecord>, Option<i32>) {
    let before = Snapshot::take();
    let finished =
        output(binary().arg("test").arg(path).args(["--format", "json"]).args(arguments));
    before.assert_nothing_new();
    let record = |line| {
        let read = serde_json::from_str(line);
        read.unwrap_or_else(|error| panic!("{error}: {line}: {}", finished.stderr))
    };
    let records: Vec<TestRecord> = finished.stdout.lines().map(record).collect();
    assert!(!records.is_empty(), "{finished:#?}");
    (records, finished.status.code())
}

/// Asserts that no test failed and at least so many passed.
#[track_caller]
fn assert_pass(path: &Path, least: usize) {
    let (records, code) = results(path, &[]);
    let failed: Vec<_> = records.iter().filter(|one| one.verdict == "failed").collect();
    let text: Vec<_> = failed.iter().map(|one| one.text.join("\n")).collect();
    assert!(failed.is_empty(), "{}", text.join("\n"));
    assert!(records.iter().filter(|one| one.verdict == "passed").count() >= least, "{records:#?}");
    assert_eq!(code, Some(0));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_expected_of_mocked_programs_holds() {
    let folder = folder();
    assert_pass(&folder.chain().with_file_name("run.toml"), 20);
    assert_pass(&folder.chain().with_file_name("attached.toml"), 3);
}

/// The text of the test called `name`, which failed.
#[track_caller]
fn failure<'a>(records: &'a [TestRecord], name: &str) -> &'a str {
    let found = records.iter().find(|one| one.name == name);
    let found = found.unwrap_or_else(|| panic!("{name}: {records:#?}"));
    assert_eq!(found.verdict, "failed", "{name}");
    found.text.first().unwrap_or_else(|| panic!("{name}: {found:#?}"))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_not_as_expected_is_told_where_it_is_written_and_can_be_updated() {
    let folder = folder();
    let file = folder.chain().with_file_name("failing.toml");
    let (records, code) = results(&file, &["--update"]);
    assert_eq!(code, Some(1));
    let text = failure(&records, "another verdict, packet, count, map and variable");
    for part in [
        "`ingress` returned XDP_PASS",
        "ipv4.ttl is 63, not 64",
        "calls of `price`: 1, not 3",
        "calls of `note`: 1, not 0",
        "called: lookup_route, price",
        "events of `ingress`: 1, not 5",
        "seen is 1, not 2 in `ingress`",
        "last_port is 80, not 81 in `ingress`",
        "value is 1, not 9",
        "value.port is 7, not 8",
        "`backends` has no entry of this key, but 1 others",
        "`backends` has an entry of this key",
        "price(amount=17)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(failure(&records, "another context").contains("ctx.priority is 6, not 7"));
    let refused = failure(&records, "a program that the kernel refuses");
    assert!(refused.contains("invalid mem access 'scalar'"), "{refused}");
    let late = failure(&records, "too many runs for its time");
    assert!(late.contains("still running after 1 s"), "{late}");
    let last = records.iter().find(|one| one.name == "the rest goes on");
    assert_eq!(last.map(|one| one.verdict.as_str()), Some("passed"));
    assert!(junit(&records).contains("failures=\"4\""));
    // What could be written was: the verdict, the field of the packet, counts, and the number in a map.
    let text = fs::read_to_string(&file).expect("it is there");
    for part in [
        "returns = \"XDP_PASS\"",
        "ttl = 63",
        "\"price\", count = 1",
        "value = 1 }",
        "count = 1 }]",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_command_that_does_not_end_or_work_fails_its_test_alone() {
    let folder = folder();
    let (records, code) = results(&folder.chain().with_file_name("waiting.toml"), &[]);
    assert_eq!(code, Some(1));
    for (name, part) in [
        ("a command that hangs", "`sleep` did not end in time"),
        ("a command that fails", "`false` ended with exit code 1, not 0"),
        ("another exit code", "`sh` ended with exit code 3, not 4"),
        ("a system call without an error", "`getpid` ended with no error, not EPERM"),
        ("a signal", "`sh` was ended by signal 9"),
        ("a command that is not there", "cannot run `/no/such/command`"),
    ] {
        let text = failure(&records, name);
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(records.last().map(|one| one.verdict.as_str()), Some("passed"), "{records:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_recipes_of_the_gallery_pass_their_tests() {
    let recipes = recipe("tcp");
    let folder = recipes.parent().expect("it is in a folder").join("tests");
    assert_pass(&folder, 30);
}

/// In how many tests each line of `source` ran that holds one of `parts`, as the file at `path` says.
#[track_caller]
fn counts<const N: usize>(path: &Path, source: &str, parts: [&str; N]) -> [Option<u64>; N] {
    let reader = lcov::Reader::open_file(path).expect("it was written");
    let report = lcov::Report::from_reader(reader).expect("it is an lcov file");
    let is_it = |key: &lcov::report::section::Key| key.source_file.ends_with(source);
    let (_, section) = report.sections.iter().find(|(key, _)| is_it(key)).expect("its lines");
    let text = include_str!("../../../test-programs/bpf/mocks.bpf.c");
    parts.map(|part| {
        let line = text.lines().position(|line| line.contains(part)).expect("it has this line");
        let line = u32::try_from(line + 1).expect("it is short");
        let key = lcov::report::section::line::Key { line };
        section.lines.get(&key).map(|value| value.count)
    })
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn coverage_has_the_lines_that_ran_and_changes_no_verdict() {
    let folder = folder();
    let (file, info) =
        (folder.chain().with_file_name("run.toml"), folder.chain().with_file_name("run.info"));
    let coverage = format!("--coverage={}", info.display());
    let verdicts = |records: &[TestRecord]| -> Vec<(String, String)> {
        records.iter().map(|one| (one.name.clone(), one.verdict.clone())).collect()
    };
    let (with, code) = results(&file, &[&coverage]);
    let (without, _) = results(&file, &[]);
    assert_eq!((verdicts(&with), code), (verdicts(&without), Some(0)));
    // One path through the program, and what is not on it.
    let name = "a packet without IPv4 is dropped";
    let (_, code) = results(&file, &[&coverage, "--filter", name]);
    assert_eq!(code, Some(0));
    let parts = [
        "seen++;",
        "if (drops_all || protocol < 0)",
        "note(&route);",
        "ip->ttl--",
        "return fc_stub(amount * 2, amount)",
        "return answer > 10",
    ];
    let expected = [Some(1), Some(1), Some(0), Some(0), Some(0), Some(0)];
    assert_eq!(counts(&info, "mocks.bpf.c", parts), expected);
    // In how many tests of two each line ran; what stands in for a function is not counted.
    let (_, code) = results(&file, &[&coverage, "--filter", "a packet"]);
    assert_eq!(code, Some(0));
    let two = counts(&info, "mocks.bpf.c", ["seen++;", "return amount * 10;"]);
    assert_eq!(two, [Some(1), None]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_recipe_of_the_gallery_can_be_counted() {
    let recipes = recipe("tcp").parent().expect("it is in a folder").join("tests");
    let folder = Folder::new("");
    let info = folder.chain().with_file_name("gallery.info");
    let finished = output(
        binary().arg("test").arg(recipes).args(["--format", "tap", "--coverage"]).arg(&info),
    );
    assert_eq!(finished.status.code(), Some(0), "{finished:#?}");
    assert!(!finished.stderr.contains("not counted"), "{}", finished.stderr);
    let report = lcov::Report::from_reader(lcov::Reader::open_file(&info).expect("written"));
    let sections = report.expect("it is an lcov file").sections;
    let ran =
        |section: &lcov::report::section::Value| section.lines.values().any(|line| line.count > 0);
    let sources = sections.iter().filter(|(key, section)| {
        key.source_file.extension().is_some_and(|extension| extension == "c") && ran(section)
    });
    assert!(sources.count() >= 8, "{:#?}", sections.keys());
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_mistake_in_a_program_makes_a_test_fail() {
    let folder = folder();
    let file = folder.chain().with_file_name("run.toml");
    for (mutant, test) in [
        ("mocks-mutant-1", "the route is asked once, and the packet passes"),
        ("mocks-mutant-2", "a packet without IPv4 is dropped"),
        ("mocks-mutant-3", "no route: aborted"),
        ("mocks-mutant-4", "what a mock writes leads to a backend"),
        ("mocks-mutant-5", "a context"),
    ] {
        let text = include_str!("testing/run.toml").replace("mocks.o", &format!("{mutant}.o"));
        fs::write(&file, text).expect("room in /tmp");
        let (records, code) = results(&file, &["--filter", test]);
        failure(&records, test);
        assert_eq!(code, Some(1), "{mutant}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_of_other_projects_pass_their_tests() {
    let folder = folder();
    for (text, least) in [
        (include_str!("../../../test-programs/tests/dispatcher.toml"), 4),
        (include_str!("../../../test-programs/tests/xdpfilt.toml"), 8),
        (include_str!("../../../test-programs/tests/xdpfilt-addresses.toml"), 4),
    ] {
        fs::write(folder.chain(), text).expect("room in /tmp");
        assert_pass(&folder.chain(), least);
    }
}
