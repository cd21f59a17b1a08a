//! The tasks of this repository, as `cargo xtask …`: one file for each.
//!
//! It is built before clang is known to be installed, so it depends on no other crate of the
//! workspace: it builds the product with cargo and runs it like a user.

mod bench;
mod build;
mod conformance;
mod connect;
mod demo;
mod dist;
mod kernels;
mod log;
mod objects;
mod pictures;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The result of a task; an error has a message for the user.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Tasks for developing this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Show a running chain: build everything and trace a few TCP connections.
    Demo,
    /// Run every check and every test, including those on real kernels.
    Test(test::Test),
    /// Compare the validator with real kernels over a corpus of chains.
    Conformance(conformance::Conformance),
    /// Run benchmarks, including comparisons with hand-written libbpf loaders.
    Bench(bench::Bench),
    /// Bring up programs from objects of other projects, taken from Debian packages.
    Objects(objects::Objects),
    /// Open pictures of a chain and of a run in a browser, for the docs.
    Pictures(pictures::Pictures),
    /// Build what people install: a static executable, a Debian package, a container file, checksums.
    Dist,
    /// Install missing packages for the other tasks.
    Setup,
    /// Open TCP connections on the loopback interface, over IPv4 and IPv6.
    #[command(hide = true)]
    Connect(connect::Connect),
    /// The part of `bench` that runs in the guest.
    #[command(hide = true)]
    BenchGuest(bench::guest::GuestArgs),
    /// The part of `objects` that runs in the guest.
    #[command(hide = true)]
    ObjectsGuest(objects::ObjectsArgs),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().chore {
        Chore::Demo => demo::run(),
        Chore::Test(test) => test::run(&test),
        Chore::Conformance(conformance) => conformance::run(&conformance),
        Chore::Bench(bench) => bench::run(&bench),
        Chore::Pictures(pictures) => pictures::run(&pictures),
        Chore::Dist => dist::run(),
        Chore::Setup => setup::ensure(&[setup::BUILD, setup::VM, setup::OTHERS]),
        Chore::Connect(connect) => connect::run(&connect),
        Chore::BenchGuest(guest) => bench::guest::run(&guest),
        Chore::Objects(objects) => objects::run(&objects),
        Chore::ObjectsGuest(guest) => objects::guest(&guest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
