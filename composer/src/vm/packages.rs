//! Parses apt's output about packages: records, and which of them are kernels.

use std::collections::BTreeMap;

use super::choice::series_of;

/// For apt: the names of all packages that hold a cloud kernel, and of the meta packages beside them.
pub(super) const KERNEL_NAMES: &str = "^linux-(image|binary)-.*-cloud-amd64$";

/// A package that apt knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Bytes to fetch.
    pub(super) size: u64,
}

/// A kernel and the package that has its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KernelPackage {
    /// For example `6.12`.
    pub(super) series: String,
    /// As `uname -r` prints it.
    pub(super) release: String,
    pub(super) package: Package,
}

/// The packages in what `apt-cache show` or `search --full` printed: paragraphs of `Field: value`.
pub(super) fn packages(text: &str) -> Vec<Package> {
    text.split("\n\n").filter_map(package).collect()
}

fn package(paragraph: &str) -> Option<Package> {
    let mut package = Package::default();
    for line in paragraph.lines() {
        match line.split_once(": ") {
            Some(("Package", name)) => package.name = name.to_owned(),
            Some(("Version", version)) => package.version = version.to_owned(),
            Some(("Size", size)) => package.size = size.parse().ok()?,
            _ => {}
        }
    }
    (!package.name.is_empty() && !package.version.is_empty()).then_some(package)
}

/// The newest kernel of each series, oldest series first.
pub(super) fn kernels(packages: Vec<Package>) -> Vec<KernelPackage> {
    let mut newest: BTreeMap<Vec<u64>, KernelPackage> = BTreeMap::new();
    for kernel in packages.into_iter().filter_map(kernel) {
        let known = newest.entry(numbers(&kernel.series)).or_insert_with(|| kernel.clone());
        let rank = |kernel: &KernelPackage| {
            // From 6.19 on linux-image is split: linux-binary has the image, linux-image depends on it.
            let image = kernel.package.name.starts_with("linux-binary-");
            (numbers(&kernel.package.version), kernel.release.clone(), image)
        };
        if rank(&kernel) > rank(known) {
            *known = kernel;
        }
    }
    newest.into_values().collect()
}

/// `None` for meta packages, which only depend on a kernel, and for the unsigned and debug variants.
fn kernel(package: Package) -> Option<KernelPackage> {
    let name = &package.name;
    let release = name.strip_prefix("linux-image-").or(name.strip_prefix("linux-binary-"))?;
    let version = release.strip_suffix("-cloud-amd64")?;
    let series = series_of(version).filter(|series| *series != version)?;
    Some(KernelPackage { series, release: release.to_owned(), package })
}

/// The numbers in a version, which is what orders the versions of one series.
pub(super) fn numbers(version: &str) -> Vec<u64> {
    let numbers = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[(&str, &str)]) -> Vec<(String, String)> {
        let text: Vec<_> = names
            .iter()
            .map(|(name, version)| format!("Package: {name}\nVersion: {version}\nSize: 7\n"))
            .collect();
        let kernels = kernels(packages(&text.join("\n")));
        kernels.into_iter().map(|one| (one.series, one.package.name)).collect()
    }

    fn one(series: &str, package: &str) -> (String, String) {
        (series.to_owned(), package.to_owned())
    }

    #[test]
    fn the_newest_of_each_series_is_found_whatever_the_order() {
        let names = [
            ("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2"),
            ("linux-image-6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1"),
            ("linux-image-6.1.0-9-cloud-amd64", "6.1.27-1"),
            ("linux-image-5.10.0-46-cloud-amd64", "5.10.259-1"),
        ];
        let newest = vec![
            one("5.10", "linux-image-5.10.0-46-cloud-amd64"),
            one("6.1", "linux-image-6.1.0-56-cloud-amd64"),
            one("6.12", "linux-image-6.12.117+deb12-cloud-amd64"),
        ];
        assert_eq!(found(&names), newest);
        let mut reversed = names;
        reversed.reverse();
        assert_eq!(found(&reversed), newest);
    }

    #[test]
    fn a_split_kernel_is_the_package_with_the_image() {
        let names = [
            ("linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"),
            ("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1"),
            ("linux-image-7.3.2+deb13-cloud-amd64", "7.3.2-1~bpo13+1"),
        ];
        assert_eq!(found(&names), [one("7.3", "linux-binary-7.3.4+deb13-cloud-amd64")]);
    }

    #[test]
    fn meta_and_debug_packages_are_no_kernels() {
        let names = [
            ("linux-image-6.12-cloud-amd64", "6.12.117-1"),
            ("linux-image-cloud-amd64", "6.1.192-2"),
            ("linux-image-6.1.0-56-cloud-amd64-dbg", "6.1.192-2"),
            ("linux-image-6.1.0-56-cloud-amd64-unsigned", "6.1.192-2"),
        ];
        assert_eq!(found(&names), []);
    }

    #[test]
    fn a_record_without_a_version_is_left_out() {
        let text =
            "Package: a\nSize: 3\n\nPackage: b\nVersion: 2:1.0\nSize: 9\nDescription: c\n d: e\n";
        let package = Package { name: "b".to_owned(), version: "2:1.0".to_owned(), size: 9 };
        assert_eq!(packages(text), [package]);
        assert_eq!(packages(""), []);
    }
}
