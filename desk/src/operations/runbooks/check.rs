//! Check a text without running it.

use windlass_engine::runbook::Runbook;

use super::super::prelude::*;
use super::super::{AUTHOR, words};
use super::Mistake;

/// A text to check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What to call it.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// The text.
    text: String,
}

/// What is to be said of a text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// Its title, if it compiles.
    title: Option<String>,
    /// The first mistake, if it does not.
    problem: Option<Mistake>,
}

/// Check a text without running it.
pub struct Check;

impl Operation for Check {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/check";
    const NEED: Need = AUTHOR;
    const ABOUT: &'static str = "Check a text without running it";
    const REFUSES: &'static [Kind] = &[Kind::PARAMETERS];
    type Query = ();
    type Body = Text;
    type Answer = Checked;

    async fn carry_out(desk: Desk, call: Call<(), Text>) -> Result<Answer<Checked>, Problem> {
        let Text { name, text } = call.body;
        words("a runbook's name", &name, 200)?;
        let compiled = blocking(move || {
            let modules = desk.library.modules(None);
            Runbook::compile_with(&name, &text, modules.as_ref(), desk.engine.steps())
        });
        let checked = match compiled.await? {
            Ok(runbook) => Checked { title: Some(runbook.header().title.clone()), problem: None },
            Err(error) => Checked { title: None, problem: Some(error.into()) },
        };
        Ok(checked.into())
    }
}
