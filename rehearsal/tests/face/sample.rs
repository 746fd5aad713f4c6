//! A made-up report with everything in it that a report can have.

use windlass_engine::step::Kind;
use windlass_rehearsal::report::{
    CLEAN, CallRow, FaultKind, Moment, MomentKind, Pass, Report, SwarmShape, Verdict,
};

/// What nobody may run, wherever a text comes from.
pub const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&";

const FAULTS: [(&str, &str, &str); 6] = [
    ("kill-intent", "kill before", "killed when the intent was recorded, and nothing done"),
    ("kill-effect", "kill after", "killed when it was done, and not recorded"),
    ("error", "refused", "the daemon says no"),
    ("lost-answer", "answer lost", "it is done, and the answer is lost"),
    ("slow-start", "slow start", "the new tasks take two minutes to start"),
    ("undo-error", "undo: refused", "going back, the daemon says no"),
];

/// A rotation of a secret of so many services.
pub fn report(services: usize) -> Report {
    let calls = calls(services);
    let clean = pass("clean", None, CLEAN, Verdict::Held, &calls);
    let mut passes = vec![clean];
    for (nth, call) in calls.iter().enumerate() {
        for (column, (name, ..)) in FAULTS.iter().enumerate() {
            let reads = call.kind == Kind::Read;
            if reads && column != 3 {
                continue;
            }
            let verdict = match (column, call.pivot) {
                (2 | 5, false) if nth < calls.len() - 2 => Verdict::Unwound,
                (2 | 5, _) => Verdict::Stuck,
                _ => Verdict::Held,
            };
            passes.push(pass(&format!("{}/{name}", call.key), Some(call), name, verdict, &calls));
        }
    }
    let fault = |(name, short, explanation): (&str, &str, &str)| FaultKind {
        name: name.into(),
        short: short.into(),
        explanation: explanation.into(),
    };
    Report {
        runbook: "rotate-secret-same-name".into(),
        title: "Rotate a secret and keep its name".into(),
        swarm: SwarmShape {
            nodes: 5,
            services: services + 7,
            secrets: 9,
            tasks: 64,
            taken: "2026-11-21T03:04:05Z".into(),
        },
        unhealthy: vec!["shop_mail: 0 of 1 tasks run".into()],
        not_played: vec!["credential specs (shop_web)".into()],
        calls,
        faults: FAULTS.map(fault).to_vec(),
        passes,
        wall_ms: 9_400,
        seed: 7,
        threads: 2,
    }
}

/// The same, and one pass ends badly.
pub fn violated() -> Report {
    let mut report = report(3);
    let at = report.passes.iter().position(|p| p.id == "4.2.1/lost-answer").unwrap();
    let pass = &mut report.passes[at];
    pass.verdict = Verdict::Violated;
    pass.problems = vec![
        "shop_worker refers to db_password.tmp, which is gone".into(),
        "1 of 3 services is on the old value".into(),
    ];
    report
}

/// The same, with a text in every place that tries to be more than a text.
pub fn hostile() -> Report {
    let text = serde_json::to_string(&violated()).unwrap();
    let mut report: Report = serde_json::from_str(&text).unwrap();
    let bad = |text: &mut String| *text = format!("{text}{HOSTILE}");
    bad(&mut report.runbook);
    bad(&mut report.title);
    bad(&mut report.swarm.taken);
    for call in &mut report.calls {
        [&mut call.key, &mut call.step, &mut call.says].into_iter().for_each(bad);
    }
    for fault in &mut report.faults {
        [&mut fault.name, &mut fault.short, &mut fault.explanation].into_iter().for_each(bad);
    }
    for pass in &mut report.passes {
        bad(&mut pass.id);
        pass.call.iter_mut().for_each(bad);
        if pass.fault != CLEAN {
            bad(&mut pass.fault);
        }
        pass.problems.iter_mut().for_each(bad);
        for moment in &mut pass.story {
            bad(&mut moment.text);
            moment.lane.iter_mut().for_each(bad);
        }
    }
    report
}

fn calls(services: usize) -> Vec<CallRow> {
    let row = |key: String, step: &str, says: String, kind| CallRow {
        key,
        step: step.into(),
        says,
        kind,
        pivot: false,
    };
    let names = ["shop_api", "shop_worker", "billing", "search", "mailer", "gateway"];
    let mut calls = vec![
        row("1".into(), "swarm.check", "swarm.check".into(), Kind::Read),
        row(
            "2".into(),
            "service.using",
            "list the services that use db_password".into(),
            Kind::Read,
        ),
        row("3".into(), "secret.create", "create the secret db_password.tmp".into(), Kind::Change),
    ];
    for nth in 0..services {
        let name =
            format!("{}{}", names[nth % 6], ["", "_2", "_3", "_4", "_5", "_6", "_7"][nth / 6]);
        let says = format!("switch {name} from db_password to db_password.tmp");
        calls.push(row(format!("4.{}.1", nth + 1), "service.switch_secret", says, Kind::Change));
        let says = format!("wait until {name} runs with db_password.tmp");
        calls.push(row(format!("4.{}.2", nth + 1), "service.converged", says, Kind::Wait));
    }
    calls.push(row("5".into(), "service.observe", "watch the services for 10m".into(), Kind::Wait));
    let says = "remove the secret db_password".into();
    calls.push(CallRow { pivot: true, ..row("6".into(), "secret.remove", says, Kind::Destroy) });
    calls.push(row(
        "7".into(),
        "secret.create",
        "create the secret db_password".into(),
        Kind::Change,
    ));
    calls
}

fn pass(id: &str, at: Option<&CallRow>, fault: &str, verdict: Verdict, calls: &[CallRow]) -> Pass {
    let mut story = Vec::new();
    let mut now = 0;
    let mut tell = |at_ms: i64, lane: Option<&str>, kind, text: &str| {
        let lane = lane.map(str::to_owned);
        story.push(Moment { at_ms, lane, kind, text: text.to_owned() });
    };
    tell(0, None, MomentKind::Note, "Rotate a secret and keep its name");
    for call in calls {
        let key = Some(call.key.as_str());
        let took = match call.kind {
            Kind::Read => 0,
            Kind::Change | Kind::Destroy => 40,
            Kind::Wait if call.step == "service.observe" => 600_000,
            Kind::Wait => 8_200,
        };
        tell(now, key, MomentKind::Began, &call.says);
        if at.is_some_and(|at| at.key == call.key) {
            tell(now + took, key, MomentKind::Fault, &format!("the fault {fault} strikes"));
            if fault.starts_with("kill") {
                tell(now + took, None, MomentKind::Died, "the process is killed");
                tell(now + took + 5_000, None, MomentKind::Resumed, "the run is resumed");
                now += 5_000;
            }
            if verdict == Verdict::Stuck {
                tell(
                    now + took,
                    key,
                    MomentKind::Stuck,
                    "stuck: it says what a person must decide",
                );
                break;
            }
            if verdict == Verdict::Unwound {
                tell(
                    now + took,
                    key,
                    MomentKind::Failed,
                    "the daemon answers 400: refused by a rehearsal",
                );
                tell(now + took, None, MomentKind::Unwinding, "the run goes back");
                tell(
                    now + took,
                    Some("3"),
                    MomentKind::UndoBegan,
                    "undo: create the secret db_password.tmp",
                );
                tell(
                    now + took + 900,
                    Some("3"),
                    MomentKind::UndoEnded,
                    "undone: create the secret db_password.tmp",
                );
                break;
            }
        }
        now += took;
        tell(now, key, MomentKind::Ended, &call.says);
    }
    tell(now + 1_000, None, MomentKind::Finished, "the run is over");
    Pass {
        id: id.into(),
        call: at.map(|call| call.key.clone()),
        fault: fault.into(),
        verdict,
        story,
        problems: Vec::new(),
        resumes: u32::from(fault.starts_with("kill")),
        requests: 40,
        virtual_ms: now + 1_000,
    }
}
