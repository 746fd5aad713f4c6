use windlass_engine::step::Kind;
use windlass_rehearsal::report::{FaultKind, Pass, SwarmShape};

use super::*;

/// A rotation of so many services, with so many faults at every call that holds.
fn report(services: usize, faults: usize) -> Report {
    let call = |key: String, says: String| CallRow {
        key,
        step: "service.switch_secret".to_owned(),
        says,
        kind: Kind::Change,
        pivot: false,
    };
    let mut calls: Vec<CallRow> = (1..=services)
        .map(|nth| {
            call(
                format!("13.{nth}.1"),
                format!("switch shop_{nth} from db_password to db_password.tmp"),
            )
        })
        .collect();
    calls.push(call("14".to_owned(), "remove the secret db_password".to_owned()));
    let faults: Vec<FaultKind> = (0..faults)
        .map(|nth| FaultKind {
            name: format!("fault-{nth}"),
            short: format!("undo: fault {nth}"),
            explanation: String::new(),
        })
        .collect();
    let passes =
        calls.iter().flat_map(|call| faults.iter().map(|fault| pass(&call.key, &fault.name)));
    Report {
        runbook: "rotate".to_owned(),
        title: "Rotate".to_owned(),
        swarm: SwarmShape::default(),
        passes: passes.collect(),
        not_played: Vec::new(),
        unhealthy: Vec::new(),
        calls,
        faults,
        wall_ms: 0,
        seed: 1,
        threads: 1,
    }
}

fn pass(call: &str, fault: &str) -> Pass {
    Pass {
        id: format!("{call}/{fault}"),
        call: Some(call.to_owned()),
        fault: fault.to_owned(),
        verdict: Verdict::Held,
        story: Vec::new(),
        problems: Vec::new(),
        resumes: 0,
        requests: 0,
        virtual_ms: 0,
    }
}

#[test]
fn a_table_of_twenty_six_faults_fits_a_hundred_columns() {
    for line in lines(&report(3, 26)) {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
}

#[test]
fn branches_that_ended_the_same_are_one_line_and_a_violation_stands_alone() {
    let mut report = report(40, 3);
    let at = report.passes.iter().position(|p| p.id == "13.17.1/fault-1").unwrap();
    report.passes[at].verdict = Verdict::Violated;
    let text = lines(&report);
    let marked: Vec<&String> =
        text.iter().filter(|line| line.contains("✓ ✓") || line.contains("✗ ✓")).collect();
    assert_eq!(marked.len(), 3, "{text:#?}");
    assert!(marked[0].contains("13.*.1   service.switch_secret (39 times)"), "{}", marked[0]);
    assert!(marked[1].contains("13.17.1") && marked[1].contains("✓ ✗ ✓"), "{}", marked[1]);
}

#[test]
fn a_fault_that_was_not_tried_has_no_column_and_a_pass_of_no_column_is_named() {
    let mut report = report(1, 3);
    report.passes.retain(|pass| pass.fault != "fault-1");
    report.passes.push(pass("99", "odd"));
    let text = lines(&report).join("\n");
    assert!(!text.contains("fault 1"), "{text}");
    assert!(text.contains("a undo: fault 0   b undo: fault 2"), "{text}");
    assert!(text.contains("no column: 99/odd"), "{text}");
}
