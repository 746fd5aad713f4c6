//! Devices that forget what was not synced.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use windlass_engine::journal::{JournalStore, MemoryStore, SledStore, read_chain};

use crate::home::{Chain, copy, run, scratch};

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
