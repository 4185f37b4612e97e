//! Which articles a model was trained on, and what has to be taken out of it to judge it on them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{article::LabelledArticle, judge::AxisModel};
use crate::{
    classify::Names,
    model::{Digest, ModelFile, SampleArticle},
};

/// What a model was trained on, found by text and by group.
pub(super) struct Training<'a> {
    file: &'a ModelFile,
    names: Names,
    texts: HashSet<Digest>,
    groups: HashMap<Digest, Vec<&'a SampleArticle>>,
    groups_of_text: HashMap<Digest, BTreeSet<Digest>>,
}

/// An article that the model was trained on.
pub(super) struct Known<'a> {
    /// As the calibration sample would hold it.
    pub(super) own: SampleArticle,
    /// Those of its group, and of all groups that its text stands in, that are in the sample, ascending by digest.
    pub(super) sampled: Vec<&'a SampleArticle>,
    /// Whether it was counted itself without being in the sample.
    is_besides: bool,
    /// Its text was counted with labels or a group that are not known, so that it cannot be taken out.
    pub(super) is_counted: bool,
}

impl<'a> Training<'a> {
    pub(super) fn new(file: &'a ModelFile) -> Self {
        let mut groups: HashMap<Digest, Vec<&SampleArticle>> = HashMap::new();
        let mut groups_of_text: HashMap<Digest, BTreeSet<Digest>> = HashMap::new();
        for article in &file.counts.sample {
            groups.entry(article.group).or_default().push(article);
            groups_of_text.entry(article.text).or_default().insert(article.group);
        }
        let texts = file.counts.ledger.iter().map(|entry| entry.text).collect();
        Training { file, names: Names::new(&file.counts.catalog), texts, groups, groups_of_text }
    }

    /// An article as the calibration sample would hold it.
    fn sampled(&self, article: &LabelledArticle, axes: &[AxisModel<'_>]) -> SampleArticle {
        let prepared = article.prepare(&self.names);
        let index = |feature: u64| self.file.counts.features.binary_search(&feature).ok().map(|index| index as u32);
        let mut labels = [None, None];
        for axis in axes {
            labels[axis.axis as usize] = axis.label(article).map(|label| label as u16);
        }
        SampleArticle {
            digest: prepared.digest,
            text: prepared.text,
            group: prepared.group,
            source: prepared.source,
            labels,
            features: prepared.ngrams.iter().flat_map(|ngram| ngram.features()).filter_map(index).collect(),
            ..SampleArticle::default()
        }
    }

    /// The article and what scoring it must do without; `None` if the model was trained neither on its text nor on its
    /// group.
    pub(super) fn known(&self, article: &LabelledArticle, axes: &[AxisModel<'_>]) -> Option<Known<'a>> {
        let group = article.group_digest();
        if !self.texts.contains(&article.text_digest()) && !self.groups.contains_key(&group) {
            return None;
        }
        let own = self.sampled(article, axes);
        let of_text = self.groups_of_text.get(&own.text).into_iter().flatten().copied();
        let groups: BTreeSet<Digest> = of_text.chain([group]).collect();
        let mut sampled: Vec<&SampleArticle> =
            groups.iter().filter_map(|group| self.groups.get(group)).flatten().copied().collect();
        sampled.sort_unstable_by_key(|article| article.digest);
        let is_sampled = sampled.binary_search_by_key(&own.digest, |article| article.digest).is_ok();
        let is_besides = !is_sampled && self.file.counts.contains(&own.digest);
        let is_text_sampled = sampled.iter().any(|article| article.text == own.text);
        let is_counted = self.texts.contains(&own.text) && !is_text_sampled && !is_besides;
        Some(Known { own, sampled, is_besides, is_counted })
    }
}

impl Known<'_> {
    /// The articles of training that scoring it must do without, ascending by digest: at least all of its text and group that
    /// are in the sample.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &SampleArticle> {
        let before = self.sampled.partition_point(|article| article.digest < self.own.digest);
        let (before, behind) = self.sampled.split_at(before);
        before.iter().copied().chain(self.is_besides.then_some(&self.own)).chain(behind.iter().copied())
    }
}
