//! The part of `bench` without a kernel: reads and checks chains, small and large, valid and
//! invalid.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    CHAIN,
    chain::{Defect, generate},
    compile, folder, mib,
    sample::Sample,
};
use crate::{Result, shell};

/// `validate` is fast: more runs make the median more stable.
const RUNS: usize = 51;
/// The chains that are compared.
const SIZES: [usize; 2] = [1_000, 10_000];
/// Further measurements with the larger one.
const VERBS: [&[&str]; 4] =
    [&["plan"], &["plan", "--format=json"], &["graph"], &["graph", "--format=json"]];

const GOAL_SHIPPED: &str = "goal: under 10 ms";
const GOAL_SMALLER: &str = "goal: under 100 ms";
const GOAL_RATIO: f64 = 12.0;

pub(super) fn run(composer: &Path) -> Result {
    shipped(composer)?;
    generated(composer)
}

fn shipped(composer: &Path) -> Result {
    let chain = Path::new(CHAIN);
    let took = time(composer, &["validate"], chain, 0)?;
    let mut peak = Command::new(compile("peak", &[])?);
    peak.arg(composer).args(["validate", CHAIN]).current_dir(shell::root());
    let output = peak.stdout(Stdio::null()).output()?;
    shell::succeeded(&peak, output.status)?;
    // The last line is of `peak`, what is before of the composer.
    let said = String::from_utf8(output.stderr)?;
    let kib: u64 = said.lines().last().unwrap_or_default().trim().parse()?;
    println!("\nvalidate {CHAIN}, on this machine, {RUNS} runs");
    println!("  wall time          {took}   {GOAL_SHIPPED}");
    println!("  peak memory        {}", mib(kib));
    Ok(())
}

fn generated(composer: &Path) -> Result {
    println!("\nchains made for this, on this machine, {RUNS} runs of each");
    let row = |what: &str, took: &Sample, note: &str| {
        println!("  {what:<33}  {took}{note}");
    };
    let [small, large] = SIZES.map(|nodes| write(nodes, Defect::None));
    let (small, large) = (small?, large?);
    let [less, more] = [&small, &large].map(|chain| time(composer, &["validate"], chain, 0));
    let (less, more) = (less?, more?);
    let ratio = more.median() / less.median();
    row(&format!("validate, {} nodes", SIZES[0]), &less, &format!("   {GOAL_SMALLER}"));
    let note = format!("   ratio {ratio:.1}, goal: at most {GOAL_RATIO}");
    row(&format!("validate, {} nodes", SIZES[1]), &more, &note);
    for (mistake, what) in [(Defect::Spelling, "misspelt"), (Defect::Rules, "against the rules")] {
        let wrong = write(SIZES[1], mistake)?;
        for (words, how) in [(&["validate"][..], ""), (&["validate", "--format=json"], ", as json")]
        {
            let took = time(composer, words, &wrong, 3)?;
            row(&format!("1000 {what}{how}"), &took, "");
        }
    }
    for words in VERBS {
        row(&words.join(" "), &time(composer, words, &large, 0)?, "");
    }
    Ok(())
}

/// Writes a chain to a file.
fn write(nodes: usize, mistake: Defect) -> Result<PathBuf> {
    let path = folder()?.join(format!("{nodes}-{mistake:?}.toml").to_lowercase());
    fs::write(&path, generate(nodes, mistake))?;
    Ok(path)
}

/// The run time of the executable, which must end with the code `exit`.
fn time(composer: &Path, words: &[&str], chain: &Path, exit: i32) -> Result<Sample> {
    let mut times = Vec::new();
    for number in 0..=RUNS {
        let mut command = Command::new(composer);
        command.args(words).arg(chain).current_dir(shell::root());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let status = command.status()?;
        let took = began.elapsed();
        if status.code() != Some(exit) {
            return Err(format!("`{}`: {status}", shell::line(&command)).into());
        }
        // The first one reads the executable from the disk.
        if number > 0 {
            times.push(took);
        }
    }
    Ok(Sample::new(&times))
}
