//! The executor, on a kernel that only keeps books: whatever fails, nothing is left behind.

mod common;

use std::{ops::ControlFlow, path::Path};

use common::{all, assert_undone_in_reverse, chain_text, event_maps, shipped};
use freplace_compose::{
    chain::Chain,
    diag::Code,
    kernel::fake::Fake,
    plan::{self, Action},
    profile::Targets,
    resolve::Resolved,
    run,
};

#[test]
fn what_a_program_writes_by_itself_has_a_place_in_the_plan() {
    let (resolved, plan) = all().last().expect("the last one");
    assert_eq!(event_maps(&plan), [(0, "events"), (1, "events")], "each node has its own");
    assert!(matches!(plan.operations[0].action, Action::Listen), "before anything can print");
    let mut kernel = Fake::default();
    let mut running =
        run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched).expect("comes up");
    assert_ne!(running.own_map(0, "events"), running.own_map(1, "events"));
    assert_eq!(running.map("events"), None);
    assert!(running.detach(&mut kernel).is_empty());
    assert!(running.trace().is_some(), "the last lines are still to be read");
    assert!(running.down(&mut kernel).is_empty());
    assert_eq!(kernel.journal.last().map(String::as_str), Some("close trace"));
}

#[test]
fn a_chain_comes_up_in_the_order_of_its_plan_and_down_in_reverse() {
    for (resolved, plan) in all() {
        let mut kernel = Fake::default();
        let mut watched = Vec::new();
        let running = run::up(&mut kernel, &plan, resolved.objects(), &mut |done| {
            watched.push((done.operation.id, done.program_id.is_some()));
            ControlFlow::Continue(())
        })
        .expect("nothing fails");
        let loads = plan.operations.iter();
        let loads = loads.map(|one| (one.id, matches!(one.action, Action::Load { .. })));
        assert_eq!(watched, loads.collect::<Vec<_>>());
        assert!(running.down(&mut kernel).is_empty());
        assert!(kernel.left().is_empty());
        assert_eq!(kernel.journal.len(), 2 * plan.operations.len());
        assert_undone_in_reverse(&kernel.journal);
    }
}

#[test]
fn a_watcher_that_breaks_stops_it_after_the_step_and_what_was_done_is_undone() {
    for (resolved, plan) in all() {
        for last in 0..plan.operations.len() {
            let mut kernel = Fake::default();
            let mut watch =
                |done: run::Done<'_>| match done.operation.id == plan.operations[last].id {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                };
            let part =
                run::up(&mut kernel, &plan, resolved.objects(), &mut watch).expect("nothing fails");
            assert_eq!(kernel.journal.len(), last + 1, "nothing is done after it");
            assert!(part.down(&mut kernel).is_empty());
            assert!(kernel.left().is_empty(), "{last}: {:?}", kernel.left());
            assert_undone_in_reverse(&kernel.journal);
        }
    }
}

#[test]
fn a_failure_at_any_operation_leaves_nothing() {
    for (resolved, plan) in all() {
        for operation in 0..plan.operations.len() {
            let mut kernel = Fake::failing_at(operation);
            let failure = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched)
                .expect_err("told to");
            assert_eq!(failure.operation, plan.operations[operation].id);
            assert!(failure.left.is_empty());
            assert!(kernel.left().is_empty(), "{operation}: {:?}", kernel.left());
            // All before it, itself, and the undoing of all before it.
            assert_eq!(kernel.journal.len(), 2 * operation + 1);
            assert_undone_in_reverse(&kernel.journal);
        }
    }
}

#[test]
fn an_undo_that_fails_stops_nothing_and_is_named() {
    for (resolved, plan) in all() {
        for step in 0..plan.operations.len() {
            let mut kernel = Fake::default().failing_undo_at(step);
            let running = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched)
                .expect("comes up");
            let left = running.down(&mut kernel);
            // What is left in the kernel is what is told: the one, and what the one holds on to.
            assert_eq!(left.len(), kernel.left().len(), "{step}: {left:?} {:?}", kernel.left());
            assert_eq!(left[0].operation, plan.operations[plan.operations.len() - 1 - step].id);
            assert!(left.len() <= 2, "{step}: {left:?}");
            let told = run::explain_left(&left, &plan);
            assert_eq!((told.code, told.labels.len()), (Code::UndoIncomplete, left.len()));
        }
    }
}

#[test]
fn a_failure_whose_undo_fails_too_names_both() {
    for (resolved, plan) in shipped() {
        let last = plan.operations.len() - 1;
        let mut kernel = Fake::failing_at(last).failing_undo_at(last - 1);
        let failure = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched)
            .expect_err("told to");
        assert_eq!(failure.operation, plan.operations[last].id);
        let left: Vec<_> = failure.left.iter().map(|left| left.operation).collect();
        assert_eq!(left, [plan.operations[0].id]);
        assert_eq!(kernel.left().len(), 1);
    }
}

#[test]
fn detaching_keeps_programs_and_maps_until_all_goes_down() {
    for (resolved, plan) in shipped() {
        let mut kernel = Fake::default();
        let mut running =
            run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched).expect("comes up");
        let events = running.map("fc_events");
        assert!(events.is_some());
        assert!(running.detach(&mut kernel).is_empty());
        assert!(kernel.left().iter().all(|one| !one.starts_with("link")));
        assert!(kernel.left().iter().any(|one| one.starts_with("program")));
        assert_eq!(running.map("fc_events"), events);
        // Once more changes nothing.
        let calls = kernel.journal.len();
        assert!(running.detach(&mut kernel).is_empty());
        assert_eq!(kernel.journal.len(), calls);
        assert!(running.down(&mut kernel).is_empty());
        assert!(kernel.left().is_empty());
        assert_undone_in_reverse(&kernel.journal);
    }
}

#[test]
fn a_second_replacement_of_a_function_is_busy_and_the_first_is_undone() {
    let text = chain_text("tcp")
        + "\n[replacement.second]\nobject = \"builtin:tcp-replacement\"\n\
           program = \"freplace_handler\"\nstub = \"handler\"\n";
    // The rules refuse it; another process may have been first all the same.
    let chain = Chain::parse(Path::new("chain.toml"), text).expect("a good file");
    let resolved = Resolved::open(chain).expect("its objects are there");
    let plan = plan::build(&resolved, plan::Offers::default());
    let mut kernel = Fake::default();
    let failure = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched)
        .expect_err("it is taken");
    assert!(matches!(plan[failure.operation].action, Action::AttachReplacement { .. }));
    assert_eq!(run::explain(&failure, &plan, &Targets::default(), false).code, Code::Busy);
    assert!(kernel.left().is_empty());
    assert_undone_in_reverse(&kernel.journal);
}

#[test]
fn a_refusal_leaves_out_what_needs_it_and_the_rest_is_asked_for() {
    for (resolved, plan) in shipped() {
        for (number, operation) in plan.operations.iter().enumerate() {
            let mut kernel = Fake::failing_at(number);
            let asked = run::ask(&mut kernel, &plan, resolved.objects());
            let refused: Vec<_> = asked.refused.iter().map(|(one, _)| one.operation).collect();
            assert_eq!(refused, [operation.id], "it fails once, and what is left out is not tried");
            assert!(asked.left.is_none() && kernel.left().is_empty(), "{number}");
            let again =
                kernel.journal.iter().skip(number + 1).find(|done| done.starts_with("create"));
            let is_map = matches!(operation.action, Action::CreateMap { .. });
            assert_eq!(again.is_none(), is_map, "without a map there is nothing to ask for");
        }
    }
}

#[test]
fn what_is_left_after_asking_is_told() {
    let (resolved, plan) = shipped().next().expect("there is one");
    let mut kernel = Fake::default().failing_undo_at(0);
    let asked = run::ask(&mut kernel, &plan, resolved.objects());
    assert!(asked.refused.is_empty());
    assert_eq!(asked.left.map(|(left, _)| left.len()), Some(kernel.left().len()));
}
