//! The articles of one axis as learning holds them out: by group, and by source where there are enough of them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    case::{Case, Parameters},
    table::{AxisTable, LeftOut, Totals},
};
use crate::{
    classify::Axis,
    model::{Digest, SampleArticle, Settings},
};

/// With fewer sources than this, leaving one out leaves too little.
const MIN_SOURCES: usize = 3;

/// Sources that are left out one by one; more are put together by the digest of their names.
const MAX_SOURCES: usize = 8;

/// An article with its label, and the number of its source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) article: &'a SampleArticle,
    pub(super) label: usize,
    source: Option<usize>,
}

/// The articles of one axis, by group.
#[derive(Clone, Debug)]
pub(super) struct Articles<'a> {
    axis: Axis,
    groups: Vec<Vec<Member<'a>>>,
    /// Numbers given to sources; 0 if whole sources are not left out.
    sources: usize,
}

/// A table with what scoring under some settings needs of it.
struct Part {
    table: AxisTable,
    totals: Totals,
}

impl<'a> Articles<'a> {
    /// The articles of a calibration sample that are labelled on the axis. Whole sources can be left out if the sample is
    /// the whole corpus, since only what is in it can be subtracted.
    pub(super) fn new(axis: Axis, sample: &'a [SampleArticle], is_whole: bool) -> Self {
        let mut names: Vec<&str> = sample.iter().filter_map(|article| article.source.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let sources = if is_whole && names.len() >= MIN_SOURCES { names.len().min(MAX_SOURCES) } else { 0 };
        let number = |source: &str| match names.binary_search(&source) {
            Ok(at) if names.len() <= MAX_SOURCES => at,
            Ok(_) | Err(_) => usize::from(Digest::of(&["source", source]).0[0]) % MAX_SOURCES,
        };
        let mut groups: BTreeMap<Digest, Vec<Member<'_>>> = BTreeMap::new();
        for article in sample {
            if let Some(label) = article.labels[axis as usize] {
                let source = article.source.as_deref().filter(|_| sources > 0).map(number);
                let member = Member { article, label: usize::from(label), source };
                groups.entry(article.group).or_default().push(member);
            }
        }
        Articles { axis, groups: groups.into_values().collect(), sources }
    }

    /// The groups that `keep` says yes to.
    pub(super) fn filter(&self, keep: impl Fn(&Digest) -> bool) -> Self {
        let groups = self.groups.iter().filter(|group| group.first().is_some_and(|member| keep(&member.article.group)));
        Articles { groups: groups.cloned().collect(), ..*self }
    }

    /// As many of the first groups, in the order of their digests, as have at most so many cells in the table, and
    /// articles times labels; two at least.
    pub(super) fn within(mut self, table: &AxisTable, max_cells: usize, max_scores: usize) -> Self {
        let (mut cells, mut scores) = (0, 0);
        let fit = self.groups.iter().take_while(|group| {
            cells += group.iter().map(|member| table.cells_of(&member.article.features)).sum::<usize>();
            scores += group.len() * table.labels.len();
            cells <= max_cells && scores <= max_scores
        });
        let keep = fit.count().max(2);
        self.groups.truncate(keep);
        self
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Whether whole sources can be left out.
    pub(super) fn has_sources(&self) -> bool {
        self.sources > 0
    }

    /// All articles, group by group.
    pub(super) fn all(&self) -> impl Iterator<Item = Member<'a>> {
        self.groups.iter().flatten().copied()
    }

    /// Labels that some article has.
    pub(super) fn labels_seen(&self) -> usize {
        let mut labels: Vec<usize> = self.all().map(|member| member.label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels.len()
    }

    /// The articles as models see them that were trained without their groups and, where there are three sources or more,
    /// without their sources; in the order of [`Articles::all`].
    pub(super) fn cases(&self, table: &AxisTable, settings: &Settings, parameters: &Parameters) -> Vec<Case> {
        let parts = self.parts(table, settings);
        let whole = Part { totals: table.totals(settings), table: table.clone() };
        let of_group = |group: &Vec<Member<'_>>| {
            let mut sources: Vec<Option<usize>> = group.iter().map(|member| member.source).collect();
            sources.sort_unstable();
            sources.dedup();
            let mut cases: Vec<Option<Case>> = vec![None; group.len()];
            for source in sources {
                let part = source.and_then(|source| parts.get(source)).unwrap_or(&whole);
                // The articles of the source are gone already.
                let rest = group.iter().filter(|member| source.is_none() || member.source != source);
                let left_out = LeftOut::new(self.axis, rest.map(|member| member.article));
                let view = part.table.without(&left_out, &part.totals, settings);
                for (case, member) in cases.iter_mut().zip(group).filter(|(_, member)| member.source == source) {
                    *case = Some(view.case(member.label, &member.article.features, parameters));
                }
            }
            cases.into_iter().flatten().collect::<Vec<_>>()
        };
        self.groups.par_iter().map(of_group).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// A table without any of the articles.
    pub(super) fn minus_all(&self, table: &AxisTable) -> AxisTable {
        table.minus(&LeftOut::new(self.axis, self.all().map(|member| member.article)))
    }

    /// The articles, which are not counted in the table, as models see them that do without their sources: `counted` are
    /// the articles of the table.
    pub(super) fn without_source(
        &self,
        counted: &Articles<'_>,
        table: &AxisTable,
        settings: &Settings,
        parameters: &Parameters,
    ) -> Vec<Case> {
        let parts = counted.parts(table, settings);
        let whole = Part { totals: table.totals(settings), table: table.clone() };
        let none = LeftOut::default();
        let of_group = |group: &Vec<Member<'_>>| {
            let case = |member: &Member<'_>| {
                let part = member.source.and_then(|source| parts.get(source)).unwrap_or(&whole);
                part.table.without(&none, &part.totals, settings).case(
                    member.label,
                    &member.article.features,
                    parameters,
                )
            };
            group.iter().map(case).collect::<Vec<_>>()
        };
        self.groups.par_iter().map(of_group).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// By source: the table without it.
    fn parts(&self, table: &AxisTable, settings: &Settings) -> Vec<Part> {
        let without = |source| {
            let of_source = self.all().filter(|member| member.source == Some(source));
            let table = table.minus(&LeftOut::new(self.axis, of_source.map(|member| member.article)));
            Part { totals: table.totals(settings), table }
        };
        (0..self.sources).into_par_iter().map(without).collect()
    }
}
