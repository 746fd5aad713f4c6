//! List the runbooks of the library.

use windlass_engine::runbook::Runbook;

use super::super::VIEWER;
use super::super::prelude::*;
use super::Mistake;

/// A runbook in one line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line {
    /// Its name.
    name: String,
    /// Its title; absent if it does not compile.
    title: Option<String>,
    /// What is wrong with it.
    problem: Option<Mistake>,
}

/// The runbooks of the library.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Lines {
    runbooks: Vec<Line>,
}

/// List the runbooks of the library.
pub struct List;

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runbooks";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List the runbooks of the library";
    type Query = ();
    type Body = ();
    type Answer = Lines;

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<Lines>, Problem> {
        let runbooks = blocking(move || {
            let names = desk.library.names().into_iter();
            names
                .filter_map(|name| {
                    // One that was removed since the names were read is not there any more.
                    let text = desk.library.text(&name)?;
                    let (modules, steps) = (desk.library.modules(Some(&name)), desk.engine.steps());
                    let compiled = Runbook::compile_with(&name, &text, modules.as_ref(), steps);
                    let (title, problem) = match compiled {
                        Ok(runbook) => (Some(runbook.header().title.clone()), None),
                        Err(error) => (None, Some(error.into())),
                    };
                    Some(Line { name, title, problem })
                })
                .collect()
        });
        Ok(Lines { runbooks: runbooks.await? }.into())
    }
}
