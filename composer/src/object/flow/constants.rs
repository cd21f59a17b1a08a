//! The functions that a program reaches once its frozen constants are known.
//!
//! The opposite of the rest of [`flow`](super): every path that cannot be excluded counts, so a
//! function that is not reached here is never reached. Values are tracked in registers only, and a
//! value that differs between two paths is unknown where they meet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    arithmetic::{AluOperation, holds},
    instruction::{Condition, Instruction, Operand, Operator, decode},
};
use crate::object::{
    Function, Object, Program, Referent,
    insn::{Insn, SIZE},
};

/// A read of a frozen constant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstantRead {
    /// The section.
    pub section: String,
    /// Bytes from its start.
    pub offset: u64,
    /// How many bytes.
    pub size: u8,
}

/// The code that a program can reach.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Indices of the functions that it may call.
    pub functions: BTreeSet<usize>,
    /// The constants that decided a branch.
    pub decided: BTreeSet<ConstantRead>,
}

/// How many instructions are looked at, each time with more ways that lead there.
const STEPS: usize = 400_000;
/// Longer functions are not looked at.
const LONGEST: usize = 1 << 16;
/// How many constants are told apart.
const READS: usize = 64;

/// The code that `program` can reach if the read-only sections contain `values` and the reads in
/// `open` may give any value; `None` if the analysis takes too many steps.
#[must_use]
pub fn reach(
    object: &Object,
    program: &Program,
    values: &BTreeMap<String, Vec<u8>>,
    open: &BTreeSet<ConstantRead>,
) -> Option<Reach> {
    let mut walk = ConstantPropagation::new(object, values, open);
    walk.enter(program.function, &[ConstantValue::Top; 11]);
    while let Some((function, at)) = walk.waiting.pop_first() {
        walk.steps = walk.steps.checked_sub(1)?;
        walk.step(function, at)?;
    }
    let decided = walk.decided;
    let reads = walk.reads.into_iter().enumerate();
    let decided = reads.filter(|(bit, _)| decided >> bit & 1 == 1).map(|(_, read)| read);
    Some(Reach { functions: walk.functions, decided: decided.collect() })
}

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConstantValue {
    /// A number, and bits of the constants it was made of.
    Known(u64, u64),
    /// A place in a frozen section, by the section's number.
    Frozen(usize, i64),
    /// Something.
    Top,
}

impl ConstantValue {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one, of), Self::Known(two, from)) if one == two => {
                Self::Known(one, of | from)
            }
            (one, two) if one == two => one,
            _ => Self::Top,
        }
    }
}

type Registers = [ConstantValue; 11];

struct ConstantPropagation<'a> {
    object: &'a Object,
    values: &'a BTreeMap<String, Vec<u8>>,
    open: &'a BTreeSet<ConstantRead>,
    sections: Vec<&'a str>,
    /// The constants that were read; a bit each.
    reads: Vec<ConstantRead>,
    decided: u64,
    functions: BTreeSet<usize>,
    states: HashMap<(usize, usize), Registers>,
    waiting: BTreeSet<(usize, usize)>,
    steps: usize,
}

impl<'a> ConstantPropagation<'a> {
    fn new(
        object: &'a Object,
        values: &'a BTreeMap<String, Vec<u8>>,
        open: &'a BTreeSet<ConstantRead>,
    ) -> Self {
        Self {
            object,
            values,
            open,
            sections: values.keys().map(String::as_str).collect(),
            reads: Vec::new(),
            decided: 0,
            functions: BTreeSet::new(),
            states: HashMap::new(),
            waiting: BTreeSet::new(),
            steps: STEPS,
        }
    }

    fn enter(&mut self, function: usize, registers: &Registers) {
        self.functions.insert(function);
        let mut entry = [ConstantValue::Top; 11];
        entry[1..6].copy_from_slice(&registers[1..6]);
        self.go(function, 0, &entry);
    }

    /// Goes on at `at` with these registers, if anything of that is new.
    fn go(&mut self, function: usize, at: usize, registers: &Registers) {
        let known = self.states.get(&(function, at)).copied();
        let joined = match known {
            None => *registers,
            Some(known) => std::array::from_fn(|index| known[index].join(registers[index])),
        };
        if known != Some(joined) {
            self.states.insert((function, at), joined);
            self.waiting.insert((function, at));
        }
    }

    fn step(&mut self, index: usize, at: usize) -> Option<()> {
        let object = self.object;
        let function: &Function = object.functions.get(index)?;
        let code = object.bytes.get(function.code.place.clone())?;
        if code.len() / SIZE > LONGEST {
            return None;
        }
        let mut registers = *self.states.get(&(index, at))?;
        let Some(instruction) = decode(code, at) else { return Some(()) };
        let relocated = function.code.relocated.contains_key(&at);
        let reference = function.code.references.get(&at);
        let mut next = at + 1;
        match instruction {
            Instruction::Constant { to, value } => {
                next = at + 2;
                registers[to] = match reference {
                    None if !relocated => ConstantValue::Known(value, 0),
                    Some(Referent::Variable { section, offset, frozen: true }) => {
                        let number = self.sections.iter().position(|one| one == section);
                        let offset = i64::try_from(*offset).ok();
                        number
                            .zip(offset)
                            .map_or(ConstantValue::Top, |(it, at)| ConstantValue::Frozen(it, at))
                    }
                    Some(Referent::Function(callee)) => {
                        self.enter(*callee, &[ConstantValue::Top; 11]);
                        ConstantValue::Top
                    }
                    _ => ConstantValue::Top,
                };
            }
            Instruction::Compute { to, .. } | Instruction::Load { to, .. } if relocated => {
                registers[to] = ConstantValue::Top;
            }
            Instruction::Compute { operator, wide, to, operand } => {
                let right = operand_of(operand, &registers);
                registers[to] = computed(operator, wide, registers[to], right);
            }
            Instruction::Load { to, from, signed } => {
                registers[to] = match registers[from.base] {
                    ConstantValue::Frozen(section, offset) => {
                        self.read(section, offset.saturating_add(from.offset), from.size, signed)
                    }
                    _ => ConstantValue::Top,
                };
            }
            Instruction::Store { .. } => {}
            Instruction::Atomic { fetches, .. } => {
                if let Some(register) = fetches {
                    registers[register] = ConstantValue::Top;
                }
            }
            Instruction::Jump { to } => next = usize::try_from(to).ok()?,
            Instruction::Branch { comparison, wide, left, right, to } => {
                let to = usize::try_from(to).ok()?;
                let right = operand_of(right, &registers);
                match self.decide(comparison, wide, registers[left], right) {
                    Some(true) => next = to,
                    Some(false) => {}
                    None => self.go(index, to, &registers),
                }
            }
            Instruction::Call => {
                if let Some(Referent::Function(callee)) = reference {
                    let is_global = object.functions.get(*callee).is_some_and(|one| one.is_global);
                    let entry = if is_global { [ConstantValue::Top; 11] } else { registers };
                    self.enter(*callee, &entry);
                }
                registers[..6].fill(ConstantValue::Top);
            }
            Instruction::Helper(_) => registers[..6].fill(ConstantValue::Top),
            Instruction::Exit => return Some(()),
            Instruction::Unknown => {
                registers = [ConstantValue::Top; 11];
                // It may be a jump of a newer kind.
                if let Some(by) = Insn::at(code, at)?.jump() {
                    let to = (at + 1).checked_add_signed(isize::try_from(by).ok()?)?;
                    self.go(index, to, &registers);
                }
            }
        }
        self.go(index, next, &registers);
        Some(())
    }

    fn read(&mut self, section: usize, offset: i64, size: u8, signed: bool) -> ConstantValue {
        let Some(name) = self.sections.get(section).copied() else { return ConstantValue::Top };
        let Ok(offset) = u64::try_from(offset) else { return ConstantValue::Top };
        let read = ConstantRead { section: name.to_owned(), offset, size };
        let bytes = self.values.get(name).and_then(|bytes| {
            let at = usize::try_from(offset).ok()?;
            bytes.get(at..at.checked_add(usize::from(size))?)
        });
        let Some(bytes) = bytes.filter(|_| !self.open.contains(&read)) else {
            return ConstantValue::Top;
        };
        let Some(bit) = self.bit(read) else { return ConstantValue::Top };
        let mut wide = [0; 8];
        let value = if cfg!(target_endian = "big") {
            wide[8 - bytes.len()..].copy_from_slice(bytes);
            u64::from_be_bytes(wide)
        } else {
            wide[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(wide)
        };
        let spare = 64 - 8 * u32::from(size);
        let value = match signed {
            true => ((value << spare).cast_signed() >> spare).cast_unsigned(),
            false => value,
        };
        ConstantValue::Known(value, 1 << bit)
    }

    fn bit(&mut self, read: ConstantRead) -> Option<usize> {
        if let Some(bit) = self.reads.iter().position(|known| *known == read) {
            return Some(bit);
        }
        if self.reads.len() == READS {
            return None;
        }
        self.reads.push(read);
        Some(self.reads.len() - 1)
    }

    /// Whether a branch is taken, where that is known.
    fn decide(
        &mut self,
        comparison: Condition,
        wide: bool,
        left: ConstantValue,
        right: ConstantValue,
    ) -> Option<bool> {
        let (taken, of) = match (left, right) {
            (ConstantValue::Known(left, of), ConstantValue::Known(right, from)) => {
                (holds(comparison, wide, left, right), of | from)
            }
            // No bit of nothing is set.
            (ConstantValue::Known(0, of), _) | (_, ConstantValue::Known(0, of))
                if comparison == Condition::Test =>
            {
                (false, of)
            }
            _ => return None,
        };
        self.decided |= of;
        Some(taken)
    }
}

fn operand_of(operand: Operand, registers: &Registers) -> ConstantValue {
    match operand {
        Operand::Register(register) => registers[register],
        Operand::Constant(value) => ConstantValue::Known(value, 0),
    }
}

fn computed(
    operator: Operator,
    wide: bool,
    left: ConstantValue,
    right: ConstantValue,
) -> ConstantValue {
    match (operator, left, right) {
        (Operator::Move, _, value) if wide => value,
        (Operator::Move, _, ConstantValue::Known(value, of)) => {
            ConstantValue::Known(value & 0xffff_ffff, of)
        }
        (Operator::Add, ConstantValue::Frozen(section, at), ConstantValue::Known(by, _))
            if wide =>
        {
            ConstantValue::Frozen(section, at.saturating_add(by.cast_signed()))
        }
        (_, ConstantValue::Known(left, of), ConstantValue::Known(by, from)) => {
            let made = AluOperation { operator, wide, by }.of(left);
            made.map_or(ConstantValue::Top, |value| ConstantValue::Known(value, of | from))
        }
        // Whatever it is shifted or masked by, nothing comes out of nothing.
        (
            Operator::And | Operator::Multiply | Operator::ShiftLeft | Operator::ShiftRight,
            ConstantValue::Known(0, of),
            ConstantValue::Top,
        )
        | (Operator::And | Operator::Multiply, ConstantValue::Top, ConstantValue::Known(0, of)) => {
            ConstantValue::Known(0, of)
        }
        _ => ConstantValue::Top,
    }
}
