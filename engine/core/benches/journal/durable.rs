//! Durable calls a second, against what the disk gives; and whether a long run slows down.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::rig::{Rig, median};
use crate::row;

const ROUNDS: usize = 9;
const CALLS: usize = 1_500;
const CALLS_OF_EACH: usize = 100;
const RUNS: usize = 64;

/// Appends to one file with an fdatasync after each write; returns how many a second.
fn raw(directory: &Path, bytes: usize, count: usize) -> f64 {
    let path = directory.join("raw");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let record = vec![b'x'; bytes];
    let began = Instant::now();
    for _ in 0..count {
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// Prints the rows of one run and of many runs, each against the disk.
pub fn measure(directory: &Path) {
    let rig = Rig::open(directory);
    let (_, bytes) = rig.run(1, 200);
    let (mut raws, mut ones, mut manies) = (vec![], vec![], vec![]);
    let (mut one_to_raw, mut many_to_one) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let raw = raw(directory, bytes, CALLS);
        let one = CALLS as f64 / rig.run(1, CALLS).0;
        let many = (RUNS * CALLS_OF_EACH) as f64 / rig.run(RUNS, CALLS_OF_EACH).0;
        raws.push(raw);
        ones.push(one);
        manies.push(many);
        one_to_raw.push(one / raw);
        many_to_one.push(many / one);
    }
    let a_second = |figures| format!("{:.0}/s", median(figures));
    row(&format!("raw: write {bytes} bytes and fdatasync"), &a_second(raws), "");
    row("durable calls of one run", &a_second(ones), "");
    row(&format!("durable calls of {RUNS} runs together"), &a_second(manies), "");
    row("one run against raw", &format!("{:.2}", median(one_to_raw)), ">= 0.5");
    row(&format!("{RUNS} runs against one"), &format!("{:.2}", median(many_to_one)), ">= 3");
}

/// Prints what call 10,000 of a run costs against call 10.
pub fn measure_length(directory: &Path) {
    const WINDOW: usize = 200;
    let rig = Rig::open(directory);
    rig.run(1, 200);
    let mut ratios = vec![];
    for _ in 0..3 {
        rig.run(1, 10_000 + WINDOW);
        let times = rig.times.lock().unwrap();
        let cost = |at: usize| {
            let window = &times[at..at + WINDOW];
            median(window.windows(2).map(|w| (w[1] - w[0]).as_secs_f64()).collect())
        };
        ratios.push(cost(10_000 - WINDOW / 2) / cost(10));
    }
    row("call 10,000 against call 10", &format!("{:.2}", median(ratios)), "<= 1.2");
}
