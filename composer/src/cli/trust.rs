//! `trust VERB`: whose signatures of recipes are trusted.

use super::{exit::Exit, ink::Ink as _, report, screen};
use freplace_compose::{
    diag::Diagnostic,
    recipe::{SigningKey, Trust, TrustedKey},
};

/// Manage the keys whose signatures of recipes are trusted.
///
/// Keys are those of minisign. They are kept in trust.toml in the folder freplace-compose of $XDG_CONFIG_HOME or
/// ~/.config.
#[derive(Debug, clap::Args)]
pub(super) struct TrustArguments {
    #[command(subcommand)]
    verb: TrustVerb,
}

#[derive(Debug, clap::Subcommand)]
enum TrustVerb {
    Add(AddKey),
    /// List the trusted keys.
    ///
    /// Example: freplace-compose trust list
    List,
    Remove(RemoveKey),
}

/// Trust a key.
///
/// With --source, recipes whose source begins with PREFIX have to be signed by this key, or by another one given for
/// the same sources. Without, a signature by this key is recognised wherever no such key is given.
///
/// Example: freplace-compose trust add RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
#[derive(Debug, clap::Args)]
struct AddKey {
    /// Public key, as minisign prints it and minisign.pub has it.
    #[arg(value_name = "KEY")]
    key: SigningKey,
    /// What the sources begin with that the key is for: https://example.org/, oci://ghcr.io/team.
    #[arg(long, value_name = "PREFIX")]
    source: Option<String>,
}

/// Trust a key no longer.
///
/// Example: freplace-compose trust remove E7620F1842B4E81F
#[derive(Debug, clap::Args)]
struct RemoveKey {
    /// Public key, or its number as `trust list` prints it.
    #[arg(value_name = "KEY")]
    key: String,
}

pub(super) fn run(arguments: &TrustArguments) -> Exit {
    match done(&arguments.verb) {
        Ok(exit) => exit,
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

fn done(verb: &TrustVerb) -> Result<Exit, Vec<Diagnostic>> {
    let one = |found: Box<Diagnostic>| vec![*found];
    let path = Trust::path().map_err(one)?;
    let mut trust = Trust::open(&path)?;
    match verb {
        TrustVerb::List => return Ok(screen::data(&list(&trust))),
        TrustVerb::Add(AddKey { key, source }) => {
            let what = what(key, source.as_deref());
            if !trust.add(TrustedKey { key: key.clone(), source: source.clone() }) {
                screen::say!("{what} was there");
                return Ok(Exit::Done);
            }
            trust.write(&path).map_err(one)?;
            screen::say!("added {what}");
        }
        TrustVerb::Remove(RemoveKey { key }) => {
            let removed = trust.remove(key);
            if removed == 0 {
                screen::say!("no such key: {key}");
                return Ok(Exit::Failed);
            }
            trust.write(&path).map_err(one)?;
            screen::say!("removed {}", screen::count(removed as u64, "entry"));
        }
    }
    Ok(Exit::Done)
}

fn what(key: &SigningKey, source: Option<&str>) -> String {
    match source {
        Some(source) => format!("key {} for {source}", key.id()),
        None => format!("key {}", key.id()),
    }
}

fn list(trust: &Trust) -> String {
    let mut out = format!("{:<16}  {:<56}  SOURCES\n", "NUMBER", "KEY");
    for TrustedKey { key, source } in &trust.keys {
        let source = source.as_deref().unwrap_or("any");
        out += &format!("{}  {key:<56}  {source}\n", key.id().bold());
    }
    out
}
