//! Names and passwords for registries, as docker and podman keep them in files.

use std::{collections::BTreeMap, env, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;

/// What is known of the user at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nothing.
    None,
    /// `Basic` and the encoded name and password.
    Basic(String),
    /// They are kept where they are not read; why.
    Elsewhere(String),
}

/// `config.json` of docker, `auth.json` of podman.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoginFile {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// The most bytes of such a file.
const MOST: u64 = 1 << 20;

/// The user's, for the registry `host`.
pub(super) fn of_user(host: &str) -> Credentials {
    let mut elsewhere = Credentials::None;
    for file in files() {
        let Ok(bytes) = crate::files::read(&file, MOST) else { continue };
        match of_file(&bytes, host) {
            Credentials::None => {}
            found @ Credentials::Basic(_) => return found,
            found @ Credentials::Elsewhere(_) => elsewhere = found,
        }
    }
    elsewhere
}

/// Where they may be, the first that has them wins.
fn files() -> Vec<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = of("DOCKER_CONFIG").or_else(|| Some(of("HOME")?.join(".docker")));
    let found = [
        of("REGISTRY_AUTH_FILE"),
        of("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        docker.map(|folder| folder.join("config.json")),
    ];
    found.into_iter().flatten().collect()
}

/// What the file with these `bytes` has for `host`.
fn of_file(bytes: &[u8], host: &str) -> Credentials {
    let Ok(file) = serde_json::from_slice::<LoginFile>(bytes) else { return Credentials::None };
    let names: &[&str] = match host {
        "docker.io" => &["docker.io", "https://index.docker.io/v1/"],
        _ => &[],
    };
    let login = [host].iter().chain(names).find_map(|name| file.auths.get(*name));
    let basic = login.and_then(|login| match (&login.auth, &login.username, &login.password) {
        (Some(auth), ..) if !auth.is_empty() => Some(auth.clone()),
        (_, Some(name), Some(password)) => {
            Some(BASE64_STANDARD.encode(format!("{name}:{password}")))
        }
        _ => None,
    });
    // What goes into a header has to be what it should be.
    let is_whole =
        |auth: &String| BASE64_STANDARD.decode(auth).is_ok_and(|plain| plain.contains(&b':'));
    if let Some(auth) = basic.filter(is_whole) {
        return Credentials::Basic(format!("Basic {auth}"));
    }
    if login.is_some_and(|login| login.identitytoken.is_some()) {
        return Credentials::Elsewhere(
            "The login of the user is an identity token, which is not used.".to_owned(),
        );
    }
    match file.cred_helpers.get(host).or(file.creds_store.as_ref()) {
        Some(helper) => Credentials::Elsewhere(format!(
            "The login of the user is kept by docker-credential-{helper}, which is not run."
        )),
        None => Credentials::None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, of_file};

    #[test]
    fn logins_are_found_by_the_name_of_the_registry() {
        let file = br#"{"auths":{"ghcr.io":{"auth":"bWU6c2VjcmV0"},"a:5000":{"username":"me","password":"secret"},
            "https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"},"bad":{"auth":"x\r\nHost: y"},"t":{"identitytoken":"x"}},
            "credHelpers":{"gcr.io":"gcloud"}}"#;
        let basic = Credentials::Basic("Basic bWU6c2VjcmV0".to_owned());
        for host in ["ghcr.io", "a:5000", "docker.io"] {
            assert_eq!(of_file(file, host), basic, "{host}");
        }
        for host in ["bad", "a", "other.org"] {
            assert_eq!(of_file(file, host), Credentials::None, "{host}");
        }
        for host in ["gcr.io", "t"] {
            assert!(matches!(of_file(file, host), Credentials::Elsewhere(_)), "{host}");
        }
        for wrong in ["", "[]", "{\"auths\":3}"] {
            assert_eq!(of_file(wrong.as_bytes(), "ghcr.io"), Credentials::None);
        }
    }
}
