//! The report that Linux 7.3 and later write below the last message of a log: a title, the reason,
//! the location, the causes, and suggestions.
//!
//! `bpf_diag_report`, <https://github.com/torvalds/linux/blob/v7.3/kernel/bpf/diagnostics.c>.

/// What the report begins with: `Verification failed: Memory Safety: Access outside bounds`.
const TITLE: &str = "Verification failed: ";

/// What a report says for people who do not know the verifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct VerifierReport<'a> {
    /// The category and what is wrong.
    pub(super) title: &'a str,
    /// Why, in sentences.
    pub(super) reason: String,
    /// Where: the function, the file, and the line in it.
    pub(super) at: Option<(&'a str, &'a str, u32)>,
    /// What to do, in sentences.
    pub(super) suggestion: String,
    /// How many lines of the log its title, reason and suggestion are.
    pub(super) lines: usize,
}

/// The log without its report, and the report where there is one.
pub(super) fn split(log: &str) -> (&str, Option<VerifierReport<'_>>) {
    let mut start = 0;
    for line in log.split_inclusive('\n') {
        if let Some(title) = line.strip_prefix(TITLE) {
            let report = VerifierReport { title: title.trim_end(), ..read(&log[start..]) };
            return (&log[..start], Some(report));
        }
        start += line.len();
    }
    (log, None)
}

/// Reads the parts that are shown. A heading stands at the margin and ends with a colon; what
/// belongs to it is indented. The log's own last line is at the margin too.
fn read(text: &str) -> VerifierReport<'_> {
    let mut report = VerifierReport { lines: 1, ..VerifierReport::default() };
    let mut heading = "";
    for line in text.lines().skip(1) {
        if line.starts_with(' ') {
            let words = line.trim();
            report.lines += usize::from(matches!(heading, "Reason:" | "Suggestion:"));
            match heading {
                "Reason:" => append(&mut report.reason, words),
                "Suggestion:" => append(&mut report.suggestion, words),
                "At:" if report.at.is_none() => report.at = place(words),
                _ => {}
            }
        } else if !line.trim().is_empty() {
            heading = line.trim_end();
        }
    }
    report
}

fn append(to: &mut String, words: &str) {
    if !to.is_empty() {
        to.push(' ');
    }
    to.push_str(words);
}

/// `first_byte @ verdicts.bpf.c:89:9`
fn place(words: &str) -> Option<(&str, &str, u32)> {
    let (function, rest) = words.split_once(" @ ")?;
    let mut parts = rest.rsplitn(3, ':');
    let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some((function, file, line.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_parts_of_a_report_are_found() {
        let log = include_str!("verifier_logs/careless-7.3.log");
        let (above, report) = split(log);
        assert!(above.trim_end().ends_with("R1 min value is outside of the allowed memory range"));
        let report = report.expect("7.3 writes one");
        assert_eq!(report.title, "Memory Safety: Access outside bounds");
        assert!(report.reason.starts_with("The verifier cannot prove offset + access_size <= "));
        assert!(report.reason.ends_with("object_size is 0."), "{}", report.reason);
        assert_eq!(report.at, Some(("first_byte", "verdicts.bpf.c", 89)));
        assert_eq!(
            report.suggestion,
            "Add or adjust a bounds check that proves offset + access_size stays within the object."
        );
    }

    #[test]
    fn a_log_without_a_report_is_whole() {
        for log in [include_str!("verifier_logs/endless-7.3.log"), "", "Verification of x\n"] {
            assert_eq!(split(log), (log, None));
        }
    }

    #[test]
    fn a_report_that_is_cut_off_is_no_panic() {
        let log = include_str!("verifier_logs/forgetful-7.3.log");
        for end in (0..log.len()).filter(|end| log.is_char_boundary(*end)) {
            let (above, _) = split(&log[..end]);
            assert!(log.starts_with(above));
        }
    }
}
