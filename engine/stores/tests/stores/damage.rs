//! Damaged stores: an error that says so, or everything that was synced; never less in silence,
//! never a panic, never the end of the process.
//!
//! How: a store of two openings (so that part of it is behind sled's snapshot, part in its log) is
//! copied as it is on disk while its writer lives. Each variant damages a copy, opens it and reads
//! everything. The places are spread over the files, the same in every test run; more of them with
//! `WINDLASS_SOAK=20`.

use std::fs;
use std::path::{Path, PathBuf};

use windlass_journal::{Durable, Journals, Lease, StoreError, Values, read_chain};
use windlass_stores::SledStore;

use windlass_stores::conformance::run;

use crate::home::{Chain, copy, scratch};

const RUNS: u64 = 6;
const BEFORE: u64 = 40;
const AFTER: u64 = 30;

/// Writes the store that is damaged later, and returns where its copy lies.
fn template(scratch: &Path) -> PathBuf {
    let (live, template) = (scratch.join("live"), scratch.join("template"));
    let mut chains: Vec<Chain> = (0..RUNS).map(|_| Chain::default()).collect();
    for entries in [BEFORE, AFTER] {
        let store = SledStore::open(&live).unwrap();
        for _ in 0..entries {
            for (n, chain) in chains.iter_mut().enumerate() {
                // The odd runs are left alone by the second opening.
                if entries == AFTER && n % 2 == 1 {
                    continue;
                }
                let (seq, position) =
                    chain.append(&store, &run(n), if n > 3 { 6_000 } else { 200 });
                if seq == 0 {
                    store.put_summary(&run(n), true, b"open").unwrap();
                }
                store.sync(position).unwrap();
            }
        }
        let text = store.put_value("text", b"let x = 1;").unwrap();
        store.sync(text).unwrap();
        copy(&live, &template);
    }
    template
}

fn entries_of(n: u64) -> u64 {
    if n % 2 == 1 { BEFORE } else { BEFORE + AFTER }
}

#[derive(Debug, PartialEq)]
enum Found {
    Whole,
    RefusedToOpen(String),
    RefusedToRead(String),
}

/// Opens a store and reads everything. Panics if anything that was synced is missing in silence.
fn look(path: &Path, what: &str) -> Found {
    let store = match SledStore::open(path) {
        Ok(store) => store,
        Err(error) => return Found::RefusedToOpen(error.to_string()),
    };
    for n in 0..RUNS {
        let records = match store.read(&run(n)) {
            Ok(records) => records,
            Err(error) => return Found::RefusedToRead(error.to_string()),
        };
        let entries = match read_chain(&records) {
            Ok((entries, _)) => entries.len() as u64,
            Err(error) => return Found::RefusedToRead(error.to_string()),
        };
        assert_eq!(entries, entries_of(n), "{what}: run {n} is shorter, and nobody says so");
    }
    match store.summaries(true) {
        Ok(open) => assert_eq!(open.len() as u64, RUNS, "{what}: an open run is forgotten"),
        Err(error) => return Found::RefusedToRead(error.to_string()),
    }
    match store.value("text") {
        Ok(text) => assert_eq!(text.as_deref(), Some(&b"let x = 1;"[..]), "{what}"),
        Err(error) => return Found::RefusedToRead(error.to_string()),
    }
    Found::Whole
}

/// Looks at a copy of the template after `damage` was done to its file of the name given.
fn after(template: &Path, file: &str, what: &str, damage: impl FnOnce(&Path)) -> Found {
    let directory = scratch();
    let path = directory.path().join("store");
    copy(template, &path);
    damage(&path.join(file));
    look(&path, what)
}

/// Returns the files of a store, with their lengths.
fn files(template: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(template).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|f| (f.file_name().into_string().unwrap(), f.metadata().unwrap().len())).collect()
}

/// Returns about `count` places spread over a file.
fn places(length: u64, count: u64) -> impl Iterator<Item = u64> {
    let soak = std::env::var("WINDLASS_SOAK").map_or(1, |factor| factor.parse().unwrap());
    let count = count * soak;
    let step = (length / count).max(1);
    // Uneven steps, so that places are not all at the beginning of something.
    (0..length.min(count)).map(move |n| (n * step + n * 37 % step).min(length - 1))
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut content = fs::read(path).unwrap();
    let at = usize::try_from(at).unwrap();
    let end = (at + bytes.len()).min(content.len());
    content[at..end].copy_from_slice(&bytes[..end - at]);
    fs::write(path, content).unwrap();
}

#[derive(Default, Debug)]
struct Tally {
    whole: usize,
    refused_to_open: usize,
    refused_to_read: usize,
}

impl Tally {
    fn count(&mut self, found: &Found) {
        match found {
            Found::Whole => self.whole += 1,
            Found::RefusedToOpen(_) => self.refused_to_open += 1,
            Found::RefusedToRead(_) => self.refused_to_read += 1,
        }
    }
}

#[test]
fn an_undamaged_copy_is_whole() {
    let scratch = scratch();
    let template = template(scratch.path());
    assert_eq!(after(&template, "db", "undamaged", |_| ()), Found::Whole);
}

#[test]
fn a_flipped_byte_is_reported_or_changes_nothing() {
    let scratch = scratch();
    let template = template(scratch.path());
    let mut tally = Tally::default();
    for (file, length) in files(&template) {
        let count = if file == "db" { 250 } else { 60 };
        for at in places(length, count) {
            let what = format!("byte {at} of {file} flipped");
            let found = after(&template, &file, &what, |path| {
                let byte = fs::read(path).unwrap()[usize::try_from(at).unwrap()];
                overwrite(path, at, &[byte ^ 0x41]);
            });
            tally.count(&found);
        }
    }
    println!("flipped bytes: {tally:?}");
    assert!(tally.refused_to_open + tally.refused_to_read > 50, "{tally:?}");
}

#[test]
fn a_file_cut_short_is_reported_or_lost_nothing() {
    let scratch = scratch();
    let template = template(scratch.path());
    let mut tally = Tally::default();
    for (file, length) in files(&template) {
        for at in places(length, 40) {
            let what = format!("{file} cut to {at}");
            let found = after(&template, &file, &what, |path| {
                fs::OpenOptions::new().write(true).open(path).unwrap().set_len(at).unwrap();
            });
            tally.count(&found);
        }
    }
    println!("cut short: {tally:?}");
    assert!(tally.refused_to_open > 20, "{tally:?}");
}

#[test]
fn garbage_in_a_file_is_reported_or_lost_nothing() {
    let scratch = scratch();
    let template = template(scratch.path());
    let mut tally = Tally::default();
    for (file, length) in files(&template) {
        for (n, at) in places(length, 40).enumerate() {
            let garbage: Vec<u8> = match n % 3 {
                0 => vec![0; 4096],
                1 => vec![0xff; 512],
                _ => (0..2048_usize).map(|i| (i * i * 7 + n) as u8).collect(),
            };
            let what = format!("{} bytes of garbage at {at} of {file}", garbage.len());
            tally.count(&after(&template, &file, &what, |path| overwrite(path, at, &garbage)));
        }
    }
    println!("garbage: {tally:?}");
    assert!(tally.refused_to_open > 20, "{tally:?}");
}

#[test]
fn a_missing_file_is_reported_or_lost_nothing() {
    let scratch = scratch();
    let template = template(scratch.path());
    for (file, _) in files(&template) {
        let found = after(&template, &file, &file, |path| fs::remove_file(path).unwrap());
        let spared = file == "conf" || file.starts_with("snap");
        assert!(spared || matches!(found, Found::RefusedToOpen(_)), "without {file}: {found:?}");
    }
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let directory = scratch();
    fs::write(directory.path().join("letter.txt"), "dear").unwrap();
    let Err(StoreError::Damaged { problem, .. }) = SledStore::open(directory.path()) else {
        panic!("opened a store among other files");
    };
    assert!(problem.contains("letter.txt"), "{problem}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_directory_becomes_a_new_store() {
    let directory = scratch();
    assert_eq!(SledStore::open(directory.path()).unwrap().epoch(), 1);
}

#[test]
fn an_older_copy_of_the_database_is_not_taken_for_the_present_one() {
    let scratch = scratch();
    let template = template(scratch.path());
    let older = scratch.path().join("older");
    {
        let store = SledStore::open(&older).unwrap();
        let (_, position) = Chain::default().append(&store, &run(0), 10);
        store.sync(position).unwrap();
    }
    let found = after(&template, "db", "older database", |path| {
        fs::copy(older.join("db"), path).unwrap();
    });
    assert!(matches!(found, Found::RefusedToOpen(_)), "{found:?}");
}

#[test]
fn a_second_opening_at_the_same_time_is_refused_and_says_why() {
    let directory = scratch();
    let store = SledStore::open(directory.path()).unwrap();
    let second = SledStore::open(directory.path()).map(drop);
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    drop(store);
    assert_eq!(SledStore::open(directory.path()).unwrap().epoch(), 2);
}

#[test]
fn a_damaged_store_stays_refused_when_it_is_opened_again() {
    let scratch = scratch();
    let template = template(scratch.path());
    let path = scratch.path().join("cut");
    copy(&template, &path);
    let file = fs::OpenOptions::new().write(true).open(path.join("db")).unwrap();
    file.set_len(300_000).unwrap();
    drop(file);
    for _ in 0..3 {
        assert!(matches!(look(&path, "cut"), Found::RefusedToOpen(_)));
    }
}

#[test]
fn what_can_be_read_of_a_damaged_store_is_salvaged_and_the_rest_is_named() {
    let scratch = scratch();
    let template = template(scratch.path());
    let path = scratch.path().join("cut");
    copy(&template, &path);
    let length = fs::metadata(path.join("db")).unwrap().len();
    // The end of the log goes: entries of the second opening.
    let file = fs::OpenOptions::new().write(true).open(path.join("db")).unwrap();
    file.set_len(length - 20_000).unwrap();
    drop(file);
    for _ in 0..2 {
        assert!(matches!(look(&path, "cut"), Found::RefusedToOpen(_)));
        let (store, missing) = SledStore::salvage(&path).unwrap();
        assert!(missing.iter().any(|problem| problem.contains("run_4 had 70")), "{missing:?}");
        for n in [1, 3, 5] {
            let records = store.read(&run(n)).unwrap();
            assert_eq!(read_chain(records).unwrap().0.len() as u64, BEFORE);
        }
        assert!(store.put_value("x", b"y").is_err());
        assert!(store.append(&run(1), BEFORE, b"y").is_err());
    }
}

/// The kill test found it, once in some thousand kills: sled took the half-written snapshot for the
/// newest one, and refused to open.
#[test]
fn a_snapshot_that_was_being_written_when_the_process_died_is_no_damage() {
    let directory = scratch();
    let store = SledStore::open(directory.path()).unwrap();
    let mut chain = Chain::default();
    let (_, position) = chain.append(&store, &run("a"), 100);
    store.put_summary(&run("a"), true, b"open").unwrap();
    store.sync(position).unwrap();
    drop(store);
    std::fs::write(directory.path().join("snap.FFFFFFFFFFFFFFFF.generating"), b"half").unwrap();
    let store = SledStore::open(directory.path()).unwrap();
    assert_eq!(store.read(&run("a")).unwrap().len(), 1);
}
