//! A process that is killed while a run is started: never twice, never lost.
//!
//! How: the store fails from the nth write on, which is a death there; then everything or nothing
//! of what was not synced is kept, and another process takes over.

use crate::rig::{EVERYTHING, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn death_at_any_write_of_a_start_neither_loses_the_run_nor_starts_it_twice() {
    let mut deaths = 0;
    for nth in 0.. {
        let mut survived = false;
        for keep in [0, EVERYTHING] {
            let rig = Rig::new();
            rig.schedule("");
            rig.look().await;
            rig.store.fail_after(nth);
            rig.look_at("01:00:00").await;
            survived = rig.store.unsynced() == 0 && rig.fates() == ["01:00 started None"];
            let after = rig.crash(keep);
            after.look_at("01:00:30").await;
            let message = format!("death at write {nth}, kept {keep}");
            assert_eq!(after.started(), ["01:00"], "{message}");
            assert_eq!(after.fates(), ["01:00 started None"], "{message}");
            let standing = after.book.get("s").unwrap().standing;
            assert!(standing.starting.is_none() && standing.waiting.is_empty(), "{message}");
            after.look_at("02:00:00").await;
            assert_eq!(after.started(), ["01:00"], "{message}: it is known to be running");
            deaths += 1;
        }
        if survived {
            break;
        }
    }
    assert!(deaths >= 12, "only {deaths} deaths");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_cut_off_long_ago_is_told_and_not_made_up_for() {
    for (rule, expected) in [("skip", "01:00 skipped"), ("one", "01:00 started None")] {
        let rig = Rig::new();
        rig.schedule(&format!("missed = '{rule}'"));
        // Dead after it was written that the run is being started, and before it was begun.
        let mut nth = 0;
        let after = loop {
            let rig = rig.crash(0);
            rig.store.fail_after(nth);
            rig.look_at("01:00:00").await;
            let after = rig.crash(EVERYTHING);
            if after.book.get("s").unwrap().standing.starting.is_some() {
                break after;
            }
            nth += 1;
            assert!(nth < 20);
        };
        assert!(after.runs().is_empty());
        after.look_at("01:30:00").await;
        assert_eq!(after.fates(), [expected]);
        assert_eq!(after.posted().len(), usize::from(rule == "skip"));
    }
}
