//! Which fault was tried at which call, and how that ended.

use std::collections::HashMap;

use super::{CLEAN, Report, Verdict};

/// The table: a row for each call, a column for each fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The rows, as the calls; then, if faults strike the whole run, one for those.
    pub rows: Vec<Row>,
    /// Passes that belong into no cell, as indices into [`Report::passes`]: they strike a call that
    /// the clean pass does not make, or a fault that has no column. None may get lost.
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
        let calls = self.calls.iter().enumerate().map(|(i, call)| (Some(call.key.as_str()), i));
        let places: HashMap<Option<&str>, usize> =
            calls.chain([(None, self.calls.len())]).collect();
        let mut elsewhere = Vec::new();
        for (index, pass) in self.passes.iter().enumerate().filter(|(_, p)| p.fault != CLEAN) {
            let column = self.faults.iter().position(|fault| fault.name == pass.fault);
            match (places.get(&pass.call.as_deref()), column) {
                (Some(&place), Some(column)) => {
                    let cell = &mut rows[place].cells[column];
                    let cell =
                        cell.get_or_insert(Cell { worst: Verdict::Held, passes: Vec::new() });
                    cell.worst = cell.worst.max(pass.verdict);
                    cell.passes.push(index);
                }
                _ => elsewhere.push(index),
            }
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
