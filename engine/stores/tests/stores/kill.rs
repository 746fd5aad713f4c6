//! A writer is killed at a random moment, two hundred times; nothing that it acknowledged is lost.
//!
//! How: this test binary runs itself with [`LIFE`] set. That child opens the store, and several
//! threads append to runs of their own, sync, and only then write the entry's name to a pipe. Now
//! and then a thread forgets its run and begins another. The parent kills it, opens the store, and
//! looks for every entry and every tombstone that it read from the pipe.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use windlass_journal::id::RunId;
use windlass_journal::{Durable, Journals, read_chain};
use windlass_stores::SledStore;

use windlass_stores::conformance::run;

use crate::home::{Chain, scratch};

/// Set for the child: the number of its life, and the store.
const LIFE: &str = "WINDLASS_TEST_LIFE";
const LIVES: u64 = 200;
/// Lives after which a store is given up for a new one, so that beginnings are killed too.
const LIVES_OF_A_STORE: u64 = 25;
const THREADS: u64 = 4;

/// Held while a child is made and while the parent has a store open: between fork and exec a child
/// holds the parent's locks too.
static FORKING: Mutex<()> = Mutex::new(());

fn name(life: u64, thread: u64, nth: u64) -> String {
    format!("{life}_{thread}_{nth}")
}

/// What a child acknowledged: entries by their numbers, and runs as forgotten.
type Acks = Vec<(String, Option<u64>)>;

#[test]
fn nothing_acknowledged_is_lost_by_two_hundred_kills() {
    if let Ok(life) = std::env::var(LIFE) {
        return child(&life);
    }
    let seed: u64 = std::env::var("WINDLASS_SEED").map_or(20_261_121, |s| s.parse().unwrap());
    println!("WINDLASS_SEED={seed}");
    let acknowledged = Mutex::new(0);
    // Two at a time: most of a life is waiting for a disk or for its end.
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let mut random = Random(seed + worker);
                let mut directory = scratch();
                for life in 0..LIVES / 2 {
                    if life % LIVES_OF_A_STORE == 0 {
                        directory = scratch();
                    }
                    let length = Duration::from_millis(random.next() % 100);
                    // Most die while they write, some while they open the store.
                    let from = if life % 5 == 0 { From::Birth } else { From::FirstWord };
                    let acks = live_and_die(directory.path(), life, from, length);
                    verify(directory.path(), &acks);
                    *acknowledged.lock().unwrap() += acks.len();
                }
            });
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    println!("{acknowledged} entries and tombstones acknowledged in {LIVES} lives");
    assert!(acknowledged > 1_000, "the writers hardly wrote: {acknowledged}");
}

/// From when on the length of a life counts.
#[derive(PartialEq)]
enum From {
    Birth,
    FirstWord,
}

/// Returns what a child acknowledged before it was killed.
fn live_and_die(store: &Path, life: u64, from: From, length: Duration) -> Acks {
    let forking = FORKING.lock().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::nothing_acknowledged_is_lost_by_two_hundred_kills", "--nocapture"])
        .env(LIFE, format!("{life} {}", store.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(forking);
    let pipe = child.stdout.take().unwrap();
    let (says, said) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(pipe).split(b'\n').map(|line| line.unwrap());
        let lines = lines.map(|line| String::from_utf8(line).unwrap());
        let acks = lines.filter_map(|line| {
            let (run, seq) = line.strip_prefix("ack ")?.strip_suffix('.')?.split_once(' ')?;
            // Nobody listens any more once a life has its length.
            let _ = says.send(());
            Some((run.to_owned(), if seq == "gone" { None } else { Some(seq.parse().unwrap()) }))
        });
        acks.collect()
    });
    if from == From::FirstWord {
        said.recv().unwrap();
    }
    // The one sleep of these tests: the moment of death is to be a moment in time.
    std::thread::sleep(length);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn verify(store: &Path, acks: &[(String, Option<u64>)]) {
    let _no_child_now = FORKING.lock().unwrap();
    let store = SledStore::open(store).unwrap();
    let mut lengths = std::collections::HashMap::new();
    let gone: HashSet<RunId> =
        store.tombstones().unwrap().into_iter().map(|(run, _)| run).collect();
    for (name, seq) in acks {
        let Some(seq) = seq else {
            assert!(gone.contains(&run(name)), "{name}: forgetting it was acknowledged");
            continue;
        };
        // It was being forgotten when the process died: then all of it is gone.
        if gone.contains(&run(name)) {
            assert_eq!(store.read(&run(name)).unwrap().len(), 0, "{name}: a part of it is left");
            continue;
        }
        let length = lengths.entry(name).or_insert_with(|| {
            let records = store.read(&run(name)).unwrap();
            read_chain(&records).unwrap().0.len() as u64
        });
        assert!(seq < length, "{name}: entry {seq} was acknowledged, and there are {length}");
    }
    // Runs of which nothing was acknowledged: what is there must be whole all the same.
    for (other, _) in store.summaries(false).unwrap() {
        read_chain(store.read(&other).unwrap()).unwrap();
    }
}

fn child(life: &str) {
    let (life, store) = life.split_once(' ').unwrap();
    let life: u64 = life.parse().unwrap();
    let store = SledStore::open(Path::new(store)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                let acknowledge = |run: &str, what: &str| {
                    let line = format!("ack {run} {what}.\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                };
                let (mut run_name, mut nth) = (name(life, thread, 0), 0);
                let (mut chain, mut random) = (Chain::default(), Random(life * 10 + thread));
                loop {
                    if random.next() % 20 == 0 {
                        store.sync(store.forget(&run(&run_name), b"stone").unwrap()).unwrap();
                        acknowledge(&run_name, "gone");
                        nth += 1;
                        (run_name, chain) = (name(life, thread, nth), Chain::default());
                    }
                    let length = match random.next() % 50 {
                        0 => 60_000,
                        1..4 => 6_000,
                        _ => 250,
                    };
                    let (seq, position) = chain.append(store, &run(&run_name), length);
                    if seq == 0 {
                        store.put_summary(&run(&run_name), true, b"open").unwrap();
                    }
                    store.sync(position).unwrap();
                    acknowledge(&run_name, &seq.to_string());
                }
            });
        }
    });
}

/// A small generator (xorshift): the seed is printed, so that a failure can be had again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}
