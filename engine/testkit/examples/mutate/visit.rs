//! Where a mistake can be made, and which.
//!
//! | place | mistakes |
//! |---|---|
//! | `==` `!=` `<` `<=` `>` `>=` `&&` `\|\|` `-` | the opposite |
//! | `!x`, `true`, `false` | without, the other |
//! | the condition of an `if` or of a match arm | the opposite |
//! | a function | returns at once |
//! | a statement that calls or assigns | is left out |

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Attribute, BinOp, Block, Expr, ExprIf, ImplItemFn, ItemConst, ItemFn, ItemMod, ItemStatic,
    Lit, Signature, Stmt, UnOp, parse_quote,
};

use crate::{Mistake, returns};

/// Makes all mistakes of a file, each asleep.
pub(crate) struct Mutate {
    next: usize,
    pub(crate) mistakes: Vec<Mistake>,
}

impl Mutate {
    pub(crate) fn from(first: usize) -> Self {
        Mutate { next: first, mistakes: Vec::new() }
    }

    fn number(&mut self, at: &impl Spanned, what: String) -> usize {
        self.mistakes.push(Mistake { line: at.span().start().line, what });
        self.next += 1;
        self.next - 1
    }

    fn begin(&mut self, signature: &Signature, block: &mut Block) {
        if signature.constness.is_some() {
            return;
        }
        for early in returns::at_once(&signature.output).into_iter().rev() {
            let what = format!("{}: `{}`", signature.ident, early.to_token_stream());
            let number = self.number(signature, what);
            block.stmts.insert(0, parse_quote!(if crate::awake::on(#number) { #early; }));
        }
    }

    /// Turns a condition round, unless it binds names.
    fn turned(&mut self, before: &Expr, condition: &mut Expr) {
        if binds(before) || matches!(before, Expr::Binary(_) | Expr::Unary(_)) {
            return;
        }
        let number = self.number(before, format!("not `{}`", short(before)));
        *condition = parse_quote!((crate::awake::on(#number) != (#condition)));
    }
}

impl VisitMut for Mutate {
    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }

    fn visit_item_const_mut(&mut self, _: &mut ItemConst) {}

    fn visit_item_static_mut(&mut self, _: &mut ItemStatic) {}

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        if function.sig.constness.is_none() && !is_for_tests(&function.attrs) {
            visit_mut::visit_item_fn_mut(self, function);
            self.begin(&function.sig, &mut function.block);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        if function.sig.constness.is_none() {
            visit_mut::visit_impl_item_fn_mut(self, function);
            self.begin(&function.sig, &mut function.block);
        }
    }

    fn visit_expr_if_mut(&mut self, condition: &mut ExprIf) {
        let before = condition.cond.clone();
        visit_mut::visit_expr_if_mut(self, condition);
        self.turned(&before, &mut condition.cond);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        // Patterns are no expressions.
        if let Some((_, guard)) = &mut arm.guard {
            let before = guard.clone();
            self.visit_expr_mut(guard);
            self.turned(&before, guard);
        }
        self.visit_expr_mut(&mut arm.body);
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        let before = statement.clone();
        visit_mut::visit_stmt_mut(self, statement);
        let Stmt::Expr(expression, Some(_)) = &before else { return };
        let acts = match expression {
            Expr::MethodCall(call) => call.method != "progress",
            Expr::Try(_) | Expr::Await(_) | Expr::Call(_) | Expr::Assign(_) => true,
            _ => false,
        };
        if acts {
            let number = self.number(&before, format!("without `{}`", short(&before)));
            *statement = parse_quote!(if !crate::awake::on(#number) { #statement });
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        let before = expression.clone();
        visit_mut::visit_expr_mut(self, expression);
        if binds(&before) {
            return;
        }
        let wrong: Expr = match &before {
            Expr::Binary(binary) => {
                let Some(op) = opposite(&binary.op) else { return };
                let (left, right) = (&binary.left, &binary.right);
                parse_quote!(#left #op #right)
            }
            // What is turned round twice is a `bool`, also where it was a reference to one.
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => parse_quote!(!#unary),
            Expr::Lit(literal) => match &literal.lit {
                Lit::Bool(bool) => {
                    let other = !bool.value;
                    parse_quote!(#other)
                }
                _ => return,
            },
            _ => return,
        };
        let what = format!("`{}` for `{}`", short(&wrong), short(&before));
        let number = self.number(&before, what);
        *expression = parse_quote!((if crate::awake::on(#number) { #wrong } else { #expression }));
    }
}

fn opposite(op: &BinOp) -> Option<BinOp> {
    Some(match op {
        BinOp::Eq(_) => parse_quote!(!=),
        BinOp::Ne(_) => parse_quote!(==),
        BinOp::Lt(_) => parse_quote!(>=),
        BinOp::Ge(_) => parse_quote!(<),
        BinOp::Gt(_) => parse_quote!(<=),
        BinOp::Le(_) => parse_quote!(>),
        BinOp::And(_) => parse_quote!(||),
        BinOp::Or(_) => parse_quote!(&&),
        BinOp::Sub(_) => parse_quote!(+),
        _ => return None,
    })
}

/// True if an expression is a chain with `let` in it: it can only stand where it is.
fn binds(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        Expr::Paren(paren) => binds(&paren.expr),
        _ => false,
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.to_token_stream().to_string().contains("test"))
}

fn short(tokens: &impl ToTokens) -> String {
    let text: String = tokens.to_token_stream().to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(70) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
