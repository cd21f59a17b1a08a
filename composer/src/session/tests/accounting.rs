//! Produced is delivered and lost, whatever happens.

use std::time::Duration;

use super::{BARE, CLOCK, EVENTS, Paper, SessionRequest, Stage, counts, emit, play};
use crate::{
    event::{EventCounts, Log},
    kernel::fake::Fake,
    session::{
        End,
        reading::{BATCH, BATCHES},
        writer::QUEUE,
    },
};

#[tokio::test(start_paused = true)]
async fn every_event_of_a_flood_is_shown_and_counted() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    // They wake the reader once; it has to come back by itself.
    let flood = BATCH * BATCHES * 2 + 3;
    let played = play(stage, SessionRequest::default(), async |world| {
        emit(world, node, &record, flood);
        world.a_while().await;
        assert_eq!(world.programs.buffer(EVENTS).waiting(), 0, "none is left behind");
        world.interrupt();
    })
    .await;
    assert!(matches!(played.end, End::Done));
    assert_eq!(played.records("event").len(), flood);
    let flood = flood as u64;
    assert_eq!(counts(&played), (flood, flood, 0));
    assert_eq!(played.report().shown, flood);
    assert!(played.report().accounting.balance());
    let down = played.records("node_down");
    let down = down.iter().find(|down| down["node"] == "before").expect("its record");
    assert_eq!((&down["produced"], &down["delivered"]), (&flood.into(), &flood.into()));
    assert_eq!(played.records("summary")[0]["events"], flood);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_counted_and_in_the_text_once() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let played = play(stage, SessionRequest::default(), async |world| {
        world.programs.buffer(EVENTS).holds(100);
        emit(world, node, &record, 250);
        world.a_while().await;
        emit(world, node, &record, 101);
        world.interrupt();
    })
    .await;
    assert_eq!(counts(&played), (351, 200, 151));
    assert!(played.report().accounting.balance());
    let lost = played.records("lost");
    let lost: Vec<_> = lost.iter().filter_map(|lost| lost["count"].as_u64()).collect();
    assert_eq!(lost, [150, 1]);
    assert_eq!(played.notices, [""; 0], "the text has it");
}

#[tokio::test(start_paused = true)]
async fn losses_that_the_text_does_not_have_are_reported_as_they_come() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let log = Log::new(&stage.plan.nodes, CLOCK, true, BARE);
    let asked = SessionRequest { format: Some(Box::new(log)), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        world.programs.buffer(EVENTS).holds(1);
        emit(world, node, &record, 3);
        world.a_while().await;
        assert_eq!(world.notices().len(), 1);
        world.interrupt();
    })
    .await;
    let loss = format!("Loss {{ node: Some({node}), map: \"fc_events\", count: 2 }}");
    assert_eq!(played.notices, [format!("Lost({loss})")]);
    assert_eq!(played.text.lines().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_writer_stands_still_events_stay_in_the_kernel_and_none_is_lost_in_silence() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let asked = SessionRequest { paper: Paper::taking(0), ..SessionRequest::default() };
    let (room, pieces) = (1000, 400);
    let played = play(stage, asked, async |world| {
        let buffer = world.programs.buffer(EVENTS);
        buffer.holds(room);
        for _ in 0..pieces {
            emit(world, node, &record, 100);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(buffer.waiting(), room, "nobody takes what cannot be written");
        world.interrupt();
        world.a_while().await;
        world.paper.go_on();
    })
    .await;
    let (produced, delivered, lost) = counts(&played);
    assert_eq!(produced, pieces * 100);
    assert_eq!(produced, delivered + lost);
    assert_eq!(played.records("event").len() as u64, delivered);
    let told = played.records("lost");
    let told = told.iter().filter_map(|lost| lost["count"].as_u64()).sum::<u64>();
    assert_eq!(told, lost, "what was reported meanwhile waits for the writer, too");
    // What is read is what waits for the writer, and what was in the buffer at the end. A batch is
    // at most one over the size at which it is handed on.
    let most = (QUEUE as u64 + 3) * (64 * 1024 / 200 + 2 * BATCH as u64) + room as u64;
    assert!(lost > 0 && delivered > room as u64 && delivered < most, "{delivered} of {most}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_met_exactly_and_ends_the_session() {
    for (limit, produced) in [(1, 20), (5, 20), (20, 20), (19, 20), (256, 300), (257, 300)] {
        let stage = Stage::tcp();
        let (node, record) = (stage.node("before"), stage.record("before", 1));
        let asked = SessionRequest { limit: Some(limit), ..SessionRequest::default() };
        let played = play(stage, asked, async |world| {
            emit(world, node, &record, produced);
        })
        .await;
        assert!(matches!(played.end, End::Done));
        assert_eq!((played.report().shown, played.records("event").len() as u64), (limit, limit));
        // What came with the last one was read, too.
        assert_eq!(counts(&played), (produced as u64, produced as u64, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn one_event_below_the_limit_ends_nothing() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let asked = SessionRequest { limit: Some(21), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 20);
        world.a_while().await;
        // It is still there to show this one, and no other.
        emit(world, node, &record, 2);
    })
    .await;
    assert_eq!(played.report().shown, 21);
    assert_eq!(counts(&played), (22, 22, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_counted_and_not_shown() {
    let stage = Stage::tcp();
    let (before, connect) = (stage.node("before"), stage.node("connect"));
    let records = [stage.record("before", 1), stage.record("connect", 1)];
    let asked =
        SessionRequest { only: vec!["before"], limit: Some(3), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, connect, &records[1], 10);
        emit(world, before, &records[0], 2);
        world.a_while().await;
        emit(world, connect, &records[1], 1);
        emit(world, before, &records[0], 1);
    })
    .await;
    assert_eq!((played.report().shown, counts(&played)), (3, (14, 14, 0)));
    assert!(played.records("event").iter().all(|event| event["node"] == "before"));
    let of = |node: u32| played.report().accounting.of(node as usize);
    assert_eq!(of(connect), EventCounts { produced: 11, delivered: 11, lost: 0 });
    assert_eq!(of(before), EventCounts { produced: 3, delivered: 3, lost: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_no_event_is_reported_and_accounted_for() {
    let stage = Stage::tcp();
    let node = stage.node("before");
    let mut stranger = stage.record("before", 1);
    stranger[16..20].copy_from_slice(&99_u32.to_ne_bytes());
    let mut untyped = stage.record("before", 1);
    untyped[20..24].copy_from_slice(&99_999_u32.to_ne_bytes());
    let played = play(stage, SessionRequest::default(), async |world| {
        emit(world, node, &[1, 2, 3], 1);
        emit(world, node, &stranger, 2);
        emit(world, node, &untyped, 1);
        world.interrupt();
    })
    .await;
    assert_eq!(
        played.notices,
        ["Malformed(Short(3))", "Malformed(Node(99))", "Malformed(Node(99))"]
    );
    assert_eq!(counts(&played), (4, 1, 0));
    let accounting = &played.report().accounting;
    assert_eq!((accounting.malformed, accounting.undecoded), (3, 1));
    assert!(accounting.balance());
}

#[tokio::test(start_paused = true)]
async fn a_record_under_way_when_the_chain_is_detached_is_waited_for() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let played = play(stage, SessionRequest::default(), async |world| {
        world.programs.emit_late(node, &record);
        world.interrupt();
    })
    .await;
    assert_eq!(counts(&played), (1, 1, 0));
    assert_eq!(played.records("event").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_nowhere_is_waited_for_and_then_missing_in_the_balance() {
    let stage = Stage::tcp();
    let node = stage.node("before");
    let start = tokio::time::Instant::now();
    let played = play(stage, SessionRequest::default(), async |world| {
        world.programs.count(node, 2, 1);
        world.interrupt();
    })
    .await;
    assert!(!played.report().accounting.balance());
    assert_eq!(counts(&played), (2, 0, 1));
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn where_a_link_is_left_nothing_is_waited_for() {
    let mut stage = Stage::tcp();
    stage.kernel = Fake::default().failing_undo_at(0);
    let node = stage.node("before");
    let start = tokio::time::Instant::now();
    let played = play(stage, SessionRequest::default(), async |world| {
        world.programs.count(node, 2, 1);
        world.interrupt();
    })
    .await;
    assert!(start.elapsed() < Duration::from_millis(500), "it may go on for ever");
    let undone = played.undone.as_ref().expect("it came to its end");
    assert!(!undone.left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_kernel_passed_over_is_counted_by_node_where_it_is_known() {
    for (recursions, missed, connect, before) in [
        (Some(2), Some(3), Some(5), Some(2)),
        (Some(2), None, None, Some(2)),
        (None, Some(3), None, None),
    ] {
        let stage = Stage::tcp();
        let [of_connect, of_before] = ["connect", "before"].map(|id| stage.node(id) as usize);
        let played = play(stage, SessionRequest::default(), async |world| {
            world.programs.skip(recursions, missed);
            world.interrupt();
        })
        .await;
        let skips = &played.report().accounting.skips;
        assert_eq!((skips.of(of_connect), skips.of(of_before)), (connect, before));
    }
}
