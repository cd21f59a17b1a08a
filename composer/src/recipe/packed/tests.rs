use super::*;

const RECIPE: &str = "format = 1\nname = \"empty-host\"\nversion = \"1.0.0\"\ndescription = \"a host\"\nlicense = \"MIT\"\n";
const HOST: &str =
    "[host.one]\nobject = \"one.bpf.o\"\nprogram = \"one\"\nattach = { xdp = \"lo\" }\n";

type Packing<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A folder with a recipe.
fn folder() -> Packing<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join(MANIFEST), RECIPE)?;
    fs::write(folder.path().join(CHAIN), HOST)?;
    fs::write(folder.path().join("one.bpf.o"), "an object")?;
    fs::create_dir(folder.path().join("tests"))?;
    fs::write(folder.path().join("tests/one.toml"), "")?;
    fs::write(folder.path().join(".gitignore"), "*.o")?;
    fs::write(folder.path().join("empty-host-0.9.0.fcr"), "an older one")?;
    fs::write(folder.path().join("recipe.fcr.minisig"), "a signature")?;
    Ok(folder)
}

fn packed(folder: &Path) -> Packing<Packed> {
    Packed::of_folder(folder).map_err(|found| format!("{found:#?}").into())
}

fn messages(found: Result<Packed, Vec<Diagnostic>>) -> Vec<String> {
    found.err().into_iter().flatten().map(|found| found.message).collect()
}

#[test]
fn what_is_packed_is_unpacked() -> Packing {
    let folder = folder()?;
    let packed = packed(folder.path())?;
    let paths: Vec<_> = packed.files().map(|(path, _)| path).collect();
    assert_eq!(paths, ["chain.toml", "one.bpf.o", "recipe.toml", "tests/one.toml"]);
    assert_eq!(packed.manifest().file_name(), "empty-host-1.0.0.fcr");
    let again = Packed::of_bytes("x.fcr", packed.bytes().to_vec());
    assert_eq!(again.map(|again| again.digest()), Ok(packed.digest()));
    let unpacked = tempfile::tempdir()?;
    packed.unpack_into(unpacked.path())?;
    assert_eq!(Packed::of_stored(unpacked.path()).map(|found| found.digest()), Ok(packed.digest()));
    Ok(())
}

/// It must never change: locks, registries and signatures have it. It is that of
/// `tar --format=ustar -b1 --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=0644 -c FILE…`.
#[test]
fn the_digest_of_a_recipe_is_the_same_in_every_version_of_this_program() -> Packing {
    let packed = packed(folder()?.path())?;
    assert_eq!(
        packed.digest().hex(),
        "61fce28560ee5aacb06db5f162bbb4ee79c8121b82442e93e26591c865ec365d"
    );
    Ok(())
}

#[test]
fn the_digest_of_what_is_tested_changes_with_all_but_the_description() -> Packing {
    let folder = folder()?;
    let before = packed(folder.path())?;
    fs::write(folder.path().join(MANIFEST), RECIPE.replace("1.0.0", "1.0.1"))?;
    let described = packed(folder.path())?;
    fs::write(folder.path().join("tests/one.toml"), "# another")?;
    let tested = packed(folder.path())?;
    assert_eq!(before.tested_digest(), described.tested_digest());
    assert_ne!(before.digest(), described.digest());
    assert_ne!(described.tested_digest(), tested.tested_digest());
    Ok(())
}

#[test]
fn a_folder_with_what_cannot_be_packed_is_refused_with_all_of_it() -> Packing {
    let folder = folder()?;
    std::os::unix::fs::symlink("one.bpf.o", folder.path().join("link.o"))?;
    fs::write(folder.path().join("a b"), "")?;
    let place = folder.path().display();
    assert_eq!(
        messages(Packed::of_folder(folder.path())),
        [
            format!(
                "cannot pack {place}/a b: the path is not allowed: it has ' '; letters, digits, `.`, `_`, `-` and `+` \
                 are allowed"
            ),
            format!("cannot pack {place}/link.o: it is a symbolic link"),
        ]
    );
    Ok(())
}

#[test]
fn objects_have_to_be_in_the_recipe() -> Packing {
    let folder = folder()?;
    fs::remove_file(folder.path().join("one.bpf.o"))?;
    assert_eq!(
        messages(Packed::of_folder(folder.path())),
        ["object one.bpf.o is not in the recipe"]
    );
    for (path, why) in [("/usr/lib/one.o", "it is absolute"), ("../one.o", "it leaves the recipe")]
    {
        fs::write(folder.path().join(CHAIN), HOST.replace("one.bpf.o", path))?;
        let expected = format!("object {path} is outside of the recipe: {why}");
        assert_eq!(messages(Packed::of_folder(folder.path())), [expected]);
    }
    fs::write(folder.path().join(CHAIN), HOST.replace("one.bpf.o", "./tests/../tests/one.toml"))?;
    assert_eq!(messages(Packed::of_folder(folder.path())).len(), 1);
    fs::write(folder.path().join(CHAIN), HOST.replace("one.bpf.o", "./tests/one.toml"))?;
    assert_eq!(messages(Packed::of_folder(folder.path())), [""; 0]);
    Ok(())
}
