//! Call depth and stack size beyond the limits of the verifier.
//!
//! `check_max_stack_depth`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
//! It follows every call in the code, reachable or not, but determines the stack size of a function
//! from the accesses that it reached.

use std::collections::BTreeMap;

use super::{CheckedProgram, Context, Profile};
use crate::{
    diag::{Code, Diagnostic},
    object::{
        Object, ProgramType, TAIL_CALL,
        flow::{Findings, callees},
    },
};

/// `MAX_BPF_STACK`, in bytes.
const STACK: u32 = 512;

/// What a way through the calls takes, from one function down to the last.
#[derive(Debug, Clone, Copy, Default)]
struct CallPath {
    /// How many functions are on the longest one.
    frames: usize,
    /// How many of them follow each other without a global one below the first.
    apart: usize,
    /// Bytes, with frames of 16 bytes.
    fine: u32,
    /// Bytes, with frames of 32 bytes, one at least.
    coarse: u32,
    /// The same where every global function is verified, called or not.
    eager: u32,
}

/// The deepest ways, each found once.
struct DeepestPaths<'a> {
    object: &'a Object,
    findings: &'a Findings,
    /// None while it is being found.
    found: BTreeMap<usize, Option<CallPath>>,
    /// The most functions that follow each other without a global one between them.
    most_apart: usize,
    in_a_circle: Option<usize>,
}

impl DeepestPaths<'_> {
    /// From `function` down. How deep calls are nested in an object nobody bounds, so it is found
    /// without recursion: what is called comes before what calls it.
    fn from(&mut self, function: usize) -> CallPath {
        let mut open = vec![(function, false)];
        while let Some((at, is_left)) = open.pop() {
            let below = callees(self.object, at);
            if is_left {
                let way = self.put_together(at, &below);
                self.most_apart = self.most_apart.max(way.apart);
                self.found.insert(at, Some(way));
                continue;
            }
            match self.found.get(&at) {
                Some(Some(_)) => continue,
                Some(None) => {
                    self.in_a_circle.get_or_insert(at);
                    continue;
                }
                None => {}
            }
            self.found.insert(at, None);
            open.push((at, true));
            open.extend(below.into_iter().map(|callee| (callee, false)));
        }
        self.found.get(&function).copied().flatten().unwrap_or_default()
    }

    fn put_together(&self, at: usize, below: &[usize]) -> CallPath {
        let bytes = self.findings.stacks.get(&at).copied().unwrap_or_default();
        let uncalled = self.findings.uncalled_stacks.get(&at).copied().unwrap_or_default();
        let coarse = |bytes: u32| bytes.max(1).next_multiple_of(32);
        let mut deepest = CallPath::default();
        for callee in below {
            let Some(way) = self.found.get(callee).copied().flatten() else { continue };
            let is_global =
                self.object.functions.get(*callee).is_some_and(|callee| callee.is_global);
            deepest = CallPath {
                frames: deepest.frames.max(way.frames),
                apart: deepest.apart.max(if is_global { 0 } else { way.apart }),
                fine: deepest.fine.max(way.fine),
                coarse: deepest.coarse.max(way.coarse),
                eager: deepest.eager.max(way.eager),
            };
        }
        CallPath {
            frames: deepest.frames + 1,
            apart: deepest.apart + 1,
            fine: deepest.fine.saturating_add(bytes.next_multiple_of(16)),
            coarse: deepest.coarse.saturating_add(coarse(bytes)),
            eager: deepest.eager.saturating_add(coarse(bytes.max(uncalled))),
        }
    }
}

pub(super) fn check(context: &mut Context<'_>, subject: &CheckedProgram<'_>, findings: &Findings) {
    let object = subject.object;
    let mut walk =
        DeepestPaths { object, findings, found: BTreeMap::new(), most_apart: 0, in_a_circle: None };
    let way = walk.from(subject.program.function);
    let report = |message: String| {
        let message = format!("{} {message}", subject.title());
        Diagnostic::new(Code::StackLimit, message).label(subject.of.asked(), "entry of the calls")
    };
    if let Some(index) = walk.in_a_circle {
        let name = object.functions.get(index).map_or("", |function| function.name.as_str());
        let help = "Write a bounded loop, or use bpf_loop(). The verifier does not accept \
                    recursion.";
        let found = report(format!("calls the recursive function `{name}`")).help(help);
        context.found.push(found);
        return;
    }
    // `MAX_CALL_FRAMES`
    let most = |profile: &Profile| profile.features.most_frames.map_or(usize::MAX, usize::from);
    let (frames, apart) = (way.frames, walk.most_apart);
    let counted =
        |profile: &Profile| if profile.features.frames_of_globals_apart { apart } else { frames };
    let too_deep = |profile: &Profile| counted(profile) > most(profile);
    let fewest = context.kernels.profiles.iter().filter(|one| too_deep(one)).map(most).min();
    if let Some(fewest) = fewest {
        let help = format!("Merge some of the functions. At most {fewest} calls can be nested.");
        let found = report(format!("nests calls {frames} functions deep"))
            .says("E2BIG", "the call stack of ")
            .help(help);
        context.push_where(found, too_deep);
        return;
    }
    if way.eager > STACK {
        let bytes = if way.fine > STACK { way.fine } else { way.eager };
        let found = report(format!(
            "uses at least {bytes} bytes of stack, including the functions it calls"
        ))
        .says("EACCES", "combined stack size of ")
        .help(format!(
            "Move large values to a map, for example a per-CPU array with one entry. Nested \
             functions share {STACK} bytes; each uses a multiple of 16 or, before Linux 6.9, of \
             32."
        ));
        let apart = has_own_stack(subject);
        context.push_where(found, |profile: &Profile| {
            let features = profile.features;
            let bytes = match (features.lazy_functions, features.frames_of_16) {
                (false, _) => way.eager,
                (true, false) => way.coarse,
                (true, true) => way.fine,
            };
            bytes > STACK && !(apart && features.private_stacks)
        });
    }
}

/// Whether the kernel may give the program a stack of its own, so that its frames do not add up:
/// `bpf_enable_priv_stack`.
fn has_own_stack(subject: &CheckedProgram<'_>) -> bool {
    let program_type = subject.loaded.kind.program_type();
    let tail_calls = subject.object.helpers(subject.program.function).contains(&TAIL_CALL);
    !subject.loaded.by_prototype
        && !tail_calls
        && program_type.is_some_and(|one| one.may_interrupt() || one == ProgramType::Tracing)
}
