//! Which articles a model was trained on, and what has to be taken out of it to judge it on them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

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
    /// By group: its articles in the sample, ascending by digest.
    groups: HashMap<Digest, Vec<&'a SampleArticle>>,
    /// By text: the groups of the sample that it stands in, ascending. Texts of the same groups share them.
    groups_of_text: HashMap<Digest, Arc<[Digest]>>,
}

/// An article that the model was trained on.
pub(super) struct Known {
    /// As the calibration sample would hold it.
    pub(super) own: SampleArticle,
    /// One of the groups of the sample that its text stands in, which are all on one event.
    pub(super) of_text: Option<Digest>,
    /// What scoring it must do without.
    pub(super) left_out: LeftOutGroups,
    /// Its text was counted with labels or a group that are not known, so that it cannot be taken out.
    pub(super) is_counted: bool,
}

/// What scoring an article must do without, which may be the same for many articles.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LeftOutGroups {
    /// Groups of the sample: all that its text stands in, and its own.
    groups: Arc<[Digest]>,
    /// The article itself, if it was counted without being in the sample.
    besides: Option<Digest>,
}

impl<'a> Training<'a> {
    pub(super) fn new(file: &'a ModelFile) -> Self {
        let mut groups: HashMap<Digest, Vec<&SampleArticle>> = HashMap::new();
        let mut of_text: HashMap<Digest, BTreeSet<Digest>> = HashMap::new();
        for article in &file.counts.sample {
            groups.entry(article.group).or_default().push(article);
            of_text.entry(article.text).or_default().insert(article.group);
        }
        let mut shared: HashSet<Arc<[Digest]>> = HashSet::new();
        let mut share = |groups: BTreeSet<Digest>| {
            let groups: Arc<[Digest]> = groups.into_iter().collect();
            let known = shared.get(&groups).cloned();
            known.unwrap_or_else(|| {
                shared.insert(Arc::clone(&groups));
                groups
            })
        };
        let groups_of_text = of_text.into_iter().map(|(text, groups)| (text, share(groups))).collect();
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
    pub(super) fn known(&self, article: &LabelledArticle, axes: &[AxisModel<'_>]) -> Option<Known> {
        let group = article.group_digest();
        if !self.texts.contains(&article.text_digest()) && !self.groups.contains_key(&group) {
            return None;
        }
        let own = self.sampled(article, axes);
        let of_text = self.groups_of_text.get(&own.text);
        let of_group = self.groups.get(&group);
        let groups = match of_text {
            Some(groups) if of_group.is_none() || groups.binary_search(&group).is_ok() => Arc::clone(groups),
            groups => {
                groups.into_iter().flat_map(|groups| groups.iter()).chain(of_group.map(|_| &group)).copied().collect()
            }
        };
        let is_sampled =
            of_group.is_some_and(|members| members.binary_search_by_key(&own.digest, |it| it.digest).is_ok());
        let is_besides = !is_sampled && self.file.counts.contains(&own.digest);
        let is_counted = self.texts.contains(&own.text) && of_text.is_none() && !is_besides;
        let left_out = LeftOutGroups { groups, besides: is_besides.then_some(own.digest) };
        Some(Known { of_text: of_text.and_then(|groups| groups.first()).copied(), own, left_out, is_counted })
    }

    /// The articles of training that scoring an article must do without: at least all of its text and group that are in the
    /// sample.
    pub(super) fn left_out<'b>(&'b self, known: &'b Known) -> Vec<&'b SampleArticle> {
        let LeftOutGroups { groups, besides } = &known.left_out;
        let sampled = groups.iter().filter_map(|group| self.groups.get(group)).flatten().copied();
        sampled.chain(besides.map(|_| &known.own)).collect()
    }
}
