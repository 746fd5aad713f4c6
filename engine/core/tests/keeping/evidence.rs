//! What an engine signs is what it recorded, with the key of its state.

use windlass_engine::id::RunId;
use windlass_evidence::SigningKey;
use windlass_evidence::file::{export, verify};

use crate::{Place, TEXT, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_signs_its_runs_with_the_key_of_its_state() {
    let place = Place::new();
    let (run, later) = (place.a_run(TEXT).await, place.a_run(TEXT).await);
    let mut out = Vec::new();
    export(&place.engine, &[run.clone(), later], &somebody(), &mut out).unwrap();
    let public = SigningKey::of(&place.engine).public();
    let verified = verify(&out[..], &[public], &[]).unwrap();
    assert_eq!((verified.runs.len(), &verified.runs[0].run), (2, &run));
    let none = export(&place.engine, &[RunId::from("run_none")], &somebody(), Vec::new());
    assert!(none.unwrap_err().to_string().contains("run_none"));
}
