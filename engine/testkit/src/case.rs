//! What the kit has to know of one step.

use serde_json::Value;

/// A step, in a world where it can be tried.
///
/// The defaults fit a change that shows in the world and that can be undone.
pub struct Case<P> {
    /// The step's name.
    pub step: &'static str,
    /// What is special about it: "like another one". Empty for the plain one.
    pub title: &'static str,
    /// Sets the world up.
    pub world: fn(&P),
    /// Returns the arguments. The sealed value that a run would have is called `value`.
    pub args: fn(&P) -> Value,
    /// False if the world does not show whether it was done: then a probe can only say that it was
    /// not, and doing it twice must do no harm.
    pub shows: bool,
    /// What comes of it, as far as that is written down: what a plan `says`, `restarts` and
    /// `warns` of, what the call `returns`, and what `changes` in the world, leaf by leaf.
    pub effect: Option<Value>,
    /// What an undo does.
    pub undo: Undo,
    /// The code of the error that a second apply is refused with, if it is.
    pub repeat_refused: Option<&'static str>,
    /// Codes that end the call at once where other steps would try again, on purpose.
    pub ending: &'static [&'static str],
    /// What others do.
    pub meddling: Vec<Meddling<P>>,
}

impl<P> Case<P> {
    /// Returns a case without others.
    pub fn new(step: &'static str, world: fn(&P), args: fn(&P) -> Value) -> Self {
        Case {
            step,
            title: "",
            world,
            args,
            shows: true,
            effect: None,
            undo: Undo::AsFound,
            repeat_refused: None,
            ending: &[],
            meddling: Vec::new(),
        }
    }

    /// Says what is special about it.
    #[must_use]
    pub fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// Says that the world does not show whether it was done.
    #[must_use]
    pub fn without_a_trace(mut self) -> Self {
        (self.shows, self.undo) = (false, Undo::Nothing);
        self
    }

    /// Says what comes of it.
    #[must_use]
    pub fn comes_to(mut self, effect: Value) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Says what an undo does.
    #[must_use]
    pub fn undone(mut self, undo: Undo) -> Self {
        self.undo = undo;
        self
    }

    /// Says which code ends the call at once where other steps would try again.
    #[must_use]
    pub fn ending(mut self, codes: &'static [&'static str]) -> Self {
        self.ending = codes;
        self
    }

    /// Adds something that others do.
    #[must_use]
    pub fn when(mut self, what: &'static str, act: fn(&P), then: Then) -> Self {
        self.meddling.push(Meddling { what, act, then });
        self
    }
}

/// What an undo does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// It leaves the world as it was found.
    AsFound,
    /// Nothing: what was done is no harm.
    Nothing,
    /// It can't: that is said, and needs a person.
    Refused,
}

/// Something that others do.
pub struct Meddling<P> {
    /// In words: "somebody removes the service".
    pub what: &'static str,
    /// Does it.
    pub act: fn(&P),
    /// What must come of it.
    pub then: Then,
}

/// What a probe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named after the probe's own")]
pub enum Says {
    Applied,
    NotApplied,
    Partial,
    Foreign,
    Unknown,
}

/// What must come of something that others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Done before the call is prepared: that is refused with this code.
    PrepareRefused(&'static str),
    /// Done between prepare and apply: a probe says this, and apply is refused with this code and
    /// changes nothing.
    ApplyRefused(Says, &'static str),
    /// Done between prepare and apply: a probe says this, apply goes well, and an undo leaves the
    /// world as the others alone would have made it.
    Before(Says),
    /// Done after apply: a probe says this, and an undo leaves the world as the others alone would
    /// have made it.
    After(Says),
    /// Done after apply: there is nothing left to undo.
    NothingToUndo(Says),
    /// Done after apply: a probe says this, and an undo is refused with this code and changes
    /// nothing.
    UndoRefused(Says, &'static str),
    /// Done between prepare and apply: apply ends with this code.
    Fails(&'static str),
    /// Done between prepare and apply: a read, a wait, and a change that has nothing left to do go
    /// well, and whoever comes later still prepares and applies without a change.
    Goes,
}
