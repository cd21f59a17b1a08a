//! TCP connections on the loopback, so that a chain on TCP has something to show. It needs nothing
//! but this executable, which comes along into the micro-VM as any command does.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    os::unix::process::parent_id,
};

use crate::{Result, bench::guest::peak_kib};

/// Make TCP connections on the loopback, over IPv4 and IPv6 in turn.
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 4)]
    count: usize,
    /// At the end, say on stderr how much memory our parent process took at most.
    #[arg(long)]
    parent_peak: bool,
}

/// What is sent over each.
const GREETING: &[u8; 5] = b"hello";

pub(crate) fn run(arguments: &Connect) -> Result {
    let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let listeners = localhost.map(|address| TcpListener::bind((address, 0)));
    let [v4, v6] = listeners;
    let listeners = [v4?, v6.map_err(|error| format!("no IPv6 on the loopback: {error}"))?];
    for number in 0..arguments.count {
        once(&listeners[number % listeners.len()])?;
    }
    if arguments.parent_peak {
        eprintln!("{PEAK}{}", peak_kib(parent_id())?);
    }
    Ok(())
}

/// In front of the parent's peak, in KiB.
pub(crate) const PEAK: &str = "parent's peak in KiB: ";

/// One connection, made, accepted, used and closed.
fn once(listener: &TcpListener) -> io::Result<()> {
    // The kernel completes the handshake by itself; accept(2) takes what is complete.
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.write_all(GREETING)?;
    drop(client);
    let mut heard = Vec::new();
    server.read_to_end(&mut heard)?;
    if heard == GREETING { Ok(()) } else { Err(io::Error::other("the greeting got lost")) }
}
