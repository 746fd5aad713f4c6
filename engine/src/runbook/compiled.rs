//! A runbook that has been read and checked.

use super::Header;
use crate::journal::{Hash, text_hash};
use crate::script::{Place, Script};
use crate::step::{Kind, Registry};

/// A runbook does not compile: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\n{place}")]
pub struct CompileError {
    /// Where.
    pub place: Box<Place>,
    /// What is wrong, and what was expected.
    pub problem: String,
}

/// A runbook that has been read and checked.
#[derive(Clone)]
pub struct Runbook {
    name: String,
    text: String,
    header: Header,
    script: Script,
}

impl Runbook {
    /// Reads and checks a runbook.
    ///
    /// # Errors
    /// With file, line and column of the first mistake.
    pub fn compile(name: &str, text: &str, steps: &Registry) -> Result<Self, CompileError> {
        let header = Header::read(text).map_err(|error| CompileError {
            place: Box::new(Place::of(name, text, error.line, error.column)),
            problem: error.problem,
        })?;
        let runbook = Self::with(name, text, header, steps)?;
        runbook.check_invariants(steps)?;
        Ok(runbook)
    }

    fn with(
        name: &str,
        text: &str,
        header: Header,
        steps: &Registry,
    ) -> Result<Self, CompileError> {
        let parameters = header.params.iter().map(|(name, _)| name.as_str());
        let script = Script::compile(name, text, parameters, steps)
            .map_err(|(place, problem)| CompileError { place: Box::new(place), problem })?;
        Ok(Runbook { name: name.to_owned(), text: text.to_owned(), header, script })
    }

    /// Returns a runbook with the same parameters that fails unless one of its invariants holds.
    ///
    /// # Errors
    /// As [`Runbook::compile`], in the invariant's expression.
    pub fn invariant(&self, expression: &str, steps: &Registry) -> Result<Self, CompileError> {
        let header: Vec<&str> = self.text.lines().take_while(|l| l.starts_with("//!")).collect();
        let text = format!("{}\n\nif !({expression}) {{ throw \"no\"; }}\n", header.join("\n"));
        let header = Header { locks: Vec::new(), invariants: Vec::new(), ..self.header.clone() };
        Self::with(&self.name, &text, header, steps)
    }

    fn check_invariants(&self, steps: &Registry) -> Result<(), CompileError> {
        for (sentence, expression) in &self.header.invariants {
            let line = Header::line_of(&self.text, &format!("{sentence:?}"));
            let wrong = |problem: String| CompileError {
                place: Box::new(Place::of(&self.name, &self.text, line, 1)),
                problem: format!("invariant \"{sentence}\": {problem}"),
            };
            let checked =
                self.invariant(expression, steps).map_err(|error| wrong(error.problem))?;
            let reads = |step: &String| steps.get(step).is_some_and(|s| s.kind() == Kind::Read);
            if let Some(step) = checked.script.steps().iter().find(|step| !reads(step)) {
                return Err(wrong(format!("`{step}` does more than read")));
            }
        }
        Ok(())
    }

    /// Returns its name or path, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the hash under which its text is kept.
    pub fn hash(&self) -> Hash {
        text_hash(self.text.as_bytes())
    }

    /// Returns its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns its script.
    pub fn script(&self) -> &Script {
        &self.script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "//! title = \"T\"\n//! locks = [\"secret:{secret}\"]\n//!\n//! [params]\n\
                          //! secret = { type = \"string\", help = \"h\" }\n\
                          //! value = { type = \"secret\", help = \"h\" }\n\
                          //! n = { type = \"int\", help = \"h\", default = 4 }\n";

    fn compile(text: &str) -> Result<Runbook, CompileError> {
        Runbook::compile("a.rhai", text, &Registry::default())
    }

    fn problem(text: &str) -> String {
        compile(text).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_header_gives_parameters_in_order_defaults_and_locks() {
        let runbook = compile(&format!("{HEADER}let x = secret;")).unwrap();
        let header = runbook.header();
        let names: Vec<&str> = header.params.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["secret", "value", "n"]);
        let given = [("secret".to_owned(), "db".to_owned())];
        let values = header.values(&given, &["value".to_owned()]).unwrap();
        assert_eq!(values["n"], 4);
        assert_eq!(values["value"]["$sealed"], "value");
        assert_eq!(header.locks(&values), ["secret:db"]);
    }

    #[test]
    fn parameters_that_do_not_fit_are_named() {
        let runbook = compile(HEADER).unwrap();
        let values = |given: &[(&str, &str)], sealed: &[String]| {
            let given: Vec<_> =
                given.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            runbook.header().values(&given, sealed).map(drop).unwrap_err().to_string()
        };
        assert!(values(&[("sekret", "x")], &[]).contains("takes secret, value, n"));
        assert!(values(&[], &["value".to_owned()]).contains("`secret` is missing"));
        assert!(values(&[("secret", "x")], &[]).contains("`value` is missing"));
        assert!(values(&[("secret", "x"), ("value", "y")], &[]).contains("can't be given"));
    }

    #[test]
    fn invariants_are_expressions_over_the_parameters_that_only_read() {
        let with = |expression: &str| {
            format!("{HEADER}//! [invariants]\n//! \"it is so\" = {expression}\nlet x = 1;")
        };
        let runbook = compile(&with("'n > 3'")).unwrap();
        assert_eq!(runbook.header().invariants, [("it is so".to_owned(), "n > 3".to_owned())]);
        assert!(runbook.invariant("n > 3", &Registry::default()).unwrap().text().contains("n > 3"));
        for (expression, said) in [("3", "as a string"), ("'m > 3'", "m"), ("'n >'", "it is so")] {
            let shown = problem(&with(expression));
            assert!(shown.contains("a.rhai:9:") && shown.contains(said), "{shown}");
        }
    }

    #[test]
    fn mistakes_in_a_header_have_a_line() {
        assert!(problem("let x = 1;").contains("begins with a header"));
        assert!(problem("//! title = \n").contains("a.rhai:1:"));
        assert!(problem("//! title = \"T\"\n//! colour = 1\n").contains("a.rhai:2:"));
        let text = "//! title = \"T\"\n//! [params]\n//! p = { type = \"flag\", help = \"h\" }\n";
        let problem_text = problem(text);
        assert!(problem_text.contains("a.rhai:3:") && problem_text.contains("parameter `p`"));
    }

    #[test]
    fn mistakes_in_a_script_have_line_column_and_the_line_itself() {
        let text = "//! title = \"T\"\nlet a = 1;\nlet b = a + nosuch;\n";
        let shown = problem(text);
        assert!(shown.contains("a.rhai:3:13") && shown.contains("let b = a + nosuch;"), "{shown}");
        assert!(problem("//! title = \"T\"\nfoo(1);").contains("no function `foo`"));
        assert!(problem("//! title = \"T\"\nnote(#{ text: \"x\" });").contains("`note(\"text\")`"));
        assert!(problem("//! title = \"T\"\nnote(1);").contains("`note(\"text\")`"));
        let shown = problem("//! title = \"T\"\nsecret::find(#{});");
        assert!(shown.contains("no step whose name begins with `secret`"), "{shown}");
    }

    #[test]
    fn what_is_not_deterministic_is_not_in_the_language() {
        for script in ["sleep(1);", "timestamp();", "eval(\"1\");", "import \"x\" as y;"] {
            assert!(compile(&format!("//! title = \"T\"\n{script}")).is_err(), "{script}");
        }
    }
}
