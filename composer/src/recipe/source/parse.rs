//! Text → the source of a recipe, or what is wrong with the text and where.

use std::{ops::Range, path::PathBuf, str::FromStr};

use crate::{
    diag::{Code, Diagnostic, Span, nearest},
    recipe::Digest,
};

use super::address::{GitSource, OciReference, RecipeSource, WebAddress};

/// A text that is no source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSyntax {
    /// Which bytes of the text.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub why: String,
    /// What to write.
    pub help: String,
}

impl SourceSyntax {
    /// The diagnostic, for a text that stands at `place`.
    #[must_use]
    pub fn diagnostic(&self, place: &Span) -> Diagnostic {
        let text = place.text();
        let start = place.start() + self.at.start.min(text.len());
        let at = place.at(start..(place.start() + self.at.end).clamp(start, place.end()));
        Diagnostic::new(Code::BadSource, format!("`{text}` is not a source of recipes"))
            .label(&at, self.why.clone())
            .help(self.help.clone())
    }
}

/// The schemes, as they are written.
const SCHEMES: [&str; 7] =
    ["https://", "oci://", "git+https://", "git+ssh://", "git+file://", "file://", "builtin:"];

/// The most bytes of a source.
const MOST: usize = 2048;

/// A part of a text, and where it begins.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    /// Splits at the first `mark`, which belongs to neither.
    fn split(self, mark: char) -> (Self, Option<Self>) {
        match self.text.split_once(mark) {
            Some((one, other)) => {
                let start = self.start + one.len() + mark.len_utf8();
                (Self { text: one, ..self }, Some(Self { text: other, start }))
            }
            None => (self, None),
        }
    }

    fn wrong(self, why: impl Into<String>, help: impl Into<String>) -> SourceSyntax {
        let at = self.start..self.start + self.text.len();
        SourceSyntax { at, why: why.into(), help: help.into() }
    }
}

impl FromStr for RecipeSource {
    type Err = SourceSyntax;

    fn from_str(text: &str) -> Result<Self, SourceSyntax> {
        let whole = Part::new(text);
        if text.is_empty() {
            let help = format!("Write a path, or a URL that begins with one of {}.", schemes());
            return Err(whole.wrong("it is empty", help));
        }
        if text.len() > MOST || text.chars().any(char::is_control) {
            let help = format!("A source has at most {MOST} bytes and no control characters.");
            return Err(whole.wrong("too long, or with control characters", help));
        }
        if let Some(name) = text.strip_prefix("builtin:") {
            return Ok(Self::Builtin(name.to_owned()));
        }
        let is_scheme = |(scheme, _): &(&str, &str)| is_word(scheme, "+.-");
        let Some((scheme, rest)) = text.split_once("://").filter(is_scheme) else {
            return Ok(Self::Path(PathBuf::from(text)));
        };
        let rest = Part { text: rest, start: scheme.len() + 3 };
        match scheme {
            "https" => web(whole, rest).map(Self::Web),
            "file" => file(rest).map(Self::Path),
            "oci" => oci(rest).map(Self::Oci),
            "git+https" | "git+ssh" | "git+file" => {
                git(scheme.trim_start_matches("git+"), rest).map(Self::Git)
            }
            "http" | "git+http" | "ftp" | "git" | "git+git" => Err(Part { text: scheme, start: 0 }
                .wrong(
                    "what is read this way can be changed on its way",
                    format!("Use one of {}.", schemes()),
                )),
            _ => Err(unknown_scheme(Part { text: scheme, start: 0 })),
        }
    }
}

fn schemes() -> String {
    SCHEMES.map(|scheme| format!("`{scheme}`")).join(", ")
}

fn unknown_scheme(scheme: Part<'_>) -> SourceSyntax {
    let written = format!("{}://", scheme.text);
    let help = match nearest(&written, SCHEMES) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Use a path, or one of {}.", schemes()),
    };
    scheme.wrong("unknown scheme", help)
}

/// `https://HOST[:PORT]/PATH`
fn web(whole: Part<'_>, rest: Part<'_>) -> Result<WebAddress, SourceSyntax> {
    let (host, path) = rest.split('/');
    check_host(host)?;
    if path.is_none_or(|path| path.text.is_empty()) {
        let help = "Name the packed file: https://HOST/PATH/NAME-VERSION.fcr.";
        return Err(rest.wrong("no path to a file", help));
    }
    check_url(rest)?;
    Ok(WebAddress(whole.text.to_owned()))
}

/// `file:///PATH`, with `%20` for a blank.
fn file(rest: Part<'_>) -> Result<PathBuf, SourceSyntax> {
    if !rest.text.starts_with('/') {
        let help = "Write three slashes and the whole path: file:///srv/tcp-1.0.0.fcr.";
        return Err(rest.wrong("not an absolute path", help));
    }
    let mut bytes = Vec::new();
    let mut letters = rest.text.bytes();
    while let Some(byte) = letters.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [letters.next(), letters.next()].map(|digit| digit.map(char::from));
        let digit = |at: usize| digits.get(at).copied().flatten()?.to_digit(16);
        let value = digit(0).zip(digit(1)).and_then(|(one, two)| u8::try_from(one << 4 | two).ok());
        match value {
            Some(value) if !value.is_ascii_control() => bytes.push(value),
            _ => {
                let help = "Write `%25` for a `%`, and `%20` for a blank.";
                return Err(rest.wrong("`%` without two digits of a character", help));
            }
        }
    }
    String::from_utf8(bytes)
        .map(PathBuf::from)
        .map_err(|_| rest.wrong("not UTF-8", "Write the path as it is, without the scheme."))
}

/// `HOST[:PORT]/PATH[?rev=REV][&folder=FOLDER]`, or `/PATH…` for files.
fn git(scheme: &str, rest: Part<'_>) -> Result<GitSource, SourceSyntax> {
    let (address, options) = rest.split('?');
    if scheme == "file" {
        if !address.text.starts_with('/') {
            let help = "Write three slashes and the whole path: git+file:///srv/recipes.git.";
            return Err(address.wrong("not an absolute path", help));
        }
    } else {
        let (host, path) = address.split('/');
        // The user of ssh is part of the host: git@example.org.
        let host = match host.text.split_once('@') {
            Some((user, name))
                if scheme == "ssh" && is_word(user, "._-") && !user.starts_with('-') =>
            {
                Part { text: name, start: host.start + user.len() + 1 }
            }
            _ => host,
        };
        check_host(host)?;
        if path.is_none_or(|path| path.text.is_empty()) {
            let help = format!("Name the repository: git+{scheme}://HOST/PATH/REPOSITORY.git.");
            return Err(address.wrong("no repository", help));
        }
        check_url(address)?;
    }
    let mut found =
        GitSource { url: format!("{scheme}://{}", address.text), revision: None, folder: None };
    let mut left = options;
    while let Some(option) = left {
        let (option, next) = option.split('&');
        left = next;
        let help = "Options of git sources are `rev=REVISION` and `folder=FOLDER`, as in \
                    `?rev=v1.0&folder=tcp`.";
        let (key, Some(value)) = option.split('=') else {
            return Err(option.wrong("not KEY=VALUE", help));
        };
        let place = match key.text {
            "rev" => &mut found.revision,
            "folder" => &mut found.folder,
            _ => return Err(key.wrong("unknown option", help)),
        };
        if place.is_some() {
            return Err(key.wrong("given twice", "Keep one of the two."));
        }
        match key.text {
            "rev" => check_revision(value)?,
            _ => check_folder(value)?,
        }
        *place = Some(value.text.to_owned());
    }
    Ok(found)
}

/// A revision that git cannot take for an option, a range or a place in a file.
fn check_revision(value: Part<'_>) -> Result<(), SourceSyntax> {
    let is_fine = is_word(value.text, "._/-+")
        && !value.text.starts_with(['-', '/', '.'])
        && !value.text.contains("..");
    let help = "Write a branch, a tag, or the 40 digits of a commit.";
    if is_fine { Ok(()) } else { Err(value.wrong("not a revision", help)) }
}

fn check_folder(value: Part<'_>) -> Result<(), SourceSyntax> {
    let is_fine = value.text.split('/').all(|name| {
        !["", ".", ".."].contains(&name) && is_word(name, "._- +") && !name.starts_with('-')
    });
    let help = "Write a folder below the root of the repository: `folder=recipes/tcp`.";
    if is_fine { Ok(()) } else { Err(value.wrong("not a folder of the repository", help)) }
}

/// `HOST[:PORT]/NAME[:TAG][@DIGEST]`
fn oci(rest: Part<'_>) -> Result<OciReference, SourceSyntax> {
    let (host, name) = rest.split('/');
    check_host(host)?;
    let Some(name) = name.filter(|name| !name.text.is_empty()) else {
        let help = "Name what is in the registry: oci://HOST/NAME:TAG.";
        return Err(rest.wrong("no name behind the registry", help));
    };
    let (name, digest) = name.split('@');
    let digest = digest.map(|digest| {
        let help = "A digest is `sha256:` and 64 digits.";
        digest.text.parse::<Digest>().map_err(|_| digest.wrong("not a digest", help))
    });
    let (name, tag) = name.split(':');
    let components = name.text.split('/');
    // https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests
    let is_component = |part: &str| {
        let is_end = |letter: Option<char>| {
            letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        };
        let is_inner = |letter: char| is_end(Some(letter)) || ['.', '_', '-'].contains(&letter);
        is_end(part.chars().next())
            && is_end(part.chars().next_back())
            && part.chars().all(is_inner)
    };
    if name.text.len() > 255 || !components.clone().all(is_component) {
        let help = "Names in a registry have lower-case letters, digits and `.`, `_`, `-` between \
                    them, in parts separated by `/`.";
        return Err(name.wrong("not a name in a registry", help));
    }
    if let Some(tag) = tag {
        let first =
            tag.text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
        if !first || tag.text.len() > 128 || !is_word(tag.text, "._-") {
            let help = "A tag has letters, digits, `.`, `_` and `-`: `:1.0.0`.";
            return Err(tag.wrong("not a tag", help));
        }
    }
    Ok(OciReference {
        host: host.text.to_owned(),
        repository: name.text.to_owned(),
        tag: tag.map(|tag| tag.text.to_owned()),
        digest: digest.transpose()?,
    })
}

/// A name or an address, with a port or without.
fn check_host(host: Part<'_>) -> Result<(), SourceSyntax> {
    if host.text.contains('@') {
        let help = "Leave user and password out: they would be written into chain.lock.";
        return Err(host.wrong("a user in front of the host", help));
    }
    let (name, port) = match host.text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let is_address = address.parse::<std::net::Ipv6Addr>().is_ok();
            (is_address, (!port.is_empty()).then_some(port))
        }
        None => {
            let (name, port) = host
                .text
                .split_once(':')
                .map_or((host.text, None), |(name, _)| (name, Some(&host.text[name.len()..])));
            (is_word(name, ".-") && !name.starts_with(['-', '.']), port)
        }
    };
    let is_port = |port: &str| {
        port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if name && port.is_none_or(is_port) {
        return Ok(());
    }
    Err(host.wrong("not a host", "Write HOST or HOST:PORT, as in ghcr.io or 127.0.0.1:5000."))
}

/// What may stand in a URL, without a fragment.
fn check_url(rest: Part<'_>) -> Result<(), SourceSyntax> {
    let may =
        |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=%".contains(letter);
    match rest.text.char_indices().find(|(_, letter)| !may(*letter)) {
        None => Ok(()),
        Some((at, letter)) => {
            let start = rest.start + at;
            let part = Part { text: &rest.text[at..at + letter.len_utf8()], start };
            Err(part.wrong("not allowed in a URL", "Encode it: `%20` for a blank."))
        }
    }
}

/// Letters and digits of ASCII, and those of `others`.
fn is_word(text: &str, others: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::RecipeSource;
    use crate::diag::{Source, Span};

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_source_is_printed_as_it_is_written() {
        let pinned = format!("oci://[::1]:5000/a/b-c:v1@{DIGEST}");
        for text in [
            "recipes/tcp",
            "../tcp-1.0.0.fcr",
            "/srv/a b",
            "https://example.org:8443/tcp-1.0.0.fcr?token=1",
            "git+https://example.org/recipes.git",
            "git+https://example.org/recipes.git?rev=v1.0",
            "git+ssh://git@example.org/recipes.git?rev=main&folder=tcp",
            "git+file:///srv/a b.git?folder=a/b",
            "oci://ghcr.io/example/tcp:1.0.0",
            "oci://localhost:5000/tcp",
            &pinned,
            "builtin:tcp",
        ] {
            let source: RecipeSource = text.parse().expect(text);
            assert_eq!(source.to_string(), text);
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        let file: RecipeSource = "file:///srv/a%20b".parse().expect("a path");
        assert_eq!(file.to_string(), "/srv/a b");
    }

    #[test]
    fn what_is_no_source_is_refused_at_its_place() {
        let short = "oci://h/n@sha256:12";
        for (text, place, why) in [
            ("", "", "it is empty"),
            ("http://example.org/a.fcr", "http", "what is read this way can be changed on its way"),
            ("htps://example.org/a.fcr", "htps", "unknown scheme"),
            ("https://example.org/", "example.org/", "no path to a file"),
            (
                "https://me:secret@example.org/a.fcr",
                "me:secret@example.org",
                "a user in front of the host",
            ),
            ("https://exa mple.org/a", "exa mple.org", "not a host"),
            ("https://example.org/a b", " ", "not allowed in a URL"),
            ("https://example.org/a#b", "#", "not allowed in a URL"),
            ("https://example.org:99999/a", "example.org:99999", "not a host"),
            ("file://srv/a", "srv/a", "not an absolute path"),
            ("file:///a%0", "/a%0", "`%` without two digits of a character"),
            ("file:///a%00b", "/a%00b", "`%` without two digits of a character"),
            ("git+https://example.org", "example.org", "no repository"),
            ("git+https://-oProxyCommand=x/a", "-oProxyCommand=x", "not a host"),
            ("git+ssh://-x@h/a", "-x@h", "a user in front of the host"),
            ("git+file://x", "x", "not an absolute path"),
            ("git+file:///x?rev=--upload-pack=x", "--upload-pack=x", "not a revision"),
            ("git+file:///x?rev=a..b", "a..b", "not a revision"),
            ("git+file:///x?rev=HEAD:a", "HEAD:a", "not a revision"),
            ("git+file:///x?folder=../a", "../a", "not a folder of the repository"),
            ("git+file:///x?folder=/a", "/a", "not a folder of the repository"),
            ("git+file:///x?branch=a", "branch", "unknown option"),
            ("git+file:///x?rev", "rev", "not KEY=VALUE"),
            ("git+file:///x?rev=a&rev=b", "rev", "given twice"),
            ("oci://ghcr.io", "ghcr.io", "no name behind the registry"),
            ("oci://ghcr.io/Example/tcp", "Example/tcp", "not a name in a registry"),
            ("oci://ghcr.io/../tcp", "../tcp", "not a name in a registry"),
            ("oci://ghcr.io/tcp:", "", "not a tag"),
            ("oci://ghcr.io/tcp:-a", "-a", "not a tag"),
            (short, "sha256:12", "not a digest"),
        ] {
            let error = text.parse::<RecipeSource>().expect_err(text);
            assert_eq!((&text[error.at.clone()], error.why.as_str()), (place, why), "{text}");
            assert!(error.help.ends_with(['.', '?']), "{text}: {}", error.help);
            let line = format!("source = \"{text}\"");
            let span = Span::new(&Source::first("chain.lock", line), 10..10 + text.len());
            assert_eq!(error.diagnostic(&span).labels[0].span.text(), place);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(oci|https|git\\+file|file)?(://)?[ -~é@:/?&=%]{0,40}") {
            if let Ok(source) = text.parse::<RecipeSource>() {
                prop_assert_eq!(source.to_string().parse(), Ok(source));
            }
        }
    }
}
