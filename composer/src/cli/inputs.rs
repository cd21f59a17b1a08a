//! `--set NAME=VALUE`, variables of the environment and questions: what a chain takes from outside.

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead as _, IsTerminal as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{recipe::LockFlags, screen};
use freplace_compose::{
    chain::{ChainInputs, Parameter, SetBy, SetValue, open_parameters},
    inert,
    recipe::LockedRecipes,
};

/// What sets the parameters of a chain.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct InputFlags {
    /// Set a parameter of the chain. Can be repeated. The variable FREPLACE_COMPOSE_PARAM_NAME sets it as well.
    #[arg(long, value_name = "NAME=VALUE", value_parser = SetValue::parse)]
    set: Vec<SetValue>,
    #[command(flatten)]
    lock: LockFlags,
    /// Finds what the chains refer to, once for all of them.
    #[arg(skip)]
    recipes: OnceLock<Arc<LockedRecipes>>,
}

/// The variable with what was found, for this program in a micro-VM, which has neither a cache nor a network.
const FOUND: &str = "FREPLACE_COMPOSE_FOUND";

impl InputFlags {
    /// What the chains at `paths` take. A parameter that has to have a value and has none is asked for on a terminal.
    pub(super) fn inputs<'p>(&self, paths: impl IntoIterator<Item = &'p Path>) -> ChainInputs {
        let variables = env::vars_os()
            .filter_map(|(name, value)| SetValue::of_variable(name.to_str()?, value.to_str()?));
        let set = variables.chain(self.set.iter().cloned()).collect();
        let recipes = self.recipes.get_or_init(|| {
            let known = env::var(FOUND).ok().and_then(|text| serde_json::from_str(&text).ok());
            Arc::new(LockedRecipes::new(self.lock.options(), known.unwrap_or_default()))
        });
        let recipes = Some(Arc::clone(recipes) as _);
        let mut inputs = ChainInputs { set, recipes, ..ChainInputs::default() };
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            for path in paths {
                for parameter in open_parameters(path, &inputs) {
                    let Some(text) = ask(&parameter) else { break };
                    inputs.set.push(SetValue { name: parameter.name.value, text, by: SetBy::User });
                }
            }
        }
        inputs
    }
}

/// Asks for the value of a parameter; none where there is no answer.
fn ask(parameter: &Parameter) -> Option<String> {
    if let Some(help) = &parameter.help {
        screen::say!("{}", inert::line(help));
    }
    let (name, of) = (&parameter.name.value, parameter.of.name());
    screen::open_line(&format!("{} ({of}): ", inert::line(name)), false);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok()?;
    let text = line.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `inputs` as variables, for this program in a micro-VM, which has neither this machine's nor a terminal.
pub(super) fn as_variables(inputs: &ChainInputs) -> Vec<(String, OsString)> {
    let variable = |value: &SetValue| (value.variable(), OsString::from(&value.text));
    let found = inputs.recipes.iter().flat_map(|recipes| recipes.found()).collect::<Vec<_>>();
    let found = serde_json::to_string(&found).ok().filter(|_| !found.is_empty());
    let found = found.map(|text| (FOUND.to_owned(), OsString::from(text)));
    inputs.set.iter().map(variable).chain(found).collect()
}

/// The chain that a verb is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ChainFile {
    /// Chain file, folder of a recipe, or builtin:NAME for a recipe.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    flags: InputFlags,
}

impl ChainFile {
    /// What it takes.
    pub(super) fn inputs(&self) -> ChainInputs {
        self.flags.inputs([self.file.as_path()])
    }
}
