//! Services before and after, gathered from the calls that were about them.

use std::collections::BTreeMap;

use serde_json::Value;
use windlass_journal::Call;
use windlass_journal::CallStatus;
use windlass_journal::id::CallKey;

use super::Service;
use super::facts::thing;

/// Returns the services that calls were about, by name. The calls come in order of place.
pub(super) fn services<'a>(calls: impl Iterator<Item = (&'a CallKey, &'a Call)>) -> Vec<Service> {
    let mut found: BTreeMap<(String, String), Told> = BTreeMap::new();
    for (key, call) in calls {
        let args = call.args.value();
        let of = &args["service"];
        let (Some(name), Some(id)) = (of["name"].as_str(), of["id"].as_str()) else { continue };
        let told = found.entry((name.to_owned(), id.to_owned())).or_default();
        told.calls.push(key.clone());
        told.stack = told.stack.take().or_else(|| of["stack"].as_str().map(str::to_owned));
        match call.step.as_str() {
            "service.switch_secret" => told.switch(call, &args),
            "service.converged" => told.health(call),
            _ => {}
        }
    }
    found.into_iter().map(|((name, id), told)| told.service(name, id)).collect()
}

#[derive(Default)]
struct Told {
    stack: Option<String>,
    secrets: Vec<String>,
    switched: u32,
    undone: u32,
    health: Option<String>,
    note: Option<String>,
    untouched: Option<bool>,
    gone: bool,
    calls: Vec<CallKey>,
}

/// What `service.converged` notes of a service that is there no more.
const GONE: &str = "the service was removed meanwhile";

impl Told {
    fn switch(&mut self, call: &Call, args: &Value) {
        // An attempt that took no effect changed nothing.
        let took_effect = !matches!(
            call.status,
            CallStatus::InDoubt | CallStatus::Failed | CallStatus::Backoff | CallStatus::Retrying
        );
        if self.secrets.is_empty() {
            self.secrets.push(thing(&args["from"]));
        }
        if !took_effect || call.output.value()["gone"] == true {
            self.gone |= took_effect;
            return;
        }
        self.secrets.push(thing(&args["to"]));
        self.switched += 1;
        if call.status == CallStatus::Undone {
            self.undone += 1;
        }
        let untouched = call.output.value()["untouched"].as_bool();
        self.untouched = match (self.untouched, untouched) {
            (Some(before), Some(now)) => Some(before && now),
            (before, now) => now.or(before),
        };
    }

    fn health(&mut self, call: &Call) {
        let output = call.output.value();
        let (Some(running), Some(wanted)) = (output["running"].as_u64(), output["wanted"].as_u64())
        else {
            return;
        };
        let seconds = output["seconds"].as_u64().unwrap_or_default();
        self.gone |= output["note"] == GONE;
        self.note = output["note"].as_str().map(str::to_owned);
        let note = self.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        self.health = Some(format!("{running} of {wanted} tasks ran after {seconds} s{note}"));
    }

    fn service(mut self, name: String, id: String) -> Service {
        let taken_back = self.switched > 0 && self.undone == self.switched;
        if taken_back && let Some(first) = self.secrets.first() {
            self.secrets.push(first.clone());
        }
        Service {
            name,
            id,
            stack: self.stack,
            secrets: self.secrets,
            gone: self.gone,
            taken_back,
            restarts: self.switched + self.undone,
            // What was seen before it was undone says nothing about how it is.
            health: if self.gone {
                Some(GONE.to_owned())
            } else {
                self.health.filter(|_| !taken_back)
            },
            note: self.note.filter(|_| !taken_back && !self.gone),
            untouched: self.untouched,
            calls: self.calls,
        }
    }
}
