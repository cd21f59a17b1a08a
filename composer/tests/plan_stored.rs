//! A plan is written down and read back: the same, or no plan.

mod common;

use common::{all, shipped};
use freplace_compose::{
    kernel::fake::Fake,
    plan::{Plan, PlanError},
    run,
};
use serde_json::{Value, json};

fn stored(plan: &Plan) -> Value {
    serde_json::to_value(plan).expect("a plan is JSON")
}

#[test]
fn what_is_read_back_is_the_plan_and_is_done_alike() {
    for (resolved, plan) in all() {
        let read: Plan = serde_json::from_value(stored(&plan)).expect("its own JSON");
        assert_eq!(read, plan);
        assert_eq!(stored(&read), stored(&plan), "the types of maps, globals and tables included");
        let done = |plan: &Plan| {
            let mut kernel = Fake::default();
            let running = run::up(&mut kernel, plan, resolved.objects(), &mut run::unwatched);
            assert!(running.expect("nothing fails").down(&mut kernel).is_empty());
            kernel.journal
        };
        assert_eq!(done(&read), done(&plan));
    }
}

#[test]
fn the_order_is_that_of_the_dependencies_wherever_operations_stand() {
    for (_, plan) in all() {
        let mut turned = stored(&plan);
        turned["operations"].as_array_mut().expect("a list").reverse();
        let read: Plan = serde_json::from_value(turned).expect("the same operations");
        assert_eq!(read, plan);
    }
}

#[test]
fn what_cannot_be_a_plan_is_refused_with_the_reason() {
    let (_, plan) = shipped().next().expect("a recipe");
    let of = |id: u32| {
        let operations = stored(&plan)["operations"].clone();
        let is_it = |one: &Value| one["id"] == id;
        operations.as_array().and_then(|all| all.iter().position(is_it)).expect("it is there")
    };
    let last = plan.operations.last().expect("it does something").id.0;
    let load = |number: usize| {
        let loads = plan
            .operations
            .iter()
            .filter(|one| matches!(one.action, freplace_compose::plan::Action::Load { .. }));
        loads.map(|one| one.id.0).nth(number).expect("two programs")
    };
    let slot = stored(&plan)["operations"][of(load(0))]["slot"].clone();
    let cases: [(&str, PlanError, Value); 7] = [
        ("id", PlanError::Duplicate(0), json!(0)),
        ("needs", PlanError::Unknown { of: last, on: 9999 }, json!([9999])),
        ("after", PlanError::Cycle, json!([last])),
        ("node", PlanError::Node { of: last, node: 99 }, json!(99)),
        ("cause", PlanError::Node { of: last, node: 98 }, json!({"of": 98, "reason": "printk"})),
        ("slot", PlanError::NotLoaded { of: last, slot: 77 }, json!(77)),
        ("slot", PlanError::LoadedTwice { of: load(1), slot: 0 }, slot),
    ];
    for (key, error, value) in cases {
        let mut wrong = stored(&plan);
        let at = match error {
            PlanError::LoadedTwice { of: id, .. } => of(id),
            _ => of(last),
        };
        wrong["operations"][at][key] = value;
        let found = serde_json::from_value::<Plan>(wrong).expect_err(key).to_string();
        assert_eq!(found, error.to_string());
    }
    let mut wrong = stored(&plan);
    wrong["nodes"][0]["label"] = json!("probe");
    let found = serde_json::from_value::<Plan>(wrong).expect_err("no such kind").to_string();
    assert_eq!(found, PlanError::Label("probe".to_owned()).to_string());
}

#[test]
fn an_attachment_is_read_by_the_table_of_kinds() {
    let attach = |value: Value| serde_json::from_value::<freplace_compose::hook::Attach>(value);
    let error = |value: Value| attach(value).expect_err("it is wrong").to_string();
    assert!(attach(json!({"hook": "xdp", "interface": "lo"})).is_ok(), "with the default mode");
    assert_eq!(error(json!({"hook": "xpd", "interface": "lo"})), "unknown hook `xpd`");
    assert_eq!(error(json!({"hook": "xdp"})), "missing field `interface`");
    assert!(error(json!({"hook": "xdp", "interface": "lo", "mode": "fast"})).contains("`mode`"));
    let unknown = json!({"hook": "xdp", "interface": "lo", "speed": "fast"});
    assert_eq!(error(unknown), "a xdp has no `speed`");
}

#[test]
fn no_damage_makes_the_reader_or_the_executor_panic() {
    // Those with the most of their own: tables of built-in tracers, and maps of others.
    for (resolved, plan) in all().skip(3) {
        let whole = stored(&plan);
        let pointers = pointers(&whole, "");
        for pointer in &pointers {
            for value in [json!(null), json!(-1), json!(3), json!("x"), json!([]), json!({})] {
                let mut damaged = whole.clone();
                *damaged.pointer_mut(pointer).expect("it was just there") = value;
                let Ok(read) = serde_json::from_value::<Plan>(damaged) else { continue };
                let mut kernel = Fake::default();
                if let Ok(running) =
                    run::up(&mut kernel, &read, resolved.objects(), &mut run::unwatched)
                {
                    running.abandon(&mut kernel);
                }
                assert_eq!(kernel.left(), Vec::<String>::new(), "{pointer}");
            }
        }
    }
}

/// Every place of a JSON value.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Object(fields) => fields.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(key, item)| pointers(item, &format!("{at}/{key}")));
    std::iter::once(at.to_owned()).chain(below).collect()
}
