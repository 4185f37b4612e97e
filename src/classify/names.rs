//! The names of labels in an article: which label of which axis is named where.

use std::collections::HashMap;

use super::{
    Axis, Catalog, Label,
    features::{Field, NameField, Occurrence, bigram, feature_id, ngram_id},
};
use crate::text::{Article, Document, Language, TermFilter, Token, Zone, holding_verb, mix, term_hash};

/// The names and aliases of a catalog's labels, ready to be found in documents.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The first terms of all names: most words of an article begin none.
    opens: TermFilter,
    /// The [`head`]s of all names.
    heads: TermFilter,
    /// By head: the names that begin with it.
    by_head: HashMap<u64, Heading, foldhash::fast::RandomState>,
}

/// By axis: names that begin alike, longest first.
type Heading = [Vec<Name>; 2];

#[derive(Clone, Debug)]
struct Name {
    terms: Vec<u64>,
    /// Stands for the label: [`label_ngram`].
    label: u64,
}

/// What names are looked up by: their first two terms, or the only one.
fn head(first: u64, second: Option<u64>) -> u64 {
    second.map_or(first, |second| bigram(first, second))
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
        let mut names = Names::default();
        for axis in Axis::ALL {
            for label in catalog.labels(axis) {
                for tokens in name_tokens(label) {
                    let terms: Vec<u64> = tokens.iter().map(|token| token.term).collect();
                    let Some(&first) = terms.first() else { continue };
                    let head = head(first, terms.get(1).copied());
                    names.opens.insert(first);
                    names.heads.insert(head);
                    let name = Name { terms, label: label_ngram(axis, &label.id) };
                    names.by_head.entry(head).or_default()[axis as usize].push(name);
                }
            }
        }
        for names in names.by_head.values_mut().flatten() {
            // The label of a name that two labels claim does not depend on their order in the catalog.
            names.sort_by(|a, b| b.terms.len().cmp(&a.terms.len()).then((&a.terms, a.label).cmp(&(&b.terms, b.label))));
            names.dedup_by(|next, kept| next.terms == kept.terms);
        }
        names
    }

    /// Calls `visit` for every way in which a label of either axis is named in the document. Names on one axis do not
    /// overlap: of those that begin at a word the longest counts, and the search goes on behind it.
    pub fn visit(&self, document: &Document<'_>, mut visit: impl FnMut(Occurrence)) {
        if self.by_head.is_empty() {
            return;
        }
        let tokens = &document.tokens;
        let mut found: [Vec<Found>; 2] = [Vec::new(), Vec::new()];
        let opening = tokens.iter().enumerate().filter(|(_, token)| self.opens.may_hold(token.term));
        for (at, token) in opening {
            let second = tokens.get(at + 1).filter(|next| next.joins_previous);
            let heads = [second.map(|second| head(token.term, Some(second.term))), Some(token.term)];
            // Names of two terms and more first, since they are longer.
            for heading in heads.into_iter().flatten().filter_map(|head| self.heading(head)) {
                for (found, names) in found.iter_mut().zip(heading) {
                    if found.last().is_none_or(|last| last.end <= at) {
                        found.extend(longest(names, &tokens[at..]).map(|(label, length)| Found {
                            at,
                            end: at + length,
                            zone: token.zone,
                            label,
                        }));
                    }
                }
            }
        }
        if found.iter().all(Vec::is_empty) {
            return;
        }
        let verbs = verbs(tokens);
        found.iter().for_each(|found| report(found, &verbs, &mut visit));
    }

    fn heading(&self, head: u64) -> Option<&Heading> {
        if self.heads.may_hold(head) { self.by_head.get(&head) } else { None }
    }
}

/// The label of the first of these names that the tokens begin with, and its length. All of it stands in one zone and one run
/// of words.
fn longest(names: &[Name], tokens: &[Token]) -> Option<(u64, usize)> {
    let fits = |name: &&Name| {
        let mut here = name.terms.iter().zip(tokens).enumerate();
        tokens.len() >= name.terms.len()
            && here.all(|(at, (term, token))| *term == token.term && (at == 0 || token.joins_previous))
    };
    names.iter().find(fits).map(|name| (name.label, name.terms.len()))
}

/// Reports in which ways the labels of an axis are named, of which these names were found, in reading order.
fn report(found: &[Found], verbs: &[Verb], visit: &mut impl FnMut(Occurrence)) {
    let mut report = |found: Option<&Found>, kind: NameField| {
        if let (Some(found), Some(field)) = (found, kind.field()) {
            let (first, last) = (found.at as u32, (found.end - 1) as u32);
            visit(Occurrence { ngram: ngram_id(found.label), fields: field.bit(), first, last });
        }
    };
    let mut times: HashMap<u64, usize, foldhash::fast::RandomState> = HashMap::default();
    found.iter().for_each(|name| *times.entry(name.label).or_default() += 1);
    for name in found {
        report(Some(name), NameField::In(name.zone));
        if times.get(&name.label).is_some_and(|&times| times >= OFTEN) {
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

/// A label that is named so many times is named often.
const OFTEN: usize = 3;

/// So many tokens at most stand between a verb and its holder or meeting.
const REACH: usize = 25;

/// The verbs of holding a meeting outside conveyed clauses.
fn verbs(tokens: &[Token]) -> Vec<Verb> {
    let by = term_hash("by");
    let mut verbs = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_conveyed = matches!(token.zone, Zone::HeadlineConveyed | Zone::LeadConveyed);
        let length = holding_verb(&tokens[at..]).filter(|_| !is_conveyed);
        if let Some(length) = length {
            let end = at + length;
            let is_passive = tokens.get(end).is_some_and(|token| token.term == by);
            verbs.push(Verb { at, end, zone: token.zone, is_passive });
        }
        at += length.unwrap_or(1);
    }
    verbs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Names of one to four terms, some of which begin others, on both axes.
    const CATALOG: &str = "
        [[meeting_type.labels]]
        id = 'one'
        name_en = 'a'
        aliases = ['a b', 'c c a']
        [[meeting_type.labels]]
        id = 'two'
        name_en = 'a b c'
        aliases = ['b', 'a b a b', '市委', '.']
        [[relaying_department.labels]]
        id = 'three'
        name_en = 'a b'
        aliases = ['c', 'b a', '市']
        [[relaying_department.labels]]
        id = 'four'
        name_en = 'a b b'
        aliases = ['市委办']
    ";

    /// Every name by trying all at every place.
    fn plain(catalog: &Catalog, document: &Document<'_>) -> Vec<(u64, u32, u32)> {
        let mut found = Vec::new();
        for axis in Axis::ALL {
            let mut at = 0;
            while at < document.tokens.len() {
                let rest = &document.tokens[at..];
                let named =
                    catalog.labels(axis).iter().flat_map(|label| name_tokens(label).map(move |name| (name, label)));
                let named = named.filter(|(name, _)| {
                    let joined = |place: usize| place == 0 || rest[place].joins_previous;
                    let same = |place: usize| name[place].term == rest[place].term;
                    !name.is_empty() && name.len() <= rest.len() && (0..name.len()).all(|at| same(at) && joined(at))
                });
                let longest = named.max_by_key(|(name, _)| name.len());
                if let Some((name, label)) = &longest {
                    let ngram = ngram_id(label_ngram(axis, &label.id));
                    found.push((ngram, at as u32, (at + name.len() - 1) as u32));
                }
                at += longest.map_or(1, |(name, _)| name.len());
            }
        }
        found
    }

    proptest! {
        #[test]
        fn names_are_those_that_are_found_by_trying_all(text in "([abc市委办][ ,.\n]{0,2}){0,60}") {
            let catalog = Catalog::from_toml(CATALOG).unwrap();
            let document = Document::new(Article { title: None, text: &text }, Some(Language::English));
            let (mut found, mut often) = (Vec::new(), BTreeMap::new());
            Names::new(&catalog).visit(&document, |name| match Field::of(name.fields.trailing_zeros().into()).and_then(Field::names) {
                Some(NameField::In(_)) => found.push((name.ngram, name.first, name.last)),
                Some(NameField::Often) => *often.entry(name.ngram).or_insert(0) += 1,
                Some(_) | None => {}
            });
            let expect = plain(&catalog, &document);
            for (ngram, ..) in &expect {
                let times = expect.iter().filter(|(other, ..)| other == ngram).count();
                prop_assert_eq!(often.get(ngram).copied().unwrap_or(0), if times >= OFTEN { times } else { 0 });
            }
            prop_assert_eq!(found, expect);
        }
    }
}
