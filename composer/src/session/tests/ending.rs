//! What ends a session, and what that leaves.

use std::{io, sync::mpsc, time::Duration};

use tokio::time::Instant;

use super::{EVENTS, FakeCommand, Paper, SessionRequest, Stage, counts, emit, play};
use crate::{kernel::fake::Fake, session::End};

#[tokio::test(start_paused = true)]
async fn a_second_signal_does_not_wait_for_the_undoing() {
    let mut stage = Stage::tcp();
    let (release, hold) = mpsc::channel();
    stage.kernel.hold_undo = Some(hold);
    let played = play(stage, SessionRequest::default(), async |world| {
        world.interrupt();
        world.interrupt();
    })
    .await;
    assert!(matches!(played.end, End::Done));
    assert!(played.undone.is_none(), "the kernel undoes the rest as the process ends");
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn one_signal_waits_for_the_undoing_however_long_it_takes() {
    let mut stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let (release, hold) = mpsc::channel();
    stage.kernel.hold_undo = Some(hold);
    let played = play(stage, SessionRequest::default(), async |world| {
        world.interrupt();
        // Whatever the programs do until they are detached counts.
        emit(world, node, &record, 7);
        release.send(()).expect("the undoing waits");
    })
    .await;
    assert_eq!(counts(&played), (7, 7, 0));
    assert!(played.undone.expect("it came to its end").left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_heard_while_the_writer_stands_still() {
    let stage = Stage::tcp();
    let (node, record) = (stage.node("before"), stage.record("before", 1));
    let asked = SessionRequest { paper: Paper::taking(0), ..SessionRequest::default() };
    let played = play(stage, asked, async |world| {
        emit(world, node, &record, 10_000);
        world.a_while().await;
        world.interrupt();
        world.a_while().await;
        world.interrupt();
    })
    .await;
    assert!(played.undone.is_none(), "nobody takes the text, so only the second one ends it");
}

#[tokio::test(start_paused = true)]
async fn time_ends_a_session() {
    let start = Instant::now();
    let asked =
        SessionRequest { duration: Some(Duration::from_secs(90)), ..SessionRequest::default() };
    let played = play(Stage::tcp(), asked, async |_| {}).await;
    assert!(matches!(played.end, End::Done));
    assert_eq!(start.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn a_command_ends_a_session_with_what_it_says() {
    for code in [0, 3] {
        let stage = Stage::tcp();
        let (node, record) = (stage.node("before"), stage.record("before", 1));
        let command = FakeCommand::new(true);
        let asked = SessionRequest { command: Some(command.clone()), ..SessionRequest::default() };
        let played = play(stage, asked, async |world| {
            emit(world, node, &record, 5);
            command.end(code);
        })
        .await;
        match played.end {
            End::Done => assert_eq!(code, 0),
            End::Command(status) => assert_eq!(status.code(), Some(code)),
            other => panic!("{other:?}"),
        }
        assert_eq!(counts(&played), (5, 5, 0), "what it did is shown");
        assert_eq!(command.done(), [""; 0], "it is gone already");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_is_asked_to_end_and_made_to_when_it_does_not() {
    let grace = crate::session::command::GRACE;
    for (obeys, twice, least) in
        [(true, false, Duration::ZERO), (false, false, grace), (false, true, Duration::ZERO)]
    {
        let start = Instant::now();
        let command = FakeCommand::new(obeys);
        let asked = SessionRequest { command: Some(command.clone()), ..SessionRequest::default() };
        let played = play(Stage::tcp(), asked, async |world| {
            world.interrupt();
            if twice {
                world.interrupt();
            }
        })
        .await;
        assert!(matches!(played.end, End::Done));
        assert_eq!(command.done(), ["terminate", "kill"]);
        let took = start.elapsed();
        assert!(took >= least && took < least + Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_gone_or_a_full_disk_ends_a_session_and_the_chain_is_undone() {
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
        let stage = Stage::tcp();
        let (node, record) = (stage.node("before"), stage.record("before", 1));
        let asked =
            SessionRequest { paper: Paper::failing_after(2, kind), ..SessionRequest::default() };
        let played = play(stage, asked, async |world| {
            for _ in 0..3 {
                emit(world, node, &record, 10);
                world.a_while().await;
            }
        })
        .await;
        assert!(matches!(played.end, End::Done));
        let written = played.report().written.as_ref().map_err(io::Error::kind);
        assert_eq!(written, Err(kind));
        assert_eq!(played.records("event").len(), 10, "up to there all is written");
        let (produced, delivered, lost) = counts(&played);
        assert_eq!(produced, delivered + lost);
        assert!(played.undone.expect("it came to its end").left.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_named_and_the_rest_is_undone_and_reported() {
    for call in 0..8 {
        let mut stage = Stage::tcp();
        stage.kernel = Fake::default().failing_undo_at(call);
        let (node, record) = (stage.node("before"), stage.record("before", 1));
        let played = play(stage, SessionRequest::default(), async |world| {
            emit(world, node, &record, 3);
            world.interrupt();
        })
        .await;
        assert_eq!(counts(&played), (3, 3, 0));
        assert!(played.report().written.is_ok());
        assert!(!played.undone.expect("it came to its end").left.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_cannot_be_read_end_a_session() {
    let played = play(Stage::tcp(), SessionRequest::default(), async |world| {
        world.programs.buffer(EVENTS).fail();
    })
    .await;
    assert!(matches!(played.end, End::Unreadable(_)));
    assert!(played.undone.expect("it came to its end").left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_was_deleted_is_named_by_its_operation() {
    for deleted in [true, false] {
        let stage = Stage::new(include_str!("../../../../chains/xdp.toml"));
        let links =
            stage.plan.operations.iter().filter(|operation| {
                matches!(operation.action, crate::plan::Action::AttachHook { .. })
            });
        let host = links.count();
        let played = play(stage, SessionRequest::default(), async |world| {
            if deleted {
                world.programs.delete_interfaces();
            }
            world.interrupt();
        })
        .await;
        let gone = played.undone.expect("it came to its end").gone;
        assert_eq!(gone.len() >= host, deleted, "{gone:?}");
    }
}
