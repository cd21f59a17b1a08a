//! "did you mean".

/// The candidate that `word` was most likely meant to be, when there is one near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let score = |candidate: &str| {
        strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase())
    };
    candidates
        .into_iter()
        .map(|candidate| (score(candidate), candidate))
        // A third of the letters may differ; beyond that a suggestion confuses more than it helps.
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_mended_and_a_stranger_is_not() {
        let ids = ["connect", "accept"];
        assert_eq!(nearest("conect", ids), Some("connect"));
        assert_eq!(nearest("Accept", ids), Some("accept"));
        assert_eq!(nearest("handler", ids), None);
    }
}
