//! The life of a run in this process, as one table.
//!
//! ```text
//!            turn            rests
//!   queued -------> driven -------> resting
//!      ^                               |
//!      +------------- wakes -----------+        each of them: parks, ends -> ended
//! ```

/// Where a run stands that this process has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It has no thread, and goes on when its turn comes.
    Queued,
    /// A thread drives it.
    Driven,
    /// It waits, and no thread drives it.
    Resting,
    /// It has been let go of.
    Ended,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happens {
    /// Its turn has come.
    Turn,
    /// All that is left to do is to wait.
    Rests,
    /// A wait is over, or somebody wants something of it.
    Wakes,
    /// This process is asked to stop.
    Parks,
    /// It goes no further here, or could not begin.
    Ends,
}

/// What has to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing.
    Nothing,
    /// It gets in line for a turn.
    Queue,
    /// It gets a thread.
    Begin,
    /// Its thread is asked to stop.
    Stop,
    /// It is forgotten, and whoever follows it is told.
    LetGo,
}

impl Life {
    /// Returns where the run stands then, and what has to be done.
    pub(super) fn then(self, happens: Happens) -> (Life, Act) {
        match (self, happens) {
            (Life::Ended, _) => (Life::Ended, Act::Nothing),
            (Life::Queued, Happens::Turn) => (Life::Driven, Act::Begin),
            (Life::Driven, Happens::Rests) => (Life::Resting, Act::Nothing),
            (Life::Resting, Happens::Wakes) => (Life::Queued, Act::Queue),
            // Its thread sees to the rest: what it leaves behind is recorded.
            (Life::Driven, Happens::Parks) => (Life::Driven, Act::Stop),
            // Where it stands is recorded: there is nothing left to do, and no thread to do it.
            (Life::Queued | Life::Resting, Happens::Parks) | (_, Happens::Ends) => {
                (Life::Ended, Act::LetGo)
            }
            // It is at work already, or on its way there; whoever parks it looks again.
            (life, Happens::Turn | Happens::Rests | Happens::Wakes) => (life, Act::Nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Act::{Begin, LetGo, Nothing, Queue, Stop};
        use Happens::{Ends, Parks, Rests, Turn, Wakes};
        use Life::{Driven, Ended, Queued, Resting};
        let table = [
            (Queued, Turn, Driven, Begin),
            (Queued, Rests, Queued, Nothing),
            (Queued, Wakes, Queued, Nothing),
            (Queued, Parks, Ended, LetGo),
            (Queued, Ends, Ended, LetGo),
            (Driven, Turn, Driven, Nothing),
            (Driven, Rests, Resting, Nothing),
            (Driven, Wakes, Driven, Nothing),
            (Driven, Parks, Driven, Stop),
            (Driven, Ends, Ended, LetGo),
            (Resting, Turn, Resting, Nothing),
            (Resting, Rests, Resting, Nothing),
            (Resting, Wakes, Queued, Queue),
            (Resting, Parks, Ended, LetGo),
            (Resting, Ends, Ended, LetGo),
            (Ended, Turn, Ended, Nothing),
            (Ended, Rests, Ended, Nothing),
            (Ended, Wakes, Ended, Nothing),
            (Ended, Parks, Ended, Nothing),
            (Ended, Ends, Ended, Nothing),
        ];
        for (life, happens, then, act) in table {
            assert_eq!(life.then(happens), (then, act), "{life:?} {happens:?}");
        }
    }
}
