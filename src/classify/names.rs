//! The names of labels in an article: which label of which axis is named where.

use std::collections::HashMap;

use super::{
    Axis, Catalog, Label,
    features::{Field, NameField, Occurrence, feature_id, ngram_id},
};
use crate::text::{Article, Document, Language, TermFilter, Token, Zone, holding_verb, mix, term_hash};

/// The names and aliases of a catalog's labels, ready to be found in documents.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The first terms of all names: most words of an article begin none.
    opens: TermFilter,
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
        let axes = Axis::ALL.map(axis_names);
        Names { opens: axes.iter().flat_map(|names| names.by_first.keys()).collect(), axes }
    }

    /// Calls `visit` for every way in which a label of either axis is named in the document. Names on one axis do not
    /// overlap: of those that begin at a word the longest counts, and the search goes on behind it.
    pub fn visit(&self, document: &Document<'_>, mut visit: impl FnMut(Occurrence)) {
        let named = || self.axes.iter().filter(|names| !names.by_first.is_empty());
        if named().next().is_some() {
            let begin = |(_, token): &(usize, &Token)| self.opens.may_hold(token.term);
            let candidates: Vec<usize> = document.tokens.iter().enumerate().filter(begin).map(|(at, _)| at).collect();
            let verbs = verbs(&document.tokens);
            named().for_each(|names| names.visit(document, &candidates, &verbs, &mut visit));
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

    /// Reports the names that begin at one of these tokens.
    fn visit(&self, document: &Document<'_>, candidates: &[usize], verbs: &[Verb], visit: &mut impl FnMut(Occurrence)) {
        let mut found: Vec<Found> = Vec::new();
        let mut free = 0;
        for &at in candidates {
            if at < free {
                continue;
            }
            let rest = document.tokens.get(at..).unwrap_or_default();
            if let (Some(token), Some((label, length))) = (rest.first(), self.at(rest)) {
                found.push(Found { at, end: at + length, zone: token.zone, label });
                free = at + length;
            }
        }
        let mut report = |found: Option<&Found>, kind: NameField| {
            if let (Some(found), Some(field)) = (found, kind.field()) {
                let (first, last) = (found.at as u32, (found.end - 1) as u32);
                visit(Occurrence { ngram: ngram_id(found.label), fields: field.bit(), first, last });
            }
        };
        for name in &found {
            report(Some(name), NameField::In(name.zone));
            if found.iter().filter(|other| other.label == name.label).take(3).count() == 3 {
                report(Some(name), NameField::Often);
            }
        }
        let first = |zone: Zone| found.iter().find(|name| name.zone == zone);
        let (headline, lead) = (first(Zone::HeadlineOwn), first(Zone::LeadOwn));
        report(headline, NameField::FirstInHeadline);
        report(lead, NameField::FirstInLead);
        report(found.iter().rfind(|name| name.zone == Zone::LeadOwn), NameField::LastInLead);
        if lead.is_none() {
            report(headline, NameField::HeadlineOnly);
            report(first(Zone::Body).filter(|_| headline.is_none()), NameField::BodyOnly);
        }
        for verb in verbs {
            // Names stand in order and do not overlap, so those within reach are next to each other.
            let of_zone = |name: &&Found| name.zone == verb.zone;
            let (before, behind) = (
                &found[..found.partition_point(|name| name.end <= verb.at)],
                &found[found.partition_point(|name| name.at < verb.end)..],
            );
            let before = before.iter().rev().take_while(|name| name.end + REACH > verb.at).find(of_zone);
            let behind = behind.iter().take_while(|name| name.at < verb.end + REACH).find(of_zone);
            let (holder, held) = if verb.is_passive { (behind, before) } else { (before, behind) };
            report(holder, NameField::Holder(verb.zone));
            report(held, NameField::Held(verb.zone));
        }
    }
}

/// A verb of holding a meeting.
struct Verb {
    /// Its first token.
    at: usize,
    /// The first token behind it.
    end: usize,
    zone: Zone,
    /// Whether `by` follows: the holder stands behind, the meeting before.
    is_passive: bool,
}

/// A name of a label in a document.
struct Found {
    /// Its first token.
    at: usize,
    /// The first token behind it.
    end: usize,
    zone: Zone,
    label: u64,
}

/// So many tokens at most stand between a verb and its holder or meeting.
const REACH: usize = 25;

/// The verbs of holding a meeting outside conveyed clauses.
fn verbs(tokens: &[Token]) -> Vec<Verb> {
    let by = term_hash("by");
    let mut verbs = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let length = match token.zone {
            Zone::HeadlineConveyed | Zone::LeadConveyed => None,
            Zone::HeadlineOwn | Zone::LeadOwn | Zone::Body => holding_verb(tokens.get(at..).unwrap_or_default()),
        };
        if let Some(length) = length {
            let end = at + length;
            let is_passive = tokens.get(end).is_some_and(|token| token.term == by);
            verbs.push(Verb { at, end, zone: token.zone, is_passive });
        }
        at += length.unwrap_or(1);
    }
    verbs
}
