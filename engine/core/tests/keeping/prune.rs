//! Runs that are over can go; whatever a resume or a check needs stays.

use windlass_engine::engine::{Engine, EngineError, Options, Retention};
use windlass_engine::id::RunId;
use windlass_engine::journal::{End, Journals, Values, text_hash};
use windlass_engine::secret::{KeyStore, Keyring, MasterKey};
use windlass_engine::step::Registry;

use crate::{Place, TEXT, somebody};

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
    let refused = place
        .engine
        .forget(std::slice::from_ref(&open), &somebody(), |_| panic!("it is forgotten"));
    assert!(matches!(refused, Err(EngineError::NotNow(why)) if why.contains("a resume needs it")));
    assert_eq!(place.engine.entries(&open).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_of_a_run_says_how_it_ended_and_how_its_evidence_is_checked() {
    let place = Place::new();
    let run = place.a_run(TEXT).await;
    let records = place.engine.records(&run).unwrap();
    let mut told = Vec::new();
    place.engine.forget(std::slice::from_ref(&run), &somebody(), |stone| told.push(stone)).unwrap();
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
    place.engine.forget(&[old], &somebody(), |_| {}).unwrap();
    assert!(kept(TEXT), "an open run needs it");
    assert!(kept(OTHER));
    place.engine.forget(&[other], &somebody(), |_| {}).unwrap();
    assert!(kept(TEXT) && !kept(OTHER));
    assert!(place.store.value("schedule/nightly").unwrap().is_some());
}

/// An edited text was run by `resume` without a word.
#[tokio::test]
async fn a_run_whose_text_was_edited_does_not_go_on() {
    let place = Place::new();
    let run = place.an_open_run("run_edited", TEXT);
    place
        .store
        .put_value(&text_hash(TEXT.as_bytes()), b"//! title = \"A note\"\nlet x = 2;\n")
        .unwrap();
    for error in [
        place.engine.resume(&run, &somebody()).map(drop).unwrap_err(),
        place.engine.undo(&run, &somebody(), "now").map(drop).unwrap_err(),
        place.engine.plan_resume(&run).await.map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("it was changed in the store"), "{error}");
    }
    assert_eq!(place.store.count(&run).unwrap(), 1);
}

/// Another store, or an older one, was put in the place of the right one, and all keys were swept.
#[tokio::test]
async fn a_key_goes_only_when_its_run_is_known_to_be_over() {
    let place = Place::new();
    let over = place.a_run(TEXT).await;
    let keyring = || Keyring::new(MasterKey::from_bytes([5; 32]), Box::new(place.keys.clone()));
    // As a process leaves it that died between the end of a run and the end of its key.
    keyring().begin(&over).unwrap();
    keyring().begin(&RunId::from("run_of_another_journal")).unwrap();
    keyring().sweep(|_| false).unwrap();
    let reopened = Engine::open(Options {
        store: place.store.clone(),
        keyring: keyring(),
        steps: Registry::default(),
        clock: place.clock.clone(),
        runtime: tokio::runtime::Handle::current(),
        process: somebody(),
        version: "0.1.0".to_owned(),
        points: None,
    });
    drop(reopened.unwrap());
    let left: Vec<String> = place.keys.runs().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["run_of_another_journal"]);
}
