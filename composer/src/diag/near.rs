//! "did you mean", and lists of what there is.

/// The candidate that `word` was most likely meant to be, when there is one near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Names::new(candidates).nearest(word, |_| true)
}

/// Names to look for misspelt ones in, prepared once for all of them.
#[derive(Debug)]
pub struct Names<'a> {
    names: Vec<Name<'a>>,
}

#[derive(Debug)]
struct Name<'a> {
    name: &'a str,
    letters: Vec<char>,
    /// A bit for each letter that is in it: a slip changes two of them at most.
    kinds: u64,
}

impl<'a> Name<'a> {
    fn new(name: &'a str) -> Self {
        let letters: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        let kinds = letters.iter().fold(0, |kinds, letter| kinds | 1 << (*letter as u32 % 64));
        Self { name, letters, kinds }
    }
}

impl<'a> Names<'a> {
    /// Prepares `names`.
    pub fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { names: names.into_iter().map(Name::new).collect() }
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().map(|name| name.name)
    }

    /// The name among those `wanted` that `word` was most likely meant to be, when there is one
    /// near enough: the first of the nearest.
    pub fn nearest(&self, word: &str, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
        let word = Name::new(word);
        let mut found: Option<(usize, &'a str)> = None;
        for name in &self.names {
            // A third of the letters may differ; beyond that a suggestion confuses more than it
            // helps.
            let most = name.letters.len().max(3) / 3;
            let most = match found {
                None => most,
                Some((0, _)) => break,
                Some((least, _)) => most.min(least - 1),
            };
            // What most names are passed over by, without being looked at letter by letter.
            if (name.kinds ^ word.kinds).count_ones() as usize > 2 * most || !wanted(name.name) {
                continue;
            }
            if let Some(distance) = distance(&word.letters, &name.letters, most) {
                found = Some((distance, name.name));
            }
        }
        found.map(|(_, name)| name)
    }
}

/// How many letters have to be changed, put in, left out, or changed over with their neighbour to
/// make `left` of `right`; none when more than `most`.
///
/// The optimal string alignment distance, row by row:
/// <https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance>
fn distance(left: &[char], right: &[char], most: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > most {
        return None;
    }
    let same = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let (left, right) = (&left[same..], &right[same..]);
    let pairs = left.iter().rev().zip(right.iter().rev());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let (left, right) = (&left[..left.len() - same], &right[..right.len() - same]);

    let [mut older, mut row] = [(); 2].map(|()| vec![0; right.len() + 1]);
    let mut old: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.iter().enumerate() {
        row[0] = i + 1;
        for (j, other) in right.iter().enumerate() {
            let replaced = old[j] + usize::from(letter != other);
            let mut least = replaced.min(old[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                least = least.min(older[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        let is_far = |row: &[usize]| row.iter().all(|least| *least > most);
        if is_far(&row) && is_far(&old) {
            return None;
        }
        std::mem::swap(&mut older, &mut old);
        std::mem::swap(&mut old, &mut row);
    }
    old.last().copied().filter(|distance| *distance <= most)
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
    let word = Name::new(word);
    let mut most = (word.letters.len() / 5).max(1);
    let mut found: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        // Hardly any name is of nearly the same length and letters.
        if word.letters.len().abs_diff(candidate.len()) > most {
            continue;
        }
        let name = Name::new(candidate);
        if (name.kinds ^ word.kinds).count_ones() as usize > 2 * most {
            continue;
        }
        if let Some(distance) = distance(&word.letters, &name.letters, most)
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
    use super::{LISTED, distance, list, nearest, nearest_of_many};

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
        let of = |left: &str, right: &str, most| {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            let there = distance(&letters(left), &letters(right), most);
            assert_eq!(there, distance(&letters(right), &letters(left), most), "{left} {right}");
            there
        };
        assert_eq!(of("attach", "attach", 0), Some(0));
        assert_eq!(of("atach", "attach", 1), Some(1));
        assert_eq!(of("attahc", "attach", 1), Some(1));
        assert_eq!(of("kitten", "sitting", 3), Some(3));
        assert_eq!(of("kitten", "sitting", 2), None);
        assert_eq!(of("", "abc", 3), Some(3));
        assert_eq!(of("abcd", "badc", 2), Some(2));
        assert_eq!(of("abcd", "badc", 1), None);
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
