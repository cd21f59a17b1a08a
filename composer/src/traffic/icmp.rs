//! Echo requests, and the replies of the peer's kernel.
//!
//! For users in `net.ipv4.ping_group_range` the kernel has a socket for these; others need a raw
//! socket and the permission for it.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Instant,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketType, ipproto, socket},
};

use super::{Request, TrafficReport, each, is_late, payload};

/// Types of requests and replies, for IPv4 (RFC 792) and IPv6 (RFC 4443).
const ECHO_V4: (u8, u8) = (8, 0);
const ECHO_V6: (u8, u8) = (128, 129);
/// Type, code, checksum, identifier, number.
const HEADER: usize = 8;

pub(super) fn make(request: &Request) -> io::Result<TrafficReport> {
    let (socket, raw) = open(request.host)?;
    let to = SocketAddr::new(request.host, 0);
    socket.connect(to)?;
    let mut report = TrafficReport::new(to);
    let identifier = std::process::id() as u16;
    let mut arrived = 0;
    each(request, &mut report, |number| {
        let number = number as u16; // which wraps around as the field does
        let data = payload(request, number.into());
        socket.send(&message(request.host.is_ipv4(), identifier, number, &data))?;
        let expected = Reply { v4: request.host.is_ipv4(), raw, identifier, number };
        arrived += u32::from(expected.comes(&socket, request)?);
        Ok(())
    });
    report.arrived = Some(arrived);
    Ok(report)
}

/// A socket for echo requests, and whether it is a raw one.
fn open(host: IpAddr) -> io::Result<(UdpSocket, bool)> {
    let (family, protocol) = match host {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    match socket(family, SocketType::DGRAM, Some(protocol)) {
        Ok(socket) => Ok((socket.into(), false)),
        Err(Errno::ACCESS | Errno::PERM) => {
            Ok((socket(family, SocketType::RAW, Some(protocol))?.into(), true))
        }
        Err(error) => Err(error.into()),
    }
}

/// An echo request. The kernel sums those of IPv6 itself, since the sum has the address in it.
fn message(v4: bool, identifier: u16, number: u16, data: &[u8]) -> Vec<u8> {
    let (request, _) = if v4 { ECHO_V4 } else { ECHO_V6 };
    let mut bytes = vec![request, 0, 0, 0];
    bytes.extend(identifier.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    bytes.extend(data);
    if v4 {
        let sum = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&sum);
    }
    bytes
}

/// RFC 1071: the complement of the sum of all pairs of bytes, with what is carried added at its end.
fn checksum(bytes: &[u8]) -> u16 {
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        rest => u16::from_be_bytes([rest[0], 0]),
    });
    let mut sum: u32 = pairs.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The reply that is waited for.
struct Reply {
    v4: bool,
    raw: bool,
    identifier: u16,
    number: u16,
}

impl Reply {
    /// Whether it comes in time; a raw socket sees others as well, over loopback the request itself.
    fn comes(&self, socket: &UdpSocket, request: &Request) -> io::Result<bool> {
        let until = Instant::now() + request.wait;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut buffer) {
                Ok(n) if self.is(&buffer[..n]) => return Ok(true),
                Ok(_) => {}
                Err(error) if is_late(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn is(&self, packet: &[u8]) -> bool {
        // A raw socket for IPv4 gives the IP header as well; its length is in the lower half of the first byte.
        let header = match (self.raw && self.v4, packet.first()) {
            (true, Some(first)) => usize::from(first & 15) * 4,
            _ => 0,
        };
        let Some(icmp) = packet.get(header..).filter(|icmp| icmp.len() >= HEADER) else {
            return false;
        };
        let (_, reply) = if self.v4 { ECHO_V4 } else { ECHO_V6 };
        // The kernel puts an identifier of its own into what others than raw sockets send.
        let ours = !self.raw || icmp[4..6] == self.identifier.to_be_bytes();
        icmp[0] == reply && ours && icmp[6..8] == self.number.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_message_with_its_checksum_is_zero() {
        for data in [&b""[..], b"a", b"abcdefg", &[0xff; 1000]] {
            assert_eq!(checksum(&message(true, 0x1234, 7, data)), 0);
        }
        // The example of RFC 1071.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_reply_is_told_from_the_request_and_from_others() {
        let reply = Reply { v4: true, raw: true, identifier: 9, number: 2 };
        let packet = |kind: u8, identifier: u16, number: u16| {
            let mut packet = vec![0x45; 20];
            packet.extend(message(true, identifier, number, b"data"));
            packet[20] = kind;
            packet
        };
        assert!(reply.is(&packet(0, 9, 2)));
        for other in [packet(8, 9, 2), packet(0, 8, 2), packet(0, 9, 1), vec![0x45; 24], vec![]] {
            assert!(!reply.is(&other));
        }
    }
}
