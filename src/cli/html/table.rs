//! Tables of figures.

use super::writer::Html;

/// A cell of a table.
pub(super) enum Cell {
    Text(String),
    Number(String),
}

pub(super) fn share(value: f64) -> Cell {
    Cell::Number(format!("{value:.3}"))
}

pub(super) fn count(value: u64) -> Cell {
    Cell::Number(value.to_string())
}

/// Writes a table. The first cell of a row is its heading; columns of numbers are told by the first row.
pub(super) fn table(html: &mut Html, head: &[&'static str], rows: impl Iterator<Item = Vec<Cell>>) {
    let rows: Vec<Vec<Cell>> = rows.collect();
    html.markup("<table>\n<thead><tr>");
    for (column, title) in head.iter().enumerate() {
        let class = match rows.first().and_then(|row| row.get(column)) {
            Some(Cell::Number(_)) => "n",
            Some(Cell::Text(_)) | None => "",
        };
        html.element("th", &[("scope", &"col"), ("class", &class)], title);
    }
    html.markup("</tr></thead>\n<tbody>\n");
    for row in &rows {
        html.markup("<tr>");
        for (column, cell) in row.iter().enumerate() {
            match cell {
                Cell::Text(text) if column == 0 => html.element("th", &[("scope", &"row")], text),
                Cell::Text(text) => html.element("td", &[], text),
                Cell::Number(text) => html.element("td", &[("class", &"n")], text),
            };
        }
        html.markup("</tr>\n");
    }
    html.markup("</tbody></table>\n");
}
