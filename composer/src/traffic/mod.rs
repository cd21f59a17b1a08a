//! Generates a little traffic to try a chain with: datagrams, connections or echo requests, by
//! default over the loopback interface, where the peer is created as well, so that the arrived
//! packets can be counted.
//!
//! Must not know: chains, eBPF, the terminal.

mod icmp;
mod tcp;
mod udp;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

/// The kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Connections, each with its bytes.
    Tcp,
    /// Echo requests; their replies are counted.
    Icmp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Icmp => "icmp",
        })
    }
}

impl Protocol {
    /// The maximum number of bytes in one packet.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            // 65,535 less the headers of IPv4 and of UDP or ICMP, which are both 8 bytes.
            Self::Udp | Self::Icmp => 65_507,
            Self::Tcp => 1 << 30,
        }
    }
}

/// The requested traffic.
#[derive(Debug, Clone)]
pub struct Request {
    /// The kind of traffic.
    pub protocol: Protocol,
    /// Where to.
    pub host: IpAddr,
    /// The port of UDP and TCP; 0 selects a free one, on the loopback interface only.
    pub port: u16,
    /// How many.
    pub count: u32,
    /// Bytes of payload in each.
    pub size: usize,
    /// Between one and the next.
    pub interval: Duration,
    /// How long to wait for one to arrive.
    pub wait: Duration,
    /// Whether to make the other end as well, for UDP and TCP.
    pub listen: bool,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficReport {
    /// Our end's address, when there was one.
    pub from: Option<SocketAddr>,
    /// The other end's; its port is 0 for ICMP.
    pub to: SocketAddr,
    /// The number of packets sent, or of connections established.
    pub sent: u32,
    /// The number that arrived complete at the peer, or whose reply arrived here; `None` if it
    /// cannot be known.
    pub arrived: Option<u32>,
    /// Why one was not sent, the last reason.
    pub refused: Option<String>,
    /// From the first to the last.
    pub took: Duration,
}

impl TrafficReport {
    const fn new(to: SocketAddr) -> Self {
        Self { from: None, to, sent: 0, arrived: None, refused: None, took: Duration::ZERO }
    }

    /// Whether `count` were sent and, as far as that can be known, arrived.
    #[must_use]
    pub fn is_whole(&self, count: u32) -> bool {
        self.sent == count && self.arrived.is_none_or(|arrived| arrived == count)
    }
}

/// Generates the traffic, and returns when everything has arrived that will.
///
/// # Errors
/// If a socket cannot be created or bound. Packets that are not sent or do not arrive are
/// not an error.
pub fn make(request: &Request) -> io::Result<TrafficReport> {
    let started = Instant::now();
    let mut report = match request.protocol {
        Protocol::Udp => udp::make(request),
        Protocol::Tcp => tcp::make(request),
        Protocol::Icmp => icmp::make(request),
    }?;
    report.took = started.elapsed();
    Ok(report)
}

/// Does `one` as often as asked for, with the pause between.
fn each(request: &Request, report: &mut TrafficReport, mut one: impl FnMut(u32) -> io::Result<()>) {
    for number in 0..request.count {
        if number > 0 && !request.interval.is_zero() {
            thread::sleep(request.interval);
        }
        match one(number) {
            Ok(()) => report.sent += 1,
            Err(error) => report.refused = Some(crate::files::plain(&error)),
        }
    }
}

/// Whether nothing came in time.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// What is in number `number`: text that a dump shows, and is the same in each run.
fn payload(request: &Request, number: u32) -> Vec<u8> {
    let text = format!("freplace-compose traffic {} {number} ", request.protocol);
    text.bytes().cycle().take(request.size).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn request(protocol: Protocol, host: impl Into<IpAddr>) -> Request {
        Request {
            protocol,
            host: host.into(),
            port: 0,
            count: 3,
            size: 64,
            interval: Duration::ZERO,
            wait: Duration::from_secs(20),
            listen: true,
        }
    }

    #[test]
    fn all_datagrams_and_connections_arrive_over_loopback() -> io::Result<()> {
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            for size in [0, 64, 9000] {
                let asked = Request { size, ..request(protocol, Ipv4Addr::LOCALHOST) };
                let report = make(&asked)?;
                assert_eq!((report.sent, report.arrived), (3, Some(3)), "{protocol} {size}");
                assert!(report.is_whole(3) && !report.is_whole(4));
                assert_ne!(report.to.port(), 0);
            }
        }
        Ok(())
    }

    #[test]
    fn more_than_a_sockets_buffers_hold_arrives_over_tcp() -> io::Result<()> {
        let asked =
            Request { size: 32 << 20, count: 1, ..request(Protocol::Tcp, Ipv4Addr::LOCALHOST) };
        assert_eq!(make(&asked)?.arrived, Some(1));
        Ok(())
    }

    #[test]
    fn a_connection_that_nobody_takes_is_told() -> io::Result<()> {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let asked = Request { port, listen: false, ..request(Protocol::Tcp, Ipv4Addr::LOCALHOST) };
        let report = make(&asked)?;
        assert_eq!((report.sent, report.arrived), (0, None));
        assert!(report.refused.is_some_and(|why| why.contains("refused")));
        Ok(())
    }

    #[test]
    fn loopback_has_two_families() -> io::Result<()> {
        // Some machines are without the second one.
        if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            assert!(make(&request(Protocol::Udp, Ipv6Addr::LOCALHOST))?.is_whole(3));
            assert!(make(&request(Protocol::Tcp, Ipv6Addr::LOCALHOST))?.is_whole(3));
        }
        Ok(())
    }
}
