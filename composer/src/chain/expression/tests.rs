use super::{Access, CompareOp, Constant, ExpressionText, Filter, ValuePath, filter, path};
use crate::diag::{Source, Span};

fn text(text: &str) -> ExpressionText<'_> {
    let source = Source::first("chain.toml", format!("\"{text}\""));
    ExpressionText { text, span: Span::new(&source, 0..text.len() + 2), start: Some(1) }
}

fn written(path: &ValuePath) -> String {
    let fields = path.fields.iter().map(|step| match step.way {
        Access::Arrow => format!("->{}", step.name.value),
        Access::Dot => format!(".{}", step.name.value),
        Access::Item(number) => format!("[{number}]"),
    });
    let star = if path.followed { "*" } else { "" };
    format!("{star}{}{}", path.first.value, fields.collect::<String>())
}

fn shown(filter: &Filter) -> String {
    match filter {
        Filter::Test(test) => match &test.to {
            Some((relation, constant)) => {
                format!("{} {relation:?} {}", written(&test.path), constant.value)
            }
            None => written(&test.path),
        },
        Filter::Not(inner) => format!("!({})", shown(inner)),
        Filter::And(left, right) => format!("({} and {})", shown(left), shown(right)),
        Filter::Or(left, right) => format!("({} or {})", shown(left), shown(right)),
    }
}

#[test]
fn and_binds_before_or_and_not_before_both() {
    for (from, to) in [
        ("len > 100 && ret != 2", "(len Greater 100 and ret NotEqual 2)"),
        ("a || b && c", "(a or (b and c))"),
        ("(a || b) && !c", "((a or b) and !(c))"),
        ("!a == 1", "!(a Equal 1)"),
        ("100<=pkt -> proto", "pkt->proto AtLeast 100"),
        ("*count == -0x10", "*count Equal -16"),
        ("a->b[1].c > 2", "a->b[1].c Greater 2"),
        ("not == 1 && took > -1ms", "(not Equal 1 and took Greater -1000000ns)"),
        ("took>=10us||took<1ns", "(took AtLeast 10000ns or took Less 1ns)"),
        ("ret == XDP_DROP", "ret Equal XDP_DROP"),
        ("$ret == ret && $took>1us", "($ret Equal ret and $took Greater 1000ns)"),
    ] {
        assert_eq!(filter(&text(from)).map(|found| shown(&found)), Ok(to.to_owned()), "{from}");
    }
}

const POINT: &str = "decimal points are not supported: write 1500us for 1.5ms, and an address \
                     as one number, 0x0a00020f for 10.0.2.15";

#[test]
fn mistakes_are_told_where_they_are() {
    for (from, at, what) in [
        ("", 0, "expected a name at the end"),
        ("len >", 4, "expected a number or the name of an enum value at the end"),
        ("len = 1", 4, "use `==` for comparison"),
        ("a & b", 2, "bitwise operators are not supported; use `&&`"),
        ("a and b", 2, "use `&&` instead of `and`"),
        ("a == 1 or b", 7, "use `||` instead of `or`"),
        ("not a", 0, "use `!` instead of `not`"),
        ("took > 1.5ms", 7, POINT),
        ("ip == 10.0.2.15", 6, POINT),
        ("took > 1min", 7, "`1min` is not a number; units are ns, us, ms and s"),
        ("a == 0x10000000000000000", 5, "`0x10000000000000000` does not fit into 64 bits"),
        ("(a || b", 6, "expected `)` at the end"),
        ("a b", 2, "expected the end, found `b`"),
        ("a[b] == 1", 2, "expected an item number, found `b`"),
        ("$ == 1", 0, "unexpected `$`"),
        ("a == 12x", 5, "`12x` is not a number; units are ns, us, ms and s"),
        ("a == b->c", 5, "values can be compared only with constants"),
        ("comm == \"x\"", 8, "strings cannot be compared"),
        ("1 == 1", 5, "expected a name, found `1`"),
        ("a ==\u{3000}", 4, "expected a number or the name of an enum value at the end"),
        ("a == 99999999999999999999", 5, "`99999999999999999999` does not fit into 64 bits"),
    ] {
        let mistake = filter(&text(from)).expect_err(from);
        assert_eq!((mistake.span.start(), mistake.what.as_str()), (at + 1, what), "{from}");
    }
}

#[test]
fn nothing_nests_or_grows_without_end() {
    for text in ["!".repeat(100_000), "(".repeat(100_000), "a&&".repeat(100_000)] {
        assert!(filter(&self::text(&text)).is_err());
    }
}

#[test]
fn parts_of_a_path_know_their_places() {
    let found = path(&text(" pkt->head.kind ")).expect("a path");
    assert_eq!(found.text.value, "pkt->head.kind");
    assert_eq!(found.fields[1].name.span.range(), 12..16);
    assert_eq!([found.fields[0].way, found.fields[1].way], [Access::Arrow, Access::Dot]);
    assert!(path(&text("a->")).is_err() && path(&text("a == 1")).is_err());
    assert_eq!(CompareOp::Less.turned(), CompareOp::Greater);
    assert_eq!(Constant::Number(1).to_string(), "1");
}
