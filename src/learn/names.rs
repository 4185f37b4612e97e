//! The names of labels as features: an informative prior, so that a label with few articles is found by its name.

use std::collections::HashSet;

use crate::{
    classify::{
        Label,
        features::{Field, bigram, feature_id},
        name_tokens,
    },
    text::Zone,
};

/// The features that the names of a label are, in the zones where an article names its own meeting.
pub(super) fn name_features(label: &Label) -> HashSet<(u64, Field)> {
    let mut found = HashSet::new();
    for tokens in name_tokens(label) {
        let pairs = || tokens.windows(2).map(|pair| bigram(pair[0].term, pair[1].term));
        for zone in [Zone::HeadlineOwn, Zone::LeadOwn] {
            let (single, pair) = (Field::unigrams(zone), Field::bigrams(zone));
            found.extend(tokens.iter().map(|token| (feature_id(token.term, single), single)));
            found.extend(pairs().map(|ngram| (feature_id(ngram, pair), pair)));
        }
    }
    found
}
