//! A recipe from elsewhere is shown before it is locked, with the recipes that it takes from elsewhere itself, and the
//! user agrees.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _},
    path::Path,
};

use super::{found::FoundRecipe, show::ShownRecipe};
use crate::cli::{exit::Exit, kernels, report, screen, wrap};
use freplace_compose::{
    chain::ChainInputs,
    check::{self, Kernels},
    diag::{Code, Diagnostic, Severity},
    kernel::machine,
    recipe::{
        CHAIN, LOCK, Lock, LockedSource, Packed, SeenKernel, SeenVerdict, Store, fetch_locked,
        source::{Fetched, RecipeSource, ServerSettings},
    },
    resolve::NotLooked,
};

/// A recipe that is offered to the user.
pub(in crate::cli) struct Offer {
    source: RecipeSource,
    fetched: Fetched,
    shown: ShownRecipe,
    /// What it takes from elsewhere itself, and what that takes.
    inner: Vec<InnerRecipe>,
}

/// A recipe that another one brings with it.
struct InnerRecipe {
    packed: Packed,
    shown: ShownRecipe,
}

/// The most recipes that one brings with it.
const INNER: usize = 64;

impl Offer {
    /// What is to be shown of `fetched`, which is from `source`.
    pub(in crate::cli) fn new(
        source: RecipeSource,
        fetched: Fetched,
        require_signature: bool,
        connection: &ServerSettings,
    ) -> Result<Self, Vec<Diagnostic>> {
        let shown = show(&fetched, source.to_string(), require_signature)?;
        let (mut inner, mut seen) = (Vec::new(), BTreeSet::from([fetched.packed.digest()]));
        let mut left = locked_by(&fetched.packed)?;
        while let Some(entry) = left.pop() {
            if !seen.insert(entry.digest) {
                continue;
            }
            if seen.len() > INNER {
                let message = format!("{source} takes more than {INNER} recipes from elsewhere");
                return Err(vec![Diagnostic::new(Code::SourceUnusable, message)]);
            }
            let one = fetch_locked(&entry, Path::new(""), connection)?;
            left.extend(locked_by(&one.packed)?);
            let shown = show(&one, entry.source, require_signature)?;
            inner.push(InnerRecipe { packed: one.packed, shown });
        }
        Ok(Self { source, fetched, shown, inner })
    }

    /// The trusted key that signed it.
    pub(in crate::cli) fn key(&self) -> Option<String> {
        self.shown.key()
    }

    /// Name and version.
    pub(in crate::cli) fn title(&self) -> String {
        self.fetched.packed.manifest().title()
    }

    /// The name that it gives itself.
    pub(in crate::cli) fn name(&self) -> &str {
        &self.fetched.packed.manifest().name
    }

    /// Shows it on stdout, what the rules say of it for this machine's kernel on stderr, and asks whether it may be
    /// locked; `yes` is the answer where it was given.
    pub(in crate::cli) fn agreed(&self, yes: bool) -> Result<(), Exit> {
        let columns = wrap::columns();
        let mut text = self.shown.text(columns);
        for inner in &self.inner {
            text += &format!("\nIt includes:\n{}", inner.shown.text(columns));
        }
        match screen::data(&text) {
            Exit::Done => {}
            exit => return Err(exit),
        }
        self.warn();
        ask(&format!("Lock {} from {}?", self.title(), self.source), yes)
    }

    /// Puts it into the cache; what chain.lock is to say of it as `name`.
    pub(in crate::cli) fn keep(&self, name: &str) -> Result<LockedSource, Vec<Diagnostic>> {
        let one = |found: Box<Diagnostic>| vec![*found];
        let store = Store::of_user().map_err(one)?;
        for packed in self.inner.iter().map(|inner| &inner.packed).chain([&self.fetched.packed]) {
            store.put(packed).map_err(one)?;
        }
        Ok(self.fetched.locked(name, &self.source, self.shown.key()))
    }

    /// Says so where this machine's kernel, on which nobody saw it pass, refuses it as far as the rules can tell.
    fn warn(&self) {
        let release = machine::release();
        let passed =
            |seen: &SeenKernel| seen.kernel == release && seen.verdict == SeenVerdict::Passed;
        if self.fetched.packed.manifest().seen.iter().any(passed) {
            return;
        }
        if !self.inner.is_empty() {
            return; // judged with them, when they are in the cache
        }
        let Some(profile) = kernels::running() else { return };
        let Ok(folder) = tempfile::tempdir() else { return };
        if self.fetched.packed.unpack_into(folder.path()).is_err() {
            return; // what it says is worth a warning, and a full disk another place
        }
        let kernels = Kernels { profiles: vec![profile], asked: true };
        let inputs = ChainInputs { any_value: true, ..ChainInputs::default() };
        let Err(mut found) = check::read(&folder.path().join(CHAIN), &inputs, &kernels, &NotLooked)
        else {
            return;
        };
        for one in &mut found {
            one.severity = Severity::Warning;
        }
        report::all(&found);
        screen::say!("warning: this machine's kernel ({release}) does not accept {}", self.title());
    }
}

fn show(
    fetched: &Fetched,
    source: String,
    require_signature: bool,
) -> Result<ShownRecipe, Vec<Diagnostic>> {
    let found = FoundRecipe {
        packed: fetched.packed.clone(),
        signature: fetched.signature.clone(),
        source,
    };
    ShownRecipe::of(found, require_signature)
}

/// What a packed recipe has locked itself.
fn locked_by(packed: &Packed) -> Result<Vec<LockedSource>, Vec<Diagnostic>> {
    let Some((_, bytes)) = packed.files().find(|(path, _)| *path == LOCK) else {
        return Ok(Vec::new());
    };
    let place = format!("{} of {}", LOCK, packed.manifest().title());
    Lock::parse(Path::new(&place), String::from_utf8_lossy(bytes).into_owned())
        .map(|lock| lock.recipes)
}

/// Asks on the terminal; without one, only `--yes` is an answer.
fn ask(question: &str, yes: bool) -> Result<(), Exit> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        screen::say!("error: no terminal to ask on: {question}\n\n  repeat it with --yes");
        return Err(Exit::Usage);
    }
    screen::open_line(&format!("{question} [y/N] "), false);
    let mut answer = String::new();
    // An answer that cannot be read is none.
    let _ = io::stdin().read_line(&mut answer);
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => {
            screen::say!("Nothing was locked.");
            Err(Exit::Done)
        }
    }
}
