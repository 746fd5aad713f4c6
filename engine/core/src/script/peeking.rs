//! Secret parameters that a script decides by: it can't, and would take the other way in silence.

use std::collections::HashSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::check::Finding;

/// Returns where a script decides by the value of a secret parameter, as far as that is plain from
/// the text.
pub(super) fn peeking(ast: &AST, secrets: &[&str]) -> Vec<Finding> {
    // A function sees no parameters; a name that it uses is its own.
    let script = ast.clone_statements_only();
    let secrets = also_known_as(&script, secrets);
    let mut found = Vec::new();
    let mut tell = |name: &str, how: &str, position: Position| {
        let problem = format!("`{name}` is a secret, and {how}: a script does not know its value");
        found.push(Finding { position, problem });
    };
    let secret =
        |expr: &Expr| name_of(expr).filter(|name| secrets.contains(*name)).map(str::to_owned);
    script.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Switch(switch, _))) => {
                if let Some(name) = secret(&switch.0) {
                    tell(&name, "can't be told apart by `switch`", switch.0.position());
                }
            }
            Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)))
                if compares(call) =>
            {
                if let Some(name) = call.args.iter().find_map(secret) {
                    tell(&name, "can't be compared", *at);
                }
            }
            _ => {}
        }
        true
    });
    found
}

fn compares(call: &FnCallExpr) -> bool {
    call.op_token.is_some() && ["==", "!=", "<", ">", "<=", ">="].contains(&call.name.as_str())
}

fn name_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Variable(variable, ..) if variable.2.is_empty() => Some(variable.1.as_str()),
        _ => None,
    }
}

/// Returns the names under which secrets are known: those of variables that are made of them too,
/// and none that is declared anew as something else.
fn also_known_as(script: &AST, secrets: &[&str]) -> HashSet<String> {
    let mut known: HashSet<String> = secrets.iter().map(|name| (*name).to_owned()).collect();
    let mut others = HashSet::new();
    script.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Var(declared, ..))) = path.last() {
            let name = declared.0.name.to_string();
            match name_of(&declared.1).is_some_and(|of| known.contains(of)) {
                true => known.insert(name),
                false => others.insert(name),
            };
        }
        true
    });
    known.retain(|name| !others.contains(name));
    known
}
