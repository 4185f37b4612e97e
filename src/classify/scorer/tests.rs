//! What is laid out for speed says what the tables say, worked out plainly.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    classify::{
        Axis, AxisTables, Calibration, Catalog,
        features::{self, FIELDS, Field, TERM_FIELDS},
    },
    text::{Article, TokenKind},
};

/// Texts of which features are made; what they say is drawn at random.
const TEXTS: [&str; 5] = [
    "The bureau held a meeting\n\nOn Monday the bureau held a meeting. The meeting of the bureau heard a report.\n\nThe \
     report of the meeting was heard by the bureau on Monday.",
    "Report on Monday\n\nA report was heard, and a meeting held to convey the spirit of the meeting of the bureau.",
    "市委召开会议\n\n市委召开会议，传达学习会议精神。会议听取报告。会议由市委召开。",
    // Long enough to have a body behind headline and lead.
    "The bureau held a meeting\n\nOn Monday the bureau held a meeting of all its staff in the small hall of the old house by \
     the river, where the head of the bureau heard reports on roads, bridges, schools and water, and thanked all who had come \
     so far on so cold a morning.\n\nThe meeting heard that a bridge was built and that a school was opened. The meeting asked \
     that the report be sent to the bureau by Friday. The head of the bureau said the roads were dry, the water was clean and \
     the school was full.\n\nThe meeting of the bureau was held in the small hall.",
    "",
];

fn document(text: &str) -> Document<'_> {
    Document::new(Article { title: None, text }, None)
}

fn row(document: &Document<'_>, names: &Names) -> Vec<u64> {
    features::row(document, names).into_iter().flat_map(|ngram| ngram.features()).collect()
}

/// The score of each label, term by term as the formula has it.
fn plain(tables: &AxisTables, known: &BTreeMap<u64, usize>, features: &BTreeSet<u64>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let labels = tables.labels.len();
    let start = |at: usize| tables.cells[..at].iter().map(|&n| usize::from(n)).sum::<usize>();
    let of_axis: Vec<(u64, usize)> = features
        .iter()
        .filter_map(|feature| Some((*feature, *known.get(feature)?)))
        .filter(|(_, at)| tables.cells[*at] > 0)
        .collect();
    let field = |feature: u64| Field::of(feature).unwrap().index();
    let mut rows = Vec::new();
    for &(feature, at) in &of_axis {
        let length = of_axis.iter().filter(|(other, _)| field(*other) == field(feature)).count() as f64;
        let is_term = field(feature) < TERM_FIELDS;
        let scale = if is_term { length.powf(-tables.length_exponent) } else { 1.0 };
        let mut row = if is_term { tables.floors[field(feature)].clone() } else { vec![0.0; labels] };
        for cell in start(at)..start(at) + usize::from(tables.cells[at]) {
            row[usize::from(tables.cell_labels[cell])] += f64::from(tables.cell_values[cell]);
        }
        let mean = row.iter().sum::<f64>() / labels as f64;
        rows.push(row.iter().map(|value| scale * f64::from(tables.weights[at]) * (value - mean)).collect::<Vec<f64>>());
    }
    let mean = tables.prior.iter().sum::<f64>() / labels as f64;
    let weight = if rows.is_empty() { 1.0 } else { tables.prior_weight };
    let scores =
        (0..labels).map(|label| weight * (tables.prior[label] - mean) + rows.iter().map(|row| row[label]).sum::<f64>());
    (scores.collect(), rows)
}

/// Values for all that tables hold, drawn from a stream of numbers.
fn tables(features: Vec<u64>, labels: usize, length_exponent: f64, mut draw: impl FnMut() -> f64) -> AxisTables {
    let mut tables = AxisTables {
        labels: (0..labels).map(|label| format!("label_{label:03}")).collect(),
        prior: (0..labels).map(|_| draw()).collect(),
        prior_weight: 0.7,
        floors: (0..TERM_FIELDS).map(|_| (0..labels).map(|_| -draw().abs()).collect()).collect(),
        length_exponent,
        calibration: Calibration::default(),
        weights: Vec::new(),
        cells: Vec::new(),
        cell_labels: Vec::new(),
        cell_values: Vec::new(),
    };
    for _ in features {
        // None, few, or most of the labels.
        let share = (draw().abs() * 4.0).fract();
        let own: Vec<usize> = (0..labels).filter(|_| (draw().abs() * 7.0).fract() < share * share - 0.05).collect();
        tables.weights.push(draw().abs() as f32);
        tables.cells.push(own.len() as u16);
        tables.cell_labels.extend(own.iter().map(|&label| label as u16));
        tables.cell_values.extend(own.iter().map(|_| draw() as f32));
    }
    tables
}

proptest! {
    /// A forged file may know an n-gram as word, pair and name at once.
    #[test]
    fn any_fields_of_an_ngram_are_read(
        labels in 1_usize..20,
        fields in proptest::collection::vec(proptest::collection::btree_set(0..FIELDS as u64, 0..FIELDS), 1..40),
        numbers in proptest::collection::vec(-3.0_f64..3.0, 997),
    ) {
        let names = Names::new(&Catalog::default());
        let mut ngrams: Vec<u64> = TEXTS.iter().flat_map(|text| row(&document(text), &names)).collect();
        ngrams.iter_mut().for_each(|feature| *feature &= !31);
        ngrams.sort_unstable();
        ngrams.dedup();
        let own = fields.iter().cycle();
        let features: Vec<u64> =
            ngrams.iter().zip(own).flat_map(|(ngram, fields)| fields.iter().map(move |field| ngram | field)).collect();
        let mut at = 0;
        let known: BTreeMap<u64, usize> = features.iter().copied().zip(0..).collect();
        let axes = [0, 1].map(|_| tables(features.clone(), labels, 0.0, || {
            at += 1;
            numbers[at % numbers.len()]
        }));
        let both = Tables { features, axes: axes.clone().map(Some) };
        let scorer = Scorer::new(&both, names.clone(), |_, id| id.to_owned()).unwrap();
        for text in TEXTS {
            let document = document(text);
            let hits = scorer.hits(&document);
            let row: BTreeSet<u64> = row(&document, &names).into_iter().collect();
            for axis in Axis::ALL {
                let (expect, rows) = plain(&axes[axis as usize], &known, &row);
                let (scores, _) = scorer.scores(axis as usize, &hits).unwrap();
                for (label, (score, expect)) in scores.iter().zip(&expect).enumerate() {
                    let size: f64 = rows.iter().map(|row| row[label].abs()).sum();
                    let bound = 1e-5 * (1.0 + size) + 1e-4 * rows.len() as f64;
                    prop_assert!((score - expect).abs() <= bound, "{label}: {score} is not {expect}, by {bound}");
                }
            }
        }
    }

    /// Scores and reasons are those of the formula, for few labels and many, sparse rows and dense ones.
    #[test]
    fn scores_are_those_of_the_formula(
        labels in 1_usize..80,
        length_exponent in prop_oneof![Just(0.0), Just(0.5)],
        left_out in 0_u64..5,
        numbers in proptest::collection::vec(-3.0_f64..3.0, 997),
    ) {
        let names = Names::new(&Catalog::default());
        let mut ids: BTreeSet<u64> = TEXTS.iter().flat_map(|text| row(&document(text), &names)).collect();
        ids.retain(|id| left_out == 0 || (id >> 7) % 5 != left_out);
        prop_assert!(ids.iter().all(|id| id & 31 < FIELDS as u64));
        let known: BTreeMap<u64, usize> = ids.iter().copied().zip(0..).collect();
        let features: Vec<u64> = ids.iter().copied().collect();
        let mut at = 0;
        let axes = [0, 1].map(|_| tables(features.clone(), labels, length_exponent, || {
            at += 1;
            numbers[at % numbers.len()] * (1.0 + (at % 13) as f64 / 13.0)
        }));
        let both = Tables { features, axes: axes.clone().map(Some) };
        let scorer = Scorer::new(&both, names.clone(), |_, id| id.to_owned()).unwrap();
        for text in TEXTS {
            let document = document(text);
            let hits = scorer.hits(&document);
            let row: BTreeSet<u64> = row(&document, &names).into_iter().collect();
            for axis in Axis::ALL {
                let (expect, rows) = plain(&axes[axis as usize], &known, &row);
                let (scores, _) = scorer.scores(axis as usize, &hits).unwrap();
                for (label, (score, expect)) in scores.iter().zip(&expect).enumerate() {
                    // Each value is off by 2^-24 of itself, and so is each sum of a block.
                    let size: f64 = rows.iter().map(|row| row[label].abs()).sum();
                    let floors: f64 = axes[axis as usize].floors.iter().map(|floor| floor[label].abs()).sum();
                    let bound = 64.0 * f64::from(f32::EPSILON) * (1.0 + size + floors * rows.len() as f64);
                    prop_assert!((score - expect).abs() <= bound, "{label}: {score} is not {expect}, by {bound}");
                }
                let id = format!("label_{:03}", labels - 1);
                let reasons = scorer.evidence(axis as usize, &id, &document, &hits, usize::MAX);
                let positive: f64 = reasons.iter().map(|reason| reason.contribution).sum();
                prop_assert!(reasons.iter().all(|reason| reason.contribution > 0.0 && !reason.spans.is_empty()));
                prop_assert!(reasons.is_sorted_by(|a, b| a.contribution >= b.contribution));
                let all = scorer.evidence(axis as usize, &id, &document, &hits, 3);
                prop_assert_eq!(&all[..], &reasons[..reasons.len().min(3)]);
                // By n-gram, as reasons are.
                let mut of_ngram: BTreeMap<u64, f64> = BTreeMap::new();
                let of_axis = row.iter().filter(|id| known.get(id).is_some_and(|&at| axes[axis as usize].cells[at] > 0));
                for (id, row) in of_axis.zip(&rows) {
                    *of_ngram.entry(id >> 5).or_default() += row[labels - 1];
                }
                let expect: f64 = of_ngram.values().filter(|value| **value > 0.0).sum();
                prop_assert!((positive - expect).abs() <= 1e-4 * (1.0 + expect), "{positive} is not {expect}");
            }
        }
    }
}

/// An axis that a file leaves out is not answered; the features are looked up all the same.
#[test]
fn axes_may_be_missing() {
    let names = Names::new(&Catalog::default());
    let document = document(TEXTS[0]);
    let features = row(&document, &names);
    let axis = tables(features.clone(), 3, 0.0, || 0.5);
    for axes in [[None, None], [Some(axis.clone()), None], [None, Some(axis)]] {
        let there = axes.each_ref().map(Option::is_some);
        let scorer =
            Scorer::new(&Tables { features: features.clone(), axes }, names.clone(), |_, id| id.to_owned()).unwrap();
        let answers = scorer.classify(&document, &scorer.hits(&document), false, &Options::default());
        assert_eq!(answers.map(|answer| answer.is_some()), there);
    }
}

/// The words that are found are the different terms of all tokens that are no numbers, in the order in which they come by.
#[test]
fn words_are_those_of_the_document() {
    let scorer = Scorer::default();
    for text in TEXTS.into_iter().chain(["2023 and 2024: 0 and 7 of 7, the third 3rd", "5 6"]) {
        let document = document(text);
        let mut expect: Vec<u64> = Vec::new();
        for token in document.tokens.iter().filter(|token| token.kind != TokenKind::Number) {
            if !expect.contains(&features::ngram_id(token.term)) {
                expect.push(features::ngram_id(token.term));
            }
        }
        assert_eq!(scorer.hits(&document).words(), expect, "{text}");
    }
}
