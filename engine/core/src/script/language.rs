//! The language: which parts of rhai a runbook has, and its limits.

use rhai::packages::{
    BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, EvalAltResult, OptimizationLevel};

use super::value::Sealed;

/// Operations that one evaluation may take. An operation is about 50 ns; a rotation over 10,000
/// services takes about a million.
pub(super) const OPERATIONS_MAX: u64 = 50_000_000;

/// Branches of one `parallel` that may be under way at once: each has a thread.
pub(super) const BRANCHES_MAX: usize = 64;

const CALL_LEVELS_MAX: usize = 64;
const EXPRESSION_DEPTH_MAX: usize = 64;
const STRING_BYTES_MAX: usize = 1024 * 1024;
const ITEMS_MAX: usize = 100_000;
const VARIABLES_MAX: usize = 1_000;

/// Symbols that would reach outside, or make a script depend on more than its journal.
pub(super) const DISABLED: [&str; 3] = ["eval", "import", "export"];

/// Returns an engine for the language without any step.
pub(super) fn language() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(LanguageCorePackage::new().as_shared_module());
    engine.register_global_module(rhai::packages::ArithmeticPackage::new().as_shared_module());
    engine.register_global_module(BasicStringPackage::new().as_shared_module());
    engine.register_global_module(MoreStringPackage::new().as_shared_module());
    engine.register_global_module(BasicIteratorPackage::new().as_shared_module());
    engine.register_global_module(BasicFnPackage::new().as_shared_module());
    engine.register_global_module(BasicArrayPackage::new().as_shared_module());
    engine.register_global_module(BasicMapPackage::new().as_shared_module());
    engine.register_global_module(BasicMathPackage::new().as_shared_module());
    engine.register_global_module(LogicPackage::new().as_shared_module());
    for symbol in DISABLED {
        engine.disable_symbol(symbol);
    }
    // These would hold the thread, and journals would not know of it.
    engine.register_fn("sleep", |_: i64| no_sleeping());
    engine.register_fn("sleep", |_: f64| no_sleeping());
    // What a script says and what runs must be the same thing, at the same place.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_max_operations(OPERATIONS_MAX);
    engine.set_max_call_levels(CALL_LEVELS_MAX);
    engine.set_max_expr_depths(EXPRESSION_DEPTH_MAX, EXPRESSION_DEPTH_MAX);
    engine.set_max_string_size(STRING_BYTES_MAX);
    engine.set_max_array_size(ITEMS_MAX);
    engine.set_max_map_size(ITEMS_MAX);
    engine.set_max_variables(VARIABLES_MAX);
    engine.set_max_modules(0);
    register_sealed(&mut engine);
    engine
}

fn no_sleeping() -> Result<(), Box<EvalAltResult>> {
    Err("sleep takes a length of time such as \"90s\"".into())
}

/// A sealed value shows as `***`; joining or comparing it is an error.
fn register_sealed(engine: &mut Engine) {
    engine.register_type_with_name::<Sealed>("secret");
    engine.register_fn("to_string", |_: &mut Sealed| "***".to_owned());
    engine.register_fn("to_debug", |_: &mut Sealed| "***".to_owned());
    for operator in ["==", "!=", "<", ">", "<=", ">="] {
        engine.register_fn(operator, |_: Sealed, _: Sealed| no_peeking::<bool>("compared"));
        engine.register_fn(operator, |_: Sealed, _: &str| no_peeking::<bool>("compared"));
        engine.register_fn(operator, |_: &str, _: Sealed| no_peeking::<bool>("compared"));
    }
    engine.register_fn("+", |_: Sealed, _: &str| no_peeking::<String>("joined"));
    engine.register_fn("+", |_: &str, _: Sealed| no_peeking::<String>("joined"));
    engine.register_fn("len", |_: &mut Sealed| no_peeking::<i64>("measured"));
}

fn no_peeking<T>(how: &str) -> Result<T, Box<EvalAltResult>> {
    Err(format!("a secret value can't be {how} in a runbook; only steps can open it").into())
}
