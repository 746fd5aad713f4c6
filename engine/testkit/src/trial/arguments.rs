//! What people read, and what they mistype.

use serde_json::{Map, Value, json};

use super::{Bench, must, well};
use crate::Place;
use crate::process::{CANARY, Came, Process, no_value};

impl<P: Place> Bench<'_, P> {
    /// Everything that people read is there.
    pub(super) fn description(&self) -> Result<(), String> {
        let scene = self.scene();
        let process = scene.process();
        let about = process.step().about();
        let texts = [
            ("summary", about.summary.to_string()),
            ("reads", about.reads.to_string()),
            ("changes", about.changes.to_string()),
            ("undo", about.undo.to_string()),
        ];
        for (what, text) in texts {
            must(text.ends_with('.'), || format!("its {what} is no sentence: {text:?}"))?;
        }
        let called = about.name.replace('.', "::");
        must(about.example.contains(&format!("{called}(")), || {
            format!("its example does not call it: {}", about.example)
        })?;
        let (args, output) = process.step().schemas();
        for (what, schema) in [("argument", args.to_value()), ("output", output.to_value())] {
            for (name, field) in properties(&schema) {
                let described = field["description"].as_str().is_some_and(|text| !text.is_empty());
                must(described || field["$ref"].is_string(), || {
                    format!("nobody says what the {what} `{name}` is")
                })?;
            }
        }
        Ok(())
    }

    /// Wrong arguments are refused by name, without a request.
    pub(super) async fn arguments(&self) -> Result<(), String> {
        let scene = self.scene();
        let process = scene.process();
        process.step().check(&scene.args).map_err(|e| format!("its own arguments: {e}"))?;
        let (schema, _) = process.step().schemas();
        let schema = schema.to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in required.iter().filter_map(Value::as_str) {
            let without = with(&scene.args, |args| drop(args.remove(name)));
            self.refuses(&without, name, &format!("without `{name}`")).await?;
        }
        let more = with(&scene.args, |args| drop(args.insert("no_such_thing".into(), json!(1))));
        self.refuses(&more, "no_such_thing", "with `no_such_thing`").await?;
        for (name, field) in properties(&schema) {
            let wrong =
                with(&scene.args, |args| drop(args.insert(name.clone(), json!([{ "a": [] }]))));
            self.refuses(&wrong, "", &format!("with a list of nonsense as `{name}`")).await?;
            if field["format"] != "secret" {
                continue;
            }
            // A value in clear, where a sealed one was meant, must not come back in the refusal.
            let clear = with(&scene.args, |args| drop(args.insert(name.clone(), json!(CANARY))));
            let Err(error) = process.step().check(&clear) else {
                return Err(format!("a value in clear is taken as `{name}`"));
            };
            no_value(CANARY.as_bytes(), &format!("{error} {error:?}"), &format!("`{name}`"))?;
        }
        Ok(())
    }

    async fn refuses(&self, args: &Value, named: &str, what: &str) -> Result<(), String> {
        let scene = self.scene();
        let process = Process::begin(&scene.place, self.case, args);
        let Err(error) = process.step().check(args) else {
            return Err(format!("{what} it is taken"));
        };
        must(error.problem.contains(named), || format!("{what}: {error} does not name it"))?;
        match process.prepare(None).await? {
            Came::Error(error) if error.code == "bad_arguments" => {}
            other => return Err(format!("{what} it is prepared: {other:?}")),
        }
        must(process.asked().is_empty(), || format!("{what}: it asked the world before it looked"))
    }

    /// A plan changes nothing, and assumes an output of the right shape.
    pub(super) async fn plan(&self) -> Result<(), String> {
        let scene = self.scene();
        let process = Process::planning(&scene.place, self.case, &scene.args);
        let preview = well("plan", process.prepare(None).await?)?;
        let fits = process.step().check_output(&preview.expected);
        fits.map_err(|e| format!("what a plan assumes is not of its own schema: {e}"))?;
        must(!preview.says.is_empty() && !preview.says.ends_with('.'), || {
            format!("what a plan says is no phrase: {:?}", preview.says)
        })?;
        super::same("a plan changed the world", &scene.place.state(), &scene.found)
    }
}

fn with(args: &Value, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut args = args.as_object().cloned().unwrap_or_default();
    change(&mut args);
    Value::Object(args)
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}
