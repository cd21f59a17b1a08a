//! The page generated from the results: each rule on each kernel, and each chain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{CaseResult, Corpus, StepRefusal};

/// The text before the tables.
const HEAD: &str = include_str!("head.md");

/// The page: the chains on each of `kernels`, and a row of [`agreement`] for every kernel that was
/// ever tested.
pub(super) fn render(kernels: &[&Corpus], agreement: &[String]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Agreement\n\n| kernel | chains | rejected | disagreements |\n");
    text.push_str("|---|---|---|---|\n");
    for row in agreement {
        text += &format!("{row}\n");
    }
    hosts(&mut text, kernels);
    rules(&mut text, kernels);
    answers(&mut text, kernels);
    unknown(&mut text, kernels);
    chains(&mut text, kernels);
    text
}

/// A row with the number of chains on which the validator and a kernel agree.
pub(super) fn agreement(corpus: &Corpus) -> String {
    let count = |is_it: fn(&&CaseResult) -> bool| corpus.outcomes.iter().filter(is_it).count();
    let refused = count(|outcome| outcome.refused.is_some());
    let differ = count(|outcome| outcome.disagreement.is_some());
    row(corpus.kernel.series, corpus.outcomes.len(), refused, differ)
}

fn row(series: &str, chains: usize, refused: usize, differ: usize) -> String {
    format!("| {series} | {chains} | {refused} | {differ} |")
}

/// The row of a kernel on the existing `page`.
pub(super) fn kept_agreement(page: &str, series: &str) -> Option<String> {
    let (_, section) = page.split_once("\n## Agreement\n")?;
    let (section, _) = section.split_once("\n## ")?;
    let begin = format!("| {series} | ");
    section.lines().find(|line| line.starts_with(&begin)).map(str::to_owned)
}

/// What is possible with each kind of host, from the chains of `corpus/hosts.rs`, whose names are
/// `hosts/KIND, WHAT`.
fn hosts(text: &mut String, kernels: &[&Corpus]) {
    const COLUMNS: [&str; 6] = [
        "attached",
        "context stub replaced",
        "scalar stub replaced",
        "entry replaced",
        "traced",
        "replacement traced",
    ];
    let _ = writeln!(
        text,
        "\n## Hosts\n\nThe kernels that accept it; of the others, the kernel's answer.\n\n| host | {} |",
        COLUMNS.join(" | ")
    );
    let _ = writeln!(text, "|---|{}", "---|".repeat(COLUMNS.len()));
    let Some(first) = kernels.first() else { return };
    let mut kinds: Vec<&str> = Vec::new();
    for outcome in &first.outcomes {
        let name = outcome.case.strip_prefix("hosts/").and_then(|name| name.split_once(", "));
        if let Some((kind, what)) = name
            && COLUMNS.contains(&what)
            && !kinds.contains(&kind)
        {
            kinds.push(kind);
        }
    }
    for kind in kinds {
        let cell = |what: &&str| host_cell(kernels, &format!("hosts/{kind}, {what}"));
        let cells: Vec<_> = COLUMNS.iter().map(cell).collect();
        let _ = writeln!(text, "| {kind} | {} |", cells.join(" | "));
    }
}

/// `6.12, 7.3; 6.1: EINVAL at attach, without a log`.
fn host_cell(kernels: &[&Corpus], case: &str) -> String {
    let mut accepting = Vec::new();
    let mut refusing: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for kernel in kernels {
        let Some(outcome) = kernel.outcomes.iter().find(|outcome| outcome.case == case) else {
            continue;
        };
        match &outcome.refused {
            None => accepting.push(kernel.kernel.series),
            Some(refused) => {
                refusing.entry(answer(refused)).or_default().push(kernel.kernel.series);
            }
        }
    }
    let refused =
        refusing.iter().map(|(answer, series)| format!("{}: {answer}", series.join(", ")));
    let accepted = (!accepting.is_empty()).then(|| accepting.join(", "));
    accepted.into_iter().chain(refused).collect::<Vec<_>>().join("; ")
}

/// The rules covered by the corpus, by code.
fn codes<'a>(kernels: &[&'a Corpus]) -> BTreeMap<&'a str, &'a str> {
    let outcomes = kernels.iter().flat_map(|kernel| &kernel.outcomes);
    outcomes.map(|outcome| (outcome.code.as_str(), outcome.title.as_str())).collect()
}

fn rules(text: &mut String, kernels: &[&Corpus]) {
    let _ = write!(text, "\n## Rules\n\n| code | rule |");
    for kernel in kernels {
        let _ = write!(text, " {} |", kernel.kernel.series);
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(kernels.len()));
    for (code, title) in codes(kernels) {
        let _ = write!(text, "| {code} | {title} |");
        for kernel in kernels {
            let cases = || kernel.outcomes.iter().filter(|outcome| outcome.code == code);
            let refused = cases().filter(|outcome| outcome.refused.is_some()).count();
            let _ = write!(text, " {refused} of {} rejected |", cases().count());
        }
        text.push('\n');
    }
}

/// The kernels that gave an answer, and how often.
type Answers = BTreeMap<String, BTreeMap<usize, usize>>;

fn answers(text: &mut String, kernels: &[&Corpus]) {
    text.push_str("\n## Kernel errors\n");
    for (code, title) in codes(kernels) {
        let mut answers = Answers::new();
        for (place, kernel) in kernels.iter().enumerate() {
            for outcome in kernel.outcomes.iter().filter(|outcome| outcome.code == code) {
                if let Some(refused) = &outcome.refused {
                    let counts = answers.entry(answer(refused)).or_default();
                    *counts.entry(place).or_default() += 1;
                }
            }
        }
        let _ = write!(text, "\n{code}, {title}:\n\n");
        for (answer, counts) in answers {
            let counts = counts.iter().map(|(place, count)| {
                let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
                format!("{times} on {}", kernels[*place].kernel.series)
            });
            let _ = writeln!(text, "- {answer} ({})", counts.collect::<Vec<_>>().join(", "));
        }
    }
}

/// The chains that the validator rejects, and those that it accepts.
fn unknown(text: &mut String, kernels: &[&Corpus]) {
    text.push_str("\n## Found only by the kernel\n\n");
    let mut told = BTreeSet::new();
    for outcome in kernels.iter().flat_map(|kernel| &kernel.outcomes) {
        if let Some(why) = &outcome.unknown
            && told.insert(&outcome.case)
        {
            let _ = writeln!(text, "- {}: {why}", outcome.case);
        }
    }
}

fn chains(text: &mut String, kernels: &[&Corpus]) {
    let _ = write!(text, "\n## Chains\n\n| chain |");
    for kernel in kernels {
        let _ = write!(text, " {} |", kernel.kernel.series);
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(kernels.len()));
    let Some((first, others)) = kernels.split_first() else { return };
    for outcome in &first.outcomes {
        let _ = write!(text, "| {} | {} |", outcome.case, verdict(outcome));
        for other in others {
            let same = other.outcomes.iter().find(|found| found.case == outcome.case);
            let _ = write!(text, " {} |", same.map_or_else(String::new, verdict));
        }
        text.push('\n');
    }
}

/// The verdict of both: without agreement there would be no page.
fn verdict(outcome: &CaseResult) -> String {
    if outcome.refused.is_none() {
        return "accepted".to_owned();
    }
    if outcome.unknown.is_some() {
        return "rejected, not foreseen".to_owned();
    }
    let mut codes: Vec<_> = outcome.foreseen.iter().map(|one| one.code.as_str()).collect();
    codes.dedup();
    codes.join(", ")
}

/// The kernel's answer without the names of functions, which are specific to the corpus.
fn answer(refused: &StepRefusal) -> String {
    match &refused.text {
        Some(text) => format!("{} at {}, `{}`", refused.errno, refused.step, without_names(text)),
        None => format!("{} at {}, without a log", refused.errno, refused.step),
    }
}

/// `replace_word() has 1 args while stub_nothing() has 0 args` → `X() has 1 args while X() has 0
/// args`.
fn without_names(text: &str) -> String {
    let word = |word: &str| match word.split_once('(') {
        Some((name, rest)) if name.contains(|letter: char| letter.is_ascii_alphabetic()) => {
            format!("X({rest}")
        }
        _ => word.to_owned(),
    };
    let words: Vec<_> = text.split(' ').map(word).collect();
    let text = words.join(" ");
    // `Subprog left doesn't exist`
    match text.strip_prefix("Subprog ").and_then(|rest| rest.split_once(' ')) {
        Some((_, rest)) => format!("Subprog X {rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{kept_agreement, render, row, without_names};

    #[test]
    fn answers_that_differ_in_names_alone_are_one() {
        let same = |text: &str, expected: &str| assert_eq!(without_names(text), expected);
        same("a() has 1 args while b() has 0 args", "X() has 1 args while X() has 0 args");
        same("Subprog left doesn't exist", "Subprog X doesn't exist");
        same("inner() is not a global function", "X() is not a global function");
    }

    #[test]
    fn a_row_is_kept_until_its_kernel_is_asked_again() {
        let rows = [row("6.1", 9, 4, 0), row("6.18", 7, 3, 0)];
        let page = render(&[], &rows);
        assert_eq!(kept_agreement(&page, "6.18").as_ref(), Some(&rows[1]));
        assert_eq!(kept_agreement(&page, "6.1").as_ref(), Some(&rows[0]));
        assert_eq!(kept_agreement(&page, "7.0"), None);
        assert_eq!(kept_agreement("# A page of before\n\n| 6.1 | 9 |\n", "6.1"), None);
    }
}
