//! Which layers a packet can have, and how much they can carry.

use super::{WrittenContent, WrittenLayer, WrittenPacket};
use crate::{
    chain::table::Diagnostics,
    diag::{Code, Span},
    packet::{
        FieldValue, LayerKind, Packet, PacketContent,
        fields::{Fill, Level},
    },
};

/// Reports layers that do not go together. A packet that is given needs all that its layers stand on; of
/// one that is expected, only what matters is there.
pub(super) fn check(written: &WrittenPacket, is_given: bool, report: &mut Diagnostics<'_>) {
    for level in [Level::Network, Level::Transport] {
        let mut layers = written.layers.iter().filter(|layer| layer.kind.facts().level == level);
        let Some(first) = layers.next() else { continue };
        for second in layers {
            let message = format!("`{}` and `{}` in one packet", first.kind, second.kind);
            let help = match level {
                Level::Network => {
                    "Remove one of the two. A packet in a tunnel is written as `inner`."
                }
                _ => "Remove one of the two.",
            };
            complain(
                report,
                message,
                &second.span,
                "a second one",
                Some((&first.span, "the first one")),
                help,
            );
        }
    }
    for layer in &written.layers {
        foundation(layer, written, is_given, report);
    }
    if let Some((WrittenContent::Inner(inner), span)) = &written.content {
        let is_carried = carried(written, inner, span, is_given, report);
        check(inner, is_given && is_carried, report);
    }
}

fn complain(
    report: &mut Diagnostics<'_>,
    message: String,
    span: &Span,
    label: &str,
    other: Option<(&Span, &str)>,
    help: &str,
) {
    let mut found = report.at(Code::PacketLayers, message, span, label).help(help);
    if let Some((span, label)) = other {
        found = found.label(span, label);
    }
    report.push(found);
}

/// Reports a layer without the one that it stands on.
fn foundation(
    layer: &WrittenLayer,
    written: &WrittenPacket,
    is_given: bool,
    report: &mut Diagnostics<'_>,
) {
    use LayerKind::{
        Arp, Destination, Eth, Fragment, Gre, HopByHop, Icmp, Icmpv6, Ipv4, Ipv6, Routing, Tcp,
        Udp, Vlan, Vxlan,
    };
    let (needed, help): (&[LayerKind], _) = match layer.kind {
        Eth | Ipv4 | Ipv6 => return,
        Vlan | Arp => (&[Eth], "Remove `eth = false`."),
        Tcp | Udp | Gre => (&[Ipv4, Ipv6], "Add `ipv4 = {}` or `ipv6 = {}`."),
        HopByHop | Routing | Fragment | Destination => (&[Ipv6], "Add `ipv6 = {}`."),
        Icmp => (&[Ipv4], "Add `ipv4 = {}`, or write `icmpv6`."),
        Icmpv6 => (&[Ipv6], "Add `ipv6 = {}`, or write `icmp`."),
        Vxlan => (&[Udp], "Add `udp = {}`."),
    };
    let there =
        |level: Level| written.layers.iter().find(|layer| layer.kind.facts().level == level);
    let Some(level) = needed.first().map(|kind| kind.facts().level) else { return };
    let names: Vec<_> = needed.iter().map(|kind| format!("`{kind}`")).collect();
    let message = format!("`{}` without {}", layer.kind, names.join(" or "));
    match there(level) {
        Some(found) if needed.contains(&found.kind) => {}
        Some(found) => {
            let label = format!("the packet has `{}`", found.kind);
            complain(
                report,
                message,
                &layer.span,
                "not possible here",
                Some((&found.span, &label)),
                help,
            );
        }
        None => {
            let absent = |kind: &LayerKind| written.absent.iter().find(|(other, _)| other == kind);
            let none_can_be = needed.iter().all(|kind| absent(kind).is_some());
            let absent = needed.iter().find_map(absent);
            // Ethernet is there without being written.
            let is_missing = none_can_be || is_given && level != Level::Link;
            if is_missing {
                let other = absent.map(|(_, span)| (span, "not there"));
                complain(report, message, &layer.span, "not possible here", other, help);
            }
        }
    }
}

/// Reports a packet in one that cannot carry it; whether it can.
fn carried(
    outer: &WrittenPacket,
    inner: &WrittenPacket,
    span: &Span,
    is_given: bool,
    report: &mut Diagnostics<'_>,
) -> bool {
    let Some(carrier) = outer.layers.last() else {
        if is_given {
            let message = "`inner` without a layer that carries it".to_owned();
            let help = "Add `ipv4 = {}`, `ipv6 = {}`, or a tunnel on top of it.";
            complain(report, message, span, "not carried by anything", None, help);
        }
        return false;
    };
    let carries = carrier.kind.carries();
    let names: Vec<_> = carries.iter().map(|kind| format!("`{kind}`")).collect();
    let other = Some((&carrier.span, "the innermost layer"));
    let first = inner.layers.first();
    if carries.is_empty() {
        let message = format!("`{}` carries no packet", carrier.kind);
        let help = "Write its bytes as `payload`.";
        complain(report, message, span, "not possible here", other, help);
        false
    } else if is_given && first.is_none_or(|first| !carries.contains(&first.kind)) {
        let message = format!("a packet in `{}` begins with {}", carrier.kind, names.join(", "));
        let at = first.map_or(span, |first| &first.span);
        let help = format!("Begin `inner` with {}.", names.join(" or "));
        complain(report, message, at, "begins otherwise", other, &help);
        false
    } else {
        true
    }
}

/// Reports a layer that carries more than its length can say, where that is not given.
pub(super) fn check_size(packet: &Packet, written: &WrittenPacket, report: &mut Diagnostics<'_>) {
    let mut length = packet.content.bytes().len();
    for layer in packet.layers.iter().rev() {
        let content = length;
        length += layer.header();
        let fields = layer.kind.fields().iter().zip(&layer.values);
        for (field, _) in fields.filter(|(_, value)| **value == FieldValue::Filled) {
            let says = match field.fill {
                Fill::TotalLength => length,
                Fill::ContentLength => content,
                _ => continue,
            };
            if says as u128 > field.most() {
                let at = written.content.as_ref().map_or(&written.span, |(_, span)| span);
                let message = format!("the packet is too large for `{}`", layer.kind);
                let found = report
                    .at(
                        Code::PacketSize,
                        message,
                        at,
                        format!("`{}.length` would be {says}", layer.kind),
                    )
                    .help(format!(
                        "Make it smaller, or set `{}.length` to a number up to {}.",
                        layer.kind,
                        field.most()
                    ));
                return report.push(found);
            }
        }
    }
    if let (PacketContent::Inner(inner), Some((WrittenContent::Inner(written), _))) =
        (&packet.content, &written.content)
    {
        check_size(inner, written, report);
    }
}
