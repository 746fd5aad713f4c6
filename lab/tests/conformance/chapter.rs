//! A chapter: cases that are run on one real lab, and each on a simulated swarm of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::model::Virtual;
use crate::normal::normal;
use crate::place::Place;
use crate::real::Real;
use crate::table;

/// A behaviour, and what is seen of it.
pub type Case = (&'static str, fn(&Place) -> Value);

/// Lists cases under their own names.
macro_rules! cases {
    ($($case:ident),* $(,)?) => { &[$((stringify!($case), $case)),*] };
}
pub(crate) use cases;

pub struct Chapter {
    pub title: &'static str,
    /// Begins the name of its lab.
    pub letter: char,
    pub nodes: usize,
    pub managers: usize,
    /// How many cases share the lab at a time; one where they change its nodes.
    pub at_once: usize,
    pub cases: &'static [&'static [Case]],
}

/// What was seen of a case, or what went wrong.
pub type Seen = Result<Value, String>;

/// A case with what was seen in both places.
pub struct Pair {
    pub name: &'static str,
    pub real: Seen,
    pub simulated: Seen,
}

impl Chapter {
    /// Runs every case in both places; panics with what differs.
    pub fn run(&self) {
        let chosen = std::env::var("WINDLASS_CONFORMANCE_CASE").unwrap_or_default();
        let all = self.cases.iter().flat_map(|part| part.iter());
        let cases: Vec<&Case> = all.filter(|(name, _)| name.contains(&chosen)).collect();
        let runtime = Runtime::new().unwrap();
        let real = Real::up(&runtime, self.letter, self.nodes, self.managers);
        let queue = Mutex::new(cases.into_iter().enumerate());
        let work = || {
            let mut pairs = Vec::new();
            loop {
                let next = queue.lock().unwrap().next();
                let Some((index, case)) = next else { return pairs };
                pairs.push((index, self.both(&runtime, &real, index, case)));
            }
        };
        let mut pairs: Vec<(usize, Pair)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.at_once).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        drop(real);
        pairs.sort_by_key(|(index, _)| *index);
        let pairs: Vec<Pair> = pairs.into_iter().map(|(_, pair)| pair).collect();
        let whole = chosen.is_empty();
        if whole {
            table::write(self.title, &pairs);
        }
        table::differences(&pairs);
        if whole {
            table::book(self.title, &pairs);
        }
    }

    /// Runs a case in both places.
    fn both(&self, runtime: &Runtime, real: &Real, index: usize, (name, case): &Case) -> Pair {
        let start = Instant::now();
        let real = seen(*case, || Place::new(real.socket(), real, index));
        let real_seconds = start.elapsed().as_secs_f64();
        let model = Virtual::up(runtime, self.nodes, self.managers);
        let simulated = seen(*case, || Place::new(model.socket(), &model, index));
        let seconds = start.elapsed().as_secs_f64() - real_seconds;
        eprintln!("{real_seconds:6.2} s real, {seconds:5.2} s simulated: {name}");
        Pair { name, real, simulated }
    }
}

/// Runs a case in a place. What it can't go on with is part of what was seen.
fn seen<'a>(case: fn(&Place) -> Value, place: impl FnOnce() -> Place<'a>) -> Seen {
    let watch = || {
        let place = place();
        let observed = normal(&place, &case(&place));
        place.clean();
        observed
    };
    catch_unwind(AssertUnwindSafe(watch)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
    })
}
