//! Chain files: any text gives a chain, or diagnostics that can be drawn.

use std::sync::LazyLock;

use freplace_compose::{
    chain::Chain,
    check::{Kernels, check},
    diag::{Diagnostic, Severity},
    draw::Drawing,
    plan,
    resolve::{ObjectStore, PartlyResolved},
};

/// Diagnostics that are drawn, of a file with more.
const DRAWN: usize = 50;

/// Reads `data` as a chain file, checks it with no objects and with those built in, and draws all
/// that was found.
///
/// # Panics
/// When a diagnostic cannot be drawn, or the composer panics.
pub fn chain(data: &[u8]) {
    static BUILTINS: LazyLock<ObjectStore> = LazyLock::new(crate::library);
    let text = String::from_utf8_lossy(data).into_owned();
    match Chain::parse("folder/some.toml".as_ref(), text) {
        Err(found) => {
            assert!(found.iter().any(|one| one.severity == Severity::Error));
            look_at(&found);
        }
        Ok(chain) => {
            // No object is opened: the text may name any file of this machine.
            for library in [&ObjectStore::default(), &*BUILTINS] {
                let names = PartlyResolved::of(chain.clone(), library);
                let found = check(&names, &Kernels::default());
                look_at(&found);
                let is_wrong = found.iter().any(|found| found.severity == Severity::Error);
                match names.whole() {
                    Ok(resolved) => {
                        let plan = plan::build(&resolved, plan::Offers::default());
                        assert_eq!(plan.nodes.len(), chain.graph.len());
                        serde_json::to_string(&plan).expect("a plan is JSON");
                    }
                    Err(_) => assert!(is_wrong, "what stands for nothing is an error: {found:?}"),
                }
            }
        }
    }
}

/// Every place lies within its text, in the order of the file, and the whole can be drawn.
fn look_at(found: &[Diagnostic]) {
    let in_order = |one: &Diagnostic, next: &Diagnostic| one.place() <= next.place();
    assert!(found.is_sorted_by(in_order), "in the order of the file");
    // On a narrow screen or on a wide one.
    let mut drawing = Drawing::new(if found.len().is_multiple_of(2) { 40 } else { 100 });
    for diagnostic in found.iter().take(DRAWN) {
        for label in &diagnostic.labels {
            let marked = label.span.source().text.get(label.span.range());
            assert!(marked.is_some(), "{:?} of {diagnostic:?}", label.span);
        }
        let drawn = anstream::adapter::strip_str(&drawing.text(diagnostic)).to_string();
        let is_obeyed = |letter: char| letter.is_control() && !"\n\t".contains(letter);
        assert!(!drawn.contains(is_obeyed), "{drawn:?}");
        assert!(!drawn.contains("Failed to read contents"), "{drawn}");
        assert!(drawn.contains(&diagnostic.code.to_string()), "{drawn}");
        let json = drawing.json(diagnostic);
        for (label, json) in
            diagnostic.labels.iter().zip(json["labels"].as_array().into_iter().flatten())
        {
            let lines = label.span.source().text.split('\n').count() as u64;
            let place = |name: &str| json[name].as_u64().expect("a number");
            let (line, end) = (place("line"), place("end_line"));
            assert!(1 <= line && line <= end && end <= lines, "{json}");
        }
    }
}
