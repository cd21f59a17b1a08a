//! A manifest for Kubernetes that keeps a chain up on every node: a ConfigMap with the chain, and a DaemonSet.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    needs::{Needs, TracefsUse},
    portable::Portable,
};
use crate::{
    chain::Chain,
    diag::{Code, Diagnostic},
    recipe::CHAIN,
};

/// The most bytes that a ConfigMap takes, all files together.
pub const MOST_BYTES: usize = 1024 * 1024;
/// Where the chain is in the container.
const FOLDER: &str = "/chain";
/// Memory that a chain may take besides its maps, in MiB: most of it goes to the verifier.
const MEMORY: u64 = 256;

/// A folder or file of the node that the container sees.
struct Mount {
    name: String,
    path: String,
    kind: &'static str,
    writable: bool,
}

/// The manifest that keeps `chain` up on every node, in a container of `image` with no more rights than it `needs`:
/// two documents of YAML.
///
/// # Errors
/// A diagnostic where the chain with its objects is too large for a ConfigMap.
pub fn manifest(
    chain: &Chain,
    needs: &Needs,
    portable: &Portable,
    image: &str,
) -> Result<String, Box<Diagnostic>> {
    let size = portable.size();
    if size > MOST_BYTES {
        let message =
            format!("the chain and its objects have {size} bytes, too many for a ConfigMap");
        let help = format!(
            "A ConfigMap holds {MOST_BYTES} bytes. Strip the objects with llvm-strip -g, which keeps BTF, or \
             export fewer nodes."
        );
        return Err(Box::new(Diagnostic::new(Code::TooLargeToExport, message).help(help)));
    }
    let name = resource_name(&chain.name);
    let labels =
        json!({ "app.kubernetes.io/name": "freplace-compose", "app.kubernetes.io/instance": name });
    let metadata = json!({ "name": name, "labels": labels });
    let config = config(&metadata, portable);
    let daemon = json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata,
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": {
                    "labels": labels,
                    // Another chain is another template, so that the pods are made anew.
                    "annotations": { "freplace-compose/sha256": digest(&config) },
                },
                "spec": pod(&name, needs, image),
            },
        },
    });
    let documents = [config, daemon].map(|document| yaml(&document));
    Ok(format!(
        "# Made by `freplace-compose export --kubernetes`.\n{}---\n{}",
        documents[0], documents[1]
    ))
}

fn yaml(document: &Value) -> String {
    // Values of JSON can all be written.
    serde_saphyr::to_string(document).unwrap_or_default()
}

/// The SHA-256 of a document.
fn digest(document: &Value) -> String {
    let bytes = Sha256::digest(document.to_string());
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
        text
    })
}

fn config(metadata: &Value, portable: &Portable) -> Value {
    let objects =
        portable.objects.iter().map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes).into()));
    let objects: serde_json::Map<_, _> = objects.collect();
    let mut config = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": { CHAIN: portable.chain },
    });
    if !objects.is_empty() {
        config["binaryData"] = objects.into();
    }
    config
}

fn pod(name: &str, needs: &Needs, image: &str) -> Value {
    let capabilities: Vec<_> = needs.capabilities.iter().map(|one| one.short_name()).collect();
    let memory = MEMORY + needs.map_memory.div_ceil(1024 * 1024);
    let mounts = mounts(needs);
    let mut seen = vec![json!({ "name": "chain", "mountPath": FOLDER, "readOnly": true })];
    let mut volumes = vec![json!({ "name": "chain", "configMap": { "name": name } })];
    for Mount { name, path, kind, writable } in &mounts {
        seen.push(json!({ "name": name, "mountPath": path, "readOnly": !writable }));
        volumes.push(json!({ "name": name, "hostPath": { "path": path, "type": kind } }));
    }
    let mut security = json!({
        "runAsUser": 0,
        "privileged": false,
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"], "add": capabilities },
        // Allows bpf(2) and perf_event_open(2) to who has the capabilities for them.
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    if mounts.iter().any(|mount| mount.writable) {
        // The profile of container engines denies writing to all of /sys.
        security["appArmorProfile"] = json!({ "type": "Unconfined" });
    }
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "nodeSelector": {
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture(),
        },
        // Every node, whatever it is kept free for.
        "tolerations": [{ "operator": "Exists" }],
        "terminationGracePeriodSeconds": 30,
        "containers": [{
            "name": "chain",
            "image": image,
            "args": ["up", "--format", "json", format!("{FOLDER}/{CHAIN}")],
            "securityContext": security,
            "resources": {
                "requests": { "cpu": "50m", "memory": "64Mi" },
                "limits": { "memory": format!("{memory}Mi") },
            },
            "volumeMounts": seen,
        }],
        "volumes": volumes,
    });
    if needs.has_network {
        pod["hostNetwork"] = true.into();
    }
    if needs.has_processes {
        pod["hostPID"] = true.into();
    }
    pod
}

/// What of the node the container sees. The types of the kernel are in the /sys that it has anyway.
fn mounts(needs: &Needs) -> Vec<Mount> {
    let folder = |name: &str, path: &str, writable| Mount {
        name: name.to_owned(),
        path: path.to_owned(),
        kind: "Directory",
        writable,
    };
    let mut mounts = Vec::new();
    if needs.tracefs != TracefsUse::None {
        let writable = needs.tracefs == TracefsUse::Writes;
        mounts.push(folder("tracefs", "/sys/kernel/tracing", writable));
    }
    if needs.has_cgroups {
        mounts.push(folder("cgroup", "/sys/fs/cgroup", false));
    }
    if needs.has_pins {
        mounts.push(folder("bpf", "/sys/fs/bpf", true));
    }
    if needs.looks_for_binaries() {
        mounts.push(folder("usr", "/usr", false));
        mounts.push(folder("lib", "/lib", false));
    }
    for (number, path) in needs.paths().enumerate() {
        mounts.push(Mount {
            name: format!("binary-{number}"),
            path: path.display().to_string(),
            kind: "File",
            writable: false,
        });
    }
    mounts
}

/// A name that Kubernetes takes: lower-case letters, digits and hyphens, 63 at most.
fn resource_name(chain: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
    };
    let name: String =
        "freplace-compose-".chars().chain(chain.chars().map(plain)).take(63).collect();
    name.trim_end_matches('-').to_owned()
}

/// This machine's architecture, as Kubernetes calls it: the chain was checked for that.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
