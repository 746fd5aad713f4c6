//! What every step must pass, for the steps that touch nothing.

use serde_json::json;
use windlass_basic::BasicSteps;
use windlass_engine::step::Family;
use windlass_testkit::{Case, Nowhere, Trial, pass};

fn cases() -> Vec<Case<Nowhere>> {
    vec![
        Case::new("note", |_| {}, |_| json!({ "text": "a sentence" })).without_a_trace(),
        Case::new("secret.generate", |_| {}, |_| json!({ "length": 20 })).without_a_trace(),
    ]
}

#[test]
fn every_step_passes_every_trial() {
    pass(&cases(), &Trial::ALL, &|| Nowhere::with(|| BasicSteps.steps()));
}
