//! The examples on the pages of codes: the wrong one leads to its code and to no other, the right
//! one to none.
//!
//! A block of C is compiled to `my.bpf.o`. A block of TOML that begins with a name is a whole
//! chain, one that begins with a packet a test's packet; any other is a part of `chains/tcp.toml`, in the place of the tables it has itself.

mod common;

use std::{collections::BTreeSet, fs, path::Path};

use common::{chain_text, objects, run};
use freplace_compose::{
    diag::{Block, Code, Source, Sources, blocks},
    packet::PacketSource,
};
use toml::de::DeTable;

/// Codes of the pure layers whose wrong example no chain can show.
const SHOWN_OTHERWISE: [Code; 9] = [
    Code::FileUnreadable,  // the file is what is wrong
    Code::IncludeConflict, // two other files are what is wrong
    Code::TooManyTracers,  // 39 tracers, of which two are shown
    Code::KernelLacks,     // the kernel is what is wrong
    Code::KernelLacksName,
    // what is wrong is this machine's tracepoints, which may be any kernel's
    Code::RawTracepointArguments,
    Code::UnknownTarget,    // this machine's functions, which may be any kernel's
    Code::PinnedMapDiffers, // a map that is pinned already is what is wrong
    Code::CannotPin,        // a folder of this machine is what is wrong
];

/// The tables of a chain, each with its header; what stands in front of them is left out.
fn tables(text: &str) -> Vec<&str> {
    let starts: Vec<_> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

fn whole_chain(example: &str) -> String {
    if example.lines().any(|line| line.starts_with("name = ")) {
        return example.to_owned();
    }
    let header = |table: &&str| table.lines().next().unwrap_or_default().to_owned();
    let base = chain_text("tcp");
    let padded = format!("\n{example}");
    let own: Vec<_> = tables(&padded).iter().map(header).collect();
    let others: Vec<_> =
        tables(&base).into_iter().filter(|table| !own.contains(&header(table))).collect();
    format!("{}\n{example}", others.join("\n"))
}

/// The codes that `validate` finds in an example.
fn codes(folder: &Path, example: &[Block]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in example {
        match block.language {
            "c" => {
                let head = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
                            #include <bpf/bpf_core_read.h>\n#include <freplace_compose.h>\n";
                let licence = "char LICENSE[] SEC(\"license\") = \"GPL\";\n";
                let licence = if block.text.contains("LICENSE") { "" } else { licence };
                let source = folder.join("my.bpf.c");
                common::put(&source, format!("{head}{licence}{}", block.text).as_bytes());
                common::compile(&source, &folder.join("my.bpf.o"), &["-g", "-target", "bpf"]);
            }
            "toml" if block.text.starts_with("packet = ") => {
                found.extend(codes_of_packet(block.text));
            }
            "toml" => {
                common::put(&folder.join("page.toml"), whole_chain(block.text).as_bytes());
                let output = run(folder, &["validate", "--format", "json", "page.toml"]);
                let value: serde_json::Value =
                    serde_json::from_slice(&output.stdout).expect("JSON");
                let diagnostics = value[0]["diagnostics"].as_array().expect("a list").iter();
                found.extend(diagnostics.filter_map(|one| one["code"].as_str().map(str::to_owned)));
            }
            _ => {}
        }
    }
    found
}

/// The codes of `packet = …`, as a test has it.
fn codes_of_packet(text: &str) -> Vec<String> {
    let source = Source::first("page.toml", text);
    let root = DeTable::parse(&source.text).expect("TOML");
    let mut found = Vec::new();
    for value in root.get_ref().values() {
        let _ = PacketSource::read(value, &Sources::one(&source), &mut found);
    }
    found.iter().map(|one| one.code.to_string()).collect()
}

fn folder(code: Code) -> std::path::PathBuf {
    let common = objects();
    let folder = common.join(code.to_string());
    fs::create_dir_all(&folder).expect("writable");
    for entry in fs::read_dir(&common).expect("it was just made") {
        let path = entry.expect("it is readable").path();
        let name = path.file_name().expect("a file has a name").to_owned();
        if name.to_string_lossy().ends_with(".bpf.o") {
            fs::copy(&path, folder.join(name)).expect("writable");
        }
    }
    folder
}

#[test]
fn the_wrong_example_leads_to_the_code_and_the_right_one_to_none() {
    for code in Code::ALL {
        let (page, folder) = (code.page(), folder(*code));
        let right = codes(&folder, &blocks(page.right));
        assert_eq!(right, BTreeSet::new(), "the right example of {code}");
        // What a kernel, a machine or a micro-VM says is not found in a file.
        let is_of_tests = [801, 802, 810, 811, 812, 813].contains(&(*code as u16));
        // A chain names recipes of elsewhere, which its lock has.
        let is_of_tests = is_of_tests || *code == Code::NotLocked;
        let by_validate = is_of_tests || (*code as u16) < 400 && !SHOWN_OTHERWISE.contains(code);
        let expected = by_validate.then(|| code.to_string()).into_iter().collect();
        assert_eq!(codes(&folder, &blocks(page.wrong)), expected, "the wrong example of {code}");
    }
}
