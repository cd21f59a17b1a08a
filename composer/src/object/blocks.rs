//! The basic blocks of a program, and the program with a counter in each: a byte of a map, which is set when the
//! block runs.
//!
//! Coverage of tests is measured with them. A counter needs a register for the address of its byte, so it
//! is set where the block comes to an instruction at which no value of some register is still needed. Every
//! instruction of a block runs if one does, so it does not matter at which of them.
//!
//! Pure: instructions in, instructions out. Jumps, calls and addresses of functions lead where they led before,
//! and whoever has numbers of instructions asks [`CountedCode`] for the new ones.

use std::{collections::BTreeSet, ops::Range};

use super::{
    flow::LiveRegisters,
    helpers::TAIL_CALL,
    insn::{CALL, EXIT, Insn, MEMORY, SIZE, WIDE, calls, class, wide, width},
};

/// Instructions that run one after the other, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicBlock {
    /// Their numbers.
    pub range: Range<u32>,
    /// Where its counter goes; none where every register is in use throughout.
    counter: Option<CounterPlace>,
}

/// Where a counter is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CounterPlace {
    /// The instruction that it goes before.
    at: u32,
    /// A register that is free there.
    register: u8,
}

impl BasicBlock {
    /// Whether it has a counter.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.counter.is_some()
    }
}

/// The basic blocks of `code`, in order. Its functions begin at the instructions with the numbers `starts`,
/// which rise.
#[must_use]
pub fn basic_blocks(code: &[u8], starts: &[u32]) -> Vec<BasicBlock> {
    let end = u32::try_from(code.len() / SIZE).unwrap_or(u32::MAX);
    let ends = starts.iter().skip(1).copied().chain([end]);
    let functions = starts.iter().zip(ends).filter_map(|(start, end)| {
        let place = *start as usize * SIZE..end as usize * SIZE;
        Some((*start, code.get(place)?))
    });
    functions.flat_map(|(start, code)| blocks_of(start, code)).collect()
}

/// The blocks of a function that begins at instruction `start`.
fn blocks_of(start: u32, code: &[u8]) -> Vec<BasicBlock> {
    let end = code.len() / SIZE;
    let (mut leaders, mut halves) = (BTreeSet::from([0, end]), BTreeSet::new());
    for (at, insn) in Insn::all(code).enumerate().filter(|(at, _)| *at < end) {
        if halves.contains(&at) {
            continue;
        }
        if insn.opcode == WIDE {
            halves.insert(at + 1);
        }
        if let Some(distance) = insn.jump() {
            leaders.extend(target(at, distance).filter(|to| *to <= end));
        }
        if may_leave(insn) {
            leaders.insert(at + 1);
        }
    }
    let live = LiveRegisters::of(code);
    let leaders: Vec<usize> = leaders.into_iter().collect();
    let number = |at: usize| start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
    let block = |range: Range<usize>| {
        let free = |at| (0..10_u8).find(|register| !live.has(at, usize::from(*register)));
        let mut places = range.clone().filter(|at| !halves.contains(at));
        let counter = places.find_map(|at| {
            let register = free(at)?;
            Some(CounterPlace { at: number(at), register })
        });
        BasicBlock { range: number(range.start)..number(range.end), counter }
    };
    leaders.windows(2).map(|pair| block(pair[0]..pair[1])).collect()
}

/// The instruction that a jump of this distance from number `at` leads to.
fn target(at: usize, distance: i64) -> Option<usize> {
    usize::try_from(i64::try_from(at).ok()?.checked_add(1)?.checked_add(distance)?).ok()
}

/// Whether the instruction behind this one may not run although this one does: it jumps, ends, tail-calls, may
/// throw, or ends the program when a packet is too short.
fn may_leave(insn: Insn) -> bool {
    let calls_other = insn.calls_function() || insn.helper() == Some(TAIL_CALL);
    let calls_kernel = insn.opcode == CALL && insn.source == calls::KERNEL_FUNCTION;
    let reads_packet = insn.class() == class::LOAD && insn.opcode != WIDE;
    insn.jump().is_some() || insn.opcode == EXIT || calls_other || calls_kernel || reads_packet
}

/// A program with counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedCode {
    /// Its instructions.
    pub code: Vec<u8>,
    /// Where what leads to each instruction of the program without counters leads now: the counter before it,
    /// if there is one. One more than there are instructions.
    starts: Vec<u32>,
}

impl CountedCode {
    /// `code` with the counters of its `blocks`: the n-th of those that have one sets byte n of the value of the
    /// map with descriptor `map`. `None` if an instruction could no longer hold how far it jumps.
    #[must_use]
    pub fn new(code: &[u8], blocks: &[BasicBlock], map: i32) -> Option<Self> {
        let insns: Vec<Insn> = Insn::all(code).collect();
        let counters = blocks.iter().filter_map(|block| block.counter);
        let mut counters = counters.zip(0_i32..).peekable();
        let (mut own, mut starts, mut next) = (Vec::new(), Vec::new(), 0_u32);
        let mut before = Vec::new();
        for at in 0..=u32::try_from(insns.len()).ok()? {
            starts.push(next);
            let counter = counters.next_if(|(place, _)| place.at == at);
            next += if counter.is_some() { COUNTER } else { 0 };
            before.push(counter);
            own.push(next);
            next += 1;
        }
        let mut counted = Vec::with_capacity(next as usize * SIZE);
        let mut is_half = false;
        for (at, insn) in insns.iter().enumerate() {
            if let Some((place, byte)) = before[at] {
                counted
                    .extend(counter(place.register, map, byte).iter().flat_map(|one| one.bytes()));
            }
            let moved = |distance: i64| {
                let to = starts.get(target(at, distance)?)?;
                Some(i64::from(*to) - i64::from(own[at]) - 1)
            };
            let insn = if is_half { *insn } else { led(*insn, moved)? };
            is_half = !is_half && insn.opcode == WIDE;
            counted.extend(insn.bytes());
        }
        Some(Self { code: counted, starts })
    }

    /// The number of what was the instruction with number `at`, or of the counter before it.
    #[must_use]
    pub fn start(&self, at: u32) -> u32 {
        self.starts.get(at as usize).copied().unwrap_or(u32::MAX)
    }
}

/// Slots of a counter.
const COUNTER: u32 = 3;

/// Sets the byte with this number of the value of `map` to 1.
fn counter(register: u8, map: i32, byte: i32) -> [Insn; COUNTER as usize] {
    let address =
        Insn { opcode: WIDE, to: register, source: wide::MAP_VALUE, offset: 0, immediate: map };
    let half = Insn { immediate: byte, ..Insn::default() };
    let opcode = class::STORE | MEMORY | width(1).unwrap_or_default();
    [address, half, Insn { opcode, to: register, source: 0, offset: 0, immediate: 1 }]
}

/// The instruction with the distance that `moved` gives for the one that it has.
fn led(insn: Insn, moved: impl Fn(i64) -> Option<i64>) -> Option<Insn> {
    let is_reference = insn.opcode == WIDE && insn.source == wide::FUNCTION;
    if insn.calls_function() || is_reference {
        let immediate = i32::try_from(moved(insn.immediate.into())?).ok()?;
        return Some(Insn { immediate, ..insn });
    }
    let Some(distance) = insn.jump() else { return Some(insn) };
    let distance = moved(distance)?;
    Some(match insn.class() == class::JUMP_32 && insn.opcode & 0xf0 == 0 {
        true => Insn { immediate: i32::try_from(distance).ok()?, ..insn },
        false => Insn { offset: i16::try_from(distance).ok()?, ..insn },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BasicBlock, COUNTER, CountedCode, basic_blocks, counter};
    use crate::object::{
        Object,
        insn::{CALL, Insn, SIZE, WIDE, calls, wide},
    };

    const MAP: i32 = 77;

    fn bytes(code: &[Insn]) -> Vec<u8> {
        code.iter().flat_map(|insn| insn.bytes()).collect()
    }

    fn insn(opcode: u8, to: u8, source: u8, offset: i16) -> Insn {
        Insn { opcode, to, source, offset, immediate: 0 }
    }

    /// `code` with counters.
    fn counted(code: &[Insn], starts: &[u32]) -> (Vec<BasicBlock>, Vec<Insn>) {
        let code = bytes(code);
        let blocks = basic_blocks(&code, starts);
        let counted = CountedCode::new(&code, &blocks, MAP).expect("it is short");
        (blocks, Insn::all(&counted.code).collect())
    }

    /// Two functions: a loop with a branch in it, and what it calls.
    fn program() -> Vec<Insn> {
        vec![
            Insn::set(6, 3),                // 0
            insn(0x15, 6, 0, 3),            // 1: if r6 == 0 goto 5
            insn(0x07, 6, 0, 0),            // 2: r6 += 0
            Insn::call(calls::FUNCTION, 3), // 3: calls 7
            insn(0x05, 0, 0, -4),           // 4: goto 1
            Insn::set(0, 0),                // 5
            Insn::EXIT,                     // 6
            insn(0xbf, 0, 1, 0),            // 7: r0 = r1
            Insn::EXIT,                     // 8
        ]
    }

    #[test]
    fn blocks_end_where_the_next_instruction_may_not_run() {
        let ranges: Vec<_> = basic_blocks(&bytes(&program()), &[0, 7])
            .into_iter()
            .map(|block| block.range)
            .collect();
        assert_eq!(ranges, [0..1, 1..2, 2..4, 4..5, 5..7, 7..9]);
    }

    #[test]
    fn jumps_and_calls_lead_to_the_counter_of_the_block() {
        let (blocks, code) = counted(&program(), &[0, 7]);
        assert!(blocks.iter().all(BasicBlock::is_counted));
        assert_eq!(code.len(), 9 + 6 * COUNTER as usize);
        // Counters are at 0, 4, 8, 13, 17 and 22.
        assert_eq!((code[3], code[7].offset), (Insn::set(6, 3), 9)); // to 17
        assert_eq!((code[12], code[16].offset), (Insn::call(calls::FUNCTION, 9), -13)); // to 22, and to 4
        for (byte, at) in [0, 4, 8, 13, 17, 22].into_iter().enumerate() {
            let byte = i32::try_from(byte).expect("six");
            assert_eq!((code[at].source, code[at].immediate), (wide::MAP_VALUE, MAP));
            assert_eq!(code[at..at + 3], counter(code[at].to, MAP, byte));
        }
    }

    #[test]
    fn a_counter_takes_a_register_that_nobody_reads_any_more() {
        // All registers are read at the end; the second instruction is the first that writes one.
        let code = [
            insn(0x07, 0, 0, 0),
            insn(0xbf, 9, 0, 0), // r9 = r0
            insn(0x0f, 0, 1, 0),
            insn(0x0f, 0, 2, 0),
            insn(0x0f, 0, 3, 0),
            insn(0x0f, 0, 4, 0),
            insn(0x0f, 0, 5, 0),
            insn(0x0f, 0, 6, 0),
            insn(0x0f, 0, 7, 0),
            insn(0x0f, 0, 8, 0),
            insn(0x0f, 0, 9, 0),
            Insn::EXIT,
        ];
        let (blocks, with) = counted(&code, &[0]);
        // r9 is free from the start, as it is written before it is read.
        assert_eq!((blocks.len(), with[0].to), (1, 9));
        let busy: Vec<Insn> = code
            .iter()
            .map(|one| if *one == code[1] { insn(0x0f, 9, 0, 0) } else { *one })
            .collect();
        let (_, with) = counted(&busy, &[0]);
        // r1 is free once it was read for the last time, by the third instruction.
        assert_eq!((with[3].to, with[3 + COUNTER as usize]), (1, busy[3]));
    }

    #[test]
    fn a_block_without_a_free_register_has_no_counter() {
        let all = [insn(0x8d, 0, 0, 0), insn(0x05, 0, 0, -2)];
        let (blocks, code) = counted(&all, &[0]);
        assert_eq!(blocks.len(), 1);
        assert!(!blocks[0].is_counted());
        assert_eq!(code, all);
    }

    #[test]
    fn a_jump_that_would_be_too_far_is_refused() {
        let far = 20_000;
        let mut code = vec![insn(0x15, 1, 0, far)];
        for _ in 0..far {
            code.push(insn(0x15, 1, 0, 0)); // each begins a block
        }
        code.extend([Insn::set(0, 0), Insn::EXIT]);
        let code = bytes(&code);
        assert_eq!(CountedCode::new(&code, &basic_blocks(&code, &[0]), MAP), None);
    }

    #[test]
    fn what_loads_of_packets_or_tail_calls_may_skip_is_a_block_of_its_own() {
        let code = [
            insn(0x28, 0, 0, 0),
            Insn::call(calls::HELPER, 12),
            Insn::call(calls::HELPER, 5),
            Insn { offset: 1, ..Insn::call(calls::KERNEL_FUNCTION, 5) }, // of a module
            Insn::EXIT,
        ];
        let ranges: Vec<_> =
            basic_blocks(&bytes(&code), &[0]).into_iter().map(|block| block.range).collect();
        assert_eq!(ranges, [0..1, 1..2, 2..4, 4..5]);
    }

    /// The program without its counters again.
    fn stripped(counted: &CountedCode, blocks: &[BasicBlock]) -> Vec<u8> {
        let insns: Vec<Insn> = Insn::all(&counted.code).collect();
        let length = counted.starts.len() - 1;
        let has_counter = |at: usize| {
            blocks.iter().any(|block| block.counter.is_some_and(|one| one.at as usize == at))
        };
        let own = |at: usize| {
            counted.starts[at] as usize + if has_counter(at) { COUNTER as usize } else { 0 }
        };
        let old = |new: i64| {
            let new = u32::try_from(new).expect("a place in the program");
            i64::try_from(counted.starts.binary_search(&new).expect("a start"))
                .expect("it is short")
        };
        let mut code = Vec::new();
        let mut is_half = false;
        for at in 0..length {
            let insn = insns[own(at)];
            let here = i64::try_from(own(at)).expect("it is short");
            let back = |distance: i64| {
                Some(old(here + 1 + distance) - i64::try_from(at).expect("it is short") - 1)
            };
            let insn = if is_half { insn } else { super::led(insn, back).expect("it was shorter") };
            is_half = !is_half && insn.opcode == WIDE;
            code.extend(insn.bytes());
        }
        code
    }

    /// Code of `length` instructions that jumps, calls and takes addresses within itself.
    fn code(length: usize) -> impl Strategy<Value = Vec<Insn>> {
        let one = (0..9_u8, 0..10_u8, 0..10_u8, 0..length);
        proptest::collection::vec(one, length).prop_map(move |rows| {
            let mut code: Vec<Insn> = Vec::new();
            for (kind, to, source, target) in rows {
                let distance = i16::try_from(target).expect("short")
                    - i16::try_from(code.len()).expect("short")
                    - 1;
                let next = match kind {
                    0 => insn(0x1d, to, source, distance),
                    1 => insn(0x05, 0, 0, distance),
                    2 => Insn { immediate: distance.into(), ..insn(0x06, 0, 0, 0) },
                    3 => Insn { immediate: distance.into(), ..insn(CALL, 0, calls::FUNCTION, 0) },
                    4 if code.len() + 1 < length => {
                        code.push(Insn {
                            immediate: distance.into(),
                            ..insn(WIDE, to, wide::FUNCTION, 0)
                        });
                        Insn::default()
                    }
                    5 => insn(0x0f, to, source, 0),
                    6 => Insn::call(calls::HELPER, 12),
                    7 => Insn::EXIT,
                    _ => insn(0xbf, to, source, 0),
                };
                code.push(next);
            }
            code.truncate(length);
            code
        })
    }

    proptest! {
        #[test]
        fn without_its_counters_it_is_the_program_as_it_was(code in code(40), second in 1_u32..40) {
            let code = bytes(&code);
            let blocks = basic_blocks(&code, &[0, second]);
            let ends = blocks.iter().map(|block| block.range.end);
            prop_assert!(blocks.iter().map(|block| block.range.start).skip(1).eq(ends.take(blocks.len() - 1)));
            let counted = CountedCode::new(&code, &blocks, MAP).expect("it is short");
            let counters = blocks.iter().filter(|block| block.is_counted()).count();
            prop_assert_eq!(counted.code.len(), code.len() + counters * COUNTER as usize * SIZE);
            prop_assert_eq!(stripped(&counted, &blocks), code);
        }

        #[test]
        fn any_bytes_are_taken(code: Vec<u8>, starts: [u32; 2]) {
            let blocks = basic_blocks(&code, &starts);
            let _ = CountedCode::new(&code, &blocks, MAP);
        }
    }

    #[test]
    fn nearly_every_block_of_our_programs_has_a_counter() {
        for name in freplace_compose_ebpf_programs::names() {
            let object = freplace_compose_ebpf_programs::object(name).expect("there");
            let object = Object::parse(object).expect("whole");
            for program in &object.programs {
                let cut = object.cut(program).expect("whole");
                let starts: Vec<u32> = cut.functions.iter().map(|piece| piece.start).collect();
                let blocks = basic_blocks(&cut.code, &starts);
                let counted =
                    CountedCode::new(&cut.code, &blocks, MAP).expect("no jump is too far");
                assert_eq!(stripped(&counted, &blocks), cut.code, "{name} {}", program.name);
                let without = blocks.iter().filter(|block| !block.is_counted()).count();
                assert_eq!(without, 0, "{name} {}", program.name);
            }
        }
    }
}
