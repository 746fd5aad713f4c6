//! How far a run has come, and how much time it still takes: from its plan, and from what has
//! passed.

use std::collections::{HashMap, HashSet};

use windlass_engine::clock::Millis;
use windlass_engine::id::CallKey;
use windlass_engine::run::{Plan, PlannedCall};
use windlass_engine::step::Kind;
use windlass_engine::wait::is_wait;

/// Calls that must have been made before their pace tells anything.
const PACE_CALLS_MIN: i64 = 3;

/// The way of one run.
pub struct Course {
    calls: HashMap<CallKey, Takes>,
    done: HashSet<CallKey>,
    began: Option<Millis>,
}

/// How long a call takes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Takes {
    /// So long: it waits for the time.
    Known(i64),
    /// As long as the others, about.
    Work,
    /// As long as people, or a condition, let it wait.
    Open,
}

impl Course {
    /// Returns the way that a plan foresees. Reads are not counted: they take no time, and nobody
    /// sees them.
    pub fn of(plan: &Plan) -> Self {
        let calls = plan.calls.iter().filter(|call| call.kind != Kind::Read);
        let calls = calls.map(|call| (call.key.clone(), takes(call))).collect();
        Course { calls, done: HashSet::new(), began: None }
    }

    /// Notes that a call begins; one that was not foreseen (a loop that goes on) counts from now on.
    pub fn begins(&mut self, key: &CallKey, at: Millis) {
        self.began.get_or_insert(at);
        self.calls.entry(key.clone()).or_insert(Takes::Work);
    }

    /// Notes that a call is over, and returns how far the run is then: "3 of 12, about 2 min left".
    pub fn ends(&mut self, key: &CallKey, at: Millis) -> String {
        self.begins(key, at);
        self.done.insert(key.clone());
        let far = format!("{} of {}", self.done.len(), self.calls.len());
        match self.left(at) {
            Some(left) => format!("{far}, about {} left", about(left)),
            None => far,
        }
    }

    /// Returns how much time is left, if that can be told.
    fn left(&self, now: Millis) -> Option<i64> {
        let (mut passed, mut left) = (now - self.began?, 0);
        let (mut made, mut to_make) = (0_i64, 0_i64);
        for (key, takes) in &self.calls {
            match (takes, self.done.contains(key)) {
                (Takes::Known(ms), true) => passed -= ms,
                (Takes::Known(ms), false) => left += ms,
                (Takes::Work, true) => made += 1,
                (Takes::Work, false) => to_make += 1,
                // What people took of the time says nothing of the pace.
                (Takes::Open, _) => return None,
            }
        }
        if self.done.len() == self.calls.len() || (to_make > 0 && made < PACE_CALLS_MIN) {
            return None;
        }
        let pace = passed.max(0) / made.max(1);
        Some(left + pace * to_make)
    }
}

fn takes(call: &PlannedCall) -> Takes {
    match call.takes_ms {
        Some(ms) => Takes::Known(ms),
        None if is_wait(&call.step) => Takes::Open,
        None => Takes::Work,
    }
}

/// Returns a length of time in one or two units.
pub fn about(ms: i64) -> String {
    let seconds = (ms + 999) / 1_000;
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) if m < 5 && s > 0 => format!("{m} min {s} s"),
        (0, 0, m, _) => format!("{m} min"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, 0, _, _) => format!("{d} d"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(key: &str, step: &str, takes_ms: Option<i64>) -> PlannedCall {
        let (kind, says) = (Kind::Change, String::new());
        PlannedCall { key: key.parse().unwrap(), step: step.to_owned(), kind, says, takes_ms }
    }

    fn told(calls: Vec<PlannedCall>, ends: &[(&str, i64)]) -> Vec<String> {
        let mut course = Course::of(&Plan { calls, ..Plan::default() });
        course.begins(&"1".parse().unwrap(), 0);
        ends.iter().map(|(key, at)| course.ends(&key.parse().unwrap(), *at)).collect()
    }

    #[test]
    fn the_pace_so_far_and_the_windows_to_come_tell_how_much_is_left() {
        let work = |key: &str| call(key, "service.switch_secret", None);
        let mut calls: Vec<_> = ["1", "2", "3", "4", "6"].map(work).into();
        calls.push(call("5", "service.observe", Some(600_000)));
        let ends = [
            ("1", 4_000),
            ("2", 8_000),
            ("3", 12_000),
            ("4", 16_000),
            ("5", 616_000),
            ("6", 620_000),
        ];
        let expected = [
            "1 of 6",
            "2 of 6",
            "3 of 6, about 10 min left",
            "4 of 6, about 10 min left",
            "5 of 6, about 4 s left",
            "6 of 6",
        ];
        assert_eq!(told(calls, &ends), expected);
    }

    #[test]
    fn what_people_take_can_not_be_told_and_loops_make_it_longer() {
        let calls = vec![call("1", "secret.create", None), call("2", "approve", None)];
        assert_eq!(told(calls, &[("1", 1), ("2", 2)]), ["1 of 2", "2 of 2"]);
        let one = vec![call("1", "secret.create", None)];
        assert_eq!(told(one, &[("1", 1), ("7.1", 2)]), ["1 of 1", "2 of 2"]);
    }

    #[test]
    fn lengths_are_said_in_one_or_two_units() {
        let table = [
            (0, "0 s"),
            (59_001, "1 min"),
            (61_000, "1 min 1 s"),
            (600_000, "10 min"),
            (7_800_000, "2 h 10 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (ms, said) in table {
            assert_eq!(about(ms), said);
        }
    }
}
