//! Runs steps in parallel: one per core, since a guest uses one core, and only one at a time of
//! those that build with cargo.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use super::TestCounts;
use crate::{Result, log::StepLog};

/// Interval between progress lines.
const NEWS: Duration = Duration::from_secs(30);

/// A unit of work.
pub(crate) struct StepJob<'a> {
    pub(crate) name: String,
    /// Whether it builds with cargo, which builds one thing at a time.
    pub(crate) builds: bool,
    pub(crate) work: Work<'a>,
}

/// Does the work; the counts are kept even if it fails.
pub(crate) type Work<'a> = Box<dyn FnOnce(&StepLog, &mut TestCounts) -> Result + Send + 'a>;

/// The result of a job.
pub(crate) struct JobResult {
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) counts: TestCounts,
    /// Why it failed.
    pub(crate) failure: Option<String>,
    /// Its tests that failed.
    pub(crate) failed: Vec<String>,
}

struct Queue<'a> {
    waiting: Vec<StepJob<'a>>,
    building: bool,
    logs: Vec<Arc<StepLog>>,
    rows: Vec<JobResult>,
}

impl<'a> Queue<'a> {
    /// The next job that does not have to wait for another.
    fn next(&mut self) -> Option<StepJob<'a>> {
        let free = self.waiting.iter().position(|job| !(job.builds && self.building))?;
        let job = self.waiting.remove(free);
        self.building |= job.builds;
        Some(job)
    }
}

/// Runs all `jobs`, in this order as far as possible, `cores` at a time; their logs go to `folder`.
pub(crate) fn run(jobs: Vec<StepJob<'_>>, cores: usize, folder: &Path) -> Result<Vec<JobResult>> {
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    let shown = jobs.len() == 1;
    let (began, workers) = (Instant::now(), cores.clamp(1, jobs.len().max(1)));
    let queue = Queue { waiting: jobs, building: false, logs: Vec::new(), rows: Vec::new() };
    let (queue, changed) = (Mutex::new(queue), Condvar::new());
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || -> std::result::Result<(), String> {
        let mut state = lock();
        loop {
            let Some(job) = state.next() else {
                if state.waiting.is_empty() {
                    return Ok(());
                }
                state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let log =
                StepLog::create(folder, &job.name, shown).map_err(|error| error.to_string())?;
            let log = Arc::new(log);
            state.logs.push(log.clone());
            drop(state);
            let builds = job.builds;
            let row = do_one(job, &log, began);
            state = lock();
            state.building &= !builds;
            state.logs.retain(|one| !Arc::ptr_eq(one, &log));
            state.rows.push(row);
            changed.notify_all();
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        let mut state = lock();
        while state.rows.len() < names.len() && !workers.iter().all(ScopedJoinHandle::is_finished) {
            state = changed.wait_timeout(state, NEWS).unwrap_or_else(PoisonError::into_inner).0;
            if told.elapsed() >= NEWS && !shown {
                let all: Vec<_> = state.logs.iter().map(|log| log.progress()).collect();
                say(began, &format!("… {}", all.join("   ")));
                told = Instant::now();
            }
        }
        drop(state);
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err("a step panicked".to_owned()))
        })
    })?;
    let mut rows = queue.into_inner().unwrap_or_else(PoisonError::into_inner).rows;
    rows.sort_by_key(|row| names.iter().position(|name| *name == row.name));
    Ok(rows)
}

fn do_one(job: StepJob<'_>, log: &StepLog, began: Instant) -> JobResult {
    say(began, &job.name);
    let (start, mut counts) = (Instant::now(), TestCounts::default());
    let failure = (job.work)(log, &mut counts).err().map(|error| error.to_string());
    let (name, took, failed) = (job.name, start.elapsed(), log.failed());
    match &failure {
        None => say(began, &format!("{name}: ok, {:.0} s", took.as_secs_f64())),
        Some(failure) => {
            say(began, &format!("{name}: FAILED, {:.0} s: {failure}", took.as_secs_f64()));
            eprint!("{}", log.end());
        }
    }
    JobResult { name, took, counts, failure, failed }
}

fn say(began: Instant, text: &str) {
    let seconds = began.elapsed().as_secs();
    eprintln!("{:3}:{:02}  {text}", seconds / 60, seconds % 60);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{StepJob, StepLog, TestCounts, run};

    #[test]
    fn of_those_that_build_one_is_done_at_a_time_and_each_is_told_of() {
        let building = AtomicUsize::new(0);
        let job = |number: u64| {
            let (builds, building) = (number.is_multiple_of(2), &building);
            let work = move |_: &StepLog, counts: &mut TestCounts| {
                let others = building.fetch_add(usize::from(builds), Ordering::SeqCst);
                counts.passed = number;
                std::thread::yield_now();
                building.fetch_sub(usize::from(builds), Ordering::SeqCst);
                if builds && others > 0 { Err("two at once".into()) } else { Ok(()) }
            };
            StepJob { name: format!("xtask-job-{number}"), builds, work: Box::new(work) }
        };
        let rows =
            run((0..12).map(job).collect(), 4, &std::env::temp_dir()).expect("it is writable");
        assert_eq!(rows.len(), 12);
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(row.name, format!("xtask-job-{number}"));
            assert_eq!((row.counts.passed, &row.failure), (number as u64, &None));
        }
    }
}
