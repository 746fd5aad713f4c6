//! So many runs at once, and no more; the others queue, and are not lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use windlass_engine::event::Status;
use windlass_engine::journal::{Decision, End};
use windlass_engine::run::{Outcome, Point, Points};

use crate::rig::{Followed, Rig, run_threads, somebody, until};

const DONE: Outcome = Outcome::Finished(End::Done);

/// Holds every run up at its first change, until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    fn points(self: &Arc<Self>) -> Points {
        let gate = self.clone();
        Arc::new(move |point: Point, _, _| {
            if point == Point::AfterIntent {
                let inside = gate.inside.fetch_add(1, Ordering::SeqCst) + 1;
                gate.most.fetch_max(inside, Ordering::SeqCst);
                let open = gate.open.lock().unwrap();
                drop(gate.opened.wait_while(open, |open| !*open).unwrap());
                gate.inside.fetch_sub(1, Ordering::SeqCst);
            }
        })
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }
}

fn held_up(runs: usize, most: usize) -> (Rig, Arc<Gate>, Vec<Followed>) {
    let gate = Arc::new(Gate::default());
    let rig = Rig::with_points(Some(gate.points()));
    rig.engine.drive_at_most(most);
    let script = |n: usize| format!("thing::make(#{{ name: \"{n}\" }});");
    let followed = (0..runs).map(|n| rig.start(&script(n))).collect();
    until("as many as may are at it", || gate.inside() == most);
    (rig, gate, followed)
}

#[test]
fn no_more_runs_are_driven_than_may_and_the_others_follow() {
    let (rig, gate, followed) = held_up(6, 2);
    assert_eq!((rig.engine.queued(), run_threads()), (4, 2));
    gate.open();
    for run in followed {
        assert_eq!(rig.outcome(run), DONE);
    }
    assert_eq!((gate.most.load(Ordering::SeqCst), rig.engine.queued()), (2, 0));
    assert_eq!(rig.world.names(), ["0", "1", "2", "3", "4", "5", "old"]);
}

#[test]
fn what_queues_is_put_away_and_taken_up_again() {
    let (mut rig, gate, mut followed) = held_up(5, 1);
    rig.engine.park_all();
    for queued in followed.split_off(1) {
        assert_eq!(rig.outcome(queued), Outcome::Parked);
    }
    gate.open();
    rig.runtime.block_on(rig.engine.idle());
    rig.restart(9_999);
    rig.engine.drive_at_most(2);
    let taken = rig.engine.resume_all().unwrap();
    let followed: Vec<_> = taken.into_iter().map(|(_, run)| rig.follow(run.unwrap())).collect();
    assert!(followed.len() >= 4, "{}", followed.len());
    for run in followed {
        assert_eq!(rig.outcome(run), DONE);
    }
    assert_eq!(rig.world.names(), ["0", "1", "2", "3", "4", "old"]);
}

/// A cancellation that was recorded before a crash is carried out when the run's turn comes.
#[test]
fn runs_that_need_a_person_are_left_alone_and_a_recorded_cancellation_is_carried_out() {
    let mut rig = Rig::new();
    rig.world.lock().faults =
        vec![(1, crate::world::Fault::Refuse(windlass_engine::step::ErrorClass::NeedsOperator))];
    let two = "thing::make(#{ name: \"a\" }); thing::make(#{ name: \"b\" });";
    let run = rig.start(two);
    let id = run.run.clone();
    assert_eq!(rig.outcome(run), Outcome::Stuck);
    rig.restart(9_999);
    assert!(rig.engine.resume_all().unwrap().is_empty());
    assert_eq!(rig.status(&id), Status::Stuck);
    rig.engine.decide(&id, &somebody(), Decision::Cancel, "never mind").unwrap();
    rig.restart(9_999);
    let (_, taken) = rig.engine.resume_all().unwrap().remove(0);
    let followed = rig.follow(taken.unwrap());
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Cancelled));
    assert_eq!(rig.world.names(), ["old"]);
}
