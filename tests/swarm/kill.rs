//! Killed with SIGKILL at every point of every changing call of the same-name rotation, then one
//! resume: all new (or all old), nothing left over.
//!
//! How: the program kills itself when it reaches the point that its environment names, so nothing
//! gets to clean up. The cases run side by side on one lab, each with two services of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::oracle::{Before, assert_nowhere, assert_over, assert_serves};
use crate::rig::{Operator, Rig, all, code};

/// The changing calls of a same-name rotation of two services.
const CALLS: [&str; 12] = [
    "5", "7.1.1", "7.2.1", "11.1.1", "11.2.1", "12", "13", "15.1.1", "15.2.1", "18.1.1", "18.2.1",
    "19",
];

const POINTS: [&str; 3] = ["after-intent", "after-effect", "after-outcome"];

/// Cases that run at the same time; each has two services of one task.
const AT_ONCE: usize = 6;

struct Case {
    at: String,
    secret: String,
    services: [String; 2],
    value: String,
    operator: Operator,
    before: Vec<Before>,
    printed: String,
}

impl Case {
    fn begin(rig: &Rig, nth: usize, at: String) -> Self {
        let secret = format!("k{nth}");
        rig.create_secret(&secret, "old");
        let services = [format!("k{nth}a"), format!("k{nth}b")];
        for service in &services {
            rig.create_service(service, &format!("--replicas 1 --secret {secret}"));
        }
        let before = services.iter().map(|service| Before::of(rig, service)).collect();
        let value = format!("canary-{nth}-of-killing");
        let mut case = Case {
            at,
            secret,
            services,
            value,
            operator: rig.operator(),
            before,
            printed: String::new(),
        };
        let output = case.operator.rotate_and_die(&case.secret, &case.value, &case.at);
        assert_eq!(code(&output), -9, "{}: not killed: {}", case.at, all(&output));
        case.printed = all(&output);
        case
    }

    fn resume(&mut self, rig: &Rig) {
        let told = self.operator.windlass("runbooks");
        assert!(all(&told).contains("windlass show run_"), "{}: not told", self.at);
        let planned = self.operator.windlass("resume --plan");
        assert_eq!(code(&planned), 0, "{}: {}", self.at, all(&planned));
        let output = self.operator.windlass("resume");
        assert_eq!(code(&output), 0, "{}: {}{}", self.at, self.printed, all(&output));
        self.printed += &all(&output);
        for (service, before) in self.services.iter().zip(&self.before) {
            before.assert_same_shape(rig, &self.secret, &self.secret);
            let path = format!("/run/secrets/{}", self.secret);
            assert_serves(rig, service, &path, &self.value, 1);
        }
        let names = rig.secret_names();
        assert!(!names.contains(&format!("{}.tmp", self.secret)), "{}: .tmp is left", self.at);
        assert_over(&self.operator);
        assert_nowhere(&self.value, &self.operator, &self.printed);
        for service in &self.services {
            rig.docker(&format!("service rm {service}"));
        }
    }
}

fn points() -> Vec<String> {
    CALLS.iter().flat_map(|call| POINTS.map(|point| format!("{point}:{call}"))).collect()
}

/// Does something for each item, several at a time, and returns the results in order.
fn side_by_side<T: Send, R: Send>(items: Vec<T>, work: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let items: Vec<Mutex<Option<T>>> =
        items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let results: Vec<Mutex<Option<R>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let nth = items.iter().position(|other| std::ptr::eq(other, item)).unwrap();
                    let item = item.lock().unwrap().take().unwrap();
                    *results[nth].lock().unwrap() = Some(work(nth, item));
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().unwrap().unwrap()).collect()
}

#[test]
fn killed_at_any_point_a_rotation_ends_all_new_after_one_resume() {
    let rig = Rig::up();
    let cases = side_by_side(points(), |nth, at| Case::begin(&rig, nth, at).resume(&rig));
    assert_eq!(cases.len(), CALLS.len() * POINTS.len());
}

#[test]
fn killed_at_any_call_and_the_manager_rebooted_a_rotation_ends_all_new_after_one_resume() {
    let mut rig = Rig::up();
    let effects: Vec<String> = CALLS.iter().map(|call| format!("after-effect:{call}")).collect();
    let cases = side_by_side(effects, |nth, at| Case::begin(&rig, nth, at));
    rig.reboot_manager();
    let rig = &rig;
    side_by_side(cases, |_, mut case| case.resume(rig));
}
