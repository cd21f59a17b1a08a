//! `cargo xtask pictures`: opens what the product draws in a browser, as people do, and looks for what must
//! be there: the picture of a chain, the page of a run, and its trace events in a real viewer.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Result, build, setup, shell};

/// Open pictures of a chain and of a run in a browser, and update the screenshots in the docs.
#[derive(Debug, clap::Args)]
pub(crate) struct Pictures {
    /// Leave the screenshots in target/pictures.
    #[arg(long)]
    check: bool,
}

const CHAIN: &str = "chains/tcp.toml";
/// What runs while the chain is up.
const TRAFFIC: [&str; 5] = ["freplace-compose", "traffic", "tcp", "--count", "40"];
/// The viewer of trace events, and what it is called in its registry.
const VIEWER: &str = "speedscope@1.25.0";
/// The largest screenshot, in bytes.
const LARGEST: u64 = 100_000;

/// A page in a browser, and what its document must contain once it is open.
struct BrowserPage {
    name: &'static str,
    address: String,
    size: (u32, u32),
    contains: &'static [&'static str],
}

pub(crate) fn run(arguments: &Pictures) -> Result {
    let built = build::cargo(&["build", "--package", "freplace-compose"])?;
    let screenshots = open(built.executable("freplace-compose")?)?;
    if !arguments.check {
        let folder = shell::root().join("docs/pictures");
        fs::create_dir_all(&folder)?;
        for screenshot in screenshots {
            let name = screenshot.file_name().unwrap_or_default();
            fs::copy(&screenshot, folder.join(name))?;
            eprintln!("docs/pictures/{} is updated", name.to_string_lossy());
        }
    }
    Ok(())
}

/// Makes all pages with `composer` and opens them; returns the screenshots.
pub(crate) fn open(composer: &Path) -> Result<Vec<PathBuf>> {
    setup::ensure(&[setup::VM, setup::PICTURES])?;
    let folder = shell::root().join("target/pictures");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let viewer = viewer(&folder)?;
    let mut graph = command(composer, &["graph", "--format", "svg", CHAIN]);
    fs::write(folder.join("chain.svg"), shell::quietly(&mut graph)?)?;
    for (format, file) in [("html", "run.html"), ("trace-event", "trace.json")] {
        let mut up = command(composer, &["up", "--vm", CHAIN, "--format", format, "--output"]);
        shell::quietly(up.arg(folder.join(file)).arg("--").args(TRAFFIC))?;
    }
    // What is farther down, as it is after a click on one of the calls.
    let run = fs::read_to_string(folder.join("run.html"))?;
    fs::write(folder.join("calls.html"), opened(&run)?)?;
    // The viewer takes what it opens from a script, as its own command line does it.
    let trace = serde_json::to_string(&fs::read_to_string(folder.join("trace.json"))?)?;
    let script = folder.join("trace.js");
    let bytes = format!("btoa(unescape(encodeURIComponent({trace})))");
    fs::write(&script, format!("speedscope.loadFileFromBase64(\"trace.json\", {bytes})"))?;

    let file = |name: &str| format!("file://{}", folder.join(name).display());
    let pages = [
        BrowserPage {
            name: "chain",
            address: file("chain.svg"),
            size: (780, 290),
            contains: &[
                "connect",
                "accept",
                "stub_handler",
                "handler_v1",
                "before",
                "after",
                "replaced by",
            ],
        },
        BrowserPage {
            name: "run",
            address: file("run.html"),
            size: (1000, 980),
            contains: &[
                "<h2>Chain</h2>",
                "<h2>Nodes</h2>",
                "<h2>Durations</h2>",
                "<h2>Results</h2>",
                "<h2>Events over time</h2>",
                "<h2>Calls</h2>",
                "<h2>Losses and misses</h2>",
                "class=\"node replacement\"",
                "80 events",
                "TCP_SEEN",
                "No event was lost",
            ],
        },
        BrowserPage {
            name: "calls",
            address: file("calls.html"),
            size: (1000, 800),
            contains: &["<details open=\"\">", "╭ before", "127.0.0.1:", "class=\"whole\""],
        },
        BrowserPage {
            name: "trace-events",
            address: format!(
                "file://{}#view=left-heavy&localProfilePath={}",
                viewer.display(),
                script.display()
            ),
            size: (1100, 300),
            // The viewer names the track that it shows.
            contains: &["trace.json - speedscope", "tcp (pid 1), CPU "],
        },
    ];
    pages.iter().map(|page| page.open(&folder)).collect()
}

/// The page of a run as it is when one has scrolled to the calls and opened the third.
fn opened(page: &str) -> Result<String> {
    const CLOSED: &str = "<details>";
    let (at, _) = page.match_indices(CLOSED).nth(2).ok_or("the page of a run has no calls")?;
    let (before, behind) = (&page[..at], &page[at + CLOSED.len()..]);
    let hidden = "section:not(#time, #calls), header { display: none }\n</style>\n</head>";
    let before = before.replacen("</style>\n</head>", hidden, 1);
    Ok(format!("{before}<details open=\"\">{behind}"))
}

fn command(composer: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(composer);
    command.args(words).current_dir(shell::root());
    command
}

/// The first page of the viewer, which is unpacked into `folder`.
fn viewer(folder: &Path) -> Result<PathBuf> {
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", VIEWER]).current_dir(folder);
    let archive = shell::quietly(&mut pack)?;
    let mut unpack = Command::new("tar");
    shell::quietly(unpack.arg("xzf").arg(archive.trim()).current_dir(folder))?;
    Ok(folder.join("package/dist/release/index.html"))
}

impl BrowserPage {
    /// Opens the page, looks for what it must contain, and returns a screenshot.
    fn open(&self, folder: &Path) -> Result<PathBuf> {
        let (document, said) = self.browser(folder, &["--dump-dom".to_owned()])?;
        for wanted in self.contains {
            if !document.contains(wanted) {
                let path = folder.join(self.name).with_extension("dom");
                fs::write(&path, &document)?;
                return Err(format!(
                    "{} does not contain {wanted}: see {}",
                    self.name,
                    path.display()
                )
                .into());
            }
        }
        // What a page refuses to load or to run, and a slice that the viewer finds no end of. The viewer
        // says other things as well.
        let is_wrong = |line: &&str| {
            line.contains("CONSOLE")
                && (line.contains("Tried to end") || self.address.ends_with("html"))
        };
        if let Some(line) = said.lines().find(is_wrong) {
            return Err(format!("{}: the browser reports {line}", self.name).into());
        }
        let picture = folder.join(self.name).with_extension("png");
        let (width, height) = self.size;
        self.browser(
            folder,
            &[
                format!("--window-size={width},{height}"),
                format!("--screenshot={}", picture.display()),
            ],
        )?;
        let size = fs::metadata(&picture)?.len();
        if size > LARGEST {
            return Err(
                format!("{} has {size} bytes, more than {LARGEST}", picture.display()).into()
            );
        }
        Ok(picture)
    }

    /// What the browser writes about the page, and its log.
    fn browser(&self, folder: &Path, options: &[String]) -> Result<(String, String)> {
        let mut browser = Command::new("chromium");
        browser.args(["--headless", "--hide-scrollbars", "--enable-logging=stderr"]);
        // The viewer draws with WebGL, here without a graphics card.
        browser.args(["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]);
        browser.args(["--disable-background-networking", "--virtual-time-budget=8000"]);
        browser.arg(format!("--user-data-dir={}", folder.join("browser").display()));
        // Its sandbox does not work for root.
        browser.args(rustix::process::geteuid().is_root().then_some("--no-sandbox"));
        let output = browser.args(options).arg(&self.address).stdin(Stdio::null()).output()?;
        shell::succeeded(&browser, output.status)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&output.stdout), text(&output.stderr)))
    }
}
