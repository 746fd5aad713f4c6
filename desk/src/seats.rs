//! How many connections and streams there may be, in all and of one token: whoever holds as many as
//! they may must leave room for everybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places that are taken for a while.
pub(crate) struct Seats {
    all_max: usize,
    each_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    each: HashMap<String, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All places are taken.
    All(usize),
    /// This token has as many as one may have.
    Each(usize),
}

/// A place, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    token: String,
}

impl Seats {
    /// Returns so many places, of which one token may have so many.
    pub(crate) fn new(all_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Seats { all_max, each_max, taken: Mutex::default() })
    }

    /// Takes a place for a token.
    ///
    /// # Errors
    /// If there is none left, or none for this token.
    pub(crate) fn take(self: &Arc<Self>, token: &str) -> Result<Seat, Full> {
        let mut taken = self.lock();
        let has = taken.each.get(token).copied().unwrap_or_default();
        if has >= self.each_max {
            return Err(Full::Each(self.each_max));
        }
        if taken.all >= self.all_max {
            return Err(Full::All(self.all_max));
        }
        taken.all += 1;
        taken.each.insert(token.to_owned(), has + 1);
        Ok(Seat { seats: self.clone(), token: token.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// True if this token took it.
    pub(crate) fn is_of(&self, token: &str) -> bool {
        self.token == token
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all -= 1;
        if let Some(has) = taken.each.get_mut(&self.token) {
            *has -= 1;
            if *has == 0 {
                taken.each.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_share_and_all_have_no_more_than_there_is() {
        let seats = Seats::new(3, 2);
        let first = seats.take("a").ok().unwrap();
        let _second = seats.take("a").ok().unwrap();
        assert_eq!(seats.take("a").err(), Some(Full::Each(2)));
        let _third = seats.take("b").ok().unwrap();
        assert_eq!(seats.take("c").err(), Some(Full::All(3)));
        drop(first);
        assert!(seats.take("c").is_ok());
        // That one was given back at once.
        assert!(seats.take("a").is_ok());
        assert_eq!(seats.lock().each.len(), 2);
    }
}
