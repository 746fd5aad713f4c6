//! What can be told about a script without running it: names of steps, functions and arguments.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rhai::{
    AST, ASTNode, Dynamic, Engine, Expr, FnCallExpr, Ident, Identifier, Position, StaticVec, Stmt,
};
use serde_json::Value;

use super::fields::misspelt;
use super::host::not_at_once;
use super::language::{BRANCHES_MAX, DISABLED};
use super::names::{closest, meant};
use super::value::to_json;
use crate::step::Registry;
use crate::wait::{Wait, arguments_of, is_wait};

/// Something wrong in a script, and where.
pub(super) struct Finding {
    pub(super) position: Position,
    pub(super) problem: String,
}

/// Returns the calls of steps and functions that don't exist or whose arguments can't fit, and the
/// fields of what steps return that they don't return; in the order of the text.
pub(super) fn check(engine: &Engine, ast: &AST, steps: &Registry) -> Vec<Finding> {
    let functions = functions(engine, ast);
    let mut found = misspelt(ast, steps);
    ast.walk(&mut |path| {
        if let Some((call, at)) = called(path.last()) {
            found.extend(finding(call, at, steps, &functions));
        }
        true
    });
    found.sort_by_key(|finding| finding.position);
    found
}

/// Returns the names of the steps that a script calls.
pub(super) fn steps_called(ast: &AST) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    ast.walk(&mut |path| {
        if let Some((call, _)) = called(path.last()).filter(|(call, _)| !call.namespace.is_empty())
        {
            names.insert(step_name(call));
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

fn finding(
    call: &FnCallExpr,
    at: Position,
    steps: &Registry,
    functions: &HashSet<String>,
) -> Option<Finding> {
    let here = |problem: String| Finding { position: at, problem };
    if !call.namespace.is_empty() {
        return misfit_of_step(call, steps)
            .map_err(here)
            .err()
            .or_else(|| literal_of_step(call, steps));
    }
    let name = call.name.as_str();
    let known = call.op_token.is_some()
        || name.starts_with("anon$")
        || !name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        || functions.contains(name);
    if !known {
        return Some(here(format!("there is no function `{name}`")));
    }
    match name {
        "parallel" => problem_of_parallel(&call.args),
        name if is_wait(name) => problem_of_wait(name, &call.args)
            .map(here)
            .or_else(|| literal_of_wait(name, &call.args)),
        name => {
            let mut words = steps.words();
            let (word, argument) = words.find(|(word, _)| *word == name)?;
            problem_of_word(word, &argument, &call.args).map(here)
        }
    }
}

fn misfit_of_step(call: &FnCallExpr, steps: &Registry) -> Result<(), String> {
    let name = step_name(call);
    let noun = format!("{}.", call.namespace.root());
    if !steps.names().any(|name| name.starts_with(&noun)) {
        // The parser has said so.
        return Ok(());
    }
    let Some(step) = steps.get(&name) else {
        return Err(format!("there is no step `{name}`; {}", closest(&name, steps.names())));
    };
    match call.args.as_slice() {
        [Expr::Map(map, _)] => {
            let schema = step.schemas().0;
            let known = schema.get("properties").and_then(Value::as_object);
            let known: Vec<&str> =
                known.iter().flat_map(|p| p.keys().map(String::as_str)).collect();
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let required: Vec<&str> = required.filter_map(Value::as_str).collect();
            arguments(&name, &given(map), &known, &required).map_or(Ok(()), Err)
        }
        // The map may come from a variable; the step looks at it when it is called.
        [_] => Ok(()),
        _ => Err(format!("`{name}` takes one map of arguments: {}", step.about().example)),
    }
}

fn step_name(call: &FnCallExpr) -> String {
    format!("{}.{}", call.namespace.root(), call.name)
}

/// Returns the first argument that is written out and does not fit its step.
fn literal_of_step(call: &FnCallExpr, steps: &Registry) -> Option<Finding> {
    let name = step_name(call);
    let (step, [Expr::Map(map, _)]) = (steps.get(&name)?, call.args.as_slice()) else {
        return None;
    };
    literals(&name, map, |args| step.check(args).map_err(|error| error.problem))
}

fn literal_of_wait(name: &str, args: &[Expr]) -> Option<Finding> {
    let Some(Expr::Map(map, at)) = args.first() else { return None };
    let each = literals(name, map, |args| Wait::read(name, args).map(drop).map_err(|e| e.problem));
    each.or_else(|| {
        let whole = Wait::parse(name, &written(&args[0])?);
        whole.err().map(|error| Finding { position: *at, problem: error.to_string() })
    })
}

/// Looks at each argument that is written out by itself, so that it can be named. What comes from
/// elsewhere is looked at when it is used.
fn literals(
    name: &str,
    map: &LiteralMap,
    fits: impl Fn(&Value) -> Result<(), String>,
) -> Option<Finding> {
    map.0.iter().find_map(|(argument, expr)| {
        let alone = serde_json::json!({ argument.name.as_str(): written(expr)? });
        // Those that are not given here are no mistake here.
        let problem = fits(&alone).err().filter(|p| !p.starts_with("missing field"))?;
        let problem = format!("`{name}`, argument `{}`: {problem}", argument.name);
        Some(Finding { position: expr.position(), problem })
    })
}

/// Returns the value of an expression that is written out as a whole.
fn written(expr: &Expr) -> Option<Value> {
    if !expr.is_constant() {
        return None;
    }
    to_json(&expr.get_literal_value(None)?).ok()
}

type LiteralMap = (StaticVec<(Ident, Expr)>, BTreeMap<Identifier, Dynamic>);

/// Returns the names that a literal map has.
fn given(map: &LiteralMap) -> Vec<&str> {
    let given: Vec<&str> = map.0.iter().map(|(name, _)| name.name.as_str()).collect();
    let constants = map.1.keys().map(|k| k.as_str()).filter(|k| !given.contains(k));
    given.iter().copied().chain(constants).collect()
}

fn arguments(name: &str, given: &[&str], known: &[&str], required: &[&str]) -> Option<String> {
    if let Some(stranger) = given.iter().find(|name| !known.contains(name)) {
        let like = match meant(stranger, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it takes {}", known.join(", ")),
        };
        return Some(format!("`{name}` has no argument `{stranger}`; {like}"));
    }
    let missing = required.iter().find(|name| !given.contains(name))?;
    Some(format!("`{name}` needs the argument `{missing}`"))
}

fn problem_of_word(word: &str, argument: &str, args: &[Expr]) -> Option<String> {
    let fits = match args {
        [Expr::StringConstant(..) | Expr::InterpolatedString(..)] => true,
        [arg] => !is_literal(arg),
        _ => false,
    };
    (!fits).then(|| format!("`{word}` is called as in `{word}(\"{argument}\")`"))
}

fn problem_of_parallel(args: &[Expr]) -> Option<Finding> {
    let [_, Expr::IntegerConstant(n, position), _] = args else { return None };
    let most = i64::try_from(BRANCHES_MAX).unwrap_or(i64::MAX);
    let fits = (1..=most).contains(n);
    (!fits).then(|| Finding { position: *position, problem: not_at_once(*n) })
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
