//! Opens TCP connections on the loopback interface, so that a chain on TCP has events. It needs
//! only this executable, which is copied into the micro-VM like any command.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
    os::unix::process::parent_id,
};

use crate::{Result, bench::guest::peak_kib};

/// Open TCP connections on the loopback interface, over IPv4 and IPv6 in turn.
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// Number of connections.
    #[arg(long, value_name = "N", default_value_t = 4)]
    count: usize,
    /// Report the parent process's peak memory on stderr at the end.
    #[arg(long)]
    parent_peak: bool,
}

/// The data sent over each connection.
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

/// Precedes the parent's peak memory in KiB.
pub(crate) const PEAK: &str = "parent's peak in KiB: ";

/// Opens, accepts, uses and closes one connection.
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
