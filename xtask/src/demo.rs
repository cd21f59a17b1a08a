//! `cargo xtask demo`: shows a running chain from a fresh checkout, with one command that ends by
//! itself.

use std::{
    env,
    io::{self, IsTerminal as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::{Result, build, setup, shell};

const CHAIN: &str = "chains/tcp.toml";

/// One line of each kind of node: the first words after the time, and another part of the line.
const EXPECTED: [(&str, &str); 5] = [
    ("connect kprobe", ""),
    ("accept kprobe", ""),
    ("handler_v1 freplace", ""),
    ("before fentry", ""),
    ("after fexit", "= TCP_SEEN"),
];

pub(crate) fn run() -> Result {
    setup::ensure(&[setup::BUILD, setup::VM])?;
    let built = build::cargo(&["build", "--package", "freplace-compose"])?;
    let composer = built.executable("freplace-compose")?;
    let native = runs_here(composer);
    introduce(native);

    let mut up = Command::new(composer);
    up.current_dir(shell::root());
    let colored =
        io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    up.args(["--color", if colored { "always" } else { "never" }, "up"]);
    up.args((!native).then_some("--vm"));
    up.args([CHAIN, "--"]).arg(env::current_exe()?).arg("connect");
    let (status, said) = shell::tee_stdout(&mut up)?;
    shell::succeeded(&up, status)?;
    check(&shell::plain(&said))?;
    eprintln!("events of every kind of node were shown");
    Ok(())
}

/// Whether this user can run chains on this machine's kernel.
fn runs_here(composer: &Path) -> bool {
    let mut doctor = Command::new(composer);
    doctor.arg("doctor").stdout(Stdio::null()).stderr(Stdio::null());
    rustix::process::geteuid().is_root() && doctor.status().is_ok_and(|status| status.success())
}

fn introduce(native: bool) {
    let place = if native { "this machine's kernel" } else { "a disposable micro-VM" };
    eprintln!(
        "\nbringing {CHAIN} up in {place}: two kprobes trace every TCP connection\n\
         opened and accepted, one program replaces a function inside both, and two tracers trace that program.\n\
         A few connections over IPv4 and IPv6 follow. Each runs every program: one line per program.\n"
    );
}

/// Whether `said` contains events of all kinds of nodes.
fn check(said: &str) -> Result {
    let lines: Vec<String> = said
        .lines()
        .map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
        .collect();
    let seen = |(node, more): &(&str, &str)| {
        lines.iter().any(|line| line.starts_with(node) && line.contains(more))
    };
    let missing: Vec<&str> =
        EXPECTED.iter().filter(|expected| !seen(expected)).map(|(node, _)| *node).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("no events shown for: {}", missing.join(", ")).into())
}

#[cfg(test)]
mod tests {
    use super::check;

    const WHOLE: &str = "\
12:00:00.000001  connect     kprobe    nc/98  127.0.0.1:1 → 127.0.0.1:2
12:00:00.000002  before      fentry    nc/98  127.0.0.1:1 → 127.0.0.1:2
12:00:00.000003  handler_v1  freplace  nc/98  127.0.0.1:1 → 127.0.0.1:2
12:00:00.000004  after       fexit     nc/98  127.0.0.1:1 → 127.0.0.1:2  = TCP_SEEN  took=4 µs
12:00:00.000005  accept      kprobe    nc/98  127.0.0.1:2 → 127.0.0.1:1
";

    #[test]
    fn every_kind_of_node_has_to_be_there() {
        assert!(check(WHOLE).is_ok());
        let error = check(&WHOLE.replace("TCP_SEEN", "TCP_UNHANDLED")).map_err(|e| e.to_string());
        assert_eq!(error, Err("no events shown for: after fexit".to_owned()));
        assert!(check("").is_err());
    }
}
