//! What can be told about a script without running it: names of steps, functions and arguments.

use std::collections::{BTreeSet, HashSet};

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};
use serde_json::Value;

use super::language::DISABLED;
use crate::step::Registry;

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
        return (!known).then(|| format!("there is no function `{name}`"));
    }
    let name = format!("{}.{}", call.namespace.root(), call.name);
    let Some(step) = steps.get(&name) else {
        let like = closest(&name, steps.names());
        return Some(format!("there is no step `{name}`; {like}"));
    };
    match call.args.as_slice() {
        [Expr::Map(map, _)] => {
            let given: Vec<&str> = map.0.iter().map(|(name, _)| name.name.as_str()).collect();
            let constants = map.1.keys().map(|k| k.as_str()).filter(|k| !given.contains(k));
            let given: Vec<&str> = given.iter().copied().chain(constants).collect();
            arguments(&name, &given, step.schemas().0.as_value())
        }
        // The map may come from a variable; the step looks at it when it is called.
        [_] => None,
        _ => Some(format!("`{name}` takes one map of arguments: {}", step.about().example)),
    }
}

fn arguments(step: &str, given: &[&str], schema: &Value) -> Option<String> {
    let known = schema.get("properties").and_then(Value::as_object);
    let known: Vec<&str> = known.into_iter().flat_map(|p| p.keys().map(String::as_str)).collect();
    if let Some(stranger) = given.iter().find(|name| !known.contains(name)) {
        return Some(format!(
            "`{step}` has no argument `{stranger}`; it takes {}",
            known.join(", ")
        ));
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let mut required = required.filter_map(Value::as_str);
    let missing = required.find(|name| !given.contains(name))?;
    Some(format!("`{step}` needs the argument `{missing}`"))
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
