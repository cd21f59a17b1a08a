//! What is attached to the interfaces of the network namespace that the calling thread is in.

use std::io;

use netlink_packet_core::{NLM_F_DUMP, Nla as _};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkAttribute, LinkMessage, LinkXdp, XdpAttached},
    tc::{
        TcAction, TcActionAttribute, TcActionMessage, TcActionMessageAttribute, TcAttribute,
        TcFilterBpfOption, TcHandle, TcHeader, TcMessage, TcOption,
    },
};

use super::{
    attachments::{Spot, SpotKey},
    links,
};
use crate::{kernel::sys, netlink::ask, object::AttachType};

/// An interface.
struct Interface {
    index: u32,
    name: String,
}

pub(super) fn spots() -> io::Result<Vec<Spot>> {
    let answers = ask(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP)?;
    let qdiscs = ask(RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()), NLM_F_DUMP)
        .unwrap_or_default(); // a kernel without traffic control
    let mut spots = Vec::new();
    for message in answers {
        let RouteNetlinkMessage::NewLink(link) = message else { continue };
        let name = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        });
        let index = link.header.index;
        let interface =
            Interface { index, name: name.unwrap_or_else(|| format!("interface {index}")) };
        spots.extend(interface.xdp(&link));
        spots.extend(interface.tcx());
        for qdisc in &qdiscs {
            if let RouteNetlinkMessage::NewQueueDiscipline(qdisc) = qdisc
                && qdisc.header.index == index.cast_signed()
            {
                spots.extend(interface.filters(qdisc));
            }
        }
    }
    spots.extend(actions());
    Ok(spots)
}

/// The programs that are actions of traffic control, of filters or for themselves.
fn actions() -> Vec<Spot> {
    let kind = TcActionAttribute::Kind("bpf".to_owned());
    let mut of_bpf = TcAction::default();
    of_bpf.attributes.push(kind);
    let mut request = TcActionMessage::default();
    request.attributes.push(TcActionMessageAttribute::Actions(vec![of_bpf]));
    // A kernel that has none, or not that kind, says so.
    let answers = ask(RouteNetlinkMessage::GetTrafficAction(request), NLM_F_DUMP);
    let lists = answers.unwrap_or_default().into_iter().filter_map(|answer| match answer {
        // Each part of the list has the type of the question.
        RouteNetlinkMessage::GetTrafficAction(message)
        | RouteNetlinkMessage::NewTrafficAction(message) => Some(message.attributes),
        _ => None,
    });
    let lists = lists.flatten().filter_map(|attribute| match attribute {
        TcActionMessageAttribute::Actions(actions) => Some(actions),
        _ => None,
    });
    lists.flatten().filter_map(|action| action_of(&action)).collect()
}

/// Where the program of an action is.
fn action_of(action: &TcAction) -> Option<Spot> {
    /// `TCA_ACT_BPF_PARMS`, which begins with the number of the action, and `TCA_ACT_BPF_ID`.
    const PARAMETERS: u16 = 2;
    const ID: u16 = 9;
    let options = action.attributes.iter().filter_map(|attribute| match attribute {
        TcActionAttribute::Options(options) => Some(options),
        _ => None,
    });
    let options: Vec<_> = options.flatten().collect();
    let number = |wanted: u16| {
        let option = options.iter().find(|option| option.kind() == wanted)?;
        let mut bytes = vec![0; option.value_len()];
        option.emit_value(&mut bytes);
        Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?))
    };
    Some(Spot {
        program: number(ID)?,
        key: SpotKey::Filter,
        kind: "tc action".to_owned(),
        at: format!("bpf, index {}", number(PARAMETERS)?),
        namespace: None,
    })
}

impl Interface {
    /// The xdp programs: one, or one for each mode.
    fn xdp(&self, link: &LinkMessage) -> Vec<Spot> {
        let parts = link.attributes.iter().filter_map(|attribute| match attribute {
            LinkAttribute::Xdp(parts) => Some(parts),
            _ => None,
        });
        let parts: Vec<_> = parts.flatten().collect();
        let mode = parts.iter().find_map(|part| match part {
            LinkXdp::Attached(mode) => Some(*mode),
            _ => None,
        });
        let each = parts.iter().filter_map(|part| match (part, mode) {
            (LinkXdp::DrvProgId(id), _) => Some((*id, "native")),
            (LinkXdp::SkbProgId(id), _) => Some((*id, "generic")),
            (LinkXdp::HwProgId(id), _) => Some((*id, "offloaded")),
            // A kernel from before there was one of each says the mode apart.
            (LinkXdp::ProgId(id), Some(XdpAttached::Driver)) => Some((*id, "native")),
            (LinkXdp::ProgId(id), Some(XdpAttached::SocketBuffer)) => Some((*id, "generic")),
            (LinkXdp::ProgId(id), Some(XdpAttached::Hardware)) => Some((*id, "offloaded")),
            _ => None,
        });
        let mut each: Vec<_> = each.filter(|(id, _)| *id != 0).collect();
        each.sort_unstable();
        each.dedup();
        let spot = |(program, mode): (u32, &str)| Spot {
            program,
            key: SpotKey::Interface(self.index, AttachType::Xdp as u32),
            kind: "xdp".to_owned(),
            at: format!("{} {mode}", self.name),
            namespace: None,
        };
        each.into_iter().map(spot).collect()
    }

    /// The programs of tcx and, where it is such a device, of netkit, in the order in which they run.
    fn tcx(&self) -> Vec<Spot> {
        let kinds = [
            AttachType::TcxIngress,
            AttachType::TcxEgress,
            AttachType::NetkitPrimary,
            AttachType::NetkitPeer,
        ];
        let mut spots = Vec::new();
        for number in kinds.map(|kind| kind as u32) {
            // A kernel without them, or an interface that is none, says so.
            let programs = sys::programs_at(self.index, number).unwrap_or_default();
            spots.extend(programs.into_iter().map(|program| Spot {
                program,
                key: SpotKey::Interface(self.index, number),
                kind: links::attach_type(number),
                at: self.name.clone(),
                namespace: None,
            }));
        }
        spots
    }

    /// The programs that are filters of a qdisc.
    fn filters(&self, qdisc: &TcMessage) -> Vec<Spot> {
        let kind = qdisc.attributes.iter().find_map(|attribute| match attribute {
            TcAttribute::Kind(kind) => Some(kind.as_str()),
            _ => None,
        });
        let minor = |minor| TcHandle { major: TcHandle::CLSACT.major, minor };
        let ingress = ("ingress", minor(TcHandle::MIN_INGRESS));
        let parents = match kind {
            Some("clsact") => vec![ingress, ("egress", minor(TcHandle::MIN_EGRESS))],
            Some("ingress") => vec![ingress],
            Some(kind) => vec![(kind, qdisc.header.handle)],
            None => Vec::new(),
        };
        let mut spots = Vec::new();
        for (what, parent) in parents {
            let header =
                TcHeader { index: self.index.cast_signed(), parent, ..TcHeader::default() };
            let request = TcMessage::from_parts(header, Vec::new());
            let answers = ask(RouteNetlinkMessage::GetTrafficFilter(request), NLM_F_DUMP);
            for answer in answers.unwrap_or_default() {
                let RouteNetlinkMessage::NewTrafficFilter(filter) = answer else { continue };
                let Some(program) = program_of(&filter) else { continue };
                let priority = filter.header.info >> 16;
                let kind = if what == "ingress" || what == "egress" { "tc" } else { "tc filter" };
                spots.push(Spot {
                    program,
                    key: SpotKey::Filter,
                    kind: kind.to_owned(),
                    at: format!("{} {what}, priority {priority}", self.name),
                    namespace: None,
                });
            }
        }
        spots
    }
}

/// The program of a filter, when it is of eBPF.
fn program_of(filter: &TcMessage) -> Option<u32> {
    let options = filter.attributes.iter().filter_map(|attribute| match attribute {
        TcAttribute::Options(options) => Some(options),
        _ => None,
    });
    options.flatten().find_map(|option| match option {
        TcOption::Bpf(TcFilterBpfOption::ProgId(id)) => Some(*id),
        _ => None,
    })
}
