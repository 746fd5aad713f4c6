//! Columns of text.

/// Returns the rows as lines with aligned columns; the last column is not padded.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "long".into()], vec!["bbb".into(), "x".into()]];
        assert_eq!(columns(&rows), ["a    long", "bbb  x"]);
    }
}
