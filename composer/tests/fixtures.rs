//! Chain files with mistakes in them, and what the user is told: the whole screen, pinned.
//!
//! One test for each `fixtures/NAME.toml`; what is shown stands next to it in `NAME.snap`.

mod common;

use std::fs;

use common::{objects, run, shown, workspace};

fn pin(name: &str, screen: &str) {
    insta::with_settings!({
        snapshot_path => "fixtures",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, screen);
    });
}

fn fixtures() -> std::path::PathBuf {
    workspace().join("composer/tests/fixtures")
}

fn validate(name: &str) {
    let folder = objects();
    let file = format!("{name}.toml");
    fs::copy(fixtures().join(&file), folder.join(&file)).expect("the fixture is there");
    pin(name, &shown(&run(&folder, &["validate", &file])));
}

macro_rules! fixtures {
    ($($name:ident)*) => {
        $(#[test] fn $name() { validate(stringify!($name)); })*

        #[test]
        fn every_fixture_is_tested() {
            let mut found: Vec<_> = fs::read_dir(fixtures())
                .expect("it is part of the repository")
                .filter_map(|entry| {
                    let name = entry.ok()?.file_name().into_string().ok()?;
                    Some(name.strip_suffix(".toml")?.to_owned())
                })
                .collect();
            found.sort();
            let mut tested = vec![$(stringify!($name)),*];
            tested.sort_unstable();
            assert_eq!(found, tested);
        }
    };
}

fixtures! {
    answer_keys
    array_of_tables
    bad_answers
    bad_hooks
    bad_ids
    bad_objects
    bad_tests
    built_in
    built_in_keys
    built_in_targets
    both_moments
    called_functions
    conflicts
    constants_off
    cookies
    crlf_and_wide
    buffer
    cycle_of_two
    cycles
    duplicate_headers
    duplicate_ids
    duplicate_key
    duplicate_table
    empty
    empty_host_table
    empty_strings
    events
    events_layout
    events_layout_fields
    events_syntax
    globals
    helpers
    helpers_of_some_kernels
    host_of_the_wrong_type
    hosts_twice
    instructions
    invisible_names
    keys_in_place_of_others
    licence
    licence_forgotten
    map_attributes
    maps
    missing_keys
    nested_stub
    nested_tracers
    no_host
    object_machine
    passed_by_tail_call
    patterns
    program_types
    prototypes
    redirect_maps
    redirect_maps_in_a_chain
    requires
    requires_more
    requires_none
    self_cycle
    shadowed
    slips
    socket_maps
    socket_maps_in_a_chain
    stubs
    syntax
    syntax_more
    table_programs
    tail_entries
    test_keys
    tracers
    two_hooks
    unknown_hooks
    unknown_keys
    unknown_nodes
    unknown_programs
    unknown_until_load
    unread_node
    wrong_kinds
    wrong_types
}

#[test]
fn a_file_that_is_not_there() {
    pin("a_file_that_is_not_there", &shown(&run(&objects(), &["validate", "nowhere.toml"])));
}

#[test]
fn a_folder_in_the_place_of_a_file() {
    pin("a_folder_in_the_place_of_a_file", &shown(&run(&objects(), &["validate", "."])));
}

#[test]
fn a_file_that_is_not_utf8() {
    let folder = objects();
    fs::write(folder.join("latin1.toml"), b"name = \"x\"\ndescription = \"gr\xfc\xdfe\"\n")
        .expect("writable");
    pin("a_file_that_is_not_utf8", &shown(&run(&folder, &["validate", "latin1.toml"])));
}

#[test]
fn a_kernel_that_lacks_what_a_chain_is_made_of() {
    let folder = objects();
    let profile = include_str!("profiles/5.4.toml");
    common::put(&folder.join("5.4.toml"), profile.as_bytes());
    common::put(&folder.join("lacks.toml"), common::chain_text("tcp").as_bytes());
    let validate = |kernel| run(&folder, &["validate", "--kernel", kernel, "lacks.toml"]);
    pin("a_kernel_that_lacks_what_a_chain_is_made_of", &shown(&validate("5.4.toml")));
    assert_eq!(validate("6.1,6.12").status.code(), Some(0));
    assert_eq!(validate("6.12,5.4.toml").status.code(), Some(3), "asked for, it is an error");
}

#[test]
fn more_tracers_than_a_trampoline_holds() {
    let folder = objects();
    let host = "[host.first]\nobject = \"host.bpf.o\"\nprogram = \"first\"\n\
                attach = { kprobe = \"tcp_connect\" }\n";
    let tracers = |count| -> String {
        let tracer = |number| {
            format!(
                "[tracer.t{number}]\nobject = \"kinds.bpf.o\"\nprogram = \"on_entry\"\n\
                 fentry = \"first\"\n"
            )
        };
        (1..=count).map(tracer).collect()
    };
    common::put(&folder.join("full.toml"), (host.to_owned() + &tracers(38)).as_bytes());
    assert_eq!(run(&folder, &["validate", "full.toml"]).status.code(), Some(0));
    common::put(&folder.join("tracers39.toml"), (host.to_owned() + &tracers(39)).as_bytes());
    let screen = shown(&run(&folder, &["validate", "tracers39.toml"]));
    pin("more_tracers_than_a_trampoline_holds", &screen);
}
