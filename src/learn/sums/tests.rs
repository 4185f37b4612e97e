//! The sums beside a plain map.

use super::*;
use proptest::prelude::*;
use std::{collections::BTreeMap, convert::Infallible};
use tempfile::TempDir;

/// By feature, axis and label.
type Plain = BTreeMap<u64, [BTreeMap<u16, u32>; 2]>;

fn check(sums: &Sums, expect: &Plain) {
    let mut found = Plain::new();
    let (mut features, mut cells_of) = (0, [0; 2]);
    sums.visit(|id, cells| {
        features += 1;
        cells_of.iter_mut().zip(cells.iter()).for_each(|(sum, cells)| *sum += cells.len());
        let before = found.insert(id, cells.each_ref().map(|cells| cells.iter().copied().collect()));
        assert!(before.is_none() && found.last_key_value().is_some_and(|(last, _)| *last == id), "ascending");
    });
    assert_eq!(&found, expect);
    assert_eq!((sums.features(), [0, 1].map(|axis| sums.cells(axis))), (features, cells_of));
    for (&id, axes) in expect {
        for (axis, cells) in axes.iter().enumerate() {
            cells.iter().for_each(|(&label, &articles)| assert_eq!(sums.count(id, axis, label), articles));
            assert_eq!(sums.count(id, axis, 999), 0);
        }
        assert_eq!(sums.count(id ^ 1 << 40, 0, 999), 0);
    }
}

/// Sums whose runs wait in a file as soon as they take a little.
fn spilling(mut sums: Sums, directory: &TempDir) -> Sums {
    sums.spill_into(Arc::new(Scratch::new(directory.path())));
    sums
}

fn label() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![Just(None), (0_u16..3).prop_map(Some), (0_u16..400).prop_map(Some)]
}

/// Features that are neighbours, far apart, and at both ends.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..200, (0_u64..40).prop_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Just(u64::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// However the changes are gathered, the sums are those of a plain map.
    #[test]
    fn sums_are_those_of_a_map(
        added in proptest::collection::vec(
            proptest::collection::btree_map(id(), (label(), label(), 1_u32..u32::MAX / 500), 1..30), 0..30,
        ),
        taken in proptest::collection::vec(any::<prop::sample::Index>(), 0..50),
        spills: bool,
    ) {
        let (mut sums, mut plain) = (Sums::of_fields(), Plain::new());
        let directory = tempfile::tempdir().unwrap();
        if spills {
            sums = spilling(sums, &directory);
        }
        for counts in added {
            let (bare, counts): (Plain, Plain) = counts
                .into_iter()
                .map(|(id, (first, second, articles))| {
                    (id, [first, second].map(|label| label.map(|label| (label, articles)).into_iter().collect()))
                })
                .partition(|(_, axes): &(u64, [BTreeMap<u16, u32>; 2])| axes.iter().all(BTreeMap::is_empty));
            let Ok(()) = sums.add_counts(|add| {
                counts.iter().for_each(|(&id, axes)| add(id, &axes.each_ref().map(|cells| cells.clone().into_iter().collect())));
                Ok::<_, Infallible>(())
            });
            bare.keys().for_each(|&id| sums.add_bare(id));
            for (&id, axes) in bare.iter().chain(&counts) {
                for (sums, counts) in plain.entry(id).or_default().iter_mut().zip(axes) {
                    counts.iter().for_each(|(&label, articles)| *sums.entry(label).or_default() += articles);
                }
            }
            for id in counts.keys() {
                for (axis, cells) in plain[id].iter().enumerate() {
                    cells.iter().for_each(|(&label, &articles)| assert_eq!(sums.count(*id, axis, label), articles));
                }
            }
        }
        sums.finish();
        check(&sums, &plain);
        for index in taken {
            let cells = plain.iter().flat_map(|(&id, axes)| {
                axes.iter().enumerate().flat_map(move |(axis, cells)| cells.keys().map(move |&label| (id, axis, label)))
            });
            let cells: Vec<(u64, usize, u16)> = cells.collect();
            if cells.is_empty() {
                break;
            }
            let (id, axis, label) = cells[index.index(cells.len())];
            let articles = sums.count(id, axis, label);
            sums.take(id, axis, label, articles);
            prop_assert_eq!(sums.count(id, axis, label), 0);
            let axes = plain.get_mut(&id).unwrap();
            axes[axis].remove(&label);
            if axes.iter().all(BTreeMap::is_empty) {
                plain.remove(&id);
            }
        }
        sums.finish();
        check(&sums, &plain);
    }

    /// Of so many articles that features come often, that labels come later, and that some are taken off between.
    #[test]
    fn articles_are_added_up(
        seed: u64, singles: bool, spills: bool, label_limits in proptest::collection::vec(1_u64..40, 2..5),
    ) {
        let mut state = seed;
        let mut random = |below: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            crate::text::mix(state) % below
        };
        let (mut sums, mut plain, mut has_frequent) = (if singles { Sums::of_singles() } else { Sums::of_fields() }, Plain::new(), false);
        let directory = tempfile::tempdir().unwrap();
        if spills {
            sums = spilling(sums, &directory);
        }
        let mut has_spilled = false;
        for limit in label_limits {
            let articles: Vec<(Vec<Ngram>, [Option<u16>; 2])> = (0..1500)
                .map(|_| {
                    // Common ones, rare ones and such as differ in their last bits, most of them in one part.
                    let id = |random: &mut dyn FnMut(u64) -> u64| match random(4) {
                        0 => random(8) << 5 | random(4),
                        1 => random(400) << 40 | random(2),
                        2 => crate::text::mix(random(50)),
                        _ => random(1 << 50),
                    };
                    let mut ids: Vec<u64> = (0..12).map(|_| id(&mut random)).collect();
                    ids.sort_unstable();
                    let second = random(limit + 1).checked_sub(1);
                    ids.dedup();
                    let single = |&id: &u64| Ngram { id, fields: 1 };
                    let own = if singles { ids.iter().map(single).collect() } else { Ngram::all(ids.into_iter()) };
                    (own, [Some(random(limit) as u16), second.map(|label| label as u16)])
                })
                .collect();
            let rows: Vec<_> = articles.iter().map(|(ngrams, labels)| (ngrams.as_slice(), *labels)).collect();
            sums.add_articles(&rows, |ngram| ngram);
            for (ngrams, labels) in &articles {
                for id in ngrams.iter().flat_map(|ngram| ngram.features()) {
                    let axes = plain.entry(id).or_default();
                    for (axis, label) in labels.iter().enumerate() {
                        label.iter().for_each(|&label| *axes[axis].entry(label).or_default() += 1);
                    }
                }
            }
            let more = random(8) << 5;
            let Ok(()) = sums.add_counts(|add| {
                add(more, &[vec![(1, 3)], Vec::new()]);
                Ok::<_, Infallible>(())
            });
            *plain.entry(more).or_default()[0].entry(1).or_default() += 3;
            sums.settle();
            has_spilled |= sums.parts.iter().any(|part| !part.spilled.is_empty());
            has_frequent |= (0..8).any(|number| sums.parts[0].frequent.count(number << 5, 0, 0, 0) > 0);
            for (&id, axes) in plain.iter_mut().step_by(7) {
                let Some((label, articles)) = axes[0].pop_first() else { continue };
                prop_assert_eq!(sums.count(id, 0, label), articles);
                sums.take(id, 0, label, articles);
                prop_assert_eq!(sums.count(id, 0, label), 0);
            }
            plain.retain(|_, axes| axes.iter().any(|cells| !cells.is_empty()));
        }
        prop_assert!(has_frequent);
        prop_assert_eq!(has_spilled, spills);
        sums.finish();
        check(&sums, &plain);
        sums.renumber(|axis, label| (label % 3 != axis as u16).then_some(99 - label));
        for axes in plain.values_mut() {
            for (axis, cells) in axes.iter_mut().enumerate() {
                cells.retain(|label, _| label % 3 != axis as u16);
                *cells = std::mem::take(cells).into_iter().map(|(label, articles)| (99 - label, articles)).collect();
            }
        }
        check(&sums, &plain);
        prop_assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }
}

/// Where nothing can be written, sums stay in memory; what cannot be read any more is told.
#[test]
fn a_file_that_cannot_be_used() {
    let mut ids: Vec<u64> = (0..5000).map(crate::text::mix).collect();
    ids.sort_unstable();
    let sums_in = |scratch: &Arc<Scratch>| {
        let mut sums = Sums::of_fields();
        sums.spill_into(Arc::clone(scratch));
        let Ok(()) = sums.add_counts(|add| {
            ids.iter().for_each(|&id| add(id, &[vec![(1, 3)], Vec::new()]));
            Ok::<_, Infallible>(())
        });
        sums
    };
    let directory = tempfile::tempdir().unwrap();
    let nowhere = Arc::new(Scratch::new(&directory.path().join("none")));
    let mut sums = sums_in(&nowhere);
    assert!(nowhere.put(b"more").is_none());
    sums.finish();
    assert_eq!((sums.features(), sums.count(ids[7], 0, 1)), (5000, 3));
    nowhere.check().unwrap();

    // Room is given back: however often all is merged, the file is no longer than twice what is in it.
    let scratch = Arc::new(Scratch::new(directory.path()));
    let mut sums = sums_in(&scratch);
    assert!(scratch.length() > 0);
    sums.finish();
    let once = scratch.length();
    for _ in 0..10 {
        sums.finish();
    }
    assert_eq!((sums.features(), sums.count(ids[7], 0, 1)), (5000, 3));
    assert!(scratch.length() <= 2 * once, "{} {once}", scratch.length());

    let scratch = Scratch::new(directory.path());
    let at = scratch.put(b"some bytes").unwrap();
    assert_eq!(scratch.get(at, 10), b"some bytes");
    scratch.check().unwrap();
    assert_eq!(scratch.get(at, 11), b"");
    assert!(scratch.check().is_err());
    scratch.check().unwrap();
}
