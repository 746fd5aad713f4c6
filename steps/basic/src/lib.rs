//! The steps that touch nothing outside the run: they need no daemon, no network and no settings.
//!
//! One step is one file, `<noun>/<verb>.rs`; [`BasicSteps`] lists them.

mod note;
pub mod secret;

use std::sync::Arc;

use windlass_engine::step::{AnyStep, Family, change};

/// The family.
pub struct BasicSteps;

impl Family for BasicSteps {
    fn name(&self) -> &'static str {
        "basic"
    }

    fn summary(&self) -> &'static str {
        "What needs nothing but the run itself."
    }

    fn steps(&self) -> Vec<Arc<dyn AnyStep>> {
        vec![change(note::Note), change(secret::generate::Generate)]
    }
}

#[cfg(test)]
mod tests {
    use windlass_engine::runbook::Runbook;
    use windlass_engine::step::Registry;

    use super::*;

    #[test]
    fn a_step_of_one_word_is_told_its_one_argument_and_no_map() {
        let registry = Registry::of_families([Arc::new(BasicSteps) as Arc<dyn Family>]);
        let compiled = |call: &str| {
            let text = format!("//! title = \"T\"\n{call};");
            Runbook::compile("a.rhai", &text, &registry).map_err(|error| error.to_string())
        };
        for call in ["note(\"x\")", "let x = \"x\"; note(x)"] {
            assert!(compiled(call).is_ok(), "{call}");
        }
        for call in ["note(#{ text: \"x\" })", "note(1)"] {
            let problem = compiled(call).map(drop).unwrap_err();
            assert!(problem.contains("`note(\"text\")`"), "{problem}");
        }
    }
}
