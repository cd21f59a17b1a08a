//! The same for programs.

use serde_json::{Value, json};

use super::ShownRecipe;
use freplace_compose::recipe::Signer;

impl ShownRecipe {
    /// What `recipe show --format json` writes.
    pub(in crate::cli) fn to_json(&self) -> Value {
        let packed = &self.found.packed;
        let manifest = packed.manifest();
        let tested = packed.tested_digest();
        let seen = manifest.seen.iter().map(|seen| {
            json!({
                "kernel": seen.kernel,
                "verdict": seen.verdict.name(),
                "date": seen.date,
                "current": seen.digest == tested,
            })
        });
        let programs = self.summary.programs.iter().map(|program| {
            let changes = program
                .changes
                .iter()
                .map(|(change, helpers)| json!({ "what": change.name(), "helpers": helpers }));
            json!({
                "node": program.node,
                "kind": program.kind,
                "place": program.place,
                "program": program.program,
                "object": program.object,
                "changes": changes.collect::<Vec<_>>(),
            })
        });
        let parameters = packed.chain().parameters.iter().map(|parameter| {
            json!({
                "name": parameter.name.value,
                "type": parameter.of.name(),
                "default": parameter.default.as_ref().map(|default| default.value.to_string()),
                "help": parameter.help,
            })
        });
        let files =
            packed.files().map(|(path, bytes)| json!({ "path": path, "bytes": bytes.len() }));
        let key = match &self.signer {
            Signer::Nobody => None,
            Signer::Unknown { id } => Some(id.as_str()),
            Signer::Trusted { key, .. } => Some(key.id()),
        };
        json!({
            "name": manifest.name,
            "version": manifest.version.to_string(),
            "description": manifest.description,
            "authors": manifest.authors,
            "license": manifest.license,
            "source": self.found.source,
            "digest": packed.digest().to_string(),
            "key": key,
            "trusted": matches!(self.signer, Signer::Trusted { .. }),
            "files": files.collect::<Vec<_>>(),
            "parameters": parameters.collect::<Vec<_>>(),
            "programs": programs.collect::<Vec<_>>(),
            "seen": seen.collect::<Vec<_>>(),
        })
    }
}
