//! Delivers what is in the outbox for one receiver.

use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;

use super::backoff::pause;
use super::config::Config;
use super::outbox::{Delivery, Outbox, OutboxError};
use super::send::{Refusal, send};
use crate::Stop;

/// Delivers to one receiver.
pub struct Courier {
    engine: Engine,
    outbox: Outbox,
    to: Config,
}

impl Courier {
    /// Returns a courier to a receiver.
    pub fn new(engine: Engine, outbox: Outbox, to: Config) -> Self {
        Courier { engine, outbox, to }
    }

    /// Tries everything that is due, in the order of what happened, and returns when to come
    /// again; never, if nothing is left. What is on its way when it is time to stop stays in the
    /// outbox.
    ///
    /// # Errors
    /// If the outbox can't be used.
    pub async fn round(&self, stop: &Stop) -> Result<Option<Millis>, OutboxError> {
        let mut next: Option<Millis> = None;
        let mut reachable = true;
        for delivery in self.pending().await? {
            let now = self.engine.clock().now();
            let mut again = delivery.next;
            if reachable && again <= now {
                let sent = tokio::select! {
                    sent = send(&self.to, &delivery.notice, now) => sent,
                    // Whether it was taken is not known: it is sent again, under the same key.
                    () = stop.asked() => return Ok(None),
                };
                match sent {
                    Ok(_) => {
                        self.write(move |outbox| outbox.delivered(&delivery)).await?;
                        continue;
                    }
                    Err(refusal) => {
                        // Those behind it keep their turn: they go out first thing afterwards.
                        reachable = !refusal.unreachable;
                        again = self.engine.clock().now() + self.pause(&delivery, &refusal);
                        self.write(move |outbox| outbox.failed(delivery, refusal, again)).await?;
                    }
                }
            }
            if !reachable {
                // Found unreachable a moment ago: nothing else is due before that is tried again.
                return Ok(Some(next.unwrap_or(again).max(now)));
            }
            next = Some(next.map_or(again, |next| next.min(again)));
        }
        Ok(next)
    }

    fn pause(&self, delivery: &Delivery, refusal: &Refusal) -> Millis {
        let mut random = [0; 8];
        // Without randomness the pause is the plain one.
        let _ = getrandom::fill(&mut random);
        let pause = pause(delivery.attempts + 1, u64::from_le_bytes(random));
        pause.max(refusal.leave_alone_ms.unwrap_or(0).min(3600 * 1000))
    }

    async fn pending(&self) -> Result<Vec<Delivery>, OutboxError> {
        let name = self.to.name.to_string();
        self.write(move |outbox| outbox.pending(&name)).await
    }

    /// Uses the outbox from a thread that may block.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Outbox) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let outbox = self.outbox.clone();
        crate::blocking(move || work(&outbox)).await
    }
}
