//! What each axis knows of a feature, and of the features of a document.

/// Rows that are asked for before the first of them is looked at, since the memory that they stand in is far away.
const AT_ONCE: usize = 32;

/// What a feature says, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// Its first cell, or the first piece of its dense row.
    pub(super) start: u32,
    pub(super) kind: Kind,
    pub(super) weight: f32,
    /// The mean over all labels of its weighted deviations.
    pub(super) mean: f32,
}

impl Row {
    pub(super) const UNKNOWN: Row = Row { start: 0, kind: Kind::Unknown, weight: 0.0, mean: 0.0 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The axis does not know the feature.
    Unknown,
    /// It has so many cells.
    Sparse(u16),
    Dense,
    /// Dense, and with what the same n-gram says in all zones together, which is the next feature: where a term stands in the
    /// body, as most do, both are known.
    WithAny,
}

/// What an axis knows of one feature of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) row: Row,
    /// The number of its field.
    pub(super) field: u32,
    /// The number of its group in [`Hits`](super::Hits).
    pub(super) group: u32,
}

/// By feature: what each axis knows of it. The rows of both axes are side by side, since both are asked.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<[Row; 2]>);

impl Rows {
    /// Of so many features and their rows on each axis, none for an axis that is not there.
    pub(super) fn new(features: usize, axes: &[Vec<Row>; 2]) -> Self {
        let row = |axis: usize, at: usize| axes[axis].get(at).copied().unwrap_or(Row::UNKNOWN);
        Rows((0..features).map(|at| [row(0, at), row(1, at)]).collect())
    }

    /// What each axis knows of the features of a document, without those that are in the row before. Features come n-gram
    /// after n-gram, each n-gram's in the order of their numbers.
    pub(super) fn said(&self, features: &[Known]) -> [Vec<Said>; 2] {
        let mut said = [Vec::with_capacity(features.len()), Vec::with_capacity(features.len())];
        // By axis: the feature that is in the row before.
        let mut read = [u32::MAX; 2];
        for block in features.chunks(AT_ONCE) {
            // All are asked for before the first is looked at.
            let mut rows = [[Row::UNKNOWN; 2]; AT_ONCE];
            rows.iter_mut().zip(block).for_each(|(row, known)| *row = self.0[known.feature as usize]);
            for (rows, &Known { feature, field, group }) in rows.iter().zip(block) {
                for ((row, said), read) in rows.iter().zip(&mut said).zip(&mut read) {
                    if row.kind != Kind::Unknown && feature != *read {
                        said.push(Said { row: *row, field, group });
                    }
                    if row.kind == Kind::WithAny {
                        *read = feature + 1;
                    }
                }
            }
        }
        said
    }
}

/// A known feature of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) feature: u32,
    /// The number of its field.
    pub(super) field: u32,
    /// The number of its group.
    pub(super) group: u32,
}
