//! Signatures and the keys that are trusted.

use super::{at_home, packed, recipe};
use crate::common::shown;
use freplace_compose::recipe::{Packed, Signer, SigningKey, Trust, TrustedKey, verify};

mod minisign;

use minisign::Secret;

const SOURCE: &str = "https://example.org/drop-udp-1.2.0.fcr";

/// A recipe, and keys of two people.
struct Signed {
    packed: Packed,
    author: Secret,
    other: Secret,
}

fn signed() -> Signed {
    Signed { packed: packed(recipe().path()), author: Secret::new(1), other: Secret::new(2) }
}

fn trust(keys: &[(&Secret, Option<&str>)]) -> Trust {
    let mut trust = Trust::default();
    for (key, source) in keys {
        let key: SigningKey = key.public().parse().expect("a key");
        trust.add(TrustedKey { key, source: source.map(str::to_owned) });
    }
    trust
}

fn verdict(of: &Signed, signature: Option<&str>, trust: &Trust, required: bool) -> String {
    match verify(&of.packed, signature, SOURCE, trust, required) {
        Ok(Signer::Nobody) => "nobody".to_owned(),
        Ok(Signer::Unknown { id }) => format!("unknown {id}"),
        Ok(Signer::Trusted { key, comment }) => format!("trusted {} {comment}", key.id()),
        Err(found) => found.message.replace(SOURCE, "SOURCE"),
    }
}

#[test]
fn a_signature_counts_if_it_is_of_a_trusted_key_and_of_these_bytes() {
    let of = signed();
    let good = of.author.sign(of.packed.bytes());
    let comment = "timestamp:1795000000\tfile:it.fcr\thashed";
    let (author, number) = (trust(&[(&of.author, None)]), "0101010101010101");
    let trusted = format!("trusted {number} {comment}");
    assert_eq!(verdict(&of, Some(&good), &author, true), trusted);
    assert_eq!(verdict(&of, Some(&good), &author, false), trusted);
    assert_eq!(verdict(&of, Some(&good), &Trust::default(), false), format!("unknown {number}"));
    assert_eq!(verdict(&of, None, &author, false), "nobody");
    assert_eq!(verdict(&of, None, &author, true), "drop-udp 1.2.0 of SOURCE: it is not signed");
    assert_eq!(
        verdict(&of, Some(&of.other.sign(of.packed.bytes())), &author, true),
        "drop-udp 1.2.0 of SOURCE: it is signed by key 0202020202020202, which is not trusted"
    );
}

#[test]
fn what_was_changed_is_refused_whether_or_not_a_signature_is_required() {
    let of = signed();
    let author = trust(&[(&of.author, None)]);
    let good = of.author.sign(of.packed.bytes());
    let mut bytes = of.packed.bytes().to_vec();
    bytes[700] ^= 1; // in chain.toml
    let not_of_it = "its signature by key 0101010101010101 is not of this file";
    let malformed = "its signature is not one of minisign";
    for (signature, why) in [
        (of.author.sign(&bytes), not_of_it),
        (good.replace("file:it.fcr", "file:no.fcr"), not_of_it),
        (good.replace("trusted comment: timestamp", "trusted comment: tïmestamp"), not_of_it),
        (good.replace("\ntrusted comment: ", "\n"), malformed),
        (
            of.author.sign_as(b"Ed", of.packed.bytes()),
            "its signature has the old form of minisign, without a hash",
        ),
        (of.author.sign_as(b"XX", of.packed.bytes()), malformed),
        (String::new(), malformed),
        ("a\nb\nc\nd\n".to_owned(), malformed),
        (good.lines().take(3).collect::<Vec<_>>().join("\n"), malformed),
    ] {
        for required in [true, false] {
            let expected = format!("drop-udp 1.2.0 of SOURCE: {why}");
            assert_eq!(verdict(&of, Some(&signature), &author, required), expected, "{signature}");
        }
    }
}

#[test]
fn a_source_with_a_key_of_its_own_needs_a_signature_by_it() {
    let of = signed();
    let pinned = trust(&[(&of.other, None), (&of.author, Some("https://example.org/"))]);
    let [by_author, by_other] = [&of.author, &of.other].map(|key| key.sign(of.packed.bytes()));
    assert!(verdict(&of, Some(&by_author), &pinned, false).starts_with("trusted 01"));
    assert_eq!(
        verdict(&of, Some(&by_other), &pinned, false),
        "drop-udp 1.2.0 of SOURCE: it is signed by key 0202020202020202, which is not trusted"
    );
    assert_eq!(verdict(&of, None, &pinned, false), "drop-udp 1.2.0 of SOURCE: it is not signed");
    let elsewhere = trust(&[(&of.author, Some("https://example.org/other/"))]);
    assert_eq!(verdict(&of, None, &elsewhere, false), "nobody");
}

#[test]
fn keys_are_added_listed_and_removed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let trust = |words: &[&str]| {
        let output = at_home(home.path(), home.path(), &[&["trust"][..], words].concat());
        (output.status.code(), shown(&output))
    };
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    assert_eq!(trust(&["add", key]).0, Some(0));
    assert_eq!(trust(&["add", key, "--source", "oci://example.org/team"]).0, Some(0));
    assert!(trust(&["add", key]).1.contains("was there"));
    assert_eq!(trust(&["add", "RWQ"]).0, Some(2));
    insta::assert_snapshot!("keys", trust(&["list"]).1);
    assert!(trust(&["remove", "E7620F1842B4E81F"]).1.contains("removed 2 entries"));
    assert_eq!(trust(&["remove", key]).0, Some(1));
}

#[test]
fn who_signed_it_is_shown() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let of = signed();
    std::fs::write(home.path().join("it.fcr"), of.packed.bytes()).expect("it is writable");
    let signature = of.author.sign(of.packed.bytes());
    std::fs::write(home.path().join("it.fcr.minisig"), signature).expect("it is writable");
    let show = || shown(&at_home(home.path(), home.path(), &["recipe", "show", "it.fcr"]));
    assert!(show().contains("by key 0101010101010101, which is not trusted"), "{}", show());
    at_home(home.path(), home.path(), &["trust", "add", &of.author.public()]);
    assert!(show().contains("by trusted key 0101010101010101"), "{}", show());
    std::fs::write(home.path().join("it.fcr.minisig"), of.author.sign(b"another"))
        .expect("writable");
    assert!(show().starts_with("exit code 3\n") && show().contains("FC0905"), "{}", show());
}

/// Written by minisign 0.11 for the packed recipe of these tests.
#[test]
fn a_signature_that_minisign_wrote_counts() {
    let signature = "untrusted comment: signature from minisign secret key\n\
        RURRnY+nlaDIkpfTErdsgY+f8ECy0Vi+VSAN+b0SE9uXbIBjNEPQGjJaThSNJXCHJh5FeTrsif8rKXT0yVycnOuphPZmWNUMCAM=\n\
        trusted comment: timestamp:1795984933\tfile:drop-udp-1.2.0.fcr\thashed\n\
        Nim9wo4eWJVLuCLajle1t4thZPxf+9LzzTTojyb11OKUMPAvkYwlHfmU+aSPzwKPF7l6LtmIBj60BibbPzF5Aw==\n";
    let public = "untrusted comment: minisign public key 92C8A095A78F9D51\n\
        RWRRnY+nlaDIklCvQ56x0QjumX9QL4nrWtSOULMNTzYG/+aW2oeRF4A8\n";
    let key: SigningKey = public.parse().expect("a key");
    let trust = Trust { keys: vec![TrustedKey { key, source: None }] };
    let verdict = verify(&packed(recipe().path()), Some(signature), SOURCE, &trust, true);
    assert!(matches!(verdict, Ok(Signer::Trusted { .. })), "{verdict:?}");
}
