//! The countable layer of a model: integers that add up, whatever the order.

use serde::{Deserialize, Serialize};

use crate::classify::{Catalog, delta, features::Field};

/// 128 bits of BLAKE3: names an article or a group without holding its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of some strings or bytes; where one ends and the next begins counts.
    #[must_use]
    pub fn of<T: AsRef<[u8]> + ?Sized>(parts: &[&T]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            let part = part.as_ref();
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Digest(digest)
    }
}

/// An article that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Digest of title, text, labels and group.
    pub article: Digest,
    /// Digest of title and text.
    pub text: Digest,
}

/// How many articles the calibration sample holds at most.
pub const MAX_SAMPLE: usize = 20_000;

/// How often each feature stands in articles of each label of one axis: compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// By feature: how many cells it has.
    pub cells: Vec<u16>,
    /// Labels of all cells, ascending within a feature.
    pub labels: Vec<u16>,
    /// Articles of that label with the feature; at least 1.
    pub counts: Vec<u32>,
}

/// One axis of the counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisCounts {
    /// Label ids of catalog and data, ascending. Empty if no article is labelled on this axis.
    pub labels: Vec<String>,
    /// By label: articles.
    pub documents: Vec<u64>,
    /// By feature and label: articles.
    pub cells: Cells,
}

/// An article of the calibration sample: all that counting and learning need of it but its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleArticle {
    /// Digest of the article: title, text, labels, group.
    pub digest: Digest,
    /// Digest of title and text.
    pub text: Digest,
    /// Digest of its group; articles of a group are held out together.
    pub group: Digest,
    /// Where its wording comes from, if known.
    pub source: Option<String>,
    /// By axis: its label as an index into [`AxisCounts::labels`].
    pub labels: [Option<u16>; 2],
    /// Its language (English, Chinese, undetermined).
    pub language: u8,
    /// Its features, as ascending indices into [`Counts::features`].
    #[serde(with = "delta")]
    pub features: Vec<u32>,
    /// Its plain terms, as ascending indices into [`Counts::terms`]. Together with the rest, what has to be subtracted
    /// to forget the article.
    #[serde(with = "delta")]
    pub terms: Vec<u32>,
}

/// Everything counted from labelled articles.
///
/// The counts of two disjoint sets of articles add up to the counts of their union.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The catalog the labels were checked against.
    pub catalog: Catalog,
    /// By language (English, Chinese, undetermined): articles.
    pub languages: [u64; 3],
    /// Feature ids, ascending.
    #[serde(with = "delta")]
    pub features: Vec<u64>,
    /// By axis.
    pub axes: [AxisCounts; 2],
    /// Plain terms, ascending.
    #[serde(with = "delta")]
    pub terms: Vec<u64>,
    /// By term: articles that hold it.
    pub term_documents: Vec<u32>,
    /// All articles, ascending.
    pub ledger: Vec<LedgerEntry>,
    /// The articles of the groups with the smallest digests, whole groups, at most [`MAX_SAMPLE`]; ascending.
    pub sample: Vec<SampleArticle>,
    /// The smallest group that is not in the sample; nor are those after it. `None` if all groups are.
    pub sample_limit: Option<Digest>,
    /// Whether the sample is the one that counting all articles of the ledger anew would give. It is not after the
    /// removal of articles whose place others would have taken, and not if it was rebuilt from some of the articles only.
    pub sample_is_exact: bool,
}

impl Counts {
    /// Whether an article was counted.
    #[must_use]
    pub fn contains(&self, article: &Digest) -> bool {
        self.ledger.binary_search_by_key(article, |entry| entry.article).is_ok()
    }

    /// How many articles were counted.
    #[must_use]
    pub fn articles(&self) -> u64 {
        self.languages.iter().sum()
    }

    /// What is wrong with counts; `None` if nothing is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.features.iter().any(|&feature| Field::of(feature).is_none()) {
            return Some("fields");
        }
        if self.term_documents.len() != self.terms.len() {
            return Some("number of features");
        }
        let articles = self.ledger.len() as u64;
        if self.term_documents.iter().any(|&documents| u64::from(documents) > articles) {
            return Some("term documents");
        }
        let besides = self.fault_besides_columns(self.features.len() as u64, self.terms.len() as u64);
        besides.or_else(|| self.axes.iter().find_map(|axis| axis.fault(self.features.len())))
    }

    /// What is wrong with all but features, their cells, and terms, of which there are so many; `None` if nothing is.
    pub(super) fn fault_besides_columns(&self, features: u64, terms: u64) -> Option<&'static str> {
        if u32::try_from(features).is_err() {
            return Some("number of features");
        }
        let articles = self.ledger.len() as u64;
        let sum = |counts: &[u64]| counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if u32::try_from(articles).is_err() || sum(&self.languages) != Some(articles) {
            return Some("number of articles");
        }
        for axis in &self.axes {
            if axis.labels.len() > Catalog::MAX_LABELS || sum(&axis.documents).is_none_or(|sum| sum > articles) {
                return Some("number of labels or of their articles");
            }
            if axis.documents.len() != axis.labels.len() || !axis.labels.is_sorted_by(|a, b| a < b) {
                return Some("labels");
            }
        }
        if !self.ledger.is_sorted_by(|a, b| a.article < b.article)
            || !self.sample.is_sorted_by(|a, b| a.digest < b.digest)
        {
            return Some("ledger or sample out of order");
        }
        let fits = |article: &SampleArticle| {
            let labels = article.labels.iter().zip(&self.axes);
            article.features.is_sorted_by(|a, b| a < b)
                && article.features.last().is_none_or(|&last| u64::from(last) < features)
                && article.terms.is_sorted_by(|a, b| a < b)
                && article.terms.last().is_none_or(|&last| u64::from(last) < terms)
                && usize::from(article.language) < self.languages.len()
                && self.sample_limit.is_none_or(|limit| article.group < limit)
                && labels.clone().all(|(label, axis)| label.is_none_or(|l| usize::from(l) < axis.labels.len()))
                && self.contains(&article.digest)
        };
        if self.sample.len() > MAX_SAMPLE || !self.sample.iter().all(fits) {
            return Some("sample");
        }
        let mut sampled = self.axes.each_ref().map(|axis| vec![0_u64; axis.labels.len()]);
        for article in &self.sample {
            for (sampled, label) in sampled.iter_mut().zip(article.labels) {
                label.into_iter().for_each(|label| sampled[usize::from(label)] += 1);
            }
        }
        let more = |(sampled, axis): (&Vec<u64>, &AxisCounts)| sampled.iter().zip(&axis.documents).any(|(a, b)| a > b);
        if sampled.iter().zip(&self.axes).any(more) {
            return Some("more articles in the sample than were counted");
        }
        None
    }
}

impl Cells {
    /// The cells of one more feature.
    pub(crate) fn push(&mut self, cells: &[(u16, u32)]) {
        self.cells.push(cells.len() as u16);
        self.labels.extend(cells.iter().map(|(label, _)| *label));
        self.counts.extend(cells.iter().map(|(_, articles)| *articles));
    }
}

impl AxisCounts {
    /// What is wrong with the cells of so many features.
    fn fault(&self, features: usize) -> Option<&'static str> {
        let Cells { cells, labels, counts } = &self.cells;
        let sum = cells.iter().map(|&n| usize::from(n)).sum::<usize>();
        if cells.len() != features || labels.len() != counts.len() || sum != labels.len() {
            return Some("cells");
        }
        let mut own = labels.iter().copied().zip(counts.iter().copied());
        cells.iter().find_map(|&n| self.fault_of(own.by_ref().take(n.into())))
    }

    /// What is wrong with the cells of a feature.
    pub(super) fn fault_of(&self, cells: impl Iterator<Item = (u16, u32)>) -> Option<&'static str> {
        let mut before = None;
        for (label, articles) in cells {
            let documents = self.documents.get(usize::from(label)).copied().unwrap_or_default();
            if articles == 0 || u64::from(articles) > documents {
                return Some("cells");
            }
            if before.is_some_and(|before| before >= label) {
                return Some("cells out of order");
            }
            before = Some(label);
        }
        None
    }
}
