//! `man`: one manual page with a section for each subcommand.

use std::io;

use clap_mangen::Man;

use super::{exit::Exit, screen};

pub(super) fn run(command: &mut clap::Command) -> Exit {
    command.build();
    let mut page = Vec::new();
    match write(command, &mut page) {
        Ok(()) => screen::data(&String::from_utf8_lossy(&page)),
        Err(error) => screen::write_failed(&error),
    }
}

fn write(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let whole = Man::new(command.clone());
    whole.render_title(page)?;
    whole.render_name_section(page)?;
    whole.render_synopsis_section(page)?;
    whole.render_description_section(page)?;
    whole.render_options_section(page)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(verb, page)?;
    }
    whole.render_extra_section(page)
}

/// What a verb has as a page of its own becomes a section of the one page.
fn section(verb: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    if verb.get_name() == "help" {
        return Ok(());
    }
    let inner: Vec<_> = verb.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    // It is called `freplace-compose-new-host` by then.
    let title = verb.get_display_name().unwrap_or(verb.get_name());
    let title = title.trim_start_matches("freplace-compose-").replace('-', " ");
    page.extend(format!(".SH \"{}\"\n", title.to_uppercase()).bytes());
    // These stand above already.
    let is_common = |argument: &clap::Arg| ["color", "help"].contains(&argument.get_id().as_str());
    let man = Man::new(verb.clone().mut_args(|argument| {
        let hide = argument.is_hide_set() || is_common(&argument);
        argument.hide(hide)
    }));
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    page.extend(String::from_utf8_lossy(&text).replace("\n.SH ", "\n.SS ").bytes());
    inner.into_iter().try_for_each(|verb| section(verb, page))
}
