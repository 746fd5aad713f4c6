//! Columns of text.

use super::style::fit;

/// Returns the rows as lines with aligned columns; the last column is not padded.
///
/// A cell is one line: what it says after a newline can't look like a row of its own. Only the last
/// one may have more, which [`line`](super::line) marks.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let last = column + 1 == row.len();
            let pad = if last { 0 } else { widths[column] - cell.chars().count() + 2 };
            format!("{cell}{}", " ".repeat(pad))
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn cells(row: &[String]) -> Vec<String> {
    let mut cells: Vec<String> = row.to_vec();
    let further = cells.len().saturating_sub(1);
    for cell in &mut cells[..further] {
        *cell = fit(&cell.replace('\n', "\\n").replace('\t', "\\t")).into_owned();
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "long".into()], vec!["bbb".into(), "x".into()]];
        assert_eq!(columns(&rows), ["a    long", "bbb  x"]);
    }

    #[test]
    fn a_cell_is_one_line_but_the_last() {
        let rows = [vec!["a\nb\u{1b}".into(), "c\nd".into()]];
        assert_eq!(columns(&rows), ["a\\nb\\u{1b}  c\nd"]);
    }
}
