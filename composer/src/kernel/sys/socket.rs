//! Sockets with a program as their filter.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
};

use super::{descriptor, length};

/// A packet socket that receives what passes an interface.
pub(in crate::kernel) fn packet_socket(interface: u32) -> io::Result<OwnedFd> {
    let protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
    // SAFETY: it takes numbers only.
    let socket = unsafe {
        libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol.into())
    };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    let socket = descriptor(socket);
    // SAFETY: the struct is made of integers; all zeros is a value of it.
    let mut place: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    place.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    place.sll_protocol = protocol;
    place.sll_ifindex = interface.cast_signed();
    // SAFETY: `place` is a live struct of the size given.
    let bound = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&place).cast(),
            length(size_of::<libc::sockaddr_ll>()),
        )
    };
    if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
}

/// Makes `program` the filter of a socket.
pub(in crate::kernel) fn filter_socket(
    socket: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
) -> io::Result<()> {
    let program = program.as_raw_fd();
    // SAFETY: the option's value is a live int of the size given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_BPF,
            std::ptr::from_ref(&program).cast(),
            length(size_of::<i32>()),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
