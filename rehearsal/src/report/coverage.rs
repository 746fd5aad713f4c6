//! Which fault was tried at which call, and how that ended.

use std::collections::HashMap;

use super::{CLEAN, Report, Verdict};

/// The table: a row for each call, a column for each fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The rows, as the calls; then, if there are such passes, one for faults that strike the run
    /// as a whole, or a place that is no call of the clean pass.
    pub rows: Vec<Row>,
    /// Passes whose fault has no column, as indices into [`Report::passes`]. None may get lost.
    pub elsewhere: Vec<usize>,
}

/// What was tried at one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The call, as an index into [`Report::calls`]; none for the whole run.
    pub call: Option<usize>,
    /// A cell for each fault; none where it was not tried.
    pub cells: Vec<Option<Cell>>,
}

/// One fault at one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The worst end of a pass.
    pub worst: Verdict,
    /// The passes, as indices into [`Report::passes`].
    pub passes: Vec<usize>,
}

impl Report {
    /// Returns the table. The clean pass is not in it.
    pub fn coverage(&self) -> Coverage {
        let count = self.faults.len();
        let row = |call| Row { call, cells: vec![None; count] };
        let mut rows: Vec<Row> = (0..self.calls.len()).map(|call| row(Some(call))).collect();
        rows.push(row(None));
        let calls = self.calls.iter().enumerate().map(|(place, call)| (call.key.as_str(), place));
        let places: HashMap<&str, usize> = calls.collect();
        let whole_run = self.calls.len();
        let mut elsewhere = Vec::new();
        for (index, pass) in self.passes.iter().enumerate().filter(|(_, p)| p.fault != CLEAN) {
            let column = self.faults.iter().position(|fault| fault.name == pass.fault);
            let Some(column) = column else {
                elsewhere.push(index);
                continue;
            };
            let place = pass.call.as_deref().and_then(|call| places.get(call).copied());
            let cell = &mut rows[place.unwrap_or(whole_run)].cells[column];
            let cell = cell.get_or_insert(Cell { worst: Verdict::Held, passes: Vec::new() });
            cell.worst = cell.worst.max(pass.verdict);
            cell.passes.push(index);
        }
        if rows.last().is_some_and(Row::is_empty) {
            rows.pop();
        }
        Coverage { rows, elsewhere }
    }
}

impl Row {
    /// True if no fault was tried here.
    pub fn is_empty(&self) -> bool {
        self.cells.iter().all(Option::is_none)
    }
}
