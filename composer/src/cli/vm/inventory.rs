//! `vm --list` and `vm --prune`: the available kernels, and the cache.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    super::{Format, exit::Exit, ink::Ink as _, runtime, screen},
    failure::failed,
    teller::{ProgressPrinter, megabytes},
};
use freplace_compose::vm::{self, Inventory, Series};

/// Lists the kernels; which suites could not be asked is said on stderr.
pub(super) fn list(format: Format, quiet: bool) -> Exit {
    let mut teller = ProgressPrinter::new(quiet);
    let inventory = runtime::run(Inventory::take(&mut |progress| teller.tell(&progress)));
    drop(teller);
    let inventory = match inventory {
        Ok(Ok(inventory)) => inventory,
        Ok(Err(error)) => return failed(&error),
        Err(exit) => return exit,
    };
    for unasked in &inventory.unasked {
        screen::say!("{}  {unasked}", "micro-VM".dimmed());
    }
    match format {
        Format::Human => screen::data(&human(&inventory)),
        Format::Json => screen::json(&to_json(&inventory)),
    }
}

/// Empties the cache, and says what was in it.
pub(super) fn prune(quiet: bool) -> Exit {
    let mut teller = ProgressPrinter::new(quiet);
    let removed = runtime::run(vm::prune(&mut |progress| teller.tell(&progress)));
    drop(teller);
    let removed = match removed {
        Ok(Ok(removed)) => removed,
        Ok(Err(error)) => return failed(&error),
        Err(exit) => return exit,
    };
    let widest = removed.iter().map(|one| one.what.len()).max().unwrap_or_default();
    let mut out = String::new();
    for one in &removed {
        let _ = writeln!(out, "removed  {:<widest$}  {:>8}", one.what, megabytes(one.bytes));
    }
    let bytes = removed.iter().map(|one| one.bytes).sum();
    let _ = match removed.is_empty() {
        true => writeln!(out, "the cache is empty"),
        false => writeln!(out, "{} freed", megabytes(bytes)),
    };
    screen::data(&out)
}

fn human(inventory: &Inventory) -> String {
    let mut rows = vec![["SERIES", "NEWEST", "FROM", "FETCH", "CACHED"].map(str::to_owned)];
    rows.extend(inventory.kernels.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..rows[0].len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<_> = cells.map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(out, "{}", line.join("  ").trim_end());
    }
    let _ = writeln!(out, "cache: {}", inventory.cache.display());
    out
}

fn row(kernel: &Series) -> [String; 5] {
    let newest = kernel.newest.as_ref();
    let release = newest.map(|newest| newest.release.clone());
    let from = newest.map(|newest| newest.suite.unwrap_or("this machine's apt").to_owned());
    let cached = kernel.cached.as_ref().map(|cached| {
        let size = megabytes(cached.bytes);
        match &cached.release {
            Some(cached) if Some(cached) == release.as_ref() => size,
            Some(cached) => format!("{size}  {cached}"),
            None => format!("{size}  damaged"),
        }
    });
    let dash = || "-".to_owned();
    [
        kernel.series.clone(),
        release.clone().unwrap_or_else(dash),
        from.unwrap_or_else(dash),
        newest.map_or_else(dash, |newest| megabytes(newest.bytes)),
        cached.unwrap_or_else(dash),
    ]
}

fn to_json(inventory: &Inventory) -> Value {
    let kernel = |kernel: &Series| {
        json!({
            "series": kernel.series,
            "newest": kernel.newest.as_ref().map(|newest| json!({
                "release": newest.release,
                "package": newest.package,
                "bytes": newest.bytes,
                "suite": newest.suite,
            })),
            "cached": kernel.cached.as_ref().map(|cached| json!({
                "release": cached.release,
                "bytes": cached.bytes,
                "damaged": cached.release.is_none(),
            })),
        })
    };
    let unasked = inventory
        .unasked
        .iter()
        .map(|one| json!({ "suite": one.suite, "mirror": one.mirror, "why": one.why }));
    json!({
        "cache": inventory.cache,
        "kernels": inventory.kernels.iter().map(kernel).collect::<Vec<_>>(),
        "not_asked": unasked.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use freplace_compose::vm::{Cached, Newest};

    use super::*;

    fn series(series: &str, release: Option<&str>, cached: Option<Option<&str>>) -> Series {
        let newest = |release: &str| Newest {
            release: release.to_owned(),
            package: format!("linux-image-{release}"),
            bytes: 34_000_000,
            suite: None,
        };
        let cached =
            cached.map(|release| Cached { release: release.map(str::to_owned), bytes: 12_300_000 });
        Series { series: series.to_owned(), newest: release.map(newest), cached }
    }

    #[test]
    fn the_list_shows_what_is_new_what_is_cached_and_what_is_damaged() {
        let kernels = vec![
            series("5.10", None, Some(Some("5.10.0-1"))),
            series("6.1", Some("6.1.0-9"), Some(Some("6.1.0-8"))),
            series("6.12", Some("6.12.5"), Some(Some("6.12.5"))),
            series("7.3", Some("7.3.4"), Some(None)),
            series("7.4", Some("7.4.1"), None),
        ];
        let inventory = Inventory { kernels, unasked: Vec::new(), cache: "/c".into() };
        let expected = "\
SERIES  NEWEST   FROM                FETCH    CACHED
5.10    -        -                   -        12.3 MB  5.10.0-1
6.1     6.1.0-9  this machine's apt  34.0 MB  12.3 MB  6.1.0-8
6.12    6.12.5   this machine's apt  34.0 MB  12.3 MB
7.3     7.3.4    this machine's apt  34.0 MB  12.3 MB  damaged
7.4     7.4.1    this machine's apt  34.0 MB  -
cache: /c
";
        assert_eq!(human(&inventory), expected);
        let value = to_json(&inventory);
        assert_eq!(value["kernels"][3]["cached"]["damaged"], true);
        assert_eq!(value["kernels"][4]["cached"], Value::Null);
    }
}
