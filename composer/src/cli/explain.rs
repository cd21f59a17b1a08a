//! `explain CODE…`: the page on a diagnostic code, or the list of all codes.

use std::{fmt::Write as _, str::FromStr as _};

use super::{exit::Exit, ink::Ink as _, screen};
use freplace_compose::diag::{Block, Code, Page};

/// Explain the code of a diagnostic.
///
/// Shows what the code means, the kernel's error with a link to its source, a wrong example and the
/// corrected one. Without CODE, lists all codes.
///
/// Example: freplace-compose explain FC0301
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Codes, for example FC0301, fc0301, 0301 or 301.
    #[arg(value_name = "CODE", value_parser = code)]
    codes: Vec<Code>,
}

fn code(text: &str) -> Result<Code, String> {
    Code::from_str(text).map_err(|unknown| {
        let near =
            unknown.near.map(|near| format!("; did you mean {near}, {}?", near.page().title));
        let near = near.unwrap_or_else(|| ";".to_owned());
        format!("unknown code{near} `freplace-compose explain` lists all codes")
    })
}

pub(super) fn run(arguments: &Explain) -> Exit {
    let pages: Vec<_> = arguments.codes.iter().map(|code| draw(&code.page())).collect();
    screen::data(&if pages.is_empty() { list() } else { pages.join("\n\n") })
}

fn list() -> String {
    let line = |code: &Code| format!("{}  {}\n", code.bold(), code.page().title);
    Code::ALL.iter().map(line).collect()
}

fn draw(page: &Page) -> String {
    let mut out = format!("{}  {}\n\n{}\n", page.code.bold(), page.title.bold(), page.meaning);
    if let Some(kernel) = page.kernel {
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "\n{}\n{kernel}\n", "the kernel".cyan());
    }
    let _ = write!(out, "\n{}\n{}", "wrong".red(), example(page.wrong));
    let _ = write!(out, "\n{}\n{}", "right".green(), example(page.right));
    out
}

/// The blocks of an example, moved in, with an empty line between them.
fn example(text: &'static str) -> String {
    let blocks = freplace_compose::diag::blocks(text);
    let blocks: Vec<_> = blocks.iter().map(indented).collect();
    blocks.join("\n")
}

fn indented(block: &Block) -> String {
    let line = |line: &str| format!("    {line}").trim_end().to_owned() + "\n";
    block.text.lines().map(line).collect()
}
