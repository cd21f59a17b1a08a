use super::*;

fn manifest(text: &str) -> Result<Manifest, Vec<String>> {
    let found = Manifest::parse("recipe.toml".as_ref(), text.to_owned());
    found.map_err(|found| found.into_iter().map(|found| found.message).collect())
}

const LEAST: &str =
    "format = 1\nname = \"a\"\nversion = \"1.0.0\"\ndescription = \"d\"\nlicense = \"MIT\"\n";

#[test]
fn a_whole_one_is_read() -> Result<(), Vec<String>> {
    let digest = Digest::of(b"");
    let text = format!(
        "{LEAST}authors = [\"A <a@example.org>\"]\n\
         [[build]]\nsource = \"a.bpf.c\"\nobject = \"a.bpf.o\"\ndefines = [\"DEBUG\", \"LIMIT=10\"]\n\
         [[seen]]\nkernel = \"6.12.57\"\nverdict = \"passed\"\ndigest = \"{digest}\"\ndate = \"2026-11-29\"\n"
    );
    let read = manifest(&text)?;
    assert_eq!((read.title().as_str(), read.authors.len()), ("a 1.0.0", 1));
    assert_eq!(read.build[0].defines, ["DEBUG", "LIMIT=10"]);
    let seen = SeenKernel {
        kernel: "6.12.57".to_owned(),
        verdict: SeenVerdict::Passed,
        digest,
        date: "2026-11-29".to_owned(),
    };
    assert_eq!(read.seen, [seen]);
    Ok(())
}

#[test]
fn every_mistake_is_reported() {
    assert_eq!(
        manifest("nam = \"a\"").expect_err("it is wrong"),
        [
            "missing key `format` in the recipe",
            "missing key `version` in the recipe",
            "missing key `description` in the recipe",
            "missing key `license` in the recipe",
            "unknown key `nam` in the recipe",
        ]
    );
    let text = "format = 1\nname = \"A b\"\nversion = \"1\"\ndescription = \"a\\u001b[2Jb\"\nlicense = \"MIT OR\"\n\
                authors = [\"\\u202e\"]\n\
                build = [{ source = \"../a.c\", object = \"a.o\", defines = [\"-o\"] }, { source = \"b.c\", object = \"b\" }, \
                { source = \"c.c\", object = \"d.o\" }, { source = \"d.c\", object = \"d.o\" }]\n\
                seen = [{ kernel = \"6\", verdict = \"good\", digest = \"00\", date = \"today\" }]\n";
    assert_eq!(
        manifest(text).expect_err("it is wrong"),
        [
            "invalid `name`: A b",
            "invalid `version`: 1",
            "invalid `description`: a\\u{1b}[2Jb",
            "invalid `license`: MIT OR",
            "invalid item of `authors`",
            "invalid `source`: ../a.c",
            "invalid item of `defines`",
            "invalid `object`: b",
            "two sources for the object d.o",
            "invalid `verdict`: good",
            "invalid `digest`: 00",
            "invalid `date`: today",
        ]
    );
}

#[test]
fn of_a_newer_format_nothing_else_is_reported() {
    let text = LEAST.replace("format = 1", "format = 2\nnew = true");
    assert_eq!(manifest(&text).expect_err("it is newer"), ["format 2 is newer than this program"]);
    let text = LEAST.replace("format = 1", "format = 0");
    assert_eq!(manifest(&text).expect_err("it is none"), ["`format` cannot be 0"]);
}
