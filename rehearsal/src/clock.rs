//! Virtual time: it moves when every thread that drives the run sleeps, and then to where the first
//! of them wakes. A rollout of ten minutes takes no time, and no order of events is skipped.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use windlass_engine::clock::{Clock, Millis};
use windlass_lab::simulated::Simulated;

/// The clock of a simulated swarm, as the engine's clock.
pub(crate) struct SwarmClock {
    swarm: Simulated,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Threads that drive runs, asleep or not.
    threads: i64,
    /// Who sleeps, by when they wake.
    sleepers: BTreeMap<(Millis, u64), Waker>,
    last: u64,
}

impl SwarmClock {
    /// Returns the clock of a swarm.
    pub(crate) fn of(swarm: &Simulated) -> Self {
        SwarmClock { swarm: swarm.clone(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves time to where the first sleeper wakes, if nobody is at work.
    fn move_on(&self, state: &mut State) {
        let asleep = i64::try_from(state.sleepers.len()).unwrap_or(i64::MAX);
        let Some((&(first, _), _)) = state.sleepers.first_key_value() else { return };
        if asleep < state.threads {
            return;
        }
        self.swarm.advance_to(first);
        let later = state.sleepers.split_off(&(self.swarm.now() + 1, 0));
        // Those who are woken are at work from here on.
        std::mem::replace(&mut state.sleepers, later).into_values().for_each(Waker::wake);
    }
}

#[async_trait]
impl Clock for SwarmClock {
    fn now(&self) -> Millis {
        self.swarm.now()
    }

    async fn sleep_until(&self, deadline: Millis) {
        Sleep { clock: self, deadline, number: None }.await;
    }

    fn at_work(&self, change: i32) {
        let mut state = self.lock();
        state.threads += i64::from(change);
        if change < 0 {
            self.move_on(&mut state);
        }
    }
}

struct Sleep<'a> {
    clock: &'a SwarmClock,
    deadline: Millis,
    number: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock;
        let mut state = clock.lock();
        if clock.swarm.now() >= self.deadline {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or_else(|| {
            state.last += 1;
            state.last
        });
        self.number = Some(number);
        state.sleepers.insert((self.deadline, number), cx.waker().clone());
        clock.move_on(&mut state);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.lock().sleepers.remove(&(self.deadline, number));
        }
    }
}
