//! Devices that forget what was not synced, and stores that forget runs on such devices.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use windlass_journal::{Durable, JournalStore, Journals, read_chain};
use windlass_stores::{MemoryStore, SledStore};

use windlass_stores::conformance::run;

use crate::home::{Chain, copy, scratch};

/// How many entries of each thread's run have been acknowledged.
type Acknowledged = HashMap<usize, u64>;

/// Memory: three runs, a sync after every fourth write, and a crash after each write that keeps
/// every possible number of those not synced.
#[test]
fn in_memory_a_crash_at_every_write_keeps_what_was_acknowledged() {
    let store = MemoryStore::new();
    let mut chains: Vec<Chain> = (0..3).map(|_| Chain::default()).collect();
    let (mut acknowledged, mut written) = (Acknowledged::new(), Acknowledged::new());
    for n in 0..60 {
        let (seq, position) = chains[n % 3].append(&store, &run(n % 3), 20);
        written.insert(n % 3, seq + 1);
        if n % 4 == 3 {
            store.sync(position).unwrap();
            acknowledged.clone_from(&written);
        }
        for kept in 0..=store.unsynced() {
            let after = store.crash(kept);
            verify(&after, &acknowledged, &format!("write {n}, {kept} kept"));
        }
    }
}

/// Disk: eight threads append and sync; at some of the syncs, before anybody is told, the files are
/// copied with whatever else is under way. Each copy must hold what had been acknowledged by then,
/// and what this sync is about to acknowledge.
#[test]
fn the_files_at_each_sync_hold_what_was_acknowledged_by_then() {
    const THREADS: usize = 8;
    const COPIES: usize = 25;
    let scratch = scratch();
    let (syncs, copies) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let hook = {
        let (syncs, copies, acknowledged) = (syncs.clone(), copies.clone(), acknowledged.clone());
        let to = scratch.path().to_owned();
        Box::new(move |from: &std::path::Path| {
            let nth = syncs.fetch_add(1, Ordering::SeqCst);
            if nth % 4 == 0 && nth / 4 < COPIES {
                let then = acknowledged.lock().unwrap().clone();
                let to = to.join(format!("copy {nth}"));
                copy(from, &to);
                copies.lock().unwrap().push((to, then));
            }
        })
    };
    let store = SledStore::open(&scratch.path().join("store")).unwrap().after_each_sync(hook);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, acknowledged, syncs) = (&store, &acknowledged, &syncs);
            scope.spawn(move || {
                let mut chain = Chain::default();
                while syncs.load(Ordering::SeqCst) < 4 * COPIES {
                    let length = if chain_is_long(thread) { 7_000 } else { 150 };
                    let (seq, position) = chain.append(store, &run(thread), length);
                    store.sync(position).unwrap();
                    acknowledged.lock().unwrap().insert(thread, seq + 1);
                }
            });
        }
    });
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    assert_eq!(copies.len(), COPIES);
    for (path, then) in copies {
        let store = SledStore::open(&path).unwrap();
        verify(&store, &then, &path.display().to_string());
    }
}

/// Disk: runs are forgotten one after another, and before anybody is told, the files are copied at
/// each sync. A copy has each run whole or as a tombstone; those that were acknowledged as forgotten
/// don't come back.
#[test]
fn a_run_that_is_being_forgotten_is_whole_or_gone_at_each_sync() {
    const RUNS: u64 = 12;
    const ENTRIES: u64 = 25;
    let scratch = scratch();
    let copies = Arc::new(Mutex::new(Vec::new()));
    let gone = Arc::new(AtomicUsize::new(0));
    let hook = {
        let (copies, gone, to) = (copies.clone(), gone.clone(), scratch.path().to_owned());
        Box::new(move |from: &std::path::Path| {
            let mut copies = copies.lock().unwrap();
            let to = to.join(format!("copy {}", copies.len()));
            copy(from, &to);
            copies.push((to, gone.load(Ordering::SeqCst)));
        })
    };
    let live = scratch.path().join("store");
    let store = SledStore::open(&live).unwrap();
    for n in 0..RUNS {
        let mut chain = Chain::default();
        for seq in 0..ENTRIES {
            chain.append(&store, &run(n), if seq == 9 { 9_000 } else { 150 });
        }
        store.put_summary(&run(n), false, b"over").unwrap();
    }
    store.sync(store.end()).unwrap();
    let store = store.after_each_sync(hook);
    for n in 0..RUNS {
        store.sync(store.forget(&run(n), b"stone").unwrap()).unwrap();
        gone.fetch_add(1, Ordering::SeqCst);
    }
    let copies = std::mem::take(&mut *copies.lock().unwrap());
    assert_eq!(copies.len() as u64, RUNS);
    for (path, then) in copies {
        let store = SledStore::open(&path).unwrap();
        let stones = store.tombstones().unwrap();
        assert!(stones.len() >= then, "a run came back");
        for n in 0..RUNS {
            let is_gone = stones.iter().any(|(stone, _)| *stone == run(n));
            let entries = store.read(&run(n)).unwrap().len() as u64;
            assert_eq!(entries, if is_gone { 0 } else { ENTRIES }, "run {n} of {}", path.display());
        }
        assert_eq!(store.summaries(false).unwrap().len() + stones.len(), RUNS as usize);
    }
}

fn chain_is_long(thread: usize) -> bool {
    thread == 5
}

fn verify(store: &dyn JournalStore, acknowledged: &Acknowledged, what: &str) {
    for (thread, length) in acknowledged {
        let records = store.read(&run(thread)).unwrap();
        let (entries, _) = read_chain(&records).unwrap();
        assert!(entries.len() as u64 >= *length, "{what}: run {thread} lost an entry");
    }
}
