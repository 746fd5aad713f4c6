//! Fields that a script reads of what steps returned: known before anything runs, as far as it is
//! plain from the text which step a value is from. The rest shows when the script is evaluated.

use std::collections::BTreeMap;

use rhai::{AST, ASTNode, Expr, Stmt};
use serde_json::Value;

use super::check::Finding;
use super::names::closest;
use crate::step::Registry;

/// Returns the fields that are read of what a step returned, and that it does not return.
pub(super) fn misspelt(ast: &AST, steps: &Registry) -> Vec<Finding> {
    // A variable means one thing in the script and another in each of its functions.
    let mut found = misspelt_in(&ast.clone_statements_only(), &[], steps);
    for function in ast.iter_functions() {
        let same =
            |name: &str, params: usize| name == function.name && params == function.params.len();
        let body = ast.clone_functions_only_filtered(|_, _, _, name, params| same(name, params));
        found.extend(misspelt_in(&body, &function.params, steps));
    }
    found
}

fn misspelt_in(body: &AST, params: &[&str], steps: &Registry) -> Vec<Finding> {
    let origins = origins(body, params);
    let mut found = Vec::new();
    body.walk(&mut |path| {
        let Some(ASTNode::Expr(Expr::Dot(dot, ..))) = path.last() else { return true };
        let step = match &dot.lhs {
            Expr::Variable(variable, ..) => origins.get(variable.1.as_str()).cloned().flatten(),
            lhs => step_of(lhs),
        };
        if let Some(step) = step.and_then(|name| steps.get(&name)) {
            let schema = step.schemas().1.to_value();
            found.extend(unknown(&step.about().name, &dot.rhs, &schema, &schema));
        }
        true
    });
    found
}

/// Returns all names of fields that a script can mean: of what its steps return, and of its own
/// maps.
pub(super) fn all(ast: &AST, steps: &Registry) -> Vec<String> {
    let mut names = Vec::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(Expr::Map(map, _))) => {
                names.extend(map.0.iter().map(|(name, _)| name.name.to_string()));
            }
            Some(ASTNode::Expr(expr)) => {
                let schema = step_of(expr).and_then(|name| Some(steps.get(&name)?.schemas().1));
                schema.iter().for_each(|schema| collect(schema.as_value(), &mut names));
            }
            _ => {}
        }
        true
    });
    names
}

fn collect(schema: &Value, names: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else { return };
    if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
        names.extend(properties.keys().cloned());
    }
    fields.values().for_each(|value| collect(value, names));
}

/// Returns the variables of a body that always hold what one step returned, with that step; and
/// without one those that may hold anything else.
fn origins(body: &AST, params: &[&str]) -> BTreeMap<String, Option<String>> {
    let mut origins = BTreeMap::new();
    let mut is = |name: &str, step: Option<String>| {
        let before = origins.entry(name.to_owned()).or_insert_with(|| step.clone());
        if *before != step {
            *before = None;
        }
    };
    params.iter().for_each(|name| is(name, None));
    body.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(var, ..))) => is(&var.0.name, step_of(&var.1)),
            Some(ASTNode::Stmt(Stmt::For(names, _))) => {
                is(&names.0.name, None);
                names.1.iter().for_each(|name| is(&name.name, None));
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                root(&assignment.1.lhs).into_iter().for_each(|name| is(name, None));
            }
            Some(ASTNode::Stmt(Stmt::TryCatch(flow, _))) => {
                root(&flow.expr).into_iter().for_each(|name| is(name, None));
            }
            _ => {}
        }
        true
    });
    origins
}

/// Returns the variable that an expression is, or is a part of.
fn root(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Variable(variable, ..) => Some(variable.1.as_str()),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => root(&parts.lhs),
        _ => None,
    }
}

fn step_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::FnCall(call, _) if !call.namespace.is_empty() => {
            Some(format!("{}.{}", call.namespace.root(), call.name))
        }
        _ => None,
    }
}

/// Returns the first part of `a.b.c` that what `step` returns does not have.
fn unknown(step: &str, rhs: &Expr, schema: &Value, root: &Value) -> Option<Finding> {
    let (name, at, rest) = match rhs {
        Expr::Property(property, at) => (&property.2, *at, None),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => match &parts.lhs {
            Expr::Property(property, at) => {
                let rest = matches!(rhs, Expr::Dot(..)).then_some(&parts.rhs);
                (&property.2, *at, rest)
            }
            _ => return None,
        },
        _ => return None,
    };
    let fields = resolved(schema, root).get("properties")?.as_object()?;
    let Some(field) = fields.get(name.as_str()) else {
        return Some(Finding { position: at, problem: no_field(step, name, fields.keys()) });
    };
    unknown(step, rest?, field, root)
}

fn no_field<'a>(step: &str, name: &str, fields: impl Iterator<Item = &'a String>) -> String {
    let like = closest(name, fields.map(String::as_str));
    format!("what `{step}` returns has no field `{name}`; {like}")
}

fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let path = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| root.pointer(path)).unwrap_or(schema)
}
