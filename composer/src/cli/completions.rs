//! `completions SHELL`.

use std::fmt::Write as _;

use clap_complete::Shell;

use super::{exit::Exit, screen};
use freplace_compose::chain::recipes;

/// Print a completion script for a shell.
///
/// Bash, fish and zsh complete recipes as well, where a chain file is expected.
///
/// Example: freplace-compose completions bash >
/// ~/.local/share/bash-completion/completions/freplace-compose
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Shell to complete for.
    shell: Shell,
}

const NAME: &str = "freplace-compose";
/// The subcommands that take chain files.
const WITH_CHAINS: [&str; 5] = ["up", "validate", "plan", "graph", "export"];

pub(super) fn run(arguments: &Completions, command: &mut clap::Command) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    screen::data(&match arguments.shell {
        Shell::Bash => bash(&script),
        Shell::Fish => script + &fish(),
        Shell::Zsh => zsh(&script),
        _ => script,
    })
}

/// The recipes as they are typed.
fn typed() -> Vec<String> {
    recipes().map(|name| format!("builtin:{name}")).collect()
}

/// The generated script, with a function that calls it and adds recipes. A colon begins a word for bash,
/// which then takes the place of what is behind it only.
fn bash(script: &str) -> String {
    // clap_complete 4.6 does not write our name, which has a hyphen, alike at both ends of a jump.
    let script = script.replace("freplace__subcmd__compose", "freplace__compose");
    let verbs = WITH_CHAINS.join("|");
    let recipes = typed().join(" ");
    format!(
        r#"{script}
_freplace_compose_and_recipes() {{
    _freplace__compose "$@"
    [[ "${{COMP_WORDS[1]}}" =~ ^({verbs})$ ]] || return 0
    local word="${{COMP_LINE:0:COMP_POINT}}" recipe begun=""
    word="${{word##*[[:space:]]}}"
    [[ "${{COMP_WORDBREAKS}}" == *:* && "$word" == *:* ]] && begun="${{word%"${{word##*:}}"}}"
    for recipe in {recipes}; do
        [[ -n "$word" && "$recipe" == "$word"* ]] && COMPREPLY+=("${{recipe#"$begun"}}")
    done
    return 0
}}
complete -F _freplace_compose_and_recipes -o bashdefault -o default {NAME}
"#
    )
}

fn fish() -> String {
    let recipes = typed().join(" ");
    let mut lines = String::new();
    for verb in WITH_CHAINS {
        // A String takes everything.
        let _ = writeln!(
            lines,
            "complete -c {NAME} -n \"__fish_freplace_compose_using_subcommand {verb}\" -a \"{recipes}\" \
             -d recipe"
        );
    }
    lines
}

/// The generated script with a function for files and recipes, which it calls where its help says that
/// a recipe can be there.
fn zsh(script: &str) -> String {
    const FILES: &str = ":_files' \\";
    let recipes: Vec<_> = typed().iter().map(|recipe| recipe.replace(':', "\\:")).collect();
    let function = format!(
        "_freplace_compose_chains() {{\n    _alternative 'files:file:_files' \
         'recipes:recipe:({})'\n}}\n\n",
        recipes.join(" ")
    );
    let mut text = String::new();
    for line in script.lines() {
        if line.starts_with("if [ \"$funcstack") {
            text += &function;
        }
        match line.strip_suffix(FILES) {
            Some(head) if head.contains("or builtin\\:NAME for ") => {
                text += head;
                text += ":_freplace_compose_chains' \\";
            }
            _ => text += line,
        }
        text.push('\n');
    }
    text
}
