//! What is promised of journals.

use std::sync::atomic::{AtomicU64, Ordering};

use windlass_journal::{Position, StoreError};

use super::{Home, bytes, run};

/// Records come back in order and before any sync.
pub fn records_come_back_in_order_and_before_any_sync(home: &mut dyn Home) {
    let store = home.store();
    assert_eq!(store.read(&run("a")).unwrap(), Vec::<Vec<u8>>::new());
    for n in 0..300 {
        store.append(&run("a"), n as u64, &bytes(n, 100)).unwrap();
        assert_eq!(store.read(&run("a")).unwrap().len(), n + 1);
    }
    let records = store.read(&run("a")).unwrap();
    assert!(records.iter().enumerate().all(|(n, record)| *record == bytes(n, 100)));
}

/// An entry that exists is a conflict and stays as it was.
pub fn an_entry_that_exists_is_a_conflict_and_stays_as_it_was(home: &mut dyn Home) {
    let store = home.store();
    store.append(&run("a"), 0, b"first").unwrap();
    store.append(&run("a"), 1, b"second").unwrap();
    for seq in 0..2 {
        let refused = store.append(&run("a"), seq, b"other");
        assert!(matches!(refused, Err(StoreError::Conflict { seq: at, .. }) if at == seq));
    }
    assert_eq!(store.read(&run("a")).unwrap(), [b"first".to_vec(), b"second".to_vec()]);
}

/// An entry after a gap is refused.
pub fn an_entry_after_a_gap_is_refused(home: &mut dyn Home) {
    let store = home.store();
    assert!(matches!(store.append(&run("a"), 1, b"x"), Err(StoreError::Gap { seq: 1, .. })));
    store.append(&run("a"), 0, b"x").unwrap();
    assert!(matches!(store.append(&run("a"), 2, b"x"), Err(StoreError::Gap { seq: 2, .. })));
    assert_eq!(store.read(&run("a")).unwrap().len(), 1);
}

/// What was synced is there after opening again.
pub fn what_was_synced_is_there_after_opening_again(home: &mut dyn Home) {
    let store = home.store();
    store.append(&run("a"), 0, b"created").unwrap();
    store.put_summary(&run("a"), true, b"summary").unwrap();
    let last = store.put_value("text", b"let x = 1;").unwrap();
    store.sync(last).unwrap();
    drop(store);
    home.reopen();
    let store = home.store();
    assert_eq!(store.read(&run("a")).unwrap(), [b"created"]);
    assert_eq!(store.summaries(true).unwrap(), [(run("a"), b"summary".to_vec())]);
    assert_eq!(store.value("text").unwrap().unwrap(), b"let x = 1;");
}

/// One sync covers everything before it.
pub fn one_sync_covers_everything_before_it(home: &mut dyn Home) {
    let store = home.store();
    let mut last = Position::default();
    for n in 0..20 {
        let position = store.append(&run(n % 3), n / 3, b"x").unwrap();
        assert!(position > last, "positions must grow");
        last = position;
    }
    store.sync(last).unwrap();
    store.sync(Position::default()).unwrap();
    drop(store);
    home.reopen();
    let kept: usize = (0..3).map(|n| home.store().read(&run(n)).unwrap().len()).sum();
    assert_eq!(kept, 20);
}

/// Runs whose names begin alike are kept apart.
pub fn runs_whose_names_begin_alike_are_kept_apart(home: &mut dyn Home) {
    let store = home.store();
    for name in ["1", "11", "111"] {
        store.append(&run(name), 0, name.as_bytes()).unwrap();
    }
    assert_eq!(store.read(&run("1")).unwrap(), [b"1"]);
    assert_eq!(store.read(&run("11")).unwrap(), [b"11"]);
}

/// Summaries are listed by run and by whether it is open.
pub fn summaries_are_listed_by_run_and_by_whether_it_is_open(home: &mut dyn Home) {
    let store = home.store();
    for n in [2, 1, 3] {
        store.append(&run(n), 0, b"created").unwrap();
        store.put_summary(&run(n), true, format!("{n} goes").as_bytes()).unwrap();
    }
    store.append(&run(2), 1, b"finished").unwrap();
    let last = store.put_summary(&run(2), false, b"2 is over").unwrap();
    store.sync(last).unwrap();
    drop(store);
    home.reopen();
    let store = home.store();
    let (one, three) = ((run(1), b"1 goes".to_vec()), (run(3), b"3 goes".to_vec()));
    assert_eq!(store.summaries(true).unwrap(), [one.clone(), three.clone()]);
    assert_eq!(store.summaries(false).unwrap(), [one, (run(2), b"2 is over".to_vec()), three]);
}

/// The first record tells how a run began.
pub fn the_first_record_tells_how_a_run_began(home: &mut dyn Home) {
    let store = home.store();
    assert_eq!(store.first(&run("a")).unwrap(), None);
    store.append(&run("a"), 0, &bytes(1, 9_000)).unwrap();
    store.append(&run("a"), 1, b"second").unwrap();
    assert_eq!(store.first(&run("a")).unwrap().unwrap(), bytes(1, 9_000));
    store.forget(&run("a"), b"stone").unwrap();
    assert_eq!(store.first(&run("a")).unwrap(), None);
}

/// A run that was forgotten leaves its tombstone and nothing else.
pub fn a_run_that_was_forgotten_leaves_its_tombstone_and_nothing_else(home: &mut dyn Home) {
    let store = home.store();
    for n in [1, 2, 11] {
        for seq in 0..30 {
            store.append(&run(n), seq, &bytes(n, if seq == 7 { 20_000 } else { 90 })).unwrap();
        }
        store.put_summary(&run(n), n == 2, &bytes(n, 6_000)).unwrap();
    }
    store.forget(&run(1), &bytes(9, 7_000)).unwrap();
    store.sync(store.forget(&run("never"), b"imported").unwrap()).unwrap();
    drop(store);
    for _ in 0..2 {
        let store = home.store();
        assert_eq!(store.read(&run(1)).unwrap(), Vec::<Vec<u8>>::new());
        let left = [(run(11), bytes(11, 6_000)), (run(2), bytes(2, 6_000))];
        assert_eq!(store.summaries(false).unwrap(), left);
        assert_eq!(store.summaries(true).unwrap(), left[1..]);
        for n in [2, 11] {
            let records = store.read(&run(n)).unwrap();
            assert_eq!((records.len(), &records[7]), (30, &bytes(n, 20_000)));
        }
        let stones = [(run(1), bytes(9, 7_000)), (run("never"), b"imported".to_vec())];
        assert_eq!(store.tombstones().unwrap(), stones);
        drop(store);
        home.reopen();
    }
}

/// Nothing is written under the name of a forgotten run.
pub fn nothing_is_written_under_the_name_of_a_forgotten_run(home: &mut dyn Home) {
    fn refused<T>(result: Result<T, StoreError>) -> bool {
        matches!(result, Err(StoreError::Forgotten { run: name }) if name == run("a"))
    }
    home.store().append(&run("a"), 0, b"created").unwrap();
    let store = home.store();
    store.sync(store.forget(&run("a"), b"stone").unwrap()).unwrap();
    drop(store);
    for _ in 0..2 {
        let store = home.store();
        for seq in 0..3 {
            assert!(refused(store.append(&run("a"), seq, b"x")));
        }
        assert!(refused(store.put_summary(&run("a"), true, b"x")));
        assert!(refused(store.forget(&run("a"), b"another")));
        assert_eq!(store.tombstones().unwrap(), [(run("a"), b"stone".to_vec())]);
        drop(store);
        home.reopen();
    }
}

/// What was read is durable after a sync up to the end.
pub fn what_was_read_is_durable_after_a_sync_up_to_the_end(home: &mut dyn Home) {
    let store = home.store();
    store.append(&run("a"), 0, b"created").unwrap();
    store.put_value("v", b"1").unwrap();
    let read = store.read(&run("a")).unwrap();
    store.sync(store.end()).unwrap();
    drop(store);
    home.reopen();
    assert_eq!(home.store().read(&run("a")).unwrap(), read);
    assert_eq!(home.store().value("v").unwrap().unwrap(), b"1");
}

/// Long records and values come back whole.
pub fn long_records_and_values_come_back_whole(home: &mut dyn Home) {
    const MIB: usize = 1024 * 1024;
    let store = home.store();
    let lengths = [MIB, 10, 4 * MIB, 100_000, 0, 20_000, 16 * MIB];
    let mut last = Position::default();
    for (n, length) in lengths.into_iter().enumerate() {
        last = store.append(&run("a"), n as u64, &bytes(n, length)).unwrap();
    }
    store.put_value("text", &bytes(1, MIB)).unwrap();
    store.put_value("text", &bytes(2, MIB / 2)).unwrap();
    store.put_summary(&run("a"), true, &bytes(3, 9_000)).unwrap();
    last = store.put_value("end", b"").unwrap().max(last);
    store.sync(last).unwrap();
    drop(store);
    home.reopen();
    let store = home.store();
    for (n, record) in store.read(&run("a")).unwrap().iter().enumerate() {
        assert!(*record == bytes(n, lengths[n]), "record {n} of {} bytes", lengths[n]);
    }
    assert!(store.value("text").unwrap().unwrap() == bytes(2, MIB / 2));
    assert_eq!(store.summaries(true).unwrap(), [(run("a"), bytes(3, 9_000))]);
}

/// Thousands of runs are kept apart.
pub fn thousands_of_runs_are_kept_apart(home: &mut dyn Home) {
    const RUNS: usize = 3_000;
    let store = home.store();
    for seq in 0..3 {
        for n in 0..RUNS {
            store.append(&run(n), seq, &bytes(n, 60)).unwrap();
        }
    }
    for n in 0..RUNS {
        store.put_summary(&run(n), n % 10 == 0, b"s").unwrap();
    }
    let end = store.put_value("end", b"").unwrap();
    store.sync(end).unwrap();
    drop(store);
    home.reopen();
    let store = home.store();
    assert_eq!(store.summaries(false).unwrap().len(), RUNS);
    assert_eq!(store.summaries(true).unwrap().len(), RUNS / 10);
    for n in (0..RUNS).step_by(97) {
        assert_eq!(store.read(&run(n)).unwrap(), vec![bytes(n, 60); 3]);
    }
}

/// Many threads append and sync at once.
pub fn many_threads_append_and_sync_at_once(home: &mut dyn Home) {
    const THREADS: usize = 64;
    const EACH: u64 = 20;
    let store = home.store();
    let wins = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, wins) = (&store, &wins);
            scope.spawn(move || {
                for seq in 0..EACH {
                    let record = bytes(thread + seq as usize, 200);
                    let position = store.append(&run(thread), seq, &record).unwrap();
                    // All want the same entries of one run: each goes to exactly one of them.
                    if store.append(&run("shared"), seq, b"x").is_ok() {
                        wins.fetch_add(1, Ordering::SeqCst);
                    }
                    store.sync(position).unwrap();
                }
            });
        }
    });
    let shared = store.read(&run("shared")).unwrap().len() as u64;
    assert_eq!(wins.load(Ordering::SeqCst), shared);
    drop(store);
    home.reopen();
    for thread in 0..THREADS {
        let records = home.store().read(&run(thread)).unwrap();
        let wanted = (0..EACH).map(|seq| bytes(thread + seq as usize, 200));
        assert_eq!(records, wanted.collect::<Vec<_>>());
    }
}

/// Appending goes on where an earlier opening ended.
pub fn appending_goes_on_where_an_earlier_opening_ended(home: &mut dyn Home) {
    for opening in 0..4 {
        let store = home.store();
        for n in 0..5 {
            let seq = opening * 5 + n;
            let refused = store.append(&run("a"), seq + 1, b"x");
            assert!(matches!(refused, Err(StoreError::Gap { .. })));
            let position = store.append(&run("a"), seq, &seq.to_be_bytes()).unwrap();
            store.sync(position).unwrap();
        }
        drop(store);
        home.reopen();
    }
    assert_eq!(home.store().read(&run("a")).unwrap().len(), 20);
}
