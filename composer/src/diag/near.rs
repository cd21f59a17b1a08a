//! Suggestions of similar names, and lists of available ones.

/// The candidate most similar to `word`, if it is similar enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Names::new(candidates).nearest(word, |_| true)
}

/// Candidate names for suggestions, prepared once for all look-ups.
#[derive(Debug)]
pub struct Names<'a> {
    names: Vec<Candidate<'a>>,
}

#[derive(Debug)]
struct Candidate<'a> {
    name: &'a str,
    lower: String,
    /// Letters, not bytes.
    length: usize,
    /// A bit for each letter that is in it: a slip changes two of them at most.
    kinds: u64,
}

impl<'a> Candidate<'a> {
    fn new(name: &'a str) -> Self {
        let lower: String = name.chars().flat_map(char::to_lowercase).collect();
        let kinds = lower.chars().fold(0, |kinds, letter| kinds | 1 << (letter as u32 % 64));
        Self { name, length: lower.chars().count(), lower, kinds }
    }
}

impl<'a> Names<'a> {
    /// Prepares `names`.
    pub fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(Candidate::new).collect() }
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().map(|name| name.name)
    }

    /// The name among those `wanted` that is most similar to `word`, if it is similar enough; the
    /// first of several.
    pub fn nearest(&self, word: &str, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
        let word = Candidate::new(word);
        let mut found: Option<(usize, &'a str)> = None;
        for name in &self.names {
            // A third of the letters may differ; beyond that a suggestion confuses more than it
            // helps.
            let most = name.length.max(3) / 3;
            let most = match found {
                None => most,
                Some((0, _)) => break,
                Some((least, _)) => most.min(least - 1),
            };
            if let Some(distance) = distance(&word, name, most).filter(|_| wanted(name.name)) {
                found = Some((distance, name.name));
            }
        }
        found.map(|(_, name)| name)
    }
}

/// How many letters have to be changed, put in, left out, or changed over with their neighbour to
/// make one of the other; none when more than `most`.
fn distance(one: &Candidate<'_>, other: &Candidate<'_>, most: usize) -> Option<usize> {
    // What nearly all names are passed over by, without being looked at letter by letter.
    let far = one.length.abs_diff(other.length) > most
        || (one.kinds ^ other.kinds).count_ones() as usize > 2 * most;
    let count = || strsim::osa_distance(&one.lower, &other.lower);
    (!far).then(count).filter(|distance| *distance <= most)
}

/// The most names that a message lists.
const LISTED: usize = 12;

/// `a, b, c`; of many, the first few and how many more.
#[must_use]
pub fn list(names: &[&str]) -> String {
    match names.get(..LISTED) {
        Some(first) if names.len() > LISTED => {
            format!("{} and {} more", first.join(", "), names.len() - LISTED)
        }
        _ => names.join(", "),
    }
}

/// The same for candidates by the ten thousand, such as a kernel's functions, where something is
/// always a little like it: a fifth of the letters may differ. Of equals it is the first by name.
pub fn nearest_of_many<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = Candidate::new(word);
    let mut most = (word.length / 5).max(1);
    let mut found: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        // Hardly any name is of nearly the same length and letters.
        if word.length.abs_diff(candidate.len()) > most {
            continue;
        }
        if let Some(distance) = distance(&word, &Candidate::new(candidate), most)
            && found.is_none_or(|found| (distance, candidate) < found)
        {
            most = distance;
            found = Some((distance, candidate));
        }
    }
    found.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, LISTED, distance, list, nearest, nearest_of_many};

    #[test]
    fn a_slip_is_mended_and_a_stranger_is_not() {
        let ids = ["connect", "accept"];
        assert_eq!(nearest("conect", ids), Some("connect"));
        assert_eq!(nearest("Accept", ids), Some("accept"));
        assert_eq!(nearest("handler", ids), None);
        assert_eq!(nearest("Ünder", ["ünser", "under"]), Some("ünser"));
    }

    #[test]
    fn the_first_of_the_nearest_is_meant() {
        assert_eq!(nearest("node12", ["node1", "node2", "node123"]), Some("node1"));
        assert_eq!(nearest("node12", ["node1", "node13", "NODE12"]), Some("NODE12"));
        assert_eq!(nearest("", ["a", "bcdefghi"]), Some("a"));
        assert_eq!(nearest("a", []), None);
    }

    #[test]
    fn a_distance_counts_each_slip_once() {
        let of = |one: &str, other: &str, most| {
            let found = distance(&Candidate::new(one), &Candidate::new(other), most);
            assert_eq!(
                found,
                distance(&Candidate::new(other), &Candidate::new(one), most),
                "{one} {other}"
            );
            found
        };
        for (one, other, slips) in [
            ("attach", "attach", 0),
            ("atach", "attach", 1),
            ("attahc", "attach", 1),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abcd", "badc", 2),
        ] {
            assert_eq!(of(one, other, slips), Some(slips), "{one} {other}");
            assert!(slips == 0 || of(one, other, slips - 1).is_none(), "{one} {other}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let names = ["x"; LISTED + 3];
        assert_eq!(list(&names[..2]), "x, x");
        assert!(list(&names).ends_with("x, x and 3 more"));
        assert!(list(&names[..LISTED]).ends_with("x, x"));
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
