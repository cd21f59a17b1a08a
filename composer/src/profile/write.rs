//! Writes a profile as TOML, with comments for readers.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{Features, Helpers, Profile};
use crate::{
    inert::quoted,
    object::{helper, map_types},
};

/// How long a line may be.
const COLUMNS: usize = 100;

impl Profile {
    /// Writes it as TOML, below `head`, which says where it comes from: lines of text. `files` are
    /// the key and the name of each file that stands beside it.
    #[must_use]
    pub fn to_toml(&self, head: &str, files: &[(&str, &str)]) -> String {
        let mut out = String::new();
        for line in head.lines() {
            let _ = writeln!(out, "# {line}");
        }
        let _ = writeln!(out, "kernel = \"{}\"", self.kernel);
        for (key, name) in files {
            let _ = writeln!(out, "{key} = {}", quoted(name));
        }
        out.push('\n');
        if let Some(programs) = &self.programs {
            out += "# The types of programs that it loads, of those a chain can have: ext is what a \
                    replacement is,\n# tracing what fentry and fexit are.\n";
            list(&mut out, "programs", programs.iter().map(String::as_str));
        }
        if let Some(maps) = &self.maps {
            out += "\n# The types of maps that it makes.\n";
            let known = map_types().map(|(_, name)| name).filter(|name| maps.contains(*name));
            list(&mut out, "maps", known);
        }
        features(&mut out, &self.features);
        if let Some(found) = &self.helpers {
            helpers(&mut out, found);
        }
        out
    }
}

fn features(out: &mut String, features: &Features) {
    *out += "\n[features]\n";
    for (key, value, meaning) in features.all() {
        let _ = writeln!(out, "# {meaning}\n{key} = {value}");
    }
}

fn helpers(out: &mut String, helpers: &Helpers) {
    let names = |numbers: &BTreeSet<u32>| -> Vec<&'static str> {
        numbers.iter().filter_map(|number| Some(helper(*number)?.name)).collect()
    };
    *out += "\n# The helpers that a program may call, by its type; a replacement goes by its host's. \
             Sleeping\n# programs, which may call more, are not among them.\n[helpers]\n";
    if let Some(refusal) = &helpers.refusal {
        let _ = writeln!(out, "# What the verifier says of any other, in front of its name.");
        let _ = writeln!(out, "refusal = {}", quoted(refusal));
    }
    *out += "# Kept for programs with a licence that goes with the GPL.\n";
    list(out, "gpl_only", names(&helpers.gpl_only).into_iter());
    let every = helpers.every();
    *out += "# For each of the types below.\n";
    list(out, "every", names(&every).into_iter());
    *out += "# And for one of them.\n";
    for (name, own) in &helpers.by_type {
        list(out, name, names(&(own - &every)).into_iter());
    }
    if !helpers.without_gpl.is_empty() {
        *out += "\n# Those of gpl_only that programs of one type may call without such a licence.\n\
                 [helpers.without_gpl]\n";
    }
    for (name, free) in &helpers.without_gpl {
        list(out, name, names(free).into_iter());
    }
}

fn list<'a>(out: &mut String, key: &str, items: impl Iterator<Item = &'a str>) {
    let items: Vec<_> = items.map(quoted).collect();
    let line = format!("{key} = [{}]", items.join(", "));
    if line.len() <= COLUMNS {
        let _ = writeln!(out, "{line}");
        return;
    }
    let _ = writeln!(out, "{key} = [");
    let mut line = String::new();
    for item in items {
        if line.len() + item.len() + 6 > COLUMNS {
            let _ = writeln!(out, "   {line}");
            line.clear();
        }
        let _ = write!(line, " {item},");
    }
    let _ = writeln!(out, "   {line}\n]");
}

#[cfg(test)]
mod tests {
    use crate::profile::{parse, shipped};

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for profile in shipped() {
            let text = profile.to_toml("somewhere\nelse", &[]);
            assert!(text.starts_with("# somewhere\n# else\nkernel = "), "{text}");
            assert_eq!(parse(&text), Ok(profile));
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(super::COLUMNS), "{text}");
        }
    }
}
