//! Datagrams.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use super::{Request, TrafficReport, each, payload};

pub(super) fn make(request: &Request) -> io::Result<TrafficReport> {
    let other = match request.listen {
        true => Some(UdpSocket::bind((request.host, request.port))?),
        false => None,
    };
    let to = match &other {
        Some(other) => other.local_addr()?,
        None => SocketAddr::new(request.host, request.port),
    };
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let own = UdpSocket::bind(any)?;
    own.connect(to)?;
    let mut report = TrafficReport::new(to);
    report.from = own.local_addr().ok();
    thread::scope(|scope| {
        let (wait, count) = (request.wait + request.interval, request.count);
        let arriving = other.map(|other| scope.spawn(move || receive(&other, count, wait)));
        each(request, &mut report, |number| own.send(&payload(request, number)).map(drop));
        report.arrived = match arriving.map(thread::ScopedJoinHandle::join) {
            Some(Ok(arrived)) => Some(arrived?),
            _ => None,
        };
        Ok(report)
    })
}

/// How many datagrams come, until there are `count` or none came for a while.
fn receive(socket: &UdpSocket, count: u32, wait: Duration) -> io::Result<u32> {
    socket.set_read_timeout(Some(wait))?;
    let mut arrived = 0;
    while arrived < count {
        match socket.recv(&mut [0; 1]) {
            Ok(_) => arrived += 1,
            Err(error) if super::is_late(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(arrived)
}
