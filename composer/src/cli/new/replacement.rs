//! `new replacement --for OBJECT:FUNCTION`: a program in C with the prototype of a function.

use std::path::{Path, PathBuf};

use super::{clang, exists, failed, name, put, word};
use freplace_compose::{
    chain::ObjectRef,
    diag::{Code, Diagnostic, nearest},
    hook::KINDS,
    object::{Object, declarations, prototype},
    resolve::open_object,
};

/// Create a replacement for a function: NAME.bpf.c, with the function's prototype and the types of its arguments.
///
/// The function may be any global one of an object; `inspect OBJECT` lists them. A replacement that only returns
/// or writes constants needs no program: see `returns` in docs/chain-format.md.
///
/// Example: freplace-compose new replacement --for builtin:xdp:filter
#[derive(Debug, clap::Args)]
pub(super) struct NewReplacement {
    /// Object and function to replace.
    #[arg(long = "for", value_name = "OBJECT:FUNCTION")]
    target: String,
    /// Name of the replacement: letters, digits and `_` [default: my_FUNCTION].
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Folder to write to; created if missing.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

impl NewReplacement {
    /// Writes the file; returns what goes on from there.
    pub(super) fn write(&self) -> Result<String, Box<Diagnostic>> {
        let Some((object_name, function)) = self.target.rsplit_once(':') else {
            let message = format!("`{}` names no function", self.target.escape_debug());
            let help = "Write OBJECT:FUNCTION, for example my.bpf.o:filter. `inspect OBJECT` lists functions.";
            return Err(Box::new(Diagnostic::new(Code::UnknownFunction, message).help(help)));
        };
        let object = open_object(&ObjectRef::new(object_name))?;
        let own = self.name.clone().unwrap_or_else(|| format!("my_{function}"));
        let text = replacement(&object, object_name, function, &own)?;
        let path = self.folder.join(format!("{own}.bpf.c"));
        if path.symlink_metadata().is_ok() {
            return Err(Box::new(exists(&path)));
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| Box::new(failed(&self.folder, &error)))?;
        put(&path, &text)?;
        let compiled = self.folder.join(format!("{own}.bpf.o"));
        let shown = compiled.strip_prefix(".").unwrap_or(&compiled).display().to_string();
        Ok(format!(
            "{}\n\n# in the chain\n[replacement.{own}]\nobject  = {}\nprogram = \"{own}\"\nstub    = \"the \
             [stub.NAME] of {function}\"\n",
            clang(&word(&path), &word(&compiled)),
            serde_json::Value::from(shown),
        ))
    }
}

/// The text of a program called `own` in the place of `function` of `object`.
fn replacement(
    object: &Object,
    object_name: &str,
    function: &str,
    own: &str,
) -> Result<String, Box<Diagnostic>> {
    let Some((_, found)) = object.function(function) else {
        let names: Vec<&str> = object.functions.iter().map(|one| one.name.as_str()).collect();
        let message = format!("function `{}` not found in {object_name}", function.escape_debug());
        let help = match nearest(function, names.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("`freplace-compose inspect {object_name}` lists its functions."),
        };
        return Err(Box::new(Diagnostic::new(Code::UnknownFunction, message).help(help)));
    };
    if !found.is_global {
        let message = format!("`{function}` is static");
        let help = "Remove `static` in its source, and add __attribute__((noinline)): only global functions can \
                    be replaced.";
        return Err(Box::new(Diagnostic::new(Code::StaticStub, message).help(help)));
    }
    let written = found.prototype.and_then(|id| {
        Some((
            declarations(&object.btf, id, &is_of_header),
            prototype::function(&object.btf, own, id)?,
        ))
    });
    let Some((types, prototype)) = written else {
        let message = format!("missing prototype of `{function}`");
        let help = "Compile the object with -g.";
        return Err(Box::new(Diagnostic::new(Code::NoObjectBtf, message).help(help)));
    };
    let body = match object.returns_nothing(found) {
        true => "",
        false => "\treturn 0;\n",
    };
    let original = object.prototype(found).unwrap_or_default();
    let file = Path::new(object_name)
        .file_name()
        .map_or(object_name.into(), |name| name.to_string_lossy());
    Ok(format!(
        "\
// In the place of `{original}` of {file}.
//
// The kernel compares the prototypes. A pointer has to be tested before it is used, and is NULL where the caller
// passes NULL.
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

{types}SEC(\"freplace\")
{prototype}
{{
{body}}}

char LICENSE[] SEC(\"license\") = \"Dual MIT/GPL\";
"
    ))
}

/// Whether one of the headers above declares the type: contexts, and what they return.
fn is_of_header(name: &str) -> bool {
    let mut contexts = KINDS.iter().filter_map(|kind| kind.program.context_struct());
    name == "xdp_action" || name == "bpf_func_id" || contexts.any(|context| context == name)
}
