//! Deliberate bugs in the engine and in steps, to show that the battery finds them. They exist only with the feature
//! `mutants`, which the tests of rehearsals switch on; without it every question here is `false`.

use crate::step::Assumed;

/// A deliberate bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// An interrupted call is made again without a look at the world.
    RepeatBlindly = 1,
    /// The outcome of a call is recorded before the call is made.
    RecordFirst,
    /// A call that failed is taken for applied, and so is undone.
    UndoFailed,
    /// A probe takes any secret of the right name for the one that its call made.
    AnyNameIsOurs,
    /// A service has converged when one of its tasks runs.
    OneTaskIsEnough,
    /// A service is written although a task of it is starting.
    WriteAnyTime,
}

#[cfg(feature = "mutants")]
static PRESENT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Puts a bug into every engine of this process, or takes it out.
#[cfg(feature = "mutants")]
pub fn put(mutant: Option<Mutant>) {
    let number = mutant.map_or(0, |mutant| mutant as u8);
    PRESENT.store(number, std::sync::atomic::Ordering::SeqCst);
}

/// True if this bug is in.
#[cfg(feature = "mutants")]
pub fn is(mutant: Mutant) -> bool {
    PRESENT.load(std::sync::atomic::Ordering::SeqCst) == mutant as u8
}

/// True if this bug is in: never.
#[cfg(not(feature = "mutants"))]
pub const fn is(_: Mutant) -> bool {
    false
}

/// True if an outcome can be told before the call is made: it names no object yet to be created.
/// [`Mutant::RecordFirst`] keeps to these, or not even a clean run would end.
pub(crate) fn foretold(expected: &serde_json::Value) -> bool {
    !Assumed::is_named_in(&expected.to_string())
}
