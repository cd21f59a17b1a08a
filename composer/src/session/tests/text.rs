//! The text of a session, and when it is written.

use std::sync::{Arc, Mutex};

use super::{BARE, CLOCK, SessionRequest, Stage, counts, emit, play};
use crate::{
    event::{ChromeTrace, Count, Tree},
    running::Census,
    session::{Lookout, Writer, lookout::WatchedHost},
};

#[tokio::test(start_paused = true)]
async fn a_call_is_shown_when_nothing_more_came_of_it_for_a_while() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 5));
    let tree = Tree::new(stage.resolved.chain(), &stage.plan, CLOCK, BARE);
    let asked = SessionRequest { format: Some(Box::new(tree)), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 1);
        world.a_while().await;
        assert!(world.paper.text().contains("before"), "it is shown while the session goes on");
        world.interrupt();
    })
    .await;
    assert_eq!(played.text.matches("before").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tree_says_whose_events_have_no_call_and_learns_from_what_is_not_shown() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("connect"), stage.record("connect", 0));
    let tree = Tree::new(stage.resolved.chain(), &stage.plan, CLOCK, BARE);
    let format = Some(Box::new(tree) as Box<_>);
    let asked = SessionRequest { format, only: vec!["before"], ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 1);
        world.interrupt();
    })
    .await;
    assert_eq!(played.report().unnumbered, ["connect"]);
    assert_eq!(played.text, "");
}

#[tokio::test(start_paused = true)]
async fn a_count_stands_at_the_end_and_a_trace_is_closed() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 5));
    let count = Count::new(&stage.plan.nodes, &vec![true; stage.plan.nodes.len()], BARE);
    let asked = SessionRequest { format: Some(Box::new(count)), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 12);
        world.a_while().await;
        assert_eq!(world.paper.text(), "");
        world.interrupt();
    })
    .await;
    assert!(played.text.contains("before      12 events\n"), "{}", played.text);

    let stage = Stage::tcp();
    let trace = ChromeTrace::new(stage.resolved.chain(), &stage.plan);
    let asked = SessionRequest { format: Some(Box::new(trace)), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 12);
        world.interrupt();
    })
    .await;
    let records: Vec<serde_json::Value> = serde_json::from_str(&played.text).expect("JSON");
    assert_eq!(records.iter().filter(|record| record["ph"] == "i").count(), 12);
}

#[tokio::test]
async fn text_is_written_in_order_in_a_thread_of_its_own() {
    let written = Arc::new(Mutex::new(Vec::new()));
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared(Arc::clone(&written));
    let mut writer = Writer::new(move || shared);
    let mut expected = String::new();
    for number in 0..50 {
        writer.room().await;
        let mut text = format!("{number} ");
        expected += &text;
        writer.write(&mut text);
        assert_eq!(text, "", "there was room");
    }
    writer.end("end".to_owned()).await.expect("it takes all");
    let written = written.lock().expect("nobody panics").clone();
    assert_eq!(String::from_utf8(written).expect("text"), expected + "end");
}

#[tokio::test]
async fn a_failed_write_is_an_error_at_the_end_and_closes_the_way() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer::new(|| Full);
    writer.write(&mut "text".to_owned());
    writer.closed().await;
    assert!(writer.is_closed());
    let error = writer.end("more".to_owned()).await.expect_err("nothing was written");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_changes_is_a_record_and_events_go_on() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let host = WatchedHost::new(0, "xdp:lo".parse().expect("a name"), 41, vec!["link 8".into()]);
    let lookout = Lookout::of(vec![host], Arc::new(|| Some(Census::default())));
    let asked = SessionRequest { lookout: Some(lookout), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        world.a_while().await;
        emit(world, node, &record, 2);
        world.a_while().await;
        world.interrupt();
    })
    .await;
    let [changed] = played.records("program_changed").try_into().expect("one record");
    assert_eq!((&changed["program"], &changed["now"]), (&41.into(), &serde_json::Value::Null));
    assert_eq!(counts(&played), (2, 2, 0));
}
