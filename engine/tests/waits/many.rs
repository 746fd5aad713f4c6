//! Many runs that wait: what they cost.

use windlass_engine::journal::{End, RunStatus};
use windlass_engine::run::Outcome;

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
    assert!(waiting.iter().all(|run| run.status == RunStatus::Waiting));
    // A moment for all of them: every run goes on.
    rig.clock.minutes(24 * 60);
    for run in followed {
        assert_eq!(rig.outcome(run), Outcome::Finished(End::Done));
    }
}
