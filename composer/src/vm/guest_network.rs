//! A second network namespace for the guest, with a cable to the first: a pair of veth devices, both
//! called `eth0`, with the addresses below.

use std::{
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsFd as _, AsRawFd as _},
    thread,
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressHeader, AddressMessage},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};
use rustix::{
    mount::mount_bind,
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space},
};

use crate::netlink::ask;

/// The module that the devices are in.
pub(super) const MODULE: &str = "veth";
/// The other namespace, for `nsenter --net=FILE`.
const NAMESPACE: &str = "/run/netns/peer";
/// Both devices.
const DEVICE: &str = "eth0";
/// The addresses of the guest's own end, and those of the other, with the bits of their network.
const OWN: [(IpAddr, u8); 2] = addresses(1);
const PEER: [(IpAddr, u8); 2] = addresses(2);

const fn addresses(host: u8) -> [(IpAddr, u8); 2] {
    let six = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host as u16);
    [(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 24), (IpAddr::V6(six), 64)]
}

/// Makes the namespace and the devices. The error is a sentence.
pub(super) fn connect() -> Result<(), String> {
    let failed = |what: &'static str| move |error: io::Error| format!("cannot {what}: {error}");
    // A thread of its own: what it enters is for that thread alone.
    let made = thread::spawn(make_namespace).join();
    made.map_err(|_| "a thread that makes a network namespace panicked".to_owned())?
        .map_err(failed("make a network namespace"))?;
    let namespace = File::open(NAMESPACE).map_err(failed("open the network namespace"))?;
    add_devices(&namespace).map_err(failed("add a pair of veth devices"))?;
    bring_up(&OWN).map_err(failed("set the address of eth0"))?;
    let there = thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        up("lo")?;
        bring_up(&PEER)
    });
    there
        .join()
        .map_err(|_| "a thread in the other network namespace panicked".to_owned())?
        .map_err(failed("set the address of the other eth0"))
}

/// A namespace of its own for this thread, and a name for it.
fn make_namespace() -> io::Result<()> {
    if let Some(folder) = std::path::Path::new(NAMESPACE).parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(NAMESPACE)?;
    #[expect(
        deprecated,
        reason = "what the other says of tables of descriptors is not about this"
    )]
    rustix::thread::unshare(UnshareFlags::NEWNET)?;
    Ok(mount_bind("/proc/thread-self/ns/net", NAMESPACE)?)
}

fn add_devices(other: &File) -> io::Result<()> {
    let name = || LinkAttribute::IfName(DEVICE.to_owned());
    let mut peer = LinkMessage::default();
    peer.attributes = vec![name(), LinkAttribute::NetNsFd(other.as_raw_fd())];
    let kind =
        vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))];
    let mut link = LinkMessage::default();
    link.attributes = vec![name(), LinkAttribute::LinkInfo(kind)];
    ask(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL).map(drop)
}

/// Gives the device of this namespace its addresses.
fn bring_up(addresses: &[(IpAddr, u8)]) -> io::Result<()> {
    let index = up(DEVICE)?;
    for (address, prefix_len) in addresses {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let mut message = AddressMessage::default();
        message.header =
            AddressHeader { family, prefix_len: *prefix_len, index, ..AddressHeader::default() };
        message.attributes = vec![
            AddressAttribute::Address(*address),
            AddressAttribute::Local(*address),
            // Nobody else is there to have the same.
            AddressAttribute::Flags(AddressFlags::Nodad),
        ];
        ask(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)?;
    }
    Ok(())
}

/// `ip link set NAME up`, and the index of that device.
pub(super) fn up(name: &str) -> io::Result<u32> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    ask(RouteNetlinkMessage::SetLink(message.clone()), 0)?;
    let found = ask(RouteNetlinkMessage::GetLink(message), 0)?;
    let index = found.iter().find_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(link.header.index),
        _ => None,
    });
    index.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
}
