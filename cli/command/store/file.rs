//! Stores as files of lines: export and import, and what backups share with them.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windlass_engine::engine::{EngineError, KEY_CHECK};
use windlass_engine::event::SummaryRecord;
use windlass_engine::id::RunId;
use windlass_engine::journal::{
    Bytes, Durable, ExportError, ExportWriter, Journals, Line, StoreError, Values, read_chain,
    read_export,
};
use windlass_engine::run::RunState;
use windlass_stores::SledStore;

use crate::exit::Exit;
use crate::problem::Problem;
use crate::show;

/// A file that is being written: it has its name when it is whole, and is gone otherwise.
pub struct Output {
    writer: ExportWriter<BufWriter<File>>,
    part: Part,
    file: PathBuf,
}

/// Removes what was written when it is dropped.
struct Part(Option<PathBuf>);

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            show::complain(&format!("{} is left over: {error}", path.display()));
        }
    }
}

impl Output {
    /// Begins a file that only its owner can read.
    ///
    /// # Errors
    /// If it already exists, or can't be made.
    pub fn begin(file: &Path) -> Result<Self, Problem> {
        let cannot = |e: std::io::Error| unusable(file, "written", &e.to_string());
        if file.exists() {
            return Err(unusable(file, "written", "it already exists"));
        }
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(name);
        let mut options = OpenOptions::new();
        let output =
            options.write(true).create_new(true).mode(0o600).open(&part).map_err(cannot)?;
        let part = Part(Some(part));
        let writer = ExportWriter::begin(BufWriter::new(output)).map_err(cannot)?;
        Ok(Output { writer, part, file: file.to_owned() })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&mut self, line: &Line) -> Result<(), Problem> {
        self.writer.write(line).map_err(|e| unusable(&self.file, "written", &e.to_string()))
    }

    /// Ends the file: it is durable on return.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn end(self) -> Result<(), Problem> {
        let Output { writer, mut part, file } = self;
        let cannot = |e: std::io::Error| unusable(&file, "written", &e.to_string());
        let output = writer.end().map_err(cannot)?;
        output.get_ref().sync_all().map_err(cannot)?;
        if let Some(path) = &part.0 {
            std::fs::rename(path, &file).map_err(cannot)?;
        }
        part.0 = None;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = File::open(parent.unwrap_or(Path::new("."))).map_err(cannot)?;
        parent.sync_all().map_err(cannot)
    }
}

/// Writes what can be read of a store to a file.
pub fn export(store: &SledStore, file: &Path) -> Result<Exit, Problem> {
    let mut output = Output::begin(file)?;
    for name in store.value_names()? {
        // The epoch belongs to a store, not to what is in it.
        if let (Some(value), true) = (store.value(&name)?, name != "epoch") {
            output.write(&Line::Value { name, bytes: Bytes::of(value) })?;
        }
    }
    let mut count = 0;
    for (run, _) in store.summaries(false)? {
        for (seq, record) in (0..).zip(store.read(&run)?) {
            let text = String::from_utf8_lossy(&record).into_owned();
            output.write(&Line::Record { run: run.clone(), seq, text })?;
            count += 1;
        }
    }
    for (run, tombstone) in store.tombstones()? {
        output.write(&Line::Tombstone { run, bytes: Bytes::of(tombstone) })?;
    }
    output.end()?;
    show::note(&format!("{count} entries are in {}", file.display()));
    Ok(Exit::Done)
}

/// Reads a file into a store that holds no runs.
pub fn import(store: &SledStore, file: &Path, check: &str) -> Result<Exit, Problem> {
    if !store.summaries(false)?.is_empty() {
        let message = "the store holds runs already, and an import would mix them";
        return Err(Problem::new("WL0011", Exit::Usage, message)
            .hint("Name an empty directory with --state DIR."));
    }
    // Read whole before anything is written.
    let mut other_key = false;
    each_line(file, |line| {
        other_key |= matches!(line, Line::Value { name, bytes }
            if name == KEY_CHECK && bytes.bytes().is_none_or(|found| found != check.as_bytes()));
        Ok(())
    })?;
    if other_key {
        return Err(EngineError::WrongMasterKey.into());
    }
    let filled = fill(store, file, true)?;
    show::note(&format!("{} runs are imported", filled.runs));
    Ok(Exit::Done)
}

/// Gives each line of a file to `each`, and checks that it is whole.
///
/// # Errors
/// If it can't be read, or is not whole; or those of `each`.
pub fn each_line(
    file: &Path,
    mut each: impl FnMut(&Line) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let input = File::open(file).map_err(|e| unusable(file, "read", &e.to_string()))?;
    let read = read_export(BufReader::new(input), |line| each(&line).map_err(Stopped::Problem));
    read.map_err(|stopped| match stopped {
        Stopped::Problem(problem) => problem,
        Stopped::Export(error) => unusable(file, "used", &error.to_string()),
    })
}

/// How many runs were put into a store.
#[derive(Debug, Default, Clone, Copy, serde::Serialize)]
pub struct Filled {
    /// All.
    pub runs: usize,
    /// Those that have not finished.
    pub open: usize,
}

/// Puts everything in a file but keys into a store, durably, and returns how many runs that were.
/// The file has been read once before, and is whole.
///
/// # Errors
/// If the file can't be read any more, or the store can't write.
pub fn fill(store: &SledStore, file: &Path, with_key_check: bool) -> Result<Filled, Problem> {
    let mut runs: Vec<RunId> = Vec::new();
    let malformed = |name: &str| unusable(file, "used", &format!("{name} is malformed"));
    each_line(file, |line| {
        match line {
            Line::Value { name, .. } if name == KEY_CHECK && !with_key_check => {}
            Line::Value { name, bytes } => {
                store.put_value(name, &bytes.bytes().ok_or_else(|| malformed(name))?)?;
            }
            Line::Record { run, seq, text } => {
                store.append(run, *seq, text.as_bytes())?;
                if *seq == 0 {
                    runs.push(run.clone());
                }
            }
            Line::Tombstone { run, bytes } => {
                let tombstone = bytes.bytes().ok_or_else(|| malformed(run.as_str()))?;
                store.forget(run, &tombstone)?;
            }
            Line::Head { .. } | Line::End { .. } | Line::MasterKey { .. } | Line::RunKey { .. } => {
            }
        }
        Ok(())
    })?;
    let mut filled = Filled { runs: runs.len(), open: 0 };
    for run in &runs {
        let damaged = |why: String| unusable(file, "used", &format!("{run}: {why}"));
        let (entries, _) = read_chain(store.read(run)?).map_err(|e| damaged(e.to_string()))?;
        let state = RunState::of(&entries).map_err(|e| damaged(e.to_string()))?;
        let summary = SummaryRecord::of(run, &state);
        let bytes = serde_json::to_vec(&summary).map_err(|e| Problem::bug(e.to_string()))?;
        store.put_summary(run, summary.is_open(), &bytes)?;
        filled.open += usize::from(summary.is_open());
    }
    store.sync(store.end())?;
    Ok(filled)
}

/// Why reading a file stopped.
enum Stopped {
    Problem(Problem),
    Export(ExportError),
}

impl From<ExportError> for Stopped {
    fn from(error: ExportError) -> Self {
        Stopped::Export(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Stopped::Problem(error.into())
    }
}

pub fn unusable(file: &Path, how: &str, why: &str) -> Problem {
    let message = format!("{} can't be {how}: {why}", file.display());
    Problem::new("WL0033", Exit::Usage, message)
}
