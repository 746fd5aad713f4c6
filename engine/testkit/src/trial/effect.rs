//! What comes of a call, written down.

use serde_json::{Map, Value, json};

use super::{Bench, differences, same, well};
use crate::Place;
use crate::process::Process;

impl<P: Place> Bench<'_, P> {
    /// The plan says, and the call does, what the case says, and nothing else.
    pub(super) async fn effect(&self) -> Result<(), String> {
        let Some(wanted) = &self.case.effect else { return Ok(()) };
        let scene = self.scene();
        let plan = Process::planning(&scene.place, self.case, &scene.args);
        let plan = well("plan", plan.prepare(None).await?)?;
        let warns: Vec<String> =
            plan.risks.iter().map(|risk| format!("{}: {}", risk.kind, risk.about)).collect();
        let (_, output) = scene.applied().await?;
        let mut changes = Map::new();
        differences("", &scene.found, &scene.place.state(), &mut |path, _, after| {
            changes.insert(path.to_owned(), after.clone());
        });
        let came = json!({
            "says": plan.says,
            "restarts": plan.restarts,
            "warns": warns,
            "returns": scene.place.named(output),
            "changes": changes,
        });
        let told = |what: &String| (what.clone(), came[what.as_str()].clone());
        let came: Value = wanted.as_object().into_iter().flat_map(|w| w.keys()).map(told).collect();
        same("what comes of it", &came, wanted)
    }
}
