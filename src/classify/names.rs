//! The names of labels in an article: which label of which axis is named where.

use std::collections::HashMap;

use super::{
    Axis, Catalog, Label,
    features::{Field, NameField, Occurrence, feature_id},
};
use crate::text::{Article, Document, Language, Span, Token, Zone, mix, term_hash};

/// The names and aliases of a catalog's labels, ready to be found in documents.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By axis.
    axes: [AxisNames; 2],
}

/// The names on one axis: by first term, those that begin with it, longest first.
#[derive(Clone, Debug, Default)]
struct AxisNames {
    by_first: HashMap<u64, Vec<Name>, foldhash::fast::RandomState>,
}

#[derive(Clone, Debug)]
struct Name {
    /// The terms after the first.
    rest: Vec<u64>,
    /// Stands for the label: [`label_ngram`].
    label: u64,
}

/// What stands for an n-gram in the features that say that a label is named.
fn label_ngram(axis: Axis, id: &str) -> u64 {
    mix(term_hash(id) ^ (axis as u64 + 1))
}

/// The feature that says that a label is named in some way.
#[must_use]
pub fn name_feature(axis: Axis, id: &str, field: Field) -> u64 {
    feature_id(label_ngram(axis, id), field)
}

/// The tokens of each name of a label: aliases, English name and Chinese name (which may list several with `、`).
pub fn name_tokens(label: &Label) -> impl Iterator<Item = Vec<Token>> {
    let names = [label.name_en.as_str(), label.name_zh.as_str()];
    let all = label.aliases.iter().map(String::as_str).chain(names).flat_map(|name| name.split('、'));
    let named = all.filter(|name| !name.trim().is_empty());
    named.map(|name| Document::new(Article { title: None, text: name }, Some(Language::English)).tokens)
}

impl Names {
    /// The names of all labels of a catalog.
    #[must_use]
    pub fn new(catalog: &Catalog) -> Self {
        let axis_names = |axis: Axis| {
            let mut names = AxisNames::default();
            for label in catalog.labels(axis) {
                for tokens in name_tokens(label) {
                    let mut terms = tokens.iter().map(|token| token.term);
                    let Some(first) = terms.next() else { continue };
                    let name = Name { rest: terms.collect(), label: label_ngram(axis, &label.id) };
                    names.by_first.entry(first).or_default().push(name);
                }
            }
            for names in names.by_first.values_mut() {
                // The label of a name that two labels claim does not depend on their order in the catalog.
                names.sort_by(|a, b| b.rest.len().cmp(&a.rest.len()).then((&a.rest, a.label).cmp(&(&b.rest, b.label))));
                names.dedup_by(|next, kept| next.rest == kept.rest);
            }
            names
        };
        Names { axes: Axis::ALL.map(axis_names) }
    }

    /// Calls `visit` for every way in which a label of either axis is named in the document. Names on one axis do not
    /// overlap: of those that begin at a word the longest counts, and the search goes on behind it.
    pub fn visit(&self, document: &Document<'_>, mut visit: impl FnMut(Occurrence)) {
        for names in self.axes.iter().filter(|names| !names.by_first.is_empty()) {
            names.visit(document, &mut visit);
        }
    }
}

impl AxisNames {
    /// The longest name that the tokens begin with, and its length. All of it stands in one zone and one run of words.
    fn at(&self, tokens: &[Token]) -> Option<(u64, usize)> {
        let (first, rest) = tokens.split_first()?;
        let fits = |name: &&Name| {
            rest.len() >= name.rest.len()
                && name.rest.iter().zip(rest).all(|(term, token)| *term == token.term && token.joins_previous)
        };
        self.by_first.get(&first.term)?.iter().find(fits).map(|name| (name.label, name.rest.len() + 1))
    }

    fn visit(&self, document: &Document<'_>, visit: &mut impl FnMut(Occurrence)) {
        /// The zones in whose order the first name of the article is looked for.
        const ORDER: [Zone; 3] = [Zone::LeadOwn, Zone::HeadlineOwn, Zone::Body];
        let mut report = |label, kind, span| {
            let field = Field::names(kind);
            visit(Occurrence { feature: feature_id(label, field), ngram: label, field, span });
        };
        let mut first: [Option<(u64, Span)>; Zone::ALL.len()] = [None; Zone::ALL.len()];
        let mut tokens = document.tokens.as_slice();
        while let Some((token, after)) = tokens.split_first() {
            let Some((label, length)) = self.at(tokens) else {
                tokens = after;
                continue;
            };
            let (name, after) = tokens.split_at(length);
            let span = Span { end: name.last().unwrap_or(token).end as usize, ..token.span() };
            report(label, NameField::In(token.zone), span);
            first[token.zone as usize].get_or_insert((label, span));
            tokens = after;
        }
        let found = |zone: Zone| first[zone as usize];
        let kinds = [
            (NameField::FirstInHeadline, found(Zone::HeadlineOwn)),
            (NameField::FirstInLead, found(Zone::LeadOwn)),
            (NameField::First, ORDER.into_iter().find_map(found)),
        ];
        for (kind, name) in kinds {
            if let Some((label, span)) = name {
                report(label, kind, span);
            }
        }
    }
}
