//! The network namespaces that there are, and what is attached in each.
//!
//! A thread of its own enters each of them: who asks rtnetlink asks the namespace that it is in.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        linux::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{
    attachments::{Spot, SpotKey},
    descriptors::Descriptors,
    links, network,
};
use crate::{kernel::sys, object::AttachType};

/// Where iproute2 gives namespaces names.
const NAMED: &str = "/run/netns";

/// A namespace.
struct Namespace {
    /// A file that stands for it.
    file: PathBuf,
    /// What it is called where it is not ours.
    label: Option<String>,
}

/// What is attached in every namespace that can be entered.
pub(super) fn spots(descriptors: &Descriptors, gaps: &mut Vec<String>) -> Vec<Spot> {
    let own = fs::metadata("/proc/self/ns/net").map_or(0, |about| about.st_ino());
    let mut spots = Vec::new();
    let mut refused = 0_u32;
    for (inode, namespace) in all(own, descriptors) {
        match within(own == inode, &namespace) {
            Ok(found) => spots.extend(found.into_iter().map(|mut spot| {
                spot.namespace.clone_from(&namespace.label);
                spot
            })),
            Err(_) => refused += 1,
        }
    }
    if refused > 0 {
        let what = if refused == 1 { "network namespace" } else { "network namespaces" };
        gaps.push(format!("interfaces of {refused} {what}"));
    }
    spots
}

/// By inode: ours, those that have a name, and those that processes are in.
fn all(own: u64, descriptors: &Descriptors) -> BTreeMap<u64, Namespace> {
    let mut found = BTreeMap::new();
    found.insert(own, Namespace { file: "/proc/self/ns/net".into(), label: None });
    for entry in fs::read_dir(NAMED).into_iter().flatten().flatten() {
        let Ok(about) = entry.metadata() else { continue };
        let label = entry.file_name().to_string_lossy().into_owned();
        found.entry(about.st_ino()).or_insert(Namespace { file: entry.path(), label: Some(label) });
    }
    for (inode, process) in &descriptors.namespaces {
        let file = Path::new("/proc").join(process.pid.to_string()).join("ns/net");
        let label = Some(format!("of {}/{}", process.comm, process.pid));
        found.entry(*inode).or_insert(Namespace { file, label });
    }
    found
}

/// What is attached in a namespace.
fn within(is_own: bool, namespace: &Namespace) -> std::io::Result<Vec<Spot>> {
    let file = File::open(&namespace.file)?;
    let look = || {
        let mut spots = network::spots()?;
        spots.extend(at_namespace(&file)?);
        Ok(spots)
    };
    if is_own {
        return look();
    }
    thread::scope(|scope| {
        let enter = || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
            look()
        };
        let thread =
            thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, enter)?;
        thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread ended")))
    })
}

/// What is attached to a namespace itself.
fn at_namespace(file: &File) -> std::io::Result<Vec<Spot>> {
    let inode = file.metadata()?.st_ino();
    let mut spots = Vec::new();
    for kind in [AttachType::FlowDissector, AttachType::SkLookup] {
        let number = kind as u32;
        let programs = sys::programs_at(file.as_raw_fd().cast_unsigned(), number);
        spots.extend(programs.unwrap_or_default().into_iter().map(|program| Spot {
            program,
            key: SpotKey::Inode(inode, number),
            kind: links::attach_type(number),
            at: String::new(),
            namespace: None,
        }));
    }
    Ok(spots)
}
