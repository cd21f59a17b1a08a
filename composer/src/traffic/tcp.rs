//! Connections: one after the other, each with data to the peer.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{Request, TrafficReport, each, payload};

pub(super) fn make(request: &Request) -> io::Result<TrafficReport> {
    let other = match request.listen {
        true => Some(TcpListener::bind((request.host, request.port))?),
        false => None,
    };
    let to = match &other {
        Some(other) => other.local_addr()?,
        None => SocketAddr::new(request.host, request.port),
    };
    let mut report = TrafficReport::new(to);
    let (mut from, mut arrived) = (None, 0);
    each(request, &mut report, |number| {
        let own = TcpStream::connect_timeout(&to, request.wait)?;
        own.set_write_timeout(Some(request.wait))?;
        from = own.local_addr().ok();
        let whole = thread::scope(|scope| {
            let arriving = other.as_ref().map(|other| {
                scope.spawn(|| taken(other, request.wait).map(|bytes| bytes == request.size))
            });
            let sent = send(own, &payload(request, number));
            let whole = arriving.and_then(|arriving| arriving.join().ok()?.ok());
            sent.map(|()| whole)
        })?;
        arrived += u32::from(whole == Some(true));
        Ok(())
    });
    report.from = from;
    report.arrived = other.map(|_| arrived);
    Ok(report)
}

fn send(mut own: TcpStream, bytes: &[u8]) -> io::Result<()> {
    own.write_all(bytes)?;
    own.shutdown(Shutdown::Write)
}

/// The bytes of the next connection, once it is closed.
fn taken(listener: &TcpListener, wait: Duration) -> io::Result<usize> {
    let bound = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
    let mut ready = [PollFd::new(listener, PollFlags::IN)];
    if poll(&mut ready, Some(&bound))? == 0 {
        return Err(Errno::TIMEDOUT.into());
    }
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(wait))?;
    let (mut bytes, mut chunk) = (0, vec![0; 1 << 16]);
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(bytes),
            n => bytes += n,
        }
    }
}
