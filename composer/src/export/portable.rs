//! A chain with all of its objects beside it, for another machine.

use std::{collections::BTreeMap, path::Path};

use crate::{
    chain::{Chain, ChainInputs, ObjectRef, config},
    diag::{Code, Diagnostic},
    files::{self, plain},
    inert::quoted,
    recipe::{CHAIN, MANIFEST},
    resolve::Resolved,
};

/// A chain with all of its objects beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// The text of the chain, in which each object is a file beside it.
    pub chain: String,
    /// The objects, by the names of their files.
    pub objects: BTreeMap<String, Vec<u8>>,
}

impl Portable {
    /// The chain `resolved`, which was read with `inputs`, with copies of its objects. Where it includes others, or
    /// was given values of parameters, its text is the one without either.
    ///
    /// # Errors
    /// When a file of it cannot be read any more.
    pub fn of(resolved: &Resolved, inputs: &ChainInputs) -> Result<Self, Vec<Diagnostic>> {
        let chain = resolved.chain();
        let is_plain = chain.included.is_empty()
            && chain.parameters.iter().all(|parameter| parameter.given.is_none());
        let mut objects = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (reference, _) in resolved.objects().iter() {
            let ObjectRef::File(path) = reference else { continue };
            let bytes = read(&chain.folder.join(path)).map_err(|found| vec![*found])?;
            let name = free_name(path.file_name().and_then(|name| name.to_str()), &objects);
            objects.insert(name.clone(), bytes);
            names.insert(reference.clone(), name);
        }
        let text = if is_plain {
            renamed(chain, &chain.name, &names)
        } else {
            let text = config(&chain.path, inputs)?;
            renamed(&Chain::parse(&chain.path, text)?, &chain.name, &names)
        };
        Ok(Self { chain: text, objects })
    }

    /// Its size in bytes, all files together.
    #[must_use]
    pub fn size(&self) -> usize {
        self.chain.len() + self.objects.values().map(Vec::len).sum::<usize>()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    files::read(path, files::OBJECT).map_err(|error| {
        let message = format!("cannot read {}: {}", path.display(), plain(&error));
        Box::new(Diagnostic::new(Code::ObjectUnreadable, message).help("Build the object again."))
    })
}

/// A name for the copy of `name` that no other file has, of letters that every engine takes.
fn free_name(name: Option<&str>, taken: &BTreeMap<String, Vec<u8>>) -> String {
    /// Of a name; there are limits of 100 and more.
    const LONGEST: usize = 80;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let plain = |letter: char| if is_plain(letter) { letter } else { '_' };
    let name: String = name.unwrap_or_default().chars().map(plain).collect();
    // ASCII by now, so each letter is a byte; an end says more than a beginning.
    let name = &name[name.len().saturating_sub(LONGEST)..];
    let name = match name.trim_matches(['.', '-']) {
        "" => "object.o",
        name => name,
    };
    let is_free = |free: &str| {
        let others = taken.keys().map(String::as_str).chain([CHAIN, MANIFEST]);
        others.into_iter().all(|other| !other.eq_ignore_ascii_case(free))
    };
    let numbered = (2..).map(|number: usize| format!("{number}-{name}"));
    let mut names = [name.to_owned()].into_iter().chain(numbered);
    names.find(|free| is_free(free)).unwrap_or_default()
}

/// The text of `chain` with other names for its objects, and with the name that it has by its file.
fn renamed(chain: &Chain, name: &str, names: &BTreeMap<ObjectRef, String>) -> String {
    let programs = chain.graph.nodes().filter_map(|(_, node)| node.program());
    // Several nodes may come from one place.
    let places: BTreeMap<usize, _> = programs
        .filter_map(|(object, _)| Some((object.span.range(), names.get(object.value)?)))
        .map(|(range, name)| (range.start, (range, name)))
        .collect();
    let mut text = chain.source.text.clone();
    for (range, name) in places.into_values().rev() {
        text.replace_range(range, &quoted(name));
    }
    let has_name = toml::from_str::<toml::Table>(&text).is_ok_and(|top| top.contains_key("name"));
    if has_name { text } else { format!("name = {}\n{text}", quoted(name)) }
}
