//! What had been synced, noted beside the database: the file `marks`.
//!
//! On opening, sled takes a damaged record for the torn end of its log and leaves it out without a
//! word. For a journal that is the worst of all answers: a call that was made would look as if it
//! had not been. So each sync that returned leaves its mark here, and opening compares.
//!
//! The file has lines of [`LINE`] bytes, rewritten in place: the epoch first, then one for each run
//! that was written to since the last opening, with the number of its entries and whether it is
//! open, or that it was forgotten. It costs no flush: a mark may be older than the database after a power cut, and is then
//! merely weaker; it is never newer, because it is written after the sync. What was written before
//! the last opening needs no mark: sled keeps it in pages whose checksums it verifies.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use windlass_journal::id::RunId;
use windlass_journal::text_hash;

/// Bytes of a line. A line never crosses a sector of 512, so that no power cut can tear it.
const LINE: usize = 128;

/// Bytes that the name of a run can have.
pub(super) const NAME_MAX: usize = 80;

/// Where a run stands, in a line.
const OPEN: &str = "open";
const OVER: &str = "over";
const GONE: &str = "gone";

/// The file's name.
pub(super) const FILE: &str = "marks";

/// Its name while it is written.
pub(super) const FILE_NEW: &str = "marks.new";

/// What is known to be durable of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// How many entries.
    pub(super) entries: u64,
    /// Whether it was open; not known if its summary was not written.
    pub(super) open: Option<bool>,
    /// True if it was forgotten.
    pub(super) gone: bool,
}

/// What the last writer left.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) epoch: u64,
    pub(super) runs: Vec<(RunId, Mark)>,
}

/// Reads the marks of a store; none if it has none.
///
/// # Errors
/// If they can't be read, or are damaged themselves.
pub(super) fn read(directory: &Path) -> Result<Option<Noted>, String> {
    let bytes = match fs::read(directory.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("read its marks: {error}")),
    };
    let mut lines = bytes.chunks(LINE).enumerate();
    let damaged = |n: usize| format!("line {} of its file `{FILE}` is damaged", n + 1);
    let (_, first) = lines.next().ok_or_else(|| damaged(0))?;
    let ("epoch", epoch, _) = parse(first).ok_or_else(|| damaged(0))? else {
        return Err(damaged(0));
    };
    let mut runs = Vec::new();
    for (n, line) in lines {
        // A line that was reserved, and lost to a power cut.
        if line.iter().all(|byte| *byte == 0) {
            continue;
        }
        let (name, entries, stands) = parse(line).ok_or_else(|| damaged(n))?;
        let (open, gone) = (stands_open(stands), stands == GONE);
        runs.push((RunId::from(name), Mark { entries, open, gone }));
    }
    Ok(Some(Noted { epoch, runs }))
}

fn parse(line: &[u8]) -> Option<(&str, u64, &str)> {
    let (text, check) = std::str::from_utf8(line).ok()?.trim_end().rsplit_once(' ')?;
    if text_hash(text.as_bytes()).get(..8) != Some(check) {
        return None;
    }
    let mut words = text.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?))
}

fn stands_open(word: &str) -> Option<bool> {
    match word {
        OPEN => Some(true),
        OVER => Some(false),
        _ => None,
    }
}

fn line(name: &str, mark: Mark) -> [u8; LINE] {
    let stands = match mark {
        Mark { gone: true, .. } => GONE,
        Mark { open: Some(true), .. } => OPEN,
        Mark { open: Some(false), .. } => OVER,
        Mark { open: None, .. } => "-",
    };
    let mut text = format!("{name} {} {stands}", mark.entries);
    let check = text_hash(text.as_bytes());
    text.push(' ');
    text.push_str(check.get(..8).unwrap_or_default());
    let mut line = [b' '; LINE];
    for (place, byte) in line.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    line[LINE - 1] = b'\n';
    line
}

/// The marks of an open store.
pub(super) struct Marks {
    file: File,
    runs: HashMap<RunId, (u64, Mark)>,
}

impl Marks {
    /// Begins anew: nothing but the epoch, durably.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn begin(directory: &Path, epoch: u64) -> io::Result<Self> {
        let (new, path): (PathBuf, PathBuf) = (directory.join(FILE_NEW), directory.join(FILE));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(&line("epoch", Mark { entries: epoch, ..Mark::default() }))?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(directory)?.sync_all()?;
        Ok(Marks { file, runs: HashMap::new() })
    }

    /// Goes on with the marks that there are: a store is compared with them before it starts again.
    ///
    /// # Errors
    /// If the file can't be opened.
    pub(super) fn reopen(directory: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(directory.join(FILE))?;
        Ok(Marks { file, runs: HashMap::new() })
    }

    /// Notes what has become durable of some runs. It need not itself be durable.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn note(&mut self, synced: &HashMap<RunId, Mark>) -> io::Result<()> {
        let mut lines = BTreeMap::new();
        for (run, fresh) in synced {
            let next = self.runs.len() as u64 + 1;
            let (at, mark) = self.runs.entry(run.clone()).or_insert((next, Mark::default()));
            mark.entries = mark.entries.max(fresh.entries);
            mark.open = fresh.open.or(mark.open);
            if fresh.gone || mark.gone {
                *mark = Mark { gone: true, ..Mark::default() };
            }
            lines.insert(*at, line(run.as_str(), *mark));
        }
        // Lines that lie side by side go in one write: many runs that share a flush often do.
        let mut block = Vec::new();
        let mut begins = 0;
        for (at, line) in lines {
            if at != begins + (block.len() / LINE) as u64 {
                self.file.write_all_at(&block, begins * LINE as u64)?;
                block.clear();
                begins = at;
            }
            block.extend_from_slice(&line);
        }
        self.file.write_all_at(&block, begins * LINE as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(marks: &[(&str, u64, Option<bool>)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let mut file = Marks::begin(directory.path(), 7).unwrap();
        for (run, entries, open) in marks {
            let mark = Mark { entries: *entries, open: *open, gone: false };
            file.note(&HashMap::from([(RunId::from(*run), mark)])).unwrap();
        }
        directory
    }

    #[test]
    fn marks_read_back_with_the_latest_of_each_run() {
        let directory = noted(&[("run_a", 1, Some(true)), ("run_b", 1, None), ("run_a", 5, None)]);
        let noted = read(directory.path()).unwrap().unwrap();
        assert_eq!(noted.epoch, 7);
        let a = Mark { entries: 5, open: Some(true), gone: false };
        let b = Mark { entries: 1, open: None, gone: false };
        assert_eq!(noted.runs, [(RunId::from("run_a"), a), (RunId::from("run_b"), b)]);
    }

    #[test]
    fn a_run_that_was_forgotten_is_marked_as_gone_whatever_was_noted_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = Marks::begin(directory.path(), 7).unwrap();
        let run = RunId::from("run_a");
        let over = Mark { entries: 5, open: Some(false), gone: false };
        file.note(&HashMap::from([(run.clone(), over)])).unwrap();
        let gone = Mark { gone: true, ..Mark::default() };
        file.note(&HashMap::from([(run.clone(), gone)])).unwrap();
        assert_eq!(read(directory.path()).unwrap().unwrap().runs, [(run, gone)]);
    }

    #[test]
    fn a_changed_mark_shows() {
        let directory = noted(&[("run_a", 15, None)]);
        let path = directory.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap().replace("run_a 15", "run_a 14");
        fs::write(&path, text).unwrap();
        assert!(read(directory.path()).unwrap_err().contains("line 2"));
    }

    #[test]
    fn the_longest_name_and_number_fit_into_a_line() {
        let name = "r".repeat(NAME_MAX);
        let mark = Mark { entries: u64::MAX, open: Some(true), gone: false };
        assert!(parse(&line(&name, mark)).is_some());
    }
}
