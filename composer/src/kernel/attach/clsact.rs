//! A program as a filter of the `clsact` qdisc of a network interface: how packets in the network stack
//! are reached without tcx.
//!
//! No descriptor stands for a filter: it stays until it is removed, and a process that is killed leaves
//! it. So its name says whose it is, and the next filter at that interface takes the place of those whose
//! process is gone. Where the interface had no `clsact`, that is added, and removed with its last filter.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd as _, BorrowedFd},
        linux::fs::MetadataExt as _,
    },
    path::Path,
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_ECHO, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    tc::{
        TcAttribute, TcBpfFlags, TcFilterBpf, TcFilterBpfOption, TcHandle, TcHeader, TcMessage,
        TcOption,
    },
};

use crate::{kernel::KernelError, netlink::ask};

/// What the names of filters begin with, in lists of tc(8) and bpftool-net(8).
const PREFIX: &str = "freplace-compose";
/// What the name of a filter ends with where processes like this one added the qdisc.
const WITH_QDISC: &str = "+clsact";
/// The kind of the qdisc.
const CLSACT: &str = "clsact";
/// `ETH_P_ALL`, in the order of the network: packets of every protocol.
const EVERY_PROTOCOL: u16 = (libc::ETH_P_ALL as u16).to_be();

/// Where a filter is.
#[derive(Debug, Clone, Copy)]
pub(super) struct FilterPlace {
    /// The index of an interface.
    pub(super) interface: u32,
    /// Whether at what it sends.
    pub(super) egress: bool,
}

impl FilterPlace {
    /// A message about filters here.
    fn message(self, priority: u16, attributes: Vec<TcAttribute>) -> TcMessage {
        let minor = if self.egress { TcHandle::MIN_EGRESS } else { TcHandle::MIN_INGRESS };
        let header = TcHeader {
            index: self.interface.cast_signed(),
            parent: TcHandle { major: TcHandle::CLSACT.major, minor },
            info: u32::from(priority) << 16 | u32::from(EVERY_PROTOCOL),
            ..TcHeader::default()
        };
        TcMessage::from_parts(header, attributes)
    }

    /// The qdisc that filters here belong to.
    fn qdisc(self) -> TcMessage {
        let header = TcHeader {
            index: self.interface.cast_signed(),
            handle: TcHandle { major: TcHandle::CLSACT.major, minor: 0 },
            parent: TcHandle::CLSACT,
            ..TcHeader::default()
        };
        TcMessage::from_parts(header, vec![TcAttribute::Kind(CLSACT.to_owned())])
    }
}

/// A filter that is there until it is removed.
#[derive(Debug)]
pub(super) struct InstalledFilter {
    place: FilterPlace,
    priority: u16,
    handle: TcHandle,
    /// Whether the qdisc was not there before processes like this one came.
    own_qdisc: bool,
    /// Whether somebody removed it already.
    removed: bool,
}

/// Adds `program` as a filter at `place`, and the qdisc where there is none.
pub(super) fn install(
    program: BorrowedFd<'_>,
    place: FilterPlace,
    priority: Option<u16>,
) -> Result<InstalledFilter, KernelError> {
    const CALL: &str = "RTM_NEWTFILTER";
    let added = add_qdisc(place).map_err(|error| KernelError::os("RTM_NEWQDISC", &error))?;
    let own_qdisc =
        added || take_over(place).map_err(|error| KernelError::os("RTM_GETTFILTER", &error))?;
    let options = [
        TcFilterBpfOption::ProgFd(program.as_raw_fd().cast_unsigned()),
        TcFilterBpfOption::ProgName(own_name(own_qdisc)),
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
    ];
    let attributes = vec![
        TcAttribute::Kind(TcFilterBpf::KIND.to_owned()),
        TcAttribute::Options(options.map(TcOption::Bpf).to_vec()),
    ];
    let request = place.message(priority.unwrap_or(0), attributes);
    let said =
        ask(RouteNetlinkMessage::NewTrafficFilter(request), NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO);
    // The echo has the priority and the number that the kernel chose.
    let header = said.and_then(|messages| {
        let found = messages.into_iter().find_map(|message| match message {
            RouteNetlinkMessage::NewTrafficFilter(made) => Some(made.header),
            _ => None,
        });
        found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no echo of the filter"))
    });
    match header {
        Ok(header) => Ok(InstalledFilter {
            place,
            priority: (header.info >> 16) as u16,
            handle: header.handle,
            own_qdisc,
            removed: false,
        }),
        Err(error) => {
            if own_qdisc {
                remove_unused_qdisc(place)?;
            }
            Err(KernelError::os(CALL, &error))
        }
    }
}

/// Adds the qdisc; whether it was not there before. An `ingress` qdisc in its place has the same number and
/// takes filters for both directions, but runs all of them on what is received.
fn add_qdisc(place: FilterPlace) -> io::Result<bool> {
    let made =
        ask(RouteNetlinkMessage::NewQueueDiscipline(place.qdisc()), NLM_F_CREATE | NLM_F_EXCL);
    let Err(error) = made else { return Ok(true) };
    if error.raw_os_error() != Some(libc::EEXIST) {
        return Err(error);
    }
    // The dump is of all interfaces.
    let all = ask(RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()), NLM_F_DUMP)?;
    let serves = all.iter().any(|message| match message {
        RouteNetlinkMessage::NewQueueDiscipline(qdisc) => {
            let kind = |attribute: &TcAttribute| {
                matches!(attribute, TcAttribute::Kind(kind) if kind == CLSACT || !place.egress)
            };
            let TcHeader { index, parent, .. } = qdisc.header;
            index == place.interface.cast_signed()
                && parent == TcHandle::CLSACT
                && qdisc.attributes.iter().any(kind)
        }
        _ => false,
    });
    if serves { Ok(false) } else { Err(error) }
}

impl InstalledFilter {
    /// The index of its interface.
    pub(super) fn interface(&self) -> u32 {
        self.place.interface
    }

    /// Removes it, and the qdisc when that was not there before and has no other filter.
    pub(super) fn remove(mut self) -> Result<(), KernelError> {
        self.take_away()
    }

    fn take_away(&mut self) -> Result<(), KernelError> {
        if std::mem::replace(&mut self.removed, true) {
            return Ok(());
        }
        let kind = vec![TcAttribute::Kind(TcFilterBpf::KIND.to_owned())];
        let mut request = self.place.message(self.priority, kind);
        request.header.handle = self.handle;
        delete(RouteNetlinkMessage::DelTrafficFilter(request))
            .map_err(|error| KernelError::os("RTM_DELTFILTER", &error))?;
        if self.own_qdisc { remove_unused_qdisc(self.place) } else { Ok(()) }
    }
}

impl Drop for InstalledFilter {
    fn drop(&mut self) {
        let _ = self.take_away(); // whoever wants to know removes it
    }
}

/// The filters at an interface, both ways.
fn filters(place: FilterPlace) -> io::Result<Vec<TcMessage>> {
    let mut found = Vec::new();
    for egress in [false, true] {
        let request = FilterPlace { egress, ..place }.message(0, Vec::new());
        match ask(RouteNetlinkMessage::GetTrafficFilter(request), NLM_F_DUMP) {
            Ok(messages) => {
                found.extend(messages.into_iter().filter_map(|message| match message {
                    RouteNetlinkMessage::NewTrafficFilter(filter) => Some(filter),
                    _ => None,
                }));
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Removes the filters of processes that are gone; whether the qdisc is there for filters of processes like
/// this one alone, so that the last of them removes it.
fn take_over(place: FilterPlace) -> io::Result<bool> {
    let mut added_qdisc = false;
    for mut filter in filters(place)? {
        let name = name_of(&filter).filter(|name| name.starts_with(PREFIX)).unwrap_or_default();
        added_qdisc |= name.ends_with(WITH_QDISC);
        if !is_of_dead_process(name) {
            continue;
        }
        filter.attributes.retain(|attribute| matches!(attribute, TcAttribute::Kind(_)));
        delete(RouteNetlinkMessage::DelTrafficFilter(filter))?;
    }
    Ok(added_qdisc)
}

/// The name of an eBPF filter.
fn name_of(filter: &TcMessage) -> Option<&str> {
    let options = filter.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    });
    options?.iter().find_map(|option| match option {
        TcOption::Bpf(TcFilterBpfOption::ProgName(name)) => Some(name.as_str()),
        _ => None,
    })
}

/// The name of a filter of this process: `freplace-compose:PROCESS@NAMESPACE`.
fn own_name(with_qdisc: bool) -> String {
    let end = if with_qdisc { WITH_QDISC } else { "" };
    format!("{PREFIX}:{}@{}{end}", std::process::id(), process_namespace())
}

/// Whether a filter is called `name` by a process like this one that is gone. Of one in another
/// namespace nothing is known.
fn is_of_dead_process(name: &str) -> bool {
    let name = name.strip_suffix(WITH_QDISC).unwrap_or(name);
    let process = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix(':'));
    let Some((process, namespace)) = process.and_then(|name| name.split_once('@')) else {
        return false;
    };
    let is_number = process.parse::<u32>().is_ok();
    is_number
        && namespace == process_namespace().to_string()
        && !Path::new("/proc").join(process).exists()
}

/// The number of the namespace that process ids are of; 0 where it is not known.
fn process_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.st_ino())
}

/// Removes the `clsact` of an interface when it has no filter, neither way.
fn remove_unused_qdisc(place: FilterPlace) -> Result<(), KernelError> {
    let left = filters(place).map_err(|error| KernelError::os("RTM_GETTFILTER", &error))?;
    if !left.is_empty() {
        return Ok(());
    }
    delete(RouteNetlinkMessage::DelQueueDiscipline(place.qdisc()))
        .map_err(|error| KernelError::os("RTM_DELQDISC", &error))
}

/// Asks for something to be deleted, which may be gone already.
fn delete(request: RouteNetlinkMessage) -> io::Result<()> {
    match ask(request, 0) {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether the interface, its qdisc or the filter is not there any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENOENT | libc::EINVAL))
}
