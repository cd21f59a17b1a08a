use super::{OciDocument, choose};
use crate::recipe::{
    Digest,
    source::oci::{RECIPE, RECIPE_CONFIG, RECIPE_LAYER},
};

fn descriptor(kind: &str, size: u64) -> String {
    let digest = Digest::of(kind.as_bytes());
    format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}"#)
}

fn recipe(layers: &[String]) -> String {
    let config = descriptor(RECIPE_CONFIG, 10);
    let layers = layers.join(",");
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{RECIPE}","config":{config},"layers":[{layers}]}}"#
    )
}

fn indexed(architecture: &str, os: &str) -> String {
    let digest = Digest::of(architecture.as_bytes());
    format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":5,"platform":{{"architecture":"{architecture}","os":"{os}"}}}}"#
    )
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
}

#[test]
fn a_recipe_is_one_layer_of_an_artifact() {
    let text = recipe(&[descriptor(RECIPE_LAYER, 512)]);
    let Ok(OciDocument::Manifest(read)) = OciDocument::read(text.as_bytes()) else {
        panic!("not a manifest: {text}");
    };
    let (layer, signature) = read.recipe().expect("a recipe");
    assert_eq!((layer.size, layer.digest), (512, Digest::of(RECIPE_LAYER.as_bytes())));
    assert_eq!(signature, None);
}

#[test]
fn an_index_is_searched_for_the_architecture() {
    let both = index(&[
        indexed("arm64", "linux"),
        indexed("amd64", "linux"),
        indexed("unknown", "unknown"),
    ]);
    let Ok(OciDocument::Index(list)) = OciDocument::read(both.as_bytes()) else {
        panic!("not an index: {both}");
    };
    assert_eq!(choose(&list, "amd64", "x").expect("it has it").digest, Digest::of(b"amd64"));
    let why = choose(&list, "riscv64", "the index").expect_err("it has not").to_string();
    assert_eq!(why, "the index has nothing for riscv64, only for amd64, arm64");
    let any = index(&[descriptor("application/vnd.oci.image.manifest.v1+json", 7)]);
    let Ok(OciDocument::Index(list)) = OciDocument::read(any.as_bytes()) else {
        panic!("not an index: {any}");
    };
    assert_eq!(choose(&list, "riscv64", "x").expect("it is for all").size, 7);
}

/// Documents that registries must not make us believe.
#[test]
fn hostile_documents_are_refused() {
    let layer = descriptor(RECIPE_LAYER, 512);
    let good = recipe(std::slice::from_ref(&layer));
    let digest = Digest::of(RECIPE_LAYER.as_bytes()).to_string();
    let many = |count: usize| vec![layer.clone(); count];
    let nested =
        format!(r#"{{"schemaVersion":2,"layers":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let documents = [
        (String::new(), "neither a manifest nor an index"),
        ("[]".to_owned(), "neither a manifest nor an index"),
        ("{".to_owned(), "neither a manifest nor an index"),
        ("null".to_owned(), "neither a manifest nor an index"),
        ("{}".to_owned(), "neither a manifest nor an index"),
        (nested, "neither a manifest nor an index"),
        (" ".repeat(5 << 20), "is larger than"),
        (good.replace("\"schemaVersion\":2", "\"schemaVersion\":1"), "has version 1"),
        (good.replace("\"schemaVersion\":2", "\"schemaVersion\":-2"), "neither a manifest"),
        (
            good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"schemaVersion\":2"),
            "duplicate field",
        ),
        (good.replace("image.manifest.v1", "image.manifest.v9"), "of the unknown type"),
        (good.replace("image.manifest.v1", "image.index.v1"), "the parts of both"),
        (good.replace("\"layers\"", "\"manifests\":[],\"layers\""), "the parts of both"),
        (good.replace("\"layers\"", "\"blobs\""), "the parts of both"),
        (good.replace("\"config\"", "\"konfig\""), "the parts of both"),
        (good.replace(&digest, "sha256:../../etc/passwd"), "which is not a SHA-256"),
        (good.replace(&digest, &digest[..40]), "which is not a SHA-256"),
        (good.replace(&digest, &digest.to_uppercase()), "which is not a SHA-256"),
        (good.replace(&digest, "sha512:00"), "which is not a SHA-256"),
        (good.replace(&digest, "md5:00"), "which is not a SHA-256"),
        (good.replace("\"size\":512", "\"size\":0"), "has 0 bytes"),
        (good.replace("\"size\":512", "\"size\":-1"), "neither a manifest"),
        (good.replace("\"size\":512", "\"size\":1e30"), "neither a manifest"),
        (good.replace("\"size\":512", "\"size\":99999999999999"), "has 99999999999999 bytes"),
        (good.replace("\"size\":10", "\"size\":99999999"), "has 99999999 bytes"),
        (good.replace("\"size\":512", "\"size\":\"512\""), "neither a manifest"),
        (recipe(&many(1000)), "more than 128"),
        (index(&vec![indexed("amd64", "linux"); 1000]), "more than 128"),
        (index(&[indexed("amd64", "linux").replace("sha256:", "")]), "which is not a SHA-256"),
        (index(&[indexed("amd64", "linux").replace("\"size\":5", "\"size\":999999999")]), "bytes"),
    ];
    for (text, why) in documents {
        let shown: String = text.chars().take(200).collect();
        let error = OciDocument::read(text.as_bytes()).expect_err(&shown);
        assert!(error.contains(why), "{shown}: {error}");
        assert!(error.len() < 400, "a message has its limits: {}", error.len());
    }
}

#[test]
fn other_artifacts_are_no_recipes() {
    let layer = descriptor(RECIPE_LAYER, 512);
    let good = recipe(std::slice::from_ref(&layer));
    let (of_kind, of_layer) = (format!("\"artifactType\":\"{RECIPE}\","), RECIPE_LAYER);
    for (text, why) in [
        (good.replace(&of_kind, ""), "is not a recipe but of the type"),
        (
            good.replace(&of_kind, "\"artifactType\":\"application/x\","),
            "of the type `application/x`",
        ),
        (good.replace(&of_kind, "\"artifactType\":null,"), "is not a recipe but of the type"),
        (good.replace(of_layer, "application/x"), "has no layer of the type"),
        (recipe(&[]), "has no layer of the type"),
        (recipe(&[layer.clone(), layer]), "has several layers of the type"),
    ] {
        let Ok(OciDocument::Manifest(read)) = OciDocument::read(text.as_bytes()) else {
            panic!("not a manifest: {text}");
        };
        let error = read.recipe().expect_err(&text);
        assert!(error.contains(why), "{text}: {error}");
    }
}
