//! Many runs that wait: what they cost, and how soon they are resumed again.

use std::sync::Arc;
use std::time::Instant;

use windlass_engine::clock::Clock;
use windlass_engine::event::Status;
use windlass_engine::journal::End;
use windlass_engine::run::Outcome;
use windlass_stores::SledStore;

use crate::rig::{Followed, Rig, run_threads, status_of_process, until};

const RUNS: usize = 200;

/// Tests of this binary run in processes of their own under nextest; under `cargo test` others share
/// the process, so that only what is ours is counted.
#[test]
fn two_hundred_waiting_runs_hold_no_thread_and_little_memory() {
    let rig = Rig::new();
    let script =
        "thing::make(#{ name: `made` }); try { approve(#{ text: \"go?\", deadline: \"24h\" }); }
                  catch (e) { } ";
    // Each makes its own thing: the world notices two of one name.
    let followed: Vec<Followed> =
        (0..RUNS).map(|n| rig.start(&script.replace("made", &format!("thing {n}")))).collect();
    until("all wait", || followed.iter().all(|f| rig.engine.is_put_away(&f.run)));
    until("their threads have ended", || run_threads() == 0);
    let (threads, megabytes) = (status_of_process("Threads"), status_of_process("VmRSS") / 1024);
    assert!(threads < 40, "{threads} threads");
    assert!(megabytes < 80, "{megabytes} MB");
    println!("{RUNS} waiting runs: {threads} threads in all, {megabytes} MB");
    let waiting = rig.engine.runs(true).unwrap();
    assert!(waiting.iter().all(|run| run.status == Status::Waiting));
    // A moment for all of them: every run goes on.
    rig.clock.minutes(24 * 60);
    for run in followed {
        assert_eq!(rig.outcome(run), Outcome::Finished(End::Done));
    }
}

/// On a disk, with all that a start has to read. The time is told, and bounded by what a build
/// without optimization takes on a busy machine.
#[test]
fn three_hundred_waiting_runs_are_taken_up_soon() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut rig = Rig::new();
    rig.engine = rig.engine_over(&Arc::new(SledStore::open(&path).unwrap()));
    let script = "for n in 0..10 { thing::look(#{ name: \"old\" }); }
                  approve(#{ text: \"go?\", deadline: \"24h\" });";
    let runs: Vec<_> = (0..300).map(|_| rig.start(script).run).collect();
    until("all wait", || runs.iter().all(|run| rig.engine.is_put_away(run)));
    rig.engine.park_all();
    // The store is closed with the engine.
    rig.engine = rig.engine_over(&rig.store);

    let began = Instant::now();
    let store = Arc::new(SledStore::open(&path).unwrap());
    let read = began.elapsed();
    rig.engine = rig.engine_over(&store);
    let opened = began.elapsed();
    let taken = rig.engine.resume_waiting().unwrap();
    let took = began.elapsed();
    assert_eq!(taken.len(), runs.len());
    assert!(taken.iter().all(|(_, handle)| handle.is_ok()));
    assert_eq!(run_threads(), 0);
    println!(
        "300 runs: the store is open after {read:?}, the engine after {opened:?}, they are resumed after {took:?}"
    );
    assert!(took.as_secs() < 5, "{took:?}");
    let first = rig.waits(&runs[0]).remove(0);
    assert!(first.until.unwrap() > rig.clock.now());
}
