//! How far plain naive Bayes gets: multinomial, add-one smoothing, bag of words over the whole text, priors from the
//! data, no zones, no settings, no calibration. (The vocabulary is that of all articles; leaving out words that a
//! fold's training articles do not have changes little.) Same outer folds by group as `chuanda train` reports, so that the
//! gain of zones, weights and settings can be seen.
//!
//! `cargo run --release --example plain_baseline -- models/default/corpus/*.jsonl`
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, env, fs};

use chuanda::{
    classify::{Axis, softmax},
    learn::{FOLDS, LabelledArticle, STORED_POINTS, Scored, measure},
};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_bayes::MultinomialNb;
use ndarray::{Array1, Array2};

struct Labelled {
    words: Vec<usize>,
    label: usize,
    fold: u8,
}

fn main() -> anyhow::Result<()> {
    let mut articles = Vec::new();
    for path in env::args().skip(1) {
        for line in fs::read_to_string(path)?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let field = |name: &str| value[name].as_str().map(str::to_owned);
            articles.push(LabelledArticle {
                text: field("text").unwrap_or_default(),
                labels: Axis::ALL.map(|axis| field(axis.name())),
                group: field("group"),
                ..LabelledArticle::default()
            });
        }
    }
    for axis in Axis::ALL {
        let (labels, labelled, words) = read(&articles, axis);
        let mut scored = Vec::new();
        for fold in 0..FOLDS {
            let (test, train): (Vec<&Labelled>, Vec<&Labelled>) = labelled.iter().partition(|a| a.fold == fold);
            // One row of summed counts per label: linfa fits the same values as from the articles one by one.
            let mut counts = Array2::<f64>::zeros((labels.len(), words));
            let mut prior = vec![0.0_f64; labels.len()];
            for article in train {
                prior[article.label] += 1.0;
                article.words.iter().for_each(|&word| counts[(article.label, word)] += 1.0);
            }
            let targets = Array1::from_iter(0..labels.len());
            let model = MultinomialNb::params().alpha(1.0).fit(&DatasetBase::new(counts, targets))?;
            let fitted = serde_json::to_value(&model)?;
            let total: f64 = prior.iter().sum();
            let rows: Vec<Vec<f64>> = (0..labels.len())
                .map(|label| {
                    serde_json::from_value(fitted["class_info"][label.to_string()]["feature_log_prob"]["data"].clone())
                })
                .collect::<Result<_, _>>()?;
            for article in test {
                let score = |label: usize| {
                    let likelihood: f64 = article.words.iter().map(|&word| rows[label][word]).sum();
                    ((prior[label] + 1e-3) / total).ln() + likelihood
                };
                let scores: Vec<f64> = (0..labels.len()).map(score).collect();
                scored.push(Scored::new(&labels[article.label], &labels, &softmax(&scores, 1.0)));
            }
        }
        let m = measure(&labels, &scored, STORED_POINTS);
        println!(
            "{}: {} articles, accuracy {:.3}, macro-F1 {:.3}, log loss {:.2}, ECE {:.3}",
            axis.name(),
            m.articles,
            m.accuracy,
            m.macro_f1,
            m.log_loss,
            m.expected_calibration_error
        );
    }
    Ok(())
}

/// Labels, articles as word numbers, and how many words there are.
fn read(articles: &[LabelledArticle], axis: Axis) -> (Vec<String>, Vec<Labelled>, usize) {
    let mut labels: Vec<String> = articles.iter().filter_map(|a| a.labels[axis as usize].clone()).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut vocabulary = BTreeMap::new();
    let mut labelled = Vec::new();
    for article in articles {
        let Some(label) = &article.labels[axis as usize] else { continue };
        let mut words = Vec::new();
        for word in article.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let next = vocabulary.len();
            words.push(*vocabulary.entry(word.to_lowercase()).or_insert(next));
        }
        let label = labels.binary_search(label).unwrap_or_default();
        labelled.push(Labelled { words, label, fold: article.group_digest().0[15] % FOLDS });
    }
    (labels, labelled, vocabulary.len())
}
