//! The chores of this repository, as `cargo xtask …`: one file for each.
//!
//! It is built before clang is known to be there, so it depends on no other crate of the
//! workspace: it builds the product with cargo and runs it as anybody would.

mod bench;
mod build;
mod conformance;
mod connect;
mod demo;
mod kernels;
mod log;
mod objects;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a chore gives back: an error has a message for people.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Show a chain at work: builds everything, and traces a few TCP connections.
    Demo,
    /// Run every check and every test, those on real kernels included.
    Test(test::Test),
    /// Hold the validator to what real kernels do with a corpus of chains.
    Conformance(conformance::Conformance),
    /// Measure, also against a loader written by hand with libbpf.
    Bench(bench::Bench),
    /// Bring up the programs of objects that other projects ship, as Debian has them.
    Objects(objects::Objects),
    /// Install what is missing for the other chores.
    Setup,
    /// Make TCP connections on the loopback, over IPv4 and IPv6.
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
