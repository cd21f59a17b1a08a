use std::collections::HashSet;

use super::{Attach, HostKind, KINDS, Setting, UNSUPPORTED, Values};
use crate::{
    object::{ProgramKind, ProgramType},
    profile::{named, series},
};

/// The types that some kind of host is loaded as.
fn supported() -> HashSet<ProgramType> {
    KINDS.iter().map(|kind| kind.program_type).collect()
}

#[test]
fn every_program_type_has_a_kind_or_a_reason_why_not() {
    let supported = supported();
    for program_type in ProgramType::ALL {
        let types = UNSUPPORTED.iter().flat_map(|(types, _)| *types);
        let reasons = types.filter(|other| *other == program_type).count();
        let kinds = usize::from(supported.contains(program_type));
        assert_eq!(reasons + kinds, 1, "{}", program_type.name());
    }
}

#[test]
fn every_program_type_of_a_profile_is_one_of_the_kernels() {
    for profile in series().filter_map(named) {
        for name in profile.programs.into_iter().flatten() {
            let known = ProgramType::ALL.iter().any(|program_type| program_type.name() == name);
            assert!(known, "{name} of linux {}", profile.kernel);
        }
    }
}

#[test]
fn every_profile_says_whether_a_kernel_loads_programs_of_each_kind() {
    let newest = named(series().last().expect("some are shipped")).expect("it is read");
    for kind in KINDS {
        assert!(!newest.lacks_program(kind.program_type.name()), "{kind:?}");
    }
}

#[test]
fn no_two_keys_of_attach_are_the_same() {
    let mut seen = HashSet::new();
    for kind in KINDS {
        assert!(seen.insert(kind.name), "{kind:?}");
        assert!(kind.aliases.iter().all(|alias| seen.insert(alias)), "{kind:?}");
    }
    // Kinds may share a key beside their own, and mean the same by it.
    for key in KINDS.iter().flat_map(|kind| kind.settings).map(|spec| spec.key) {
        assert!(!seen.contains(key), "{key}");
    }
}

#[test]
fn a_kind_is_called_as_the_section_of_its_programs() {
    for kind in KINDS {
        let (program, _) = ProgramKind::of_section(kind.section);
        assert_eq!(program, kind.program, "{kind:?}");
        let template = &kind.template;
        for source in [Some(template.program), template.elsewhere].into_iter().flatten() {
            assert!(source.contains(&format!("SEC(\"{}\")", kind.section)), "{kind:?}");
        }
    }
}

#[test]
fn a_kind_is_loaded_as_the_type_of_its_section() {
    for kind in KINDS {
        assert_eq!(kind.program.program_type(), Some(kind.program_type), "{kind:?}");
        // Of several kinds that share a section's kind, such as tcx and netkit, the first.
        let first = HostKind::of_program(kind.program).expect("it is one");
        assert_eq!(first.program_type, kind.program_type);
    }
    assert_eq!(HostKind::of_program(ProgramKind::Uretprobe), HostKind::named("uretprobe"));
    assert_eq!(HostKind::of_program(ProgramKind::Freplace), None);
}

#[test]
fn examples_and_templates_are_targets_of_all_their_parts() {
    for kind in KINDS {
        for target in [kind.target.example, kind.template.target] {
            let read = (kind.target.read)(target).expect("it is one");
            assert_eq!(read, target, "{kind:?}");
            let parts = kind.target.parts.len();
            assert_eq!(target.splitn(parts, '/').count(), parts, "{kind:?}");
        }
    }
}

#[test]
fn an_attachment_of_a_plan_has_its_parts_and_settings() {
    let json = |kind: &str, target: &str, settings: &[(&'static str, Setting)]| {
        let kind = HostKind::named(kind).expect("a kind");
        let attach = Attach { kind, target: target.to_owned(), settings: settings.to_vec() };
        serde_json::to_string(&attach).expect("it is JSON")
    };
    assert_eq!(
        json("tracepoint", "sock/inet/x", &[]),
        r#"{"hook":"tracepoint","category":"sock","name":"inet/x"}"#
    );
    assert_eq!(
        json("xdp", "lo", &[("mode", Setting::Word("auto")), ("pid", Setting::Number(3))]),
        r#"{"hook":"xdp","interface":"lo","mode":"auto","pid":3}"#
    );
}

#[test]
fn the_first_of_some_words_stands_for_a_key_that_is_not_there() {
    assert_eq!(Values::Words(&["auto", "native"]).default(), Some(Setting::Word("auto")));
    assert_eq!(Values::Number(1, 2).default(), None);
    assert_eq!(Values::Text.default(), None);
}
