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

/// The same for candidates by the ten thousand, such as a kernel's functions, where something is
/// always a little like it: a fifth of the letters may differ.
pub fn nearest_of_many<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let own = letters(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let most = word.len() / 5;
        let most = best.map_or(most.max(1), |(distance, _)| distance);
        // Comparing is slow, and hardly any name has nearly the same letters.
        if word.len().abs_diff(candidate.len()) > most || apart(&own, &letters(candidate)) > most {
            continue;
        }
        let found = (strsim::damerau_levenshtein(word, candidate), candidate);
        // The first by name of those that are equally near, whatever order they come in.
        if found.0 <= most && best.is_none_or(|best| found < best) {
            best = Some(found);
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How often each letter is there, as far as 32 of them can be told apart.
fn letters(word: &str) -> [i16; 32] {
    let mut counts = [0_i16; 32];
    for byte in word.bytes() {
        let count = &mut counts[usize::from(byte & 31)];
        *count = count.saturating_add(1);
    }
    counts
}

/// Fewer changes do not make one word of the other.
fn apart(one: &[i16; 32], other: &[i16; 32]) -> usize {
    let (mut more, mut fewer) = (0_usize, 0_usize);
    for (one, other) in one.iter().zip(other) {
        let difference = usize::from(one.abs_diff(*other));
        if one > other { more += difference } else { fewer += difference }
    }
    more.max(fewer)
}

#[cfg(test)]
mod tests {
    use super::{nearest, nearest_of_many};

    #[test]
    fn a_slip_is_mended_and_a_stranger_is_not() {
        let ids = ["connect", "accept"];
        assert_eq!(nearest("conect", ids), Some("connect"));
        assert_eq!(nearest("Accept", ids), Some("accept"));
        assert_eq!(nearest("handler", ids), None);
    }

    #[test]
    fn of_many_the_nearest_is_found_and_nothing_far() {
        let names =
            ["tcp_v4_connect", "tcp_connect", "tcp_conn", "udp_connect", "tcp_finish_connect"];
        let near = |word: &str| nearest_of_many(word, names);
        assert_eq!(near("tcp_conect"), Some("tcp_connect"));
        assert_eq!(near("tcp_ocnnect"), Some("tcp_connect"), "two letters in each other's place");
        assert_eq!(near("tcp_v6_connect"), Some("tcp_v4_connect"));
        assert_eq!(near("xdp_connect"), Some("udp_connect"));
        assert_eq!(near("do_unlinkat"), None);
        assert_eq!(near(""), None);
        let both = ["tcp_conneat", "tcp_connecb"];
        assert_eq!(
            nearest_of_many("tcp_connect", both),
            nearest_of_many("tcp_connect", [both[1], both[0]])
        );
    }
}
