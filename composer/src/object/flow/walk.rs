//! Follows the paths of one function, and of the static functions that it calls.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Fact, FactKind, Findings, ParameterType, ReturnValue,
    branch::{Branches, ways},
    call,
    instruction::{Instruction, Operand, decode},
    live::LiveRegisters,
    number::{Number, NumberId},
    parameters::wanted,
    state::{Frame, ProgramState, RegState, Uncertain},
    step::{Interpreter, Stop},
};
use crate::object::{
    Function, Object, ProgramKind, Referent,
    btf::{Type, TypeId},
    helpers::helper,
};

/// How many instructions are looked at, over all paths.
const STEPS: usize = 20_000;
/// How many branches one path may have.
const BRANCHES: usize = 250;
/// How many states are kept, so that a way that was gone is not gone again.
const STATES: usize = 4_096;
/// The longest packet that is reckoned with.
const PACKET: u64 = 1_514;

/// Types of maps with values by key: the four kinds of hashes, and `BPF_MAP_TYPE_LPM_TRIE`.
const HASHES: [u32; 5] = [1, 5, 9, 10, 11];

type Facts = BTreeSet<Fact>;

/// A function's instructions, and what is known of them.
struct Body<'a> {
    code: &'a [u8],
    references: &'a BTreeMap<usize, Referent>,
    relocated: &'a BTreeMap<usize, TypeId>,
    live: LiveRegisters,
    is_global: bool,
    wanted: Option<Vec<ParameterType>>,
}

/// How it goes on after an instruction.
enum Continuation {
    At(usize),
    /// At these places, the first where the branch is taken.
    Branch(Branches, [usize; 2]),
    End,
}

pub(super) struct Walker<'a> {
    object: &'a Object,
    kind: ProgramKind,
    pointers_in_maps: bool,
    bodies: HashMap<usize, Rc<Body<'a>>>,
    /// What was found from an instruction and a state on; none while it is being found.
    gone: HashMap<(usize, ProgramState), Option<Rc<Facts>>>,
    possible: Facts,
    stacks: BTreeMap<usize, u32>,
    steps: usize,
}

impl<'a> Walker<'a> {
    pub(super) fn new(object: &'a Object, kind: ProgramKind) -> Self {
        // A pointer of the kernel in a map has a type tag.
        let is_tag = |(_, ty): (_, Type<'_>)| matches!(ty, Type::Modifier { word: "", .. });
        Self {
            object,
            kind,
            pointers_in_maps: object.btf.iter().any(is_tag),
            bodies: HashMap::new(),
            gone: HashMap::new(),
            possible: Facts::new(),
            stacks: BTreeMap::new(),
            steps: STEPS,
        }
    }

    /// What is found in `function`, which is entered with the context or, `by_prototype`, with
    /// what its prototype says.
    pub(super) fn walk(mut self, function: usize, by_prototype: bool) -> Findings {
        let mut frame = Frame::new(function, 0);
        if by_prototype {
            let wanted = self.body(function).and_then(|body| body.wanted.clone());
            for number in 0_u8..5 {
                let wanted = wanted.as_ref().map(|all| all.get(usize::from(number)).copied());
                frame.registers[usize::from(number) + 1] = argument(number, wanted);
            }
        } else {
            frame.registers[1] = RegState::Context(0);
        }
        let state =
            ProgramState { frames: vec![frame], doubt: Uncertain::None, packet: Some((0, PACKET)) };
        let certain = self.path(&state, 0, 0);
        Findings { certain, possible: self.possible, stacks: self.stacks, ..Findings::default() }
    }

    fn body(&mut self, function: usize) -> Option<Rc<Body<'a>>> {
        if let Some(body) = self.bodies.get(&function) {
            return Some(Rc::clone(body));
        }
        let definition = self.object.functions.get(function)?;
        let code = self.object.bytes.get(definition.code.place.clone())?;
        let body = Rc::new(Body {
            code,
            references: &definition.code.references,
            relocated: &definition.code.relocated,
            live: LiveRegisters::of(code),
            is_global: definition.is_global,
            wanted: wanted(self.object, definition, self.kind),
        });
        self.bodies.insert(function, Rc::clone(&body));
        Some(body)
    }

    /// Whether a look-up in the map called `name` may find nothing, to every kernel.
    fn is_hash(&self, name: &str) -> bool {
        let map = self.object.maps.iter().find(|map| map.name == *name);
        map.is_some_and(|map| HASHES.contains(&map.map_type))
    }

    /// What is found from here on, whichever way the open branches go.
    fn path(&mut self, state: &ProgramState, at: usize, depth: usize) -> Facts {
        if depth > BRANCHES {
            return Facts::new();
        }
        let point = (at, state.clone());
        match self.gone.get(&point) {
            Some(Some(found)) => return found.as_ref().clone(),
            // Round in a circle: what there is to be found is found by whoever began it.
            Some(None) => return Facts::new(),
            None => {}
        }
        let keep = self.gone.len() < STATES;
        if keep {
            self.gone.insert(point.clone(), None);
        }
        let found = self.straight(point.1.clone(), at, depth);
        if keep {
            self.gone.insert(point, Some(Rc::new(found.clone())));
        }
        found
    }

    /// The same, with nothing remembered: up to the next branch and, by it, on.
    fn straight(&mut self, mut state: ProgramState, mut at: usize, depth: usize) -> Facts {
        let mut found = Facts::new();
        while self.steps > 0 {
            self.steps -= 1;
            let Some(function) = state.frames.last().map(|frame| frame.function) else { break };
            let Some(body) = self.body(function) else { break };
            for register in (0..10).filter(|register| !body.live.has(at, *register)) {
                state.set(register, RegState::Unset);
            }
            let doubt = state.doubt;
            let mut told = Vec::new();
            let then = self.execute(&body, &mut state, function, at, &mut told);
            let (then, stopped) = match then {
                Ok(then) => (then, None),
                Err(Stop(why)) => (Continuation::End, why),
            };
            told.extend(stopped);
            for what in told {
                let fact = Fact { function, at, what };
                found.insert(fact);
                if doubt == Uncertain::Constant {
                    self.possible.insert(fact);
                }
            }
            match then {
                Continuation::At(next) => at = next,
                Continuation::Branch(ways, places) => {
                    found.extend(self.branch(&ways, places, depth));
                    break;
                }
                Continuation::End => break,
            }
        }
        found
    }

    fn branch(&mut self, ways: &Branches, places: [usize; 2], depth: usize) -> Facts {
        let mut found = Facts::new();
        match ways {
            Branches::Walked(states) => {
                for (state, place) in states.iter().zip(places) {
                    if let Some(state) = state {
                        found.extend(self.path(state, place, depth + 1));
                    }
                }
            }
            Branches::OneOf([taken, other]) => {
                let taken = self.path(taken, places[0], depth + 1);
                let other = self.path(other, places[1], depth + 1);
                found.extend(taken.intersection(&other));
            }
            Branches::None => {}
        }
        found
    }

    fn execute(
        &mut self,
        body: &Body<'_>,
        state: &mut ProgramState,
        function: usize,
        at: usize,
        told: &mut Vec<FactKind>,
    ) -> Result<Continuation, Stop> {
        let Some(instruction) = decode(body.code, at) else { return Ok(Continuation::End) };
        // Depth, function and instruction: a name for what is made here.
        let depth = state.frames.len() as u64;
        let origin: NumberId = depth << 56 | (function as u64) << 28 | at as u64;
        self.note_stack(state, instruction);
        let (kind, pointers_in_maps) = (self.kind, self.pointers_in_maps);
        let next = at + 1;
        if let Instruction::Load { from, .. } = instruction
            && let RegState::Passed { number } = state.get(from.base)
        {
            let of = body.relocated.get(&at).copied();
            told.push(FactKind::ReadsThrough { number, offset: from.offset, width: from.size, of });
        }
        let mut step = Interpreter { state, origin, kind, pointers_in_maps };
        if body.relocated.contains_key(&at) {
            told.push(FactKind::Relocated);
            let length = step.relocated(instruction)?;
            return Ok(Continuation::At(at + length));
        }
        match instruction {
            Instruction::Compute { operator, wide, to, operand } => {
                step.compute(operator, wide, to, operand)?;
            }
            Instruction::Load { to, from, signed } => {
                if let RegState::Context(offset) = step.state.get(from.base) {
                    let offset = offset.saturating_add(from.offset);
                    told.push(FactKind::ReadsContext { offset, width: from.size });
                }
                step.load(to, from, signed)?;
            }
            Instruction::Store { at, value } => step.store(at, value)?,
            Instruction::Atomic { at, fetches } => step.atomic(at, fetches)?,
            Instruction::Constant { to, value } => {
                let value = match body.references.get(&at) {
                    None => RegState::known(value),
                    Some(Referent::Map(name)) => RegState::Map { finds_all: !self.is_hash(name) },
                    Some(Referent::Variable { frozen, .. }) => RegState::Memory { frozen: *frozen },
                    Some(_) => RegState::Unknown,
                };
                step.state.set(to, value);
                return Ok(Continuation::At(at + 2));
            }
            Instruction::Helper(id) => {
                told.push(FactKind::CallsHelper(id));
                step.helper(id)?;
            }
            Instruction::Call => {
                let Some(Referent::Function(callee)) = body.references.get(&at) else {
                    return Ok(Continuation::End);
                };
                return self.call(step.state, *callee, next, origin, told);
            }
            Instruction::Jump { to } => {
                return Ok(usize::try_from(to).map_or(Continuation::End, Continuation::At));
            }
            Instruction::Branch { comparison, wide, left, right, to } => {
                let left = state.get(left);
                let right = match right {
                    Operand::Register(register) => state.get(register),
                    Operand::Constant(value) => RegState::known(value),
                };
                let to = usize::try_from(to).unwrap_or(usize::MAX);
                let ways = ways(state.clone(), comparison, wide, left, right);
                return Ok(Continuation::Branch(ways, [to, next]));
            }
            Instruction::Exit if state.frames.len() < 2 => {
                told.push(FactKind::Returns(returned(state.get(0))));
                return Ok(Continuation::End);
            }
            Instruction::Exit => {
                state.leave();
                return Ok(state
                    .frames
                    .last()
                    .map_or(Continuation::End, |frame| Continuation::At(frame.next)));
            }
            Instruction::Unknown => return Ok(Continuation::End),
        }
        Ok(Continuation::At(next))
    }

    /// Notes how far down the stack the instruction reaches, where the verifier is sure to come to
    /// it.
    fn note_stack(&mut self, state: &ProgramState, instruction: Instruction) {
        let (place, register) = match instruction {
            Instruction::Load { to, from, .. } => (from, Some(to)),
            Instruction::Store { at, value: Operand::Register(register) } => (at, Some(register)),
            Instruction::Store { at, .. } | Instruction::Atomic { at, .. } => (at, None),
            _ => return,
        };
        let RegState::Stack { frame, offset } = state.get(place.base) else { return };
        let Some(function) = state.frames.get(frame).map(|frame| frame.function) else { return };
        let depth = offset.saturating_add(place.offset).checked_neg();
        let Some(depth) = depth.and_then(|depth| u32::try_from(depth).ok()) else { return };
        // What is put aside for the call of a helper that spoils no registers is taken out again.
        let aside = place.size == 8 && register.is_some_and(|register| register <= 5);
        let keeps = |id: &u32| helper(*id).is_some_and(|helper| helper.keeps_registers);
        let spares = |function: &Function| function.helpers.iter().any(keeps);
        if state.doubt != Uncertain::None
            || aside && self.object.functions.get(function).is_none_or(spares)
        {
            return;
        }
        let most = self.stacks.entry(function).or_default();
        *most = depth.max(*most);
    }

    fn call(
        &mut self,
        state: &mut ProgramState,
        callee: usize,
        next: usize,
        origin: NumberId,
        told: &mut Vec<FactKind>,
    ) -> Result<Continuation, Stop> {
        let Some(body) = self.body(callee) else { return Ok(Continuation::End) };
        if !body.is_global {
            let entered = call::enter(state, callee, next);
            return Ok(entered.map_or(Continuation::End, |()| Continuation::At(0)));
        }
        if let Some(wanted) = &body.wanted
            && let Some(what) = call::refused(state, callee, wanted)
        {
            return Err(Stop(Some(what)));
        }
        told.push(FactKind::Calls(callee));
        call::pass_over(state, origin);
        Ok(Continuation::At(next))
    }
}

/// What a function is entered with: by its prototype, if it has one, and if that has so many
/// parameters.
fn argument(number: u8, wanted: Option<Option<ParameterType>>) -> RegState {
    let origin = 1 << 63 | NumberId::from(number);
    match wanted {
        Some(Some(ParameterType::Number)) => RegState::fresh(origin, 8),
        Some(Some(ParameterType::Context)) => RegState::Context(0),
        Some(Some(ParameterType::Memory(size))) => {
            RegState::Argument { number, size, offset: 0, tested: false }
        }
        Some(Some(ParameterType::Unclear)) | None => RegState::Unknown,
        Some(None) => RegState::Unset,
    }
}

fn returned(value: RegState) -> ReturnValue {
    match value {
        RegState::Number(Number::Known(number)) => ReturnValue::Number(number),
        RegState::Number(Number::Any(..)) => ReturnValue::Several,
        RegState::Number(_) | RegState::Unknown | RegState::Passed { .. } | RegState::Unset => {
            ReturnValue::Unclear
        }
        _ => ReturnValue::Pointer,
    }
}
