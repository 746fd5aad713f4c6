//! What it costs to come back to a store with much in it.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Map, json};
use windlass_engine::clock::Clock;
use windlass_engine::clock::SystemClock;
use windlass_engine::event::SummaryRecord;
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::{
    Body, CallHead, ChainHead, Created, Durable, How, Journals, Lease, Origin, Values, text_hash,
};
use windlass_engine::run::RunState;
use windlass_engine::secret::{FileKeys, Keyring, MasterKey};
use windlass_engine::step::Kind;
use windlass_stores::SledStore;

use crate::rig::{Rig, median, somebody};
use crate::row;

/// Set for the child that opens a store and prints what that took.
pub const CHILD: &str = "WINDLASS_BENCH_OPEN";

/// Writes a run that was interrupted after `calls` calls, as the engine would have.
fn interrupted(store: &SledStore, text: &str, nth: usize, calls: u32) -> RunId {
    let run = RunId::new(SystemClock.now(), nth as u128);
    let (mut head, mut state) = (ChainHead::default(), RunState::default());
    let mut append = |body: Body| {
        let seq = head.seq;
        let (entry, record) = head.push(SystemClock.now(), store.epoch(), body).unwrap();
        if nth < 1_000 && calls < 10 {
            state.apply(&entry).unwrap();
        }
        store.append(&run, seq, &record).unwrap();
        if seq == 0 {
            state.apply(&entry).ok();
            let summary = serde_json::to_vec(&SummaryRecord::of(&run, &state)).unwrap();
            store.put_summary(&run, true, &summary).unwrap();
        }
    };
    append(Body::Created(Box::new(Created {
        run: run.clone(),
        runbook: "bench.rhai".to_owned(),
        title: "bench".to_owned(),
        text: text_hash(text.as_bytes()),
        params: Map::new(),
        sealed: Default::default(),
        locks: vec![format!("secret:{nth}")],
        place: "nowhere".to_owned(),
        identity: None,
        by: Origin::default(),
        version: "bench".to_owned(),
        cause: None,
        language: windlass_engine::journal::Language::FIRST,
    })));
    for n in 0..calls {
        let key = CallKey::ROOT.child(n + 1);
        let args = json!({ "n": n });
        let head = CallHead { step: "drum.notch".to_owned(), kind: Kind::Change, args };
        let says = format!("turn to notch {n}");
        append(Body::Intended { key: key.clone(), head, attempt: 1, base: json!(null), says });
        let output = json!({ "n": n });
        append(Body::Applied {
            key,
            head: None,
            output,
            sealed: Default::default(),
            how: How::Returned,
        });
    }
    run
}

/// Prints how long it takes from nothing to the first call of a resumed run.
pub fn measure_resume(directory: &Path) {
    const RUNS: usize = 1_000;
    let rig = Rig::open(directory);
    let runbook = rig.runbook(5);
    rig.store.put_value(&runbook.hash(), runbook.text().as_bytes()).unwrap();
    let keys = FileKeys::at(directory.join("keys"));
    let keyring = Keyring::new(MasterKey::from_bytes([7; 32]), Box::new(keys));
    let mut runs = vec![];
    for nth in 0..RUNS {
        let run = interrupted(&rig.store, runbook.text(), nth, 3);
        keyring.begin(&run).unwrap();
        runs.push(run);
    }
    let end = rig.store.put_value("end", b"").unwrap();
    rig.store.sync(end).unwrap();
    drop(rig);
    let mut times = vec![];
    for run in &runs[RUNS / 2..RUNS / 2 + 5] {
        let began = Instant::now();
        let rig = Rig::open(directory);
        assert!(rig.engine.runs(true).unwrap().len() > RUNS - 10);
        let handle = rig.engine.resume(run, &somebody()).unwrap();
        let first = loop {
            if let Some(first) = rig.times.lock().unwrap().first() {
                break *first;
            }
            std::thread::yield_now();
        };
        times.push((first - began).as_secs_f64() * 1e3);
        // The thread that drives the run holds the store until then.
        rig.runtime.block_on(handle.outcome());
    }
    let figure = format!("{:.0} ms", median(times));
    row("from nothing to the first resumed call, 1,000 open runs", &figure, "< 1,000 ms");
}

/// Prints how long a store of a million entries takes to open, and in how much memory.
pub fn measure_million(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    let began = Instant::now();
    {
        let store = SledStore::open(&directory.join("store")).unwrap();
        for nth in 0..1_000 {
            interrupted(&store, "text", nth, 500);
        }
        let end = store.put_value("end", b"").unwrap();
        store.sync(end).unwrap();
    }
    let figure = format!("{:.1} s", began.elapsed().as_secs_f64());
    row("writing 1,000,000 entries, one sync", &figure, "");
    for again in ["first opening after the writer", "next opening"] {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program).env(CHILD, directory.join("store")).output().unwrap();
        let figure = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        row(&format!("1,000,000 entries: {again}"), &figure, "");
    }
}

/// Opens a store, and prints how long that took and by how much this process grew.
pub fn child(store: &Path) {
    let before = resident_kib();
    let began = Instant::now();
    let store = SledStore::open(store).unwrap();
    let took = began.elapsed().as_secs_f64();
    let open = store.summaries(true).unwrap().len();
    assert_eq!(open, 1_000);
    let grown = resident_kib().saturating_sub(before) / 1024;
    println!("{took:.2} s, +{grown} MiB");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
