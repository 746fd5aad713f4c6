//! Which calls of a script return something that the script does not use.
//!
//! A call whose outcome is used can't be left out: the script would go on with nothing, and fail
//! later. What can't be told counts as used.

use std::collections::{HashMap, HashSet};

use rhai::{AST, ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

/// Returns the places of calls whose outcome is dropped.
pub(super) fn dropped(ast: &AST) -> HashSet<Position> {
    let bodies = bodies(ast);
    let mut found = Dropped { bodies: &bodies, places: HashSet::new() };
    found.block(ast.statements(), false);
    for (_, body) in bodies.iter().filter(|(name, _)| !name.starts_with("anon$")) {
        found.block(body, true);
    }
    found.places
}

/// Returns the statements of each function, by its name. The interpreter does not give them out, but
/// walks through them; each belongs to the innermost function around it.
fn bodies(ast: &AST) -> HashMap<String, Vec<Stmt>> {
    let spans: Vec<(String, Position, Position)> = ast
        .iter_fn_def()
        .map(|f| (f.name.to_string(), f.body.start_position(), f.body.end_position()))
        .collect();
    let mut bodies: HashMap<String, Vec<Stmt>> = HashMap::new();
    ast.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            let at = statement.position();
            let around = spans.iter().filter(|(_, from, to)| *from <= at && at <= *to);
            if let Some((name, ..)) = around.max_by_key(|(_, from, _)| *from) {
                bodies.entry(name.clone()).or_default().push((*statement).clone());
            }
        }
        true
    });
    bodies
}

struct Dropped<'a> {
    bodies: &'a HashMap<String, Vec<Stmt>>,
    places: HashSet<Position>,
}

impl Dropped<'_> {
    /// The value of a block is that of its last statement.
    fn block(&mut self, block: &[Stmt], used: bool) {
        for (index, statement) in block.iter().enumerate() {
            self.statement(statement, used && index + 1 == block.len());
        }
    }

    fn statement(&mut self, statement: &Stmt, used: bool) {
        match statement {
            Stmt::FnCall(call, at) => self.call(call, *at, used),
            Stmt::Expr(expr) => match expr.as_ref() {
                Expr::FnCall(call, at) => self.call(call, *at, used),
                Expr::Stmt(block) => self.block(block.statements(), used),
                _ => {}
            },
            Stmt::Block(block) => self.block(block.statements(), used),
            Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => {
                self.block(flow.body.statements(), used);
                self.block(flow.branch.statements(), used);
            }
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => self.block(flow.body.statements(), false),
            Stmt::For(looped, _) => self.block(looped.2.body.statements(), false),
            _ => {}
        }
    }

    fn call(&mut self, call: &FnCallExpr, at: Position, used: bool) {
        if !used {
            self.places.insert(at);
        }
        // What the branches return is what `parallel` returns.
        if call.name == "parallel"
            && let Some(branch) = call.args.get(2).and_then(closure)
            && let Some(body) = self.bodies.get(&branch)
        {
            self.block(body, used);
        }
    }
}

/// Returns the name of the function that a closure is; one that captures variables is a block that
/// ends with a `curry`.
fn closure(expr: &Expr) -> Option<String> {
    match expr {
        Expr::DynamicConstant(value, _) => {
            Some(value.clone().try_cast::<FnPtr>()?.fn_name().to_owned())
        }
        Expr::FnCall(call, _) if call.name == "curry" => closure(call.args.first()?),
        Expr::Stmt(block) => match block.statements().last()? {
            Stmt::Expr(expr) => closure(expr),
            Stmt::FnCall(call, _) if call.name == "curry" => closure(call.args.first()?),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::language::language;

    /// The columns of the calls of `f` whose outcome is dropped.
    fn columns(script: &str) -> Vec<usize> {
        let ast = language().compile(script).unwrap();
        let calls = dropped(&ast);
        let mut columns: Vec<usize> = calls.iter().filter_map(|at| at.position()).collect();
        columns.retain(|column| script[column - 1..].starts_with("f("));
        columns.sort_unstable();
        columns
    }

    #[test]
    fn a_call_is_dropped_if_nothing_is_made_of_what_it_returns() {
        let table: [(&str, &[usize]); 12] = [
            ("f(1);", &[1]),
            ("let a = f(1); a", &[]),
            ("g(f(1));", &[]),
            ("f(1).id;", &[]),
            ("if true { f(1); } else { f(2); }", &[11, 26]),
            ("let a = if true { f(1) } else { 2 };", &[]),
            ("loop { f(1); break; }", &[8]),
            ("try { f(1); return; } catch { f(2); }", &[7, 31]),
            ("fn g() { f(1); f(2) } g();", &[10]),
            ("parallel([1], 1, |s| { f(1); f(s); });", &[24, 30]),
            ("let x = 1; parallel([1], 1, |s| { f(x); f(s) });", &[35, 41]),
            ("let r = parallel([1], 1, |s| { f(1); f(s) });", &[]),
        ];
        for (script, expected) in table {
            assert_eq!(columns(script), expected, "{script}");
        }
    }
}
