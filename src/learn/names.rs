//! The names of labels as features: an informative prior, so that a label with few articles is found by its name.

use std::collections::HashSet;

use crate::{
    classify::{
        Label,
        features::{self, Field, feature_id},
    },
    text::{Article, Document, Language, Zone},
};

/// The features that the names of a label are, in the zones where an article names its own meeting.
pub(super) fn name_features(label: &Label) -> HashSet<(u64, Field)> {
    let mut found = HashSet::new();
    let names = [label.name_en.as_str(), label.name_zh.as_str()];
    for name in label.aliases.iter().map(String::as_str).chain(names) {
        let document = Document::new(Article { title: None, text: name }, Some(Language::English));
        features::visit(&document, |occurrence| {
            for zone in [Zone::HeadlineOwn, Zone::LeadOwn] {
                let field = if occurrence.field.is_bigrams() { Field::bigrams(zone) } else { Field::unigrams(zone) };
                found.insert((feature_id(occurrence.ngram, field), field));
            }
        });
    }
    found
}
