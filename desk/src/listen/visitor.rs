//! Who is at the other end of a connection: a stranger, or somebody who has shown a token.
//!
//! Strangers have a budget of their own, and of too many the one that has been there longest is cut
//! off. Whoever has a token shows it with the first request, a moment after connecting, and is no
//! stranger from then on: a crowd that connects and says nothing only pushes out itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::problem::{Kind, Problem};
use crate::seats::{Full, Seat, Seats};

/// The connections on which no token has been shown yet.
pub(crate) struct Strangers {
    most: usize,
    there: Mutex<There>,
}

#[derive(Default)]
struct There {
    next: u64,
    /// By the order in which they came.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Strangers {
    /// Returns a budget for so many.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Strangers { most, there: Mutex::default() })
    }

    /// Lets one in, and returns what is told when it is cut off.
    fn enter(&self) -> (u64, oneshot::Receiver<()>) {
        let (cut, told) = oneshot::channel();
        let mut there = self.lock();
        if there.waiting.len() >= self.most
            && let Some((_, oldest)) = there.waiting.pop_first()
        {
            // It may have gone by itself.
            let _ = oldest.send(());
        }
        let number = there.next;
        there.next += 1;
        there.waiting.insert(number, cut);
        (number, told)
    }

    fn leave(&self, number: u64) {
        self.lock().waiting.remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever is at the other end of one connection, for as long as it is open.
pub(crate) struct Visitor {
    strangers: Arc<Strangers>,
    number: u64,
    seats: Arc<Seats>,
    seat: Mutex<Option<Seat>>,
}

impl Visitor {
    /// Lets one in. The future that comes with it ends when it is cut off in favour of another.
    pub(crate) fn enter(
        strangers: &Arc<Strangers>,
        seats: &Arc<Seats>,
    ) -> (Arc<Self>, impl Future<Output = ()> + use<>) {
        let (number, told) = strangers.enter();
        let (strangers, seats) = (strangers.clone(), seats.clone());
        let visitor = Arc::new(Visitor { strangers, number, seats, seat: Mutex::default() });
        let cut = async move {
            // An error means that a token was shown, and it stays.
            if told.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (visitor, cut)
    }

    /// Notes that a token was shown which is good.
    ///
    /// # Errors
    /// If there are too many connections, or too many of this token.
    pub(crate) fn shows(&self, token: &str) -> Result<(), Problem> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.as_ref().is_some_and(|seat| seat.is_of(token)) {
            return Ok(());
        }
        // A connection may be shared, by a proxy: it counts for who used it last.
        *seat = None;
        *seat = Some(self.seats.take(token).map_err(|full| {
            match full {
                Full::Each(most) => Kind::TOO_MANY
                    .because(format!("this token has {most} connections, as many as one may have"))
                    .hint("Close some, or use one for more than one request."),
                Full::All(most) => Kind::BUSY
                    .because(format!("{most} connections are open, as many as there may be"))
                    .hint("Try again in a moment; `[console] connections_max` allows more."),
            }
        })?);
        self.strangers.leave(self.number);
        Ok(())
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.strangers.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_too_many_strangers_the_oldest_goes_and_whoever_showed_a_token_stays() {
        let (strangers, seats) = (Strangers::new(2), Seats::new(10, 10));
        let (known, stays) = Visitor::enter(&strangers, &seats);
        known.shows("t").unwrap();
        let (_first, cut) = Visitor::enter(&strangers, &seats);
        let (_second, stays_too) = Visitor::enter(&strangers, &seats);
        let (_third, _) = Visitor::enter(&strangers, &seats);
        tokio::select! {
            biased;
            () = stays => panic!("whoever showed a token was cut off"),
            () = stays_too => panic!("the second was cut off before the first"),
            () = cut => {}
        }
        assert_eq!(strangers.lock().waiting.len(), 2);
    }
}
