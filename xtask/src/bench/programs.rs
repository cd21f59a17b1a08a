//! Measures `ps` where there are many programs, on this machine's own kernel.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use rustix::process::{Signal, geteuid};

use super::{
    Lab, compile,
    guest::{ATTACHED_PEER, Watched},
    sample::Sample,
};
use crate::{Result, shell};

const COUNT: usize = 1000;
/// The program, its object, and what is listed.
const PROGRAM: (&str, &str) = ("dispatcher-xdp", "xdp_dispatcher");

pub(super) fn run(lab: &Lab<'_>) -> Result {
    if !geteuid().is_root() {
        println!("\nps of {COUNT} programs: not measured, since it needs root on this machine");
        return Ok(());
    }
    let crowd = compile("crowd", &["-lbpf"])?;
    let (object, program) = PROGRAM;
    let mut command = Command::new(crowd);
    command.arg(lab.test_object(object)?).args([program, &COUNT.to_string()]);
    let crowd = Watched::start(command, ATTACHED_PEER)?;
    let mut times = Vec::new();
    for _ in 0..lab.rounds {
        let started = Instant::now();
        let mut ps = Command::new(lab.composer);
        let output = ps.args(["ps", "--format", "json"]).stderr(Stdio::inherit()).output()?;
        times.push(started.elapsed());
        shell::succeeded(&ps, output.status)?;
    }
    crowd.signal(Signal::KILL)?;
    let sample = Sample::new(&times);
    println!("\nps of {COUNT} programs, on this machine, {} runs", lab.rounds);
    println!("  {:.0} ms, goal: less than 200 ms", sample.median());
    Ok(())
}
