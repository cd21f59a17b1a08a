//! Files that are made from the program: each is what it would be if it were made now.
//!
//! `UPDATE_DOCS=1 cargo test -p freplace-compose --test generated` makes them.

mod common;
#[path = "common/gallery.rs"]
mod gallery;
#[allow(dead_code, reason = "how a chain is run is for the kernel tests")]
#[path = "kernel/selftests/table/mod.rs"]
mod selftests;

use std::{fmt::Write as _, fs};

use common::workspace;
use freplace_compose::{
    diag::{Code, Page},
    hook, packet,
};
use selftests::{FILES, SelftestFile, SubtestForm, SubtestVerdict};

fn current(path: &str, text: &str) {
    let file = workspace().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(file.parent().expect("it is in a folder")).expect("writable");
        common::put(&file, text.as_bytes());
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "{path} is not current: see the head of this test");
}

#[test]
fn the_schemas_are_current() {
    for name in ["chain", "events", "recipes", "object", "ps", "flow", "tests"] {
        let output = common::run(&workspace(), &["schema", name]);
        let text = String::from_utf8(output.stdout).expect("it is JSON");
        current(&format!("schemas/{name}.schema.json"), &text);
    }
}

/// Between `<!-- hooks: NAME -->` and the next `<!-- end -->`.
#[test]
fn the_tables_of_hooks_are_current() {
    let path = "docs/chain-format.md";
    let mut text = fs::read_to_string(workspace().join(path)).expect("it is there");
    for (name, table) in [
        ("attachments", hook::attachments()),
        ("settings", hook::settings()),
        ("programs", hook::programs()),
        ("unsupported", hook::unsupported()),
    ] {
        let begin = format!("<!-- hooks: {name} -->\n");
        let from = text.find(&begin).expect("the table's place") + begin.len();
        let length = text[from..].find("<!-- end -->").expect("the table's end");
        text.replace_range(from..from + length, &format!("\n{table}\n"));
    }
    current(path, &text);
}

/// The first two digits of a code.
const SUBJECTS: [(u16, &str); 10] = [
    (0, "The chain file"),
    (1, "The graph"),
    (2, "Objects"),
    (3, "Compatibility"),
    (4, "The machine"),
    (5, "The running chain"),
    (6, "The micro-VM"),
    (7, "Programs that already run"),
    (8, "Tests"),
    (9, "Recipes"),
];

#[test]
fn the_page_of_diagnostics_is_current() {
    let mut text = String::from(
        "# Diagnostics

<!-- Made from composer/src/diag/pages: see composer/tests/generated.rs. -->

Every diagnostic has a code. Codes are stable: scripts may rely on them.
`freplace-compose explain FC0301` prints the section of a code. An example that is not a complete chain
is a part of `chains/tcp.toml`; `my.bpf.o` is compiled from the C code above it.

`validate` shows the first 100 diagnostics of each code. With `--format json` it writes a list with one
object for each file: `file`, `valid`, `diagnostics` (each with `code`, `severity`, `message`, `labels`
with lines and columns, `notes`, `kernel` and `help`), `more`, the number of omitted diagnostics by
code (`{ \"FC0003\": 999900 }`), and with `--vm` the same for each kernel in `kernels`.

",
    );
    for (number, subject) in SUBJECTS {
        let _ = writeln!(text, "- {subject}");
        for page in pages(number) {
            let _ = writeln!(text, "  - [{}](#{}): {}", page.code, anchor(&page), page.title);
        }
    }
    for (number, subject) in SUBJECTS {
        let _ = write!(text, "\n## {subject}\n");
        for page in pages(number) {
            section(&mut text, &page);
        }
    }
    current("docs/diagnostics.md", &text);
}

/// Between `<!-- packets -->` and the next `<!-- end -->`.
#[test]
fn the_tables_of_packets_are_current() {
    let path = "docs/tests.md";
    let mut text = fs::read_to_string(workspace().join(path)).expect("it is there");
    let begin = "<!-- packets -->\n";
    let from = text.find(begin).expect("the tables' place") + begin.len();
    let length = text[from..].find("<!-- end -->").expect("the tables' end");
    text.replace_range(from..from + length, &format!("\n{}\n", packet::reference()));
    current(path, &text);
}

fn pages(subject: u16) -> impl Iterator<Item = Page> {
    let codes = Code::ALL.iter().filter(move |code| **code as u16 / 100 == subject);
    codes.map(|code| code.page())
}

/// As GitHub makes it of the heading.
fn anchor(page: &Page) -> String {
    let heading = format!("{}: {}", page.code, page.title).to_lowercase();
    let keep = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    heading.chars().filter(keep).collect::<String>().replace(' ', "-")
}

fn section(text: &mut String, page: &Page) {
    let _ = write!(text, "\n### {}: {}\n\n{}\n", page.code, page.title, page.meaning);
    if let Some(kernel) = page.kernel {
        let _ = write!(text, "\n**The kernel.** {kernel}\n");
    }
    let _ = write!(text, "\nWrong:\n\n{}\n\nRight:\n\n{}\n", page.wrong, page.right);
}

#[test]
fn the_gallery_is_current() {
    let output = common::run(&workspace(), &["chains", "--format", "json"]);
    let list: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("a list");
    current("docs/gallery.md", &gallery::page(&list));
}

#[test]
fn every_code_is_on_the_page() {
    let subjects = SUBJECTS.iter().map(|(number, _)| pages(*number).count());
    assert_eq!(subjects.sum::<usize>(), Code::ALL.len());
}

/// The kernels of the page on the kernel's selftests: those of every landing.
const SERIES: [(u32, u32); 3] = [(6, 1), (6, 12), (7, 3)];

#[test]
fn the_page_of_selftests_is_current() {
    let subtests = || FILES.iter().flat_map(|file| file.subtests);
    let is_chain = |form: &SubtestForm| matches!(form, SubtestForm::Chain { .. });
    let chains = subtests().filter(|subtest| is_chain(&subtest.form)).count();
    let mut text = format!(
        "# The kernel's selftests

<!-- Made from composer/tests/kernel/selftests/table: see composer/tests/generated.rs. -->

The Linux kernel tests replacing and tracing of eBPF programs in
[tools/testing/selftests/bpf](https://github.com/torvalds/linux/tree/v6.12/tools/testing/selftests/bpf). Of
these {} subtests {chains} are chains here, with programs of this project. Each is validated for the running
kernel, brought up by `up` and run; one that is rejected is loaded without validation as well, and the
kernel rejects it with the error that is given. Every test run does this on these three kernels:

```console
$ cargo xtask test --only linux-6.12 --test selftests
```

The chains are in `composer/tests/kernel/selftests/table`, the programs in `test-programs/bpf/suite-*.bpf.c`.
Classifiers are attached by tcx, on 6.1 by classic tc. A program at a packet is run by
`BPF_PROG_TEST_RUN` with one packet, as the kernel's tests do; others by a connection, a socket or a function call. *Seen* is what the program returned and how many events
each node wrote.
",
        subtests().count()
    );
    FILES.iter().for_each(|file| selftest_section(&mut text, file));
    current("docs/kernel-selftests.md", &text);
}

fn selftest_section(text: &mut String, file: &SelftestFile) {
    let _ = write!(text, "\n## {}\n\n| subtest | chain | seen |", file.name);
    for (major, minor) in SERIES {
        let _ = write!(text, " {major}.{minor} |");
    }
    let _ = writeln!(text, "\n|---|---|---|---|---|---|");
    let mut reasons = Vec::new();
    for subtest in file.subtests {
        let SubtestForm::Chain { verdicts, .. } = &subtest.form else {
            if let SubtestForm::None(why) = subtest.form {
                reasons.push(format!("- {}: {why}\n", subtest.name));
            }
            continue;
        };
        let seen = verdicts.iter().find_map(|(_, verdict)| seen(verdict)).unwrap_or_default();
        let _ = write!(text, "| {} | {} | {seen} |", subtest.name, subtest.what);
        for series in SERIES {
            let _ = write!(text, " {} |", short(selftests::verdict(verdicts, series)));
        }
        text.push('\n');
    }
    if !reasons.is_empty() {
        let _ = write!(text, "\nNo chains:\n\n{}", reasons.concat());
    }
}

/// What is seen of a chain that runs.
fn seen(verdict: &SubtestVerdict) -> Option<String> {
    let SubtestVerdict::Runs { result, events } = verdict else { return None };
    let result = result.map(|result| format!("returns {result}"));
    let events = events.iter().map(|(node, count)| format!("`{node}` {count}"));
    Some(result.into_iter().chain(events).collect::<Vec<_>>().join(", "))
}

fn short(verdict: SubtestVerdict) -> String {
    match verdict {
        SubtestVerdict::Runs { .. } => "runs".to_owned(),
        SubtestVerdict::Refused { code, errno, words: "" } => format!("{code}: {errno}"),
        SubtestVerdict::Refused { code, errno, words } => format!("{code}: {errno}, `{words}`"),
        SubtestVerdict::Unforeseen { errno, words } => {
            format!("found only by the kernel: {errno}, `{words}`")
        }
        SubtestVerdict::Unwritten { code } => format!("{code}, without the kernel"),
        SubtestVerdict::Left(why) => why.to_owned(),
    }
}
