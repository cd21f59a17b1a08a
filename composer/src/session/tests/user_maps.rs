//! What programs write in forms of their own.

use super::{SessionRequest, Stage, counts, play};
use crate::session::{ordered::HELD, reading::BATCH};

/// A host that writes to a map of its own, whose records have their time first.
fn stage(program: &str, map: &str) -> Stage {
    let stage = Stage::new(&format!(
        "[host.tool]\nobject = \"foreign.o\"\nprogram = \"{program}\"\n\
         attach = {{ kprobe = \"x\" }}\n\
         events = {{ map = \"{map}\", layout = \"u64 at; u64 value\", time = \"at\" }}\n"
    ));
    if map == "perf_events" {
        stage.kernel.programs_do.buffer(map).is_perf();
    }
    stage
}

/// A record of that time.
fn record(at: u64) -> Vec<u8> {
    [at, 7].map(u64::to_ne_bytes).concat()
}

#[tokio::test(start_paused = true)]
async fn what_a_ring_buffer_of_its_own_loses_nobody_knows() {
    let played = play(stage("to_ring", "events"), SessionRequest::default(), async |world| {
        let buffer = world.programs.buffer("events");
        buffer.holds(5);
        (0..9).for_each(|at| _ = buffer.write(None, &record(at)));
        world.a_while().await;
        buffer.write(None, &record(9));
        world.interrupt();
    })
    .await;
    assert_eq!(counts(&played), (6, 6, 0));
    assert_eq!(played.report().accounting.uncounted_of(0), ["events"]);
    assert_eq!(played.records("node_down")[0]["uncounted"][0], "events");
    assert_eq!(played.records("lost").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_perf_buffer_loses_is_counted_and_told_once() {
    let played = play(stage("to_perf", "perf_events"), SessionRequest::default(), async |world| {
        let buffer = world.programs.buffer("perf_events");
        buffer.holds(5);
        (0..9).for_each(|at| _ = buffer.write(Some(0), &record(at)));
        world.a_while().await;
        world.a_while().await;
        world.interrupt();
    })
    .await;
    assert_eq!(counts(&played), (9, 5, 4));
    let accounting = &played.report().accounting;
    assert_eq!(accounting.uncounted_of(0), [""; 0]);
    assert!(accounting.balance(), "what programs count themselves is nothing");
    let lost = played.records("lost");
    assert_eq!(lost.iter().map(|lost| lost["count"].as_u64()).collect::<Vec<_>>(), [Some(4)]);
}

#[tokio::test(start_paused = true)]
async fn records_of_several_cpus_come_in_the_order_of_their_times() {
    let played = play(stage("to_perf", "perf_events"), SessionRequest::default(), async |world| {
        let buffer = world.programs.buffer("perf_events");
        for (cpu, at) in [(0, 30), (0, 40), (1, 10)] {
            buffer.write(Some(cpu), &record(at));
        }
        tokio::time::sleep(HELD / 2).await;
        buffer.write(Some(1), &record(20));
        world.a_while().await;
        assert_eq!(
            world.paper.text().matches("\"event\"").count(),
            4,
            "they are held for a moment"
        );
        // What is held at the end is shown as well.
        buffer.write(Some(1), &record(60));
        buffer.write(Some(0), &record(50));
        world.interrupt();
    })
    .await;
    let times: Vec<_> =
        played.records("event").iter().map(|event| event["time_ns"].as_u64()).collect();
    assert_eq!(times, [10, 20, 30, 40, 50, 60].map(Some));
    assert_eq!(played.records("event")[0]["cpu"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_map_does_not_keep_another_waiting() {
    let host = |id: &str, program: &str| {
        format!(
            "[host.{id}]\nobject = \"foreign.o\"\nprogram = \"{program}\"\n\
             attach = {{ kprobe = \"x\" }}\n"
        )
    };
    let stage = Stage::new(&(host("loud", "to_ring") + &host("quiet", "to_perf")));
    let asked = SessionRequest { limit: Some(2 * BATCH as u64), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        let (loud, quiet) = (world.programs.buffer("events"), world.programs.buffer("perf_events"));
        (0..100 * BATCH).for_each(|_| _ = loud.write(None, &record(1)));
        quiet.write(Some(0), &record(1));
    })
    .await;
    let events = played.records("event");
    assert!(events.iter().any(|event| event["node"] == "quiet"), "it is among the first");
    assert_eq!(counts(&played).1, 100 * BATCH as u64 + 1, "the rest is read at the end");
}

/// As a line stands in `trace_pipe`.
fn line(seconds: u64, text: &str) -> String {
    format!("            wget-146     [001]  {seconds}.000000: bpf_trace_printk: {text}")
}

#[tokio::test(start_paused = true)]
async fn lines_are_events_until_the_chain_is_detached_and_lost_ones_are_nobodys() {
    let stage = Stage::new(
        "printk = true\n[host.one]\nobject = \"printers.o\"\nprogram = \"says_hello\"\n\
         attach = { kprobe = \"x\" }\n",
    );
    let played = play(stage, SessionRequest::default(), async |world| {
        world.programs.lines.write(&line(1, "hello 5 of hello"));
        world.programs.lines.write("CPU:0 [LOST 3 EVENTS]");
        world.programs.lines.write(&line(1, "hello 6 of hello"));
        world.a_while().await;
        assert_eq!(world.paper.text().matches("printk").count(), 3, "two lines, and what is lost");
        // Another program goes on and on; a line of long after the detaching ends the reading.
        world.programs.lines.write(&line(100_000, "hello 7 of hello"));
        world.programs.lines.write(&line(100_001, "hello 8 of hello"));
        world.interrupt();
    })
    .await;
    let events = played.records("event");
    let texts: Vec<_> = events.iter().filter_map(|event| event["printk"].as_str()).collect();
    assert_eq!(texts, ["hello 5 of hello", "hello 6 of hello", "hello 7 of hello"]);
    assert_eq!(counts(&played).2, 3);
    assert_eq!(played.report().accounting.of(0).lost, 0, "of whichever program");
    let lost = played.records("lost");
    assert_eq!(lost.len(), 1);
    assert_eq!((&lost[0]["printk"], &lost[0]["count"]), (&true.into(), &3.into()));
}
