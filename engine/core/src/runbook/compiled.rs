//! A runbook that has been read and checked.

use super::modules::expand;
use super::{Header, Modules, NoModules, ParameterKind};
use crate::journal::{Hash, Language, text_hash};
use crate::script::{Mistake, Place, Script, Shelf, Source, split};
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
    source: Source,
    header: Header,
    script: Script,
}

impl Runbook {
    /// Reads and checks a runbook that uses no modules, or has them in its text.
    ///
    /// # Errors
    /// With file, line and column of the first mistake.
    pub fn compile(name: &str, text: &str, steps: &Registry) -> Result<Self, CompileError> {
        Self::compile_with(name, text, &NoModules, steps)
    }

    /// Reads and checks a runbook, and takes the modules that it uses.
    ///
    /// # Errors
    /// With file, line and column of the first mistake.
    pub fn compile_with(
        name: &str,
        text: &str,
        modules: &dyn Modules,
        steps: &Registry,
    ) -> Result<Self, CompileError> {
        Self::check(name, text, modules, steps).map_err(|mut mistakes| mistakes.swap_remove(0))
    }

    /// Reads and checks a runbook, and takes the modules that it uses.
    ///
    /// # Errors
    /// With every mistake that can be told, one or more, in the order of the text; those in its own
    /// text first.
    pub fn check(
        name: &str,
        text: &str,
        modules: &dyn Modules,
        steps: &Registry,
    ) -> Result<Self, Vec<CompileError>> {
        let at = |line, column| Place::of(name, text, line, column);
        let (header, of_header) = Header::read(text);
        let mut mistakes: Vec<(Place, String)> =
            of_header.into_iter().map(|e| (at(e.line, e.column), e.problem)).collect();
        let mut compiled = None;
        // Without a header it is not known which names the script may use.
        if let Some(header) = header {
            let (text, of_modules) = expand(name, text, &header, modules);
            let whole = of_modules.is_empty();
            mistakes.extend(of_modules);
            match Self::with(name, &text, header, steps) {
                // What is missing because a module is missing is told once.
                Err(_) if !whole => {}
                Ok(runbook) => {
                    mistakes.extend(runbook.wrong_invariants(steps));
                    compiled = Some(runbook);
                }
                Err(of_script) => mistakes.extend(of_script),
            }
        }
        match compiled {
            Some(runbook) if mistakes.is_empty() => Ok(runbook),
            _ => {
                mistakes.sort_by_cached_key(|(place, _)| {
                    (place.file != name, place.file.clone(), place.line, place.column)
                });
                let error = |(place, problem)| CompileError { place: Box::new(place), problem };
                Err(mistakes.into_iter().map(error).collect())
            }
        }
    }

    /// Returns the text of a runbook with the modules that it uses. Nothing else of it is looked at.
    ///
    /// # Errors
    /// If it has no header, or a module is not there or is no module.
    pub fn gather(name: &str, text: &str, modules: &dyn Modules) -> Result<String, CompileError> {
        let error = |(place, problem)| CompileError { place: Box::new(place), problem };
        let (header, mut of_header) = Header::read(text);
        let Some(header) = header else {
            let e = of_header.swap_remove(0);
            return Err(error((Place::of(name, text, e.line, e.column), e.problem)));
        };
        let (text, mut mistakes) = expand(name, text, &header, modules);
        match mistakes.is_empty() {
            true => Ok(text),
            false => Err(error(mistakes.swap_remove(0))),
        }
    }

    /// Reads the runbook of a run that began earlier, with the meaning that it had then.
    ///
    /// # Errors
    /// If it is no runbook.
    pub fn recorded(
        name: &str,
        text: &str,
        language: Language,
        steps: &Registry,
    ) -> Result<Self, CompileError> {
        let error = |(place, problem)| CompileError { place: Box::new(place), problem };
        let header = match Header::read(text) {
            (Some(header), of_header) if of_header.is_empty() => header,
            (_, mut of_header) => {
                let e = of_header.swap_remove(0);
                return Err(error((Place::of(name, text, e.line, e.column), e.problem)));
            }
        };
        let parameters = header.params.iter().map(|(name, _)| name.as_str());
        let source = source(name, text, &header);
        let script =
            Script::recorded(source.clone(), parameters, steps, language).map_err(error)?;
        Ok(Runbook { source, header, script })
    }

    fn with(
        name: &str,
        text: &str,
        header: Header,
        steps: &Registry,
    ) -> Result<Self, Vec<Mistake>> {
        let parameters = header.params.iter().map(|(name, _)| name.as_str());
        let source = source(name, text, &header);
        let secret = header.params.iter().filter(|(_, p)| p.kind == ParameterKind::Secret);
        let secrets: Vec<&str> = secret.map(|(name, _)| name.as_str()).collect();
        let script = Script::compile(source.clone(), parameters, &secrets, steps)?;
        Ok(Runbook { source, header, script })
    }

    /// Returns a runbook with the same parameters that fails unless one of its invariants holds.
    ///
    /// # Errors
    /// As [`Runbook::compile`], in the invariant's expression.
    pub fn invariant(&self, expression: &str, steps: &Registry) -> Result<Self, CompileError> {
        let header: Vec<&str> = self.text().lines().take_while(|l| l.starts_with("//!")).collect();
        let text = format!("{}\n\nif !({expression}) {{ throw \"no\"; }}\n", header.join("\n"));
        // It is an expression, and calls no functions: those of modules are not in its text.
        let (locks, uses, invariants) = Default::default();
        let header = Header { locks, uses, invariants, ..self.header.clone() };
        Self::with(self.name(), &text, header, steps).map_err(|mut mistakes| {
            let (place, problem) = mistakes.swap_remove(0);
            CompileError { place: Box::new(place), problem }
        })
    }

    fn wrong_invariants(&self, steps: &Registry) -> Vec<Mistake> {
        let wrong = |(sentence, expression): &(String, String)| {
            let problem = self.wrong_invariant(expression, steps)?;
            let line = Header::line_of(self.text(), &format!("{sentence:?}"));
            let place = self.source.place(line, 1);
            Some((place, format!("invariant \"{sentence}\": {problem}")))
        };
        self.header.invariants.iter().filter_map(wrong).collect()
    }

    fn wrong_invariant(&self, expression: &str, steps: &Registry) -> Option<String> {
        let checked = match self.invariant(expression, steps) {
            Ok(checked) => checked,
            Err(error) => return Some(error.problem),
        };
        let reads = |step: &String| steps.get(step).is_some_and(|s| s.kind() == Kind::Read);
        let called = checked.script.steps();
        let more = called.iter().find(|step| !reads(step))?;
        Some(format!("`{more}` changes things"))
    }

    /// Returns its name or path, as given.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Returns its text, with the modules that it uses.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// Returns the modules that it uses, and where each was found.
    pub fn modules(&self) -> Vec<(String, Shelf)> {
        if self.header.uses.is_empty() {
            return Vec::new();
        }
        let (_, modules) = split(self.text());
        modules.iter().map(|module| (module.name.to_owned(), module.shelf)).collect()
    }

    /// Returns the hash under which its text is kept.
    pub fn hash(&self) -> Hash {
        text_hash(self.text().as_bytes())
    }

    /// Returns its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns what its script means.
    pub fn language(&self) -> Language {
        self.script.language()
    }

    /// Returns its script.
    pub fn script(&self) -> &Script {
        &self.script
    }
}

/// Only a runbook that uses modules has any in its text: lines that look like it are comments elsewhere.
fn source(name: &str, text: &str, header: &Header) -> Source {
    match header.uses.is_empty() {
        true => Source::plain(name, text),
        false => Source::with_modules(name, text),
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
        let shown = problem("//! title = \"T\"\nsecret::find(#{});");
        assert!(shown.contains("no step whose name begins with `secret`"), "{shown}");
    }

    #[test]
    fn every_mistake_is_told_in_the_order_of_the_text() {
        let text = "//! title = \"T\"\n//! [params]\n//! p = { type = \"flag\", help = \"h\" }\n\
                    //! 9 = { type = \"int\", help = \"h\" }\n\
                    let a = nosuch;\nfoo(other);\nnope::step(#{});\nsleep(\"soon\");\n";
        let all =
            Runbook::check("a.rhai", text, &NoModules, &Registry::default()).map(drop).unwrap_err();
        let lines: Vec<usize> = all.iter().map(|mistake| mistake.place.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 6, 7, 8], "{all:#?}");
    }

    #[test]
    fn arguments_that_are_written_out_are_checked_before_anything_runs() {
        let wrong = |script: &str, said: &str, at: &str| {
            let shown = problem(&format!("//! title = \"T\"\n{script}\n"));
            assert!(shown.contains(said) && shown.contains(at), "{shown}");
        };
        wrong(
            "let t = \"x\"; approve(#{ text: t, deadline: \"soon\" });",
            "argument `deadline`",
            "a.rhai:2:44",
        );
        wrong("approve(#{ text: \"x\", of: \"two\" });", "argument `of`", "a.rhai:2:27");
        wrong(
            "approve(#{ text: \"x\", otherwise: \"approve\" });",
            "needs a `deadline`",
            "a.rhai:2:",
        );
        wrong("approve(#{ tekst: \"x\" });", "did you mean `text`?", "a.rhai:2:");
        let open =
            "let d = \"1h\"; approve(#{ text: \"x\", otherwise: \"approve\", deadline: d });";
        assert!(compile(&format!("//! title = \"T\"\n{open}\n")).is_ok());
    }

    #[test]
    fn a_script_can_not_decide_by_a_secret() {
        let wrong = |script: &str, said: &str, at: &str| {
            let shown = problem(&format!("{HEADER}{script}\n"));
            assert!(shown.contains(said) && shown.contains(at), "{shown}");
        };
        wrong("switch value { \"x\" => 1, _ => 2 }", "`value` is a secret", "a.rhai:8:8");
        wrong(
            "let v = value;\nif n == 1 { switch v { 1 => 1 } }",
            "`v` is a secret",
            "a.rhai:9:20",
        );
        wrong("if value == 3 { print(\"x\"); }", "can't be compared", "a.rhai:8:10");
        let own = "fn f(value) { switch value { 1 => 2, _ => 3 } }\nswitch n { 1 => f(1), _ => 2 }";
        assert!(compile(&format!("{HEADER}{own}\n")).is_ok());
        let anew = "let value = 1; switch value { 1 => 2, _ => 3 }";
        assert!(compile(&format!("{HEADER}{anew}\n")).is_ok());
    }

    #[test]
    fn parallel_has_a_bound() {
        for n in ["0", "65", "3000"] {
            let shown = problem(&format!("//! title = \"T\"\nparallel([1], {n}, |x| x);"));
            assert!(shown.contains(&format!("{n} at once; give it from 1 to 64")), "{shown}");
            assert!(shown.contains("a.rhai:2:15"), "{shown}");
        }
        assert!(compile("//! title = \"T\"\nparallel([1], 64, |x| x);").is_ok());
    }

    #[test]
    fn what_is_not_deterministic_is_not_in_the_language() {
        for script in ["sleep(1);", "timestamp();", "eval(\"1\");", "import \"x\" as y;"] {
            assert!(compile(&format!("//! title = \"T\"\n{script}")).is_err(), "{script}");
        }
    }
}
