//! `traffic`: generates traffic for a chain.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use clap::ValueEnum;
use serde_json::json;

use super::{Format, exit::Exit, report, screen, up::duration};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    traffic::{self, Protocol, Request, TrafficReport},
};

/// Generate network traffic to test a chain.
///
/// The default address is loopback, where the receiving end is created as well and arrivals are
/// counted.
///
/// Example: freplace-compose traffic udp --count 3
///
/// Exit codes: 0 everything arrived; 1 something did not arrive; 2 invalid command line; 4 not
/// permitted.
#[derive(Debug, clap::Args)]
pub(super) struct Traffic {
    /// Protocol to use.
    #[arg(value_name = "PROTOCOL")]
    protocol: TrafficKind,
    /// Address to send to.
    #[arg(value_name = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// UDP or TCP port [default: a free port].
    #[arg(long, short, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Number of datagrams, connections or echo requests.
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Bytes of payload in each.
    #[arg(long, short, value_name = "BYTES", default_value_t = 64)]
    size: usize,
    /// Pause between two of them, for example 100ms or 1s.
    #[arg(long, short, value_name = "TIME", default_value = "0s", value_parser = duration)]
    interval: Duration,
    /// Time to wait for each to arrive.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    wait: Duration,
    /// Only send; do not create the receiving end.
    #[arg(long)]
    no_listen: bool,
    /// Exit with 0 even if something did not arrive, for chains that drop packets.
    #[arg(long)]
    lossy: bool,
    /// Format of the report.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TrafficKind {
    /// Datagrams.
    Udp,
    /// Connections, each with its payload.
    Tcp,
    /// Echo requests.
    Icmp,
}

impl Traffic {
    fn request(&self) -> Result<Request, String> {
        let protocol = match self.protocol {
            TrafficKind::Udp => Protocol::Udp,
            TrafficKind::Tcp => Protocol::Tcp,
            TrafficKind::Icmp => Protocol::Icmp,
        };
        let (loopback, has_ports) = (self.host.is_loopback(), protocol != Protocol::Icmp);
        let listen = loopback && has_ports && !self.no_listen;
        if has_ports && !listen && self.port.is_none() {
            return Err("missing port of the receiver: --port PORT".to_owned());
        }
        if !has_ports && self.port.is_some() {
            return Err("`--port` is not valid for echo requests".to_owned());
        }
        if self.size > protocol.most() {
            return Err(format!("{protocol} supports at most {} bytes: --size", protocol.most()));
        }
        if self.wait.is_zero() {
            return Err("`--wait` must be greater than 0".to_owned());
        }
        Ok(Request {
            protocol,
            host: self.host,
            port: self.port.unwrap_or(0),
            count: self.count,
            size: self.size,
            interval: self.interval,
            wait: self.wait,
            listen,
        })
    }
}

pub(super) fn run(arguments: &Traffic) -> Exit {
    let request = match arguments.request() {
        Ok(request) => request,
        Err(wrong) => {
            screen::say!("error: {wrong}");
            return Exit::Usage;
        }
    };
    let made = match traffic::make(&request) {
        Ok(made) => made,
        Err(error) => return failed(&request, &error),
    };
    let written = match arguments.format {
        Format::Human => screen::data(&human(&request, &made)),
        Format::Json => screen::json(&to_json(&request, &made)),
    };
    let good = made.is_whole(request.count) || arguments.lossy && made.sent == request.count;
    if good { written } else { Exit::Failed }
}

fn failed(request: &Request, error: &io::Error) -> Exit {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let message = format!("cannot generate {} traffic: {}", request.protocol, plain(error));
    let help = match (error.kind(), request.protocol) {
        (io::ErrorKind::PermissionDenied, Protocol::Icmp) => {
            "Run it as root, as a group in `sysctl net.ipv4.ping_group_range`, or in the micro-VM \
             with --vm. Echo requests require it."
        }
        (io::ErrorKind::PermissionDenied, _) => {
            "Use another --port. Ports below 1024 require \
                                                 root."
        }
        (io::ErrorKind::AddrInUse, _) => {
            "Use another --port, or --no-listen to send to the existing receiver."
        }
        _ => "Use an address of this machine: `ip address` lists them.",
    };
    report::one(&Diagnostic::new(Code::Traffic, message).help(help));
    if denied { Exit::Environment } else { Exit::Failed }
}

fn what(protocol: Protocol, count: u32) -> &'static str {
    match (protocol, count) {
        (Protocol::Udp, 1) => "datagram",
        (Protocol::Udp, _) => "datagrams",
        (Protocol::Tcp, 1) => "connection",
        (Protocol::Tcp, _) => "connections",
        (Protocol::Icmp, 1) => "echo request",
        (Protocol::Icmp, _) => "echo requests",
    }
}

/// `127.0.0.1:40022 → 127.0.0.1:9000`, without ports where there are none.
fn way(report: &TrafficReport) -> String {
    let to = |address: SocketAddr| match address.port() {
        0 => address.ip().to_string(),
        _ => address.to_string(),
    };
    match report.from {
        Some(from) => format!("{} → {}", to(from), to(report.to)),
        None => to(report.to),
    }
}

fn human(request: &Request, report: &TrafficReport) -> String {
    let Request { protocol, count, size, .. } = *request;
    let arrived = match (report.arrived, protocol) {
        (None, _) => String::new(),
        (Some(arrived), Protocol::Icmp) => format!(", {arrived} answered"),
        (Some(arrived), _) => format!(", {arrived} arrived"),
    };
    let refused = report.refused.as_ref().map(|why| format!(", the others failed: {why}"));
    format!(
        "{protocol}  {}  {} of {count} {} sent{arrived}{}  {size} bytes each  {} ms\n",
        way(report),
        report.sent,
        what(protocol, count),
        refused.unwrap_or_default(),
        report.took.as_millis(),
    )
}

fn to_json(request: &Request, report: &TrafficReport) -> serde_json::Value {
    json!({
        "protocol": request.protocol.to_string(),
        "from": report.from.map(|from| from.to_string()),
        "to": way(&TrafficReport { from: None, ..report.clone() }),
        "size": request.size,
        "asked": request.count,
        "sent": report.sent,
        "arrived": report.arrived,
        "refused": report.refused,
        "took_ns": u64::try_from(report.took.as_nanos()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_one_line() {
        let request = Request {
            protocol: Protocol::Udp,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            count: 10,
            size: 64,
            interval: Duration::ZERO,
            wait: Duration::from_secs(1),
            listen: true,
        };
        let report = TrafficReport {
            from: Some(([127, 0, 0, 1], 40022).into()),
            to: ([127, 0, 0, 1], 9000).into(),
            sent: 10,
            arrived: Some(7),
            refused: None,
            took: Duration::from_millis(1002),
        };
        assert_eq!(
            human(&request, &report),
            "udp  127.0.0.1:40022 → 127.0.0.1:9000  10 of 10 datagrams sent, 7 arrived  64 bytes each  1002 ms\n"
        );
        let icmp = Request { protocol: Protocol::Icmp, count: 1, ..request };
        let answered = TrafficReport {
            from: None,
            to: ([127, 0, 0, 1], 0).into(),
            sent: 1,
            arrived: Some(1),
            took: Duration::ZERO,
            ..report
        };
        assert_eq!(
            human(&icmp, &answered),
            "icmp  127.0.0.1  1 of 1 echo request sent, 1 answered  64 bytes each  0 ms\n"
        );
        assert_eq!(to_json(&icmp, &answered)["to"], "127.0.0.1");
    }
}
