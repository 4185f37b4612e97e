//! The names of labels as features: an informative prior, so that a label with few articles is found by its name.

use std::collections::HashSet;

use crate::{
    classify::{
        Axis, Label,
        features::{Field, bigram, feature_id},
        name_feature, name_tokens,
    },
    text::Zone,
};

/// The features that the names of a label are, in the zones where an article names its own meeting.
pub(super) fn name_ngrams(label: &Label) -> HashSet<u64> {
    let mut found = HashSet::new();
    for tokens in name_tokens(label) {
        let pairs = || tokens.windows(2).map(|pair| bigram(pair[0].term, pair[1].term));
        for zone in [Zone::HeadlineOwn, Zone::LeadOwn] {
            let (single, pair) = (Field::unigrams(zone), Field::bigrams(zone));
            found.extend(tokens.iter().map(|token| feature_id(token.term, single)));
            found.extend(pairs().map(|ngram| feature_id(ngram, pair)));
        }
    }
    found
}

/// The features that a model with the label knows even if no article has them: the words of its names, and that it is
/// named.
pub(super) fn name_features(axis: Axis, label: &Label) -> HashSet<u64> {
    let naming = Field::all().filter(|field| field.is_names());
    let mut found = name_ngrams(label);
    found.extend(naming.map(|field| name_feature(axis, &label.id, field)));
    found
}
