//! Whether the programs of others that a chain is on are still attached as they were, while it is up.
//!
//! The kernel announces no detachment that is of use for all places, so somebody has to look. A look takes as long
//! as there are programs, links and processes, so the next one waits for a multiple of that.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

use crate::{
    event::ProgramChange,
    resolve::Resolved,
    running::{Census, ProgramRef},
};

/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The time between two looks as a multiple of what the last one took: looking takes at most a twentieth of the
/// time of one CPU.
const SHARE: u32 = 20;

/// Takes a census; none when that failed.
pub type TakeCensus = Arc<dyn Fn() -> Option<Census> + Send + Sync>;

/// Looks after the hosts of a chain that somebody else loaded.
pub struct Lookout {
    hosts: Vec<WatchedHost>,
    take: TakeCensus,
    looking: Option<JoinHandle<Look>>,
    next: Instant,
}

/// What one look saw, and how long it took.
type Look = (Option<Census>, Duration);

/// A host that somebody else loaded.
#[derive(Debug)]
pub(super) struct WatchedHost {
    node: usize,
    reference: ProgramRef,
    program: u32,
    /// What told its attachments from others when the chain was read.
    attached: Vec<String>,
    /// The program that it is by the last look.
    now: Option<u32>,
}

impl Lookout {
    /// Looks after the hosts of `resolved` that somebody else loaded.
    #[must_use]
    pub fn new(resolved: &Resolved, take: TakeCensus) -> Self {
        Self::of(watched(resolved), take)
    }

    pub(super) fn of(hosts: Vec<WatchedHost>, take: TakeCensus) -> Self {
        Self { hosts, take, looking: None, next: Instant::now() + PAUSE }
    }

    /// Looks after the programs that the hosts of `resolved`, the same chain, are now.
    pub fn follow(&mut self, resolved: &Resolved) {
        self.hosts = watched(resolved);
    }

    /// Waits for changes; for ever where there is nothing to look after. May be dropped and called anew.
    pub(super) async fn changed(&mut self) -> Vec<ProgramChange> {
        if self.hosts.is_empty() {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep_until(self.next).await;
            let changes = self.look().await;
            if !changes.is_empty() {
                return changes;
            }
        }
    }

    /// What changed by now.
    pub async fn look(&mut self) -> Vec<ProgramChange> {
        if self.hosts.is_empty() {
            return Vec::new();
        }
        let take = Arc::clone(&self.take);
        let looking = self.looking.get_or_insert_with(|| {
            spawn_blocking(move || {
                let began = std::time::Instant::now();
                (take(), began.elapsed())
            })
        });
        // A thread fails by a panic alone, which was reported as such.
        let (census, took) = looking.await.unwrap_or_default();
        self.looking = None;
        self.next = Instant::now() + PAUSE.max(took * SHARE);
        let Some(census) = census else { return Vec::new() };
        self.hosts.iter_mut().filter_map(|host| host.changed(&census)).collect()
    }
}

fn watched(resolved: &Resolved) -> Vec<WatchedHost> {
    let hosts = resolved.programs().filter_map(|(index, node, of)| {
        let loaded = of.object().loaded.as_deref()?;
        let reference = node.running()?.clone();
        Some(WatchedHost::new(index.index(), reference, loaded.id, loaded.attached.clone()))
    });
    hosts.collect()
}

impl WatchedHost {
    pub(super) fn new(
        node: usize,
        reference: ProgramRef,
        program: u32,
        attached: Vec<String>,
    ) -> Self {
        Self { node, reference, program, attached, now: Some(program) }
    }

    fn changed(&mut self, census: &Census) -> Option<ProgramChange> {
        let now = self.seen(census);
        let is_new = std::mem::replace(&mut self.now, now) != now;
        let program = self.program;
        is_new.then_some(ProgramChange { node: self.node, program, now, followed: false })
    }

    /// The program that it is now.
    fn seen(&self, census: &Census) -> Option<u32> {
        let own = census.program(self.program);
        if own.is_some_and(|own| {
            let places = own.marks();
            self.attached.iter().all(|before| places.contains(before))
        }) {
            return Some(self.program);
        }
        // The chain keeps the old one in the kernel, under its name.
        let all = self.reference.all(census).unwrap_or_default();
        let mut others = all.into_iter().filter(|program| program.id != self.program);
        let other = others.next()?;
        others.next().is_none().then_some(other.id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::time::{Duration, Instant, timeout};

    use super::{Lookout, PAUSE, ProgramChange, WatchedHost};
    use crate::running::{Census, tests::census};

    /// The kernel with the dispatcher as it is, detached, built anew, and attached once more.
    fn kernels() -> Vec<Census> {
        let (mut detached, mut anew) = (census(), census());
        detached.programs[1].attachments.clear();
        let mut other = anew.programs[1].clone();
        anew.programs[1].attachments.clear();
        other.id = 70;
        anew.programs.push(other);
        vec![census(), census(), detached.clone(), detached, anew, census()]
    }

    /// A look at each of these kernels in turn, the last for ever, by a chain that is on the dispatcher.
    fn lookout(name: &str, kernels: Vec<Census>) -> Lookout {
        let at = AtomicUsize::new(0);
        let take = move || {
            let at = at.fetch_add(1, Ordering::Relaxed).min(kernels.len() - 1);
            Some(kernels[at].clone())
        };
        let host =
            WatchedHost::new(3, name.parse().expect("a name"), 41, vec!["link 8".to_owned()]);
        Lookout::of(vec![host], Arc::new(take))
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_is_told_once_and_within_a_pause() {
        let mut lookout = lookout("xdp:lo", kernels());
        let began = Instant::now();
        for (looks, now) in [(3, None), (5, Some(70)), (6, Some(41))] {
            let changes = lookout.changed().await;
            assert_eq!(changes, [ProgramChange { node: 3, program: 41, now, followed: false }]);
            assert_eq!(began.elapsed().as_secs(), PAUSE.as_secs() * looks);
        }
        let more = timeout(Duration::from_secs(60), lookout.changed()).await;
        assert!(more.is_err(), "nothing changes any more: {more:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_misses_nothing() {
        let mut lookout = lookout("xdp:lo", kernels().split_off(2));
        let mut changes = Vec::new();
        while changes.is_empty() {
            let waited = timeout(Duration::from_millis(7), lookout.changed()).await;
            changes = waited.unwrap_or_default();
        }
        assert_eq!(changes[0].now, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_program_is_not_its_own_successor() {
        // The chain keeps it in the kernel, with its id and its name.
        for (name, now) in [("id:41", None), ("xdp_dispatcher", Some(70)), ("xdp*", None)] {
            let kernel = kernels().swap_remove(4);
            let changes = lookout(name, vec![kernel]).changed().await;
            assert_eq!(
                changes,
                [ProgramChange { node: 3, program: 41, now, followed: false }],
                "{name}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_is_no_change() {
        let host = WatchedHost::new(3, "xdp:lo".parse().expect("a name"), 41, Vec::new());
        let mut lookout = Lookout::of(vec![host], Arc::new(|| None));
        assert!(timeout(Duration::from_secs(60), lookout.changed()).await.is_err());
        assert_eq!(lookout.look().await, []);
    }
}
