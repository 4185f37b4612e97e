//! What a model says that was never trained: a table without some articles.

use std::{ops::Range, sync::Arc};

use super::{AxisTable, LeftOut, Totals};
use crate::{
    learn::{
        case::{Background, Case, Parameters},
        rows::{Key, Row, Rows, RowsOf},
    },
    model::{EventModel, Settings},
};

/// A table under some settings, without some articles: a model that was never trained.
pub(in crate::learn) struct View<'a> {
    table: &'a AxisTable,
    settings: &'a Settings,
    left_out: &'a LeftOut,
    background: Arc<Background>,
}

/// An article whose rows are still coming together.
pub(in crate::learn) struct Draft {
    label: usize,
    /// Where its rows are.
    features: Range<usize>,
    exponent: f64,
    background: Arc<Background>,
}

impl Draft {
    /// The article, when all rows are there.
    pub(in crate::learn) fn case(self, rows: &Arc<Rows>) -> Case {
        Case::new(self.label, self.features, rows, self.exponent, &self.background)
    }
}

impl View<'_> {
    /// An article as this model sees it; `features` ascending. Features without a parameter are unknown.
    pub(in crate::learn) fn case(&self, label: usize, features: &[u32], parameters: &Parameters) -> Case {
        let mut rows = RowsOf::with_capacity(self.table.labels.len(), features.len());
        let draft = self.draft(label, features, parameters, &mut rows);
        draft.case(&Arc::new(rows.rows))
    }

    /// The same with rows that are shared between articles of views of the same table under the same settings.
    pub(in crate::learn) fn draft(
        &self,
        label: usize,
        features: &[u32],
        parameters: &Parameters,
        rows: &mut RowsOf,
    ) -> Draft {
        let mut remaining = self.left_out.cells.as_slice();
        let start = rows.rows.features();
        for &feature in features {
            let Some(parameter) = parameters.of(feature) else { continue };
            if remaining.first().is_some_and(|cell| cell.0 < feature) {
                remaining = &remaining[remaining.partition_point(|cell| cell.0 < feature)..];
            }
            let (gone, _) = remaining.split_at(remaining.iter().take_while(|cell| cell.0 == feature).count());
            if let Some(row) = self.row(label, feature, gone, parameter, rows) {
                rows.rows.push_feature(row);
            }
        }
        let (features, background) = (start..rows.rows.features(), Arc::clone(&self.background));
        Draft { label, features, exponent: self.settings.length_exponent, background }
    }

    /// What a feature says without some articles; `None` if the model does not know it then. `gone` are what is taken from
    /// it: feature, label, articles.
    fn row(
        &self,
        own_label: usize,
        feature: u32,
        gone: &[(u32, u16, u32)],
        parameter: u32,
        rows: &mut RowsOf,
    ) -> Option<Row> {
        let (table, settings) = (self.table, self.settings);
        let field = table.field(feature).index();
        if let Some(named) = table.named_label(feature) {
            let key = Key { feature, label: 0, articles: 0 };
            let place = rows.place(key, |rows| rows.push_name(parameter, field, named, 1.0));
            return Some(Row::new(place, 1.0));
        }
        let count_of = |label: u16| table.cell_of(feature, label).map_or(0, |cell| table.counts[cell]);
        let less = |label: u16| gone.iter().find(|(_, gone, _)| *gone == label).map_or(0, |(_, _, articles)| *articles);
        let taken_of = |&(_, label, articles): &(u32, u16, u32)| articles.min(count_of(label));
        let taken: u32 = gone.iter().map(taken_of).sum();
        let is_of_others = gone.iter().any(|gone| usize::from(gone.1) != own_label && taken_of(gone) > 0);
        let documents = table.documents_of(feature).saturating_sub(taken);
        if !table.in_field(feature, documents, settings) {
            return None;
        }
        let remaining = |cell: usize| {
            let count = table.counts[cell];
            table.value(cell, count - less(table.shape.cell_labels[cell]).min(count), settings)
        };
        let total = match settings.event_model {
            // Nobody asks.
            EventModel::Multinomial => 0.0,
            EventModel::Complement if table.shape.any_name[feature as usize] => {
                table.cells(feature).map(remaining).sum()
            }
            // Whole numbers, whose sum is the same in any order.
            EventModel::Complement => f64::from(documents),
        };
        let own = table.cell_of(feature, own_label as u16).map_or(0.0, remaining);
        let deviation = |value: f64| AxisTable::deviation(value, total, settings) as f32;
        let cells = table.cells(feature).filter_map(|cell| {
            let (label, count) = (table.shape.cell_labels[cell], table.counts[cell]);
            // What is said of the own label stands in the row; the cell is for articles with other labels.
            let less = if usize::from(label) == own_label { 0 } else { less(label).min(count) };
            let value = table.value(cell, count - less, settings);
            (value > 0.0).then(|| (label, deviation(value)))
        });
        let make = |rows: &mut Rows| rows.push(parameter, field, cells);
        let place = if is_of_others {
            // Rare: articles of several labels in one group.
            make(&mut rows.rows)
        } else {
            let (label, articles) = match settings.event_model {
                EventModel::Multinomial => (0, 0),
                EventModel::Complement if taken > 0 && table.shape.any_name[feature as usize] => {
                    // Totals with shares in them are the same in the last bit only if the same is taken from the same.
                    (own_label as u16, taken)
                }
                EventModel::Complement => (0, taken),
            };
            rows.place(Key { feature, label, articles }, make)
        };
        Some(Row::new(place, if own > 0.0 { deviation(own) } else { 0.0 }))
    }
}

impl AxisTable {
    /// The model that training without some articles would give. `totals` are those of the whole table under the same
    /// settings.
    pub(in crate::learn) fn without<'a>(
        &'a self,
        left_out: &'a LeftOut,
        totals: &Totals,
        settings: &'a Settings,
    ) -> View<'a> {
        let floors = if left_out.cells.is_empty() {
            self.floors(totals, settings)
        } else {
            self.floors(&self.reduce(totals, left_out, settings), settings)
        };
        let is_counted = self.documents_without(left_out).into_iter().map(|documents| documents > 0).collect();
        let background = Arc::new(Background { floors, prior: self.log_prior(left_out), is_counted });
        View { table: self, settings, left_out, background }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Axis;
    use crate::learn::testing::{counts_of, small_corpus, some_settings};

    /// What an article gets when its group is left out is what a model trained without the group gives it.
    #[test]
    fn leaving_out_equals_training_without() {
        let corpus = small_corpus();
        let counts = counts_of(&corpus);
        for axis in Axis::ALL {
            let table = AxisTable::new(&counts, axis).unwrap();
            for settings in some_settings() {
                let totals = table.totals(&settings);
                for article in corpus.iter().filter(|article| article.labels[axis as usize].is_some()) {
                    let group = article.group_digest();
                    let members = counts.sample.iter().filter(|member| member.group == group);
                    let left_out = LeftOut::new(axis, members);
                    let own = counts.sample.iter().find(|sampled| sampled.digest == article.digest()).unwrap();
                    let view = table.without(&left_out, &totals, &settings);
                    let parameters = Parameters::new(&table, &settings);
                    let imagined = view.case(0, &own.features, &parameters).by_field();

                    let rest: Vec<_> = corpus.iter().filter(|other| other.group_digest() != group).cloned().collect();
                    let rest = counts_of(&rest);
                    let trained = AxisTable::new(&rest, axis).unwrap();
                    assert_eq!(trained.labels, table.labels, "the catalog keeps the labels the same");
                    let ids = own.features.iter().map(|&feature| counts.features[feature as usize]);
                    let features: Vec<u32> =
                        ids.filter_map(|id| rest.features.binary_search(&id).ok()).map(|at| at as u32).collect();
                    let (none, trained_totals) = (LeftOut::default(), trained.totals(&settings));
                    let retrained = trained.without(&none, &trained_totals, &settings);
                    let real = retrained.case(0, &features, &Parameters::new(&trained, &settings)).by_field();
                    assert_eq!(imagined.len(), real.len());
                    for (a, b) in imagined.iter().zip(&real) {
                        assert!((a - b).abs() < 1e-6, "{settings:?} {a} {b}");
                    }
                    // Subtracting for good gives the same as well.
                    let members = counts.sample.iter().filter(|member| member.group == group);
                    let reduced = table.minus(axis, members);
                    let reduced_totals = reduced.totals(&settings);
                    let again = reduced.without(&none, &reduced_totals, &settings);
                    let again = again.case(0, &own.features, &Parameters::new(&reduced, &settings)).by_field();
                    for (a, b) in imagined.iter().zip(&again) {
                        assert!((a - b).abs() < 1e-6, "{settings:?} {a} {b}");
                    }
                }
            }
        }
    }
}
