//! A backup made while runs go on is of one moment, and everything in it makes sense.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_engine::engine::{EngineError, Gone};
use windlass_engine::id::RunId;
use windlass_engine::journal::{
    Bytes, ExportError, ExportWriter, Journals, Line, RunStatus, Values, read_chain, read_export,
};
use windlass_engine::run::RunState;
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::KeyStore;
use windlass_stores::MemoryStore;

use crate::{Place, TEXT, somebody};

fn lines(place: &Place, with_keys: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let take = |line| {
        lines.push(line);
        Ok(())
    };
    place.engine.backup(with_keys, take).unwrap();
    lines
}

fn file(lines: &[Line]) -> Vec<u8> {
    let mut writer = ExportWriter::begin(Vec::new()).unwrap();
    lines.iter().for_each(|line| writer.write(line).unwrap());
    writer.end().unwrap()
}

fn read(file: &[u8]) -> Result<Vec<Line>, ExportError> {
    let mut lines = Vec::new();
    read_export(file, |line| {
        lines.push(line);
        Ok::<_, ExportError>(())
    })?;
    Ok(lines)
}

/// Runs with one and the same lock begin and end one after another, as fast as they can, while
/// backups are made. In none of them two runs have the lock, and none has a run that can't be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_backup_has_two_runs_with_the_same_lock() {
    let place = Place::new();
    let enough = AtomicBool::new(false);
    let runbook = Runbook::compile("note.rhai", TEXT, place.engine.steps()).unwrap();
    let runtime = tokio::runtime::Handle::current();
    let backups = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::SeqCst) {
                let handle = place.engine.start(&runbook, &somebody(), &[], Vec::new()).unwrap();
                runtime.block_on(handle.outcome());
            }
        });
        let mut backups = Vec::new();
        while backups.len() < 40 || place.engine.runs(false).unwrap().len() < 40 {
            backups.push(lines(&place, true));
        }
        enough.store(true, Ordering::SeqCst);
        backups
    });
    let mut seen_open = 0;
    for lines in backups {
        let mut journals: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
        let mut keys = Vec::new();
        for line in lines {
            match line {
                Line::Record { run, text, .. } => journals.entry(run).or_default().push(text),
                Line::RunKey { run, .. } => keys.push(run),
                _ => {}
            }
        }
        let mut open = Vec::new();
        for (run, records) in &journals {
            let state = RunState::of(&read_chain(records).unwrap().0).unwrap();
            if !matches!(state.status, Some(RunStatus::Finished(_))) {
                open.push(run);
            }
        }
        assert!(open.len() <= 1, "these have the same lock: {open:?}");
        assert!(open.iter().all(|run| keys.contains(run)), "an open run without its key");
        seen_open += open.len();
    }
    println!("{seen_open} backups had an open run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_everything_but_the_epoch_and_keys_only_when_asked() {
    let place = Place::new();
    let gone = place.a_run(TEXT).await;
    let over = place.a_run(TEXT).await;
    let open = place.an_open_run("run_open", TEXT);
    place.keys.put(&open, b"wrapped \xff").unwrap();
    place.store.put_value("binary", &[0, 159, 255]).unwrap();
    place.store.put_value("epoch", b"1").unwrap();
    place.engine.forget(std::slice::from_ref(&gone), &somebody(), |_| {}).unwrap();

    let without = lines(&place, false);
    let is_key = |line: &Line| matches!(line, Line::MasterKey { .. } | Line::RunKey { .. });
    assert!(!without.iter().any(is_key));
    let with = read(&file(&lines(&place, true))).unwrap();
    let hex = "05".repeat(32);
    assert!(
        with.iter().any(|l| matches!(l, Line::MasterKey { hex: key } if key.text() == Some(&*hex)))
    );
    let run_key = |l: &Line| matches!(l, Line::RunKey { run, bytes } if *run == open && bytes.bytes().unwrap() == b"wrapped \xff");
    assert!(with.iter().any(run_key));

    let copy = MemoryStore::new();
    for line in read(&file(&without)).unwrap() {
        match line {
            Line::Value { name, bytes } => {
                copy.put_value(&name, &bytes.bytes().unwrap()).unwrap();
            }
            Line::Record { run, seq, text } => {
                copy.append(&run, seq, text.as_bytes()).unwrap();
            }
            Line::Tombstone { run, bytes } => {
                copy.forget(&run, &bytes.bytes().unwrap()).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    for run in [&over, &open, &gone] {
        assert_eq!(copy.read(run).unwrap(), place.store.read(run).unwrap());
    }
    assert_eq!(copy.tombstones().unwrap(), place.store.tombstones().unwrap());
    let mut names = place.store.value_names().unwrap();
    names.retain(|name| name != "epoch");
    assert_eq!(copy.value_names().unwrap(), names);
    assert_eq!(copy.value("binary").unwrap().unwrap(), [0, 159, 255]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_backup_is_made_nothing_is_forgotten() {
    let place = Place::new();
    let run = place.a_run(TEXT).await;
    let mut tried = 0;
    let take = |_| {
        let forgotten = place.engine.forget(std::slice::from_ref(&run), &somebody(), |_| {});
        assert!(matches!(forgotten, Err(EngineError::NotNow(why)) if why.contains("is running")));
        tried += 1;
        Ok(())
    };
    place.engine.backup(false, take).unwrap();
    assert!(tried > 1);
    let broken_off = place.engine.backup(false, |_| Err(Gone));
    assert!(matches!(broken_off, Err(EngineError::NotNow(_))));
    place.engine.forget(&[run], &somebody(), |_| {}).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_changed_or_cut_is_refused() {
    let place = Place::new();
    place.a_run(TEXT).await;
    let whole = file(&lines(&place, true));
    assert!(!read(&whole).unwrap().is_empty());
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert!(read(&changed).is_err(), "byte {place} was changed, and nobody says so");
        // The last newline is the one byte that can be missed.
        let cut = read(&whole[..place]);
        assert!(
            cut.is_err() || place == whole.len() - 1,
            "cut at byte {place}, and nobody says so"
        );
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for one in 0..lines.len() {
        let mut removed = lines.clone();
        removed.remove(one);
        assert!(read(&removed.concat()).is_err(), "line {} was removed", one + 1);
    }
    assert!(read(&[&whole[..], b"{}\n"].concat()).is_err());
}

#[test]
fn the_first_format_stays_readable() {
    let first = concat!(
        "{\"kind\":\"head\",\"format\":\"windlass store export 1\"}\n",
        "{\"kind\":\"value\",\"name\":\"key_check\",\"text\":\"0123\"}\n",
    );
    let bytes = Bytes::Text { text: "0123".to_owned() };
    let line = Line::Value { name: "key_check".to_owned(), bytes };
    assert_eq!(read(first.as_bytes()).unwrap(), [line]);
    assert!(read(b"{\"kind\":\"head\",\"format\":\"windlass store export 3\"}\n").is_err());
    assert!(read(b"").is_err(), "nothing at all is no export");
}
