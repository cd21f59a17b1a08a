//! Deterministic mutations of a file, as a fuzzer would make.

/// Texts that mean something in a chain file, and numbers that do in an object.
const TELLING: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\"\"\"",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"{",
    b"}",
    b"=",
    b",",
    b".",
    b"#",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t",
    b"\0",
    b"\\u",
    b"\xff",
    "ü".as_bytes(),
    "日".as_bytes(),
    "\u{301}".as_bytes(),
    "\u{9b}".as_bytes(),
    "👩‍👩‍👧".as_bytes(),
    b"\x1b[31m",
    b"host",
    b"stub",
    b"[host]",
    b"x = 1\n",
    "é=1".as_bytes(),
    b"1e400",
    b"-",
    b"00:00",
    b"\"\"",
    "[host.ü]\n".as_bytes(),
    b"[tracer.\"\"]\n",
    b"fentry = \"before\"\n",
    b"builtin:",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\0\0\0\0\0\0\0\0",
    b"\x01\0\0\0",
];

/// Endless mutations of a file: each has a few changes.
#[derive(Debug)]
pub struct Mutations<'a> {
    file: &'a [u8],
    others: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutations<'a> {
    /// Of `file`, with pieces of `others` put in; the same for the same `seed`.
    #[must_use]
    pub fn new(file: &'a [u8], others: &'a [Vec<u8>], seed: u64) -> Self {
        Self { file, others, state: seed }
    }

    /// A number below `end`, which is not 0; splitmix64, <https://prng.di.unimi.it/splitmix64.c>.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.state;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % end as u64) as usize
    }

    /// A few neighbouring bytes of `bytes`, as their range.
    fn piece(&mut self, bytes: &[u8], most: usize) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        start..(start + self.below(most)).min(bytes.len())
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let piece = self.piece(bytes, 40);
        let at = piece.start;
        match self.below(10) {
            0..=2 => {
                let value = self.below(256) as u8;
                bytes[at..].iter_mut().take(1).for_each(|byte| *byte = value);
            }
            3 => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
            4 => {
                let telling = TELLING[self.below(TELLING.len())];
                bytes.splice(at..at, telling.iter().copied());
            }
            5 => {
                let telling = TELLING[self.below(TELLING.len())];
                let end = (at + telling.len()).min(bytes.len());
                bytes.splice(at..end, telling.iter().copied());
            }
            6 => drop(bytes.drain(piece)),
            7 => {
                let copy = bytes[piece].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            8 => self.lines(bytes),
            _ => {
                if let Some(other) = self.others.get(self.below(self.others.len().max(1))) {
                    let from = self.piece(other, 200);
                    bytes.splice(at..at, other[from].iter().copied());
                }
            }
        }
    }

    /// Repeats a line elsewhere, or changes two over.
    fn lines(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.is_empty() {
            return;
        }
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(2) {
            0 => lines.swap(one, other),
            _ => lines.insert(other, lines[one]),
        }
        *bytes = lines.concat();
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.file.to_vec();
        for _ in 0..=self.below(6) {
            self.change(&mut bytes);
        }
        // What was cut short, now and then.
        if self.below(16) == 0 {
            bytes.truncate(self.below(bytes.len() + 1));
        }
        Some(bytes)
    }
}
