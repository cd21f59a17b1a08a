//! Requests to rtnetlink(7), one at a time, each with the kernel's answer.

use std::{
    io,
    os::fd::OwnedFd,
    sync::atomic::{AtomicU32, Ordering},
};

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink, recv,
    sendto, socket_with,
};

/// Sends `request` with `flags` besides those that ask for an answer, and takes what comes in reply: the
/// messages of a dump or an echo.
///
/// # Errors
/// What the kernel answers, or damage in that.
pub(crate) fn ask(
    request: RouteNetlinkMessage,
    flags: u16,
) -> io::Result<Vec<RouteNetlinkMessage>> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut message = NetlinkMessage::from(request);
    message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    message.header.sequence_number = next_number();
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    sendto(&socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    answer(&socket, message.header.sequence_number)
}

/// Which request an answer is to.
fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What comes for request `number`, up to the acknowledgement or the end of a dump.
fn answer(socket: &OwnedFd, number: u32) -> io::Result<Vec<RouteNetlinkMessage>> {
    let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut found = Vec::new();
    // The kernel fills no more than this at once: NLMSG_GOODSIZE, and 32 KiB for dumps.
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (length, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let message =
                NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).map_err(damaged)?;
            // Messages begin at multiples of four bytes.
            let taken = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(taken..).unwrap_or_default();
            if message.header.sequence_number != number {
                continue;
            }
            match message.payload {
                NetlinkPayload::InnerMessage(inner) => found.push(inner),
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(found),
                _ => {}
            }
        }
    }
}
