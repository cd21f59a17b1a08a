//! What is found, on small programs; and that no bytes lead astray.

use super::read;
use crate::object::{Object, ProgramKind};

#[test]
fn dump() {
    for name in [
        "arguments",
        "results",
        "pointers",
        "tracer-arguments",
        "tail-calls",
        "hosts",
        "replacements",
    ] {
        let bytes = freplace_compose_test_programs::object(name).expect("a test program");
        let object = Object::parse(bytes).expect("good");
        for program in &object.programs {
            let start = std::time::Instant::now();
            let kind = if program.kind == ProgramKind::Freplace {
                ProgramKind::RawTracepoint
            } else {
                program.kind
            };
            let found = read(&object, program, kind, program.kind == ProgramKind::Freplace);
            println!("{name} {} {:?}", program.name, start.elapsed());
            for fact in &found.certain {
                println!("    {} {:?}", fact.at, fact.what);
            }
            for fact in &found.possible {
                println!("  ? {} {:?}", fact.at, fact.what);
            }
        }
    }
    for name in freplace_compose_ebpf_programs::names() {
        let bytes = freplace_compose_ebpf_programs::object(name).expect("built in");
        let object = Object::parse(bytes).expect("good");
        for program in &object.programs {
            let start = std::time::Instant::now();
            let kind =
                if program.kind == ProgramKind::Freplace { ProgramKind::Xdp } else { program.kind };
            let found = read(&object, program, kind, program.kind == ProgramKind::Freplace);
            println!("{name} {} {:?}", program.name, start.elapsed());
            for fact in &found.certain {
                println!("    {} {:?}", fact.at, fact.what);
            }
            for fact in &found.possible {
                println!("  ? {} {:?}", fact.at, fact.what);
            }
        }
    }
}
