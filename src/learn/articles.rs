//! The articles of one axis as learning holds them out: by group, and by source where there are enough of them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    case::{Case, Parameters},
    rows::{Rows, RowsOf},
    table::{AxisTable, Draft, LeftOut, Totals},
};
use crate::{
    classify::Axis,
    model::{Counts, Digest, SampleArticle, Settings},
};

/// With fewer sources than this, leaving one out leaves too little.
const MIN_SOURCES: usize = 3;

/// Sources that are left out one by one; more are put together by the digest of their names.
const MAX_SOURCES: usize = 8;

/// Parts that articles are scored in at most: each has rows of its own.
const MAX_PARTS: usize = 8;

/// An article with its label, and the number of its source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) article: &'a SampleArticle,
    pub(super) label: usize,
    source: Option<usize>,
    event: Digest,
    /// Cells of its features that the table is without.
    dropped: usize,
}

/// The articles of one axis, by group.
#[derive(Clone, Debug)]
pub(super) struct Articles<'a> {
    axis: Axis,
    /// Ascending by event.
    groups: Vec<Vec<Member<'a>>>,
    /// Numbers given to sources; 0 if whole sources are not left out.
    sources: usize,
    events: Arc<Events>,
}

/// A table with what scoring under some settings needs of it.
struct Part<'t> {
    table: Cow<'t, AxisTable>,
    totals: Totals,
}

/// Events of groups: groups that share a text are on one event, which is named by the least of their digests.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Of a group that is not the least of its event: that one.
    less: HashMap<Digest, Digest>,
}

impl Events {
    pub(super) fn new(sample: &[SampleArticle]) -> Self {
        let mut events = Events::default();
        let mut of_text: HashMap<Digest, Digest> = HashMap::new();
        for article in sample {
            let event = events.find(article.group);
            let other = events.find(*of_text.entry(article.text).or_insert(event));
            if other != event {
                events.less.insert(event.max(other), event.min(other));
            }
        }
        let groups: Vec<Digest> = events.less.keys().copied().collect();
        for group in groups {
            events.find(group);
        }
        events
    }

    /// The event that a group is on as far as is known, to which the way is one step from now on (path compression: Tarjan
    /// 1975).
    fn find(&mut self, group: Digest) -> Digest {
        let mut event = group;
        let mut way = Vec::new();
        while let Some(&less) = self.less.get(&event) {
            way.push(event);
            event = less;
        }
        way.into_iter().for_each(|group| {
            self.less.insert(group, event);
        });
        event
    }

    /// The event that a group is on.
    pub(super) fn of(&self, group: Digest) -> Digest {
        self.less.get(&group).copied().unwrap_or(group)
    }
}

impl<'a> Articles<'a> {
    /// The articles of the calibration sample that are labelled on the axis. Whole sources can be left out if the sample is
    /// the whole corpus, since only what is in it can be subtracted.
    pub(super) fn of(axis: Axis, counts: &'a Counts) -> Self {
        Self::of_part(axis, counts, &[])
    }

    /// The same of counts that are without some features, of which is told how many cells the articles had, by article and
    /// axis.
    pub(super) fn of_part(axis: Axis, counts: &'a Counts, dropped: &[[u32; 2]]) -> Self {
        let sample = &counts.sample;
        let is_whole = sample.len() as u64 == counts.articles();
        let mut names: Vec<&str> = sample.iter().filter_map(|article| article.source.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let sources = if is_whole && names.len() >= MIN_SOURCES { names.len().min(MAX_SOURCES) } else { 0 };
        let number = |source: &str| match names.binary_search(&source) {
            Ok(at) if names.len() <= MAX_SOURCES => at,
            Ok(_) | Err(_) => usize::from(Digest::of(&["source", source]).0[0]) % MAX_SOURCES,
        };
        let events = Events::new(sample);
        let mut groups: BTreeMap<Digest, Vec<Member<'_>>> = BTreeMap::new();
        for (place, article) in sample.iter().enumerate() {
            if let Some(label) = article.labels[axis as usize] {
                let source = article.source.as_deref().filter(|_| sources > 0).map(number);
                let event = events.of(article.group);
                let dropped = dropped.get(place).map_or(0, |cells| cells[axis as usize] as usize);
                let member = Member { article, label: usize::from(label), source, event, dropped };
                groups.entry(event).or_default().push(member);
            }
        }
        Articles { axis, groups: groups.into_values().collect(), sources, events: Arc::new(events) }
    }

    /// The groups that `keep` says yes to.
    pub(super) fn filter(&self, keep: impl Fn(&Digest) -> bool) -> Self {
        let groups = self.groups.iter().filter(|group| group.first().is_some_and(|member| keep(&member.event)));
        Articles { groups: groups.cloned().collect(), events: Arc::clone(&self.events), ..*self }
    }

    /// As many of the first groups, in the order of their digests, as have at most so many cells in the table, and
    /// articles times labels; two at least.
    pub(super) fn within(mut self, table: &AxisTable, max_cells: usize, max_scores: usize) -> Self {
        let (mut cells, mut scores) = (0, 0);
        let fit = self.groups.iter().take_while(|group| {
            cells +=
                group.iter().map(|member| table.cells_of(&member.article.features) + member.dropped).sum::<usize>();
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

    /// The event that a group is on, if it is among them.
    pub(super) fn event(&self, group: Digest) -> Option<Digest> {
        let event = self.events.of(group);
        let of = |members: &Vec<Member<'_>>| members.first().map(|member| member.event);
        self.groups.binary_search_by_key(&Some(event), of).is_ok().then_some(event)
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
        self.sharing_rows(parts.len(), table.labels.len(), |group, rows| {
            let mut sources: Vec<Option<usize>> = group.iter().map(|member| member.source).collect();
            sources.sort_unstable();
            sources.dedup();
            let mut drafts: Vec<Option<(usize, Draft)>> = group.iter().map(|_| None).collect();
            for source in sources {
                let number = source.map_or(0, |source| source + 1);
                let part = &parts[number];
                // The articles of the source are gone already.
                let rest = group.iter().filter(|member| source.is_none() || member.source != source);
                let left_out = LeftOut::new(self.axis, rest.map(|member| member.article));
                let view = part.table.without(&left_out, &part.totals, settings);
                for (draft, member) in drafts.iter_mut().zip(group).filter(|(_, member)| member.source == source) {
                    let features = &member.article.features;
                    *draft = Some((number, view.draft(member.label, features, parameters, &mut rows[number])));
                }
            }
            drafts.into_iter().flatten().collect()
        })
    }

    /// The articles as cases: `drafts` makes those of a group, each with the number of its table, and is handed the rows
    /// of each table.
    fn sharing_rows(
        &self,
        tables: usize,
        labels: usize,
        drafts: impl Fn(&[Member<'_>], &mut [RowsOf]) -> Vec<(usize, Draft)> + Sync,
    ) -> Vec<Case> {
        let of_groups = |groups: &[Vec<Member<'_>>]| {
            let features = groups.iter().flatten().map(|member| member.article.features.len()).sum::<usize>();
            // Those that the model does not know leave room, which takes no memory as long as it is not written to.
            let mut rows: Vec<RowsOf> = (0..tables).map(|_| RowsOf::with_capacity(labels, features / tables)).collect();
            let drafts: Vec<(usize, Draft)> = groups.iter().flat_map(|group| drafts(group, &mut rows)).collect();
            let rows: Vec<Arc<Rows>> = rows.into_iter().map(|rows| Arc::new(rows.rows)).collect();
            drafts.into_iter().map(|(table, draft)| draft.case(&rows[table])).collect::<Vec<_>>()
        };
        // Rows are shared within a part of the groups, and whatever the parts, they say the same.
        let part = self.groups.len().div_ceil(rayon::current_num_threads().min(MAX_PARTS)).max(1);
        self.groups.par_chunks(part).map(of_groups).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// A table without any of the articles.
    pub(super) fn minus_all(&self, table: &AxisTable) -> AxisTable {
        table.minus(self.axis, self.all().map(|member| member.article))
    }

    /// What `read` reads of a table without any of the articles, which are back in it then: a table may take much memory.
    pub(super) fn without_all<T>(&self, table: &mut AxisTable, read: impl FnOnce(&AxisTable) -> T) -> T {
        table.take_out(self.axis, self.all().map(|member| member.article));
        let read = read(table);
        table.put_back(self.axis, self.all().map(|member| member.article));
        read
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
        let none = LeftOut::default();
        let views: Vec<_> = parts.iter().map(|part| part.table.without(&none, &part.totals, settings)).collect();
        self.sharing_rows(parts.len(), table.labels.len(), |group, rows| {
            let draft = |member: &Member<'_>| {
                let number = member.source.map_or(0, |source| source + 1);
                let features = &member.article.features;
                (number, views[number].draft(member.label, features, parameters, &mut rows[number]))
            };
            group.iter().map(draft).collect()
        })
    }

    /// The whole table, then by source the table without it.
    fn parts<'t>(&self, table: &'t AxisTable, settings: &Settings) -> Vec<Part<'t>> {
        let without = |source| {
            let of_source = self.all().filter(|member| member.source == Some(source));
            let table = table.minus(self.axis, of_source.map(|member| member.article));
            Part { totals: table.totals(settings), table: Cow::Owned(table) }
        };
        let whole = Part { totals: table.totals(settings), table: Cow::Borrowed(table) };
        let others: Vec<Part<'_>> = (0..self.sources).into_par_iter().map(without).collect();
        std::iter::once(whole).chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::case::ReadRow;
    use crate::learn::testing::{counts_of, small_corpus, some_settings};
    use proptest::prelude::*;

    /// What features say to an article, from a table that the others were really taken from.
    fn rows_of(table: &AxisTable, features: &[u32], parameters: &Parameters, settings: &Settings) -> Vec<ReadRow> {
        let row = |&feature: &u32| {
            let parameter = parameters.of(feature)? as usize;
            let field = table.field(feature).index();
            if let Some(named) = table.named_label(feature) {
                return Some((parameter, field, vec![(usize::from(named), 1.0)]));
            }
            if !table.knows(feature, settings) {
                return None;
            }
            let total: f64 = table.smoothed(feature, settings).map(|(_, value)| value).sum();
            let said = |value| f64::from(AxisTable::deviation(value, total, settings) as f32);
            let cells = table.smoothed(feature, settings).map(|(label, value)| (usize::from(label), said(value)));
            Some((parameter, field, cells.collect()))
        };
        features.iter().filter_map(row).collect()
    }

    fn check(articles: &Articles<'_>, table: &AxisTable, settings: &Settings) {
        let parameters = Parameters::new(table, settings);
        let cases = articles.cases(table, settings, &parameters);
        assert_eq!(cases.len(), articles.all().count());
        for (member, case) in articles.all().zip(cases) {
            let is_gone = |other: &Member<'_>| {
                other.event == member.event || member.source.is_some() && other.source == member.source
            };
            let gone = articles.all().filter(is_gone).map(|member| member.article);
            let rest = table.minus(articles.axis, gone);
            let expect = rows_of(&rest, &member.article.features, &parameters, settings);
            assert_eq!(case.read_rows(), expect, "{settings:?}");
        }
        // What is taken out is gone, and then it is back.
        let (mut changed, none) = (table.clone(), articles.filter(|_| false));
        let text = |table: &AxisTable| format!("{table:?}");
        let gone = articles.without_all(&mut changed, text);
        assert!(gone == text(&articles.minus_all(table)) && gone != text(table));
        assert!(text(&changed) == text(table) && none.without_all(&mut changed, text) == text(table));
        // Those of one half as models see them that hold the other half only.
        let half = |odd: u8| articles.filter(|event| event.0[0] & 1 == odd);
        let (judged, learnt) = (half(0), half(1));
        let table = judged.minus_all(table);
        let parameters = Parameters::new(&table, settings);
        let cases = judged.without_source(&learnt, &table, settings, &parameters);
        for (member, case) in judged.all().zip(cases) {
            let gone = learnt.all().filter(|other| member.source.is_some() && other.source == member.source);
            let rest = table.minus(articles.axis, gone.map(|member| member.article));
            let expect = rows_of(&rest, &member.article.features, &parameters, settings);
            assert_eq!(case.read_rows(), expect, "{settings:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// Whatever articles share, each is told to the last bit what it would be told alone: groups of one label and of
        /// several, with sources left out and without.
        #[test]
        fn shared_rows_say_what_own_rows_would(
            groups in proptest::collection::vec(0_u8..9, 24),
            sources in proptest::collection::vec(0_u8..4, 24),
            max_sources in 1_u8..=4,
            words in proptest::collection::vec(0_usize..60, 24),
        ) {
            const WORDS: [&str; 4] = ["harvest", "pension", "reservoir", "vaccine"];
            let mut corpus = small_corpus();
            for (((article, group), source), word) in corpus.iter_mut().zip(groups).zip(sources).zip(words) {
                // Words that stand with one label mostly, which those of the small corpus do not.
                let of_label = article.labels[0].as_ref().map_or(0, String::len) % WORDS.len();
                let word = WORDS.get(word).unwrap_or(&WORDS[of_label]);
                article.text += &format!("\n\nThe {word} came last.");
                article.group = Some(group.to_string());
                article.source = (source > 0).then(|| (source % max_sources).to_string());
            }
            let counts = counts_of(&corpus);
            for axis in Axis::ALL {
                let table = AxisTable::new(&counts, axis).unwrap();
                let articles = Articles::of(axis, &counts);
                for settings in some_settings() {
                    check(&articles, &table, &settings);
                    check(&articles, &table, &Settings { name_count: 30.0, ..settings });
                }
            }
        }
    }
}
