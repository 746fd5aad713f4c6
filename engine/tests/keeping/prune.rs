//! Runs that are over can go; whatever a resume or a check needs stays.

use windlass_engine::engine::{EngineError, Retention};
use windlass_engine::journal::{End, JournalStore, text_hash};

use crate::{Place, TEXT};

const ALL: Retention = Retention { since: i64::MAX, newest: 0 };
const OTHER: &str = "//! title = \"Another\"\nlet x = 2;\n";

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_go_and_the_latest_stay() {
    let place = Place::new();
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(place.a_run(TEXT).await);
    }
    let prunable = |retention| {
        let found = place.engine.prunable(retention).unwrap().into_iter();
        found.map(|summary| summary.run).collect::<Vec<_>>()
    };
    assert_eq!(prunable(ALL), runs);
    assert_eq!(prunable(Retention { newest: 2, ..ALL }), runs[..3]);
    assert_eq!(prunable(Retention { newest: 9, ..ALL }), []);
    let third = place.engine.view(&runs[2]).unwrap().summary.heard;
    assert_eq!(prunable(Retention { since: third, newest: 0 }), runs[..2]);
    assert_eq!(prunable(Retention { since: third, newest: 4 }), runs[..1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_over_is_never_forgotten() {
    let place = Place::new();
    let open = place.an_open_run("run_open", TEXT);
    assert!(place.engine.prunable(ALL).unwrap().is_empty());
    let refused = place.engine.forget(std::slice::from_ref(&open), |_| panic!("it is forgotten"));
    assert!(matches!(refused, Err(EngineError::NotNow(why)) if why.contains("a resume needs it")));
    assert_eq!(place.engine.entries(&open).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_of_a_run_says_how_it_ended_and_how_its_evidence_is_checked() {
    let place = Place::new();
    let run = place.a_run(TEXT).await;
    let records = place.engine.records(&run).unwrap();
    let mut told = Vec::new();
    place.engine.forget(std::slice::from_ref(&run), |stone| told.push(stone)).unwrap();
    assert_eq!(place.engine.tombstones().unwrap(), told);
    let stone = &told[0];
    assert_eq!((&stone.run, stone.end, stone.by.user.as_str()), (&run, End::Done, "ada"));
    assert_eq!(stone.entries, records.len() as u64);
    assert_eq!(stone.head, text_hash(records.last().unwrap()));
    assert!(place.engine.runs(false).unwrap().is_empty());
    let found = place.engine.find(&run.as_str()[..12]);
    assert!(matches!(found, Err(EngineError::Pruned(found)) if found.run == run));
    assert!(matches!(place.engine.records(&run), Err(EngineError::NoSuchRun(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_runbook_goes_with_the_last_run_that_names_it() {
    let place = Place::new();
    let (old, other) = (place.a_run(TEXT).await, place.a_run(OTHER).await);
    place.store.put_value("schedule/nightly", b"stays").unwrap();
    place.an_open_run("run_open", TEXT);
    let kept = |text: &str| place.store.value(&text_hash(text.as_bytes())).unwrap().is_some();
    place.engine.forget(&[old], |_| {}).unwrap();
    assert!(kept(TEXT), "an open run needs it");
    assert!(kept(OTHER));
    place.engine.forget(&[other], |_| {}).unwrap();
    assert!(kept(TEXT) && !kept(OTHER));
    assert!(place.store.value("schedule/nightly").unwrap().is_some());
}
