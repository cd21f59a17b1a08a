//! What `builtin:NAME` refers to.

use super::{Code, Diagnostic, list, nearest};

/// There is no built-in `what` called `name`; there are those of `names`.
#[must_use]
pub fn unknown_builtin(what: &str, name: &str, names: &[&str]) -> Diagnostic {
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("Did you mean `builtin:{near}`?"),
        None => format!("Built-in {what}s are: {}.", list(names)),
    };
    let message = format!("unknown built-in {what} `{name}`");
    Diagnostic::new(Code::UnknownBuiltin, message).help(help)
}
