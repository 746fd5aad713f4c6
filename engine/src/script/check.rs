//! What can be told about a script without running it: names of steps, functions and arguments.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rhai::{
    AST, ASTNode, Dynamic, Engine, Expr, FnCallExpr, Ident, Identifier, Position, StaticVec, Stmt,
};
use serde_json::Value;

use super::language::DISABLED;
use crate::step::Registry;
use crate::wait::{Wait, arguments_of, is_wait};

/// Something wrong in a script, and where.
pub(super) struct Finding {
    pub(super) position: Position,
    pub(super) problem: String,
}

/// Returns the first call of a step or function that does not exist, or whose arguments can't fit.
pub(super) fn check(engine: &Engine, ast: &AST, steps: &Registry) -> Option<Finding> {
    let functions = functions(engine, ast);
    let mut found = None;
    ast.walk(&mut |path| {
        found = called(path.last()).and_then(|(call, position)| {
            problem_of(call, steps, &functions).map(|problem| Finding { position, problem })
        });
        found.is_none()
    });
    found
}

/// Returns the names of the steps that a script calls.
pub(super) fn steps_called(ast: &AST) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    ast.walk(&mut |path| {
        if let Some((call, _)) = called(path.last()).filter(|(call, _)| !call.namespace.is_empty())
        {
            names.insert(format!("{}.{}", call.namespace.root(), call.name));
        }
        true
    });
    names
}

fn called<'a>(node: Option<&'a ASTNode<'a>>) -> Option<(&'a FnCallExpr, Position)> {
    match node? {
        ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))
        | ASTNode::Stmt(Stmt::FnCall(call, at)) => Some((call, *at)),
        _ => None,
    }
}

fn functions(engine: &Engine, ast: &AST) -> HashSet<String> {
    let native = engine.gen_fn_signatures(true).into_iter();
    let native = native.map(|s| s.split('(').next().unwrap_or_default().trim().to_owned());
    let own = ast.iter_functions().map(|f| f.name.to_owned());
    // These are part of the language and listed nowhere.
    let built_in = [
        "call",
        "curry",
        "Fn",
        "is_def_var",
        "is_def_fn",
        "is_shared",
        "type_of",
        "print",
        "debug",
    ];
    let listed = native.chain(own).chain(built_in.map(str::to_owned));
    listed.filter(|name| !DISABLED.contains(&name.as_str())).collect()
}

fn problem_of(call: &FnCallExpr, steps: &Registry, functions: &HashSet<String>) -> Option<String> {
    if call.namespace.is_empty() {
        let name = call.name.as_str();
        let known = call.op_token.is_some()
            || name.starts_with("anon$")
            || !name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            || functions.contains(name);
        if !known {
            return Some(format!("there is no function `{name}`"));
        }
        return match name {
            "note" => problem_of_note(&call.args),
            name if is_wait(name) => problem_of_wait(name, &call.args),
            _ => None,
        };
    }
    let name = format!("{}.{}", call.namespace.root(), call.name);
    let Some(step) = steps.get(&name) else {
        let like = closest(&name, steps.names());
        return Some(format!("there is no step `{name}`; {like}"));
    };
    match call.args.as_slice() {
        [Expr::Map(map, _)] => {
            let schema = step.schemas().0;
            let known = schema.get("properties").and_then(Value::as_object);
            let known: Vec<&str> =
                known.iter().flat_map(|p| p.keys().map(String::as_str)).collect();
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let required: Vec<&str> = required.filter_map(Value::as_str).collect();
            arguments(&name, &given(map), &known, &required)
        }
        // The map may come from a variable; the step looks at it when it is called.
        [_] => None,
        _ => Some(format!("`{name}` takes one map of arguments: {}", step.about().example)),
    }
}

/// Returns the names that a literal map has.
fn given(map: &(StaticVec<(Ident, Expr)>, BTreeMap<Identifier, Dynamic>)) -> Vec<&str> {
    let given: Vec<&str> = map.0.iter().map(|(name, _)| name.name.as_str()).collect();
    let constants = map.1.keys().map(|k| k.as_str()).filter(|k| !given.contains(k));
    given.iter().copied().chain(constants).collect()
}

fn arguments(name: &str, given: &[&str], known: &[&str], required: &[&str]) -> Option<String> {
    if let Some(stranger) = given.iter().find(|name| !known.contains(name)) {
        let known = known.join(", ");
        return Some(format!("`{name}` has no argument `{stranger}`; it takes {known}"));
    }
    let missing = required.iter().find(|name| !given.contains(name))?;
    Some(format!("`{name}` needs the argument `{missing}`"))
}

fn problem_of_note(args: &[Expr]) -> Option<String> {
    let fits = match args {
        [Expr::StringConstant(..) | Expr::InterpolatedString(..)] => true,
        [arg] => !is_literal(arg),
        _ => false,
    };
    (!fits).then(|| "`note` is called as in `note(\"text\")`".to_owned())
}

fn problem_of_wait(name: &str, args: &[Expr]) -> Option<String> {
    let example = match name {
        "sleep" => "sleep(\"90s\")",
        "window" => "window(\"Sat 02:00-04:00 Europe/Berlin\")",
        "wait_until" => "wait_until(#{ every: \"30s\", timeout: \"1h\" }, || ...)",
        "approve" => "approve(#{ text: \"...\", of: 2, deadline: \"24h\" })",
        _ => "ask(#{ fields: #{ name: #{ type: \"string\", help: \"...\" } } })",
    };
    let wrong = || Some(format!("`{name}` is called as in `{example}`"));
    match (arguments_of(name), args) {
        (None, [Expr::StringConstant(text, _)]) => {
            let key = if name == "sleep" { "length" } else { "window" };
            let parsed = Wait::parse(name, &serde_json::json!({ key: text.as_str() }));
            parsed.err().map(|error| error.to_string())
        }
        (None, [arg]) | (Some(_), [arg]) if name != "wait_until" && !is_literal(arg) => None,
        (Some((known, required)), [Expr::Map(map, _)]) if name != "wait_until" => {
            arguments(name, &given(map), known, required)
        }
        (Some((known, required)), [Expr::Map(map, _), _]) if name == "wait_until" => {
            arguments(name, &given(map), known, required)
        }
        (Some(_), [arg, _]) if name == "wait_until" && !is_literal(arg) => None,
        _ => wrong(),
    }
}

/// True if a value is written out: it is known to be of the wrong kind where it is not the right
/// one. What comes from elsewhere is looked at when it is used.
fn is_literal(arg: &Expr) -> bool {
    arg.is_constant() || matches!(arg, Expr::Map(..) | Expr::Array(..))
}

/// Returns "did you mean ...?" or the list of what there is.
fn closest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = among.collect();
    all.sort_by_key(|candidate| distance(name, candidate));
    match all.first() {
        Some(best) if distance(name, best) <= 3 => format!("did you mean `{best}`?"),
        _ => {
            all.sort_unstable();
            format!("there are {}", all.join(", "))
        }
    }
}

/// Returns the edit distance of two short names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
