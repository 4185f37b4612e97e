//! Other labels than those of the default model: trains on the training part of classification data sets with the
//! settings that the trainer chooses, and prints accuracy, macro-F1 and calibration on the test part; then how many of
//! the test texts the built-in model takes for articles of its own kind.
//!
//! `cargo run --release --example public_sets -- FILE...` where each file is JSON lines, perhaps gzipped, with `text`,
//! `label` and `split` (`train` or `test`).
#![allow(clippy::print_stdout)]

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read},
    time::Instant,
};

use anyhow::Context as _;
use chuanda::{
    classify::{self, Decision},
    learn::{CatalogChoice, LabelledArticle, Trainer, evaluate},
    model::{Model, ModelFile},
    text::{Article, Document},
};
use flate2::read::GzDecoder;
use rayon::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    text: String,
    label: String,
    split: String,
}

fn main() -> anyhow::Result<()> {
    let default = Model::embedded()?;
    for path in env::args().skip(1) {
        let (train, test) = read(&path)?;
        let begun = Instant::now();
        let mut trainer = Trainer::new(CatalogChoice::FromData);
        trainer.add_all(&train).into_iter().collect::<Result<Vec<_>, _>>()?;
        let trained = trainer.finish()?;
        let seconds = begun.elapsed().as_secs_f64();
        let settings = trained.report.axes[0].as_ref().context("no labels")?.settings;
        let foreign = test.par_iter().filter(|article| is_refused(&default, &article.text)).count();
        let texts = test.len();
        // Some sets hold a text in both parts; a model scores what it was trained on without it, so it stays comparable.
        let evaluation = evaluate(&ModelFile::from_bytes(&trained.model)?, test);
        let metrics = &evaluation.axes[0].metrics;
        println!("{path}: {} articles trained on in {seconds:.0} s with {settings}", train.len());
        println!(
            "  test: {} articles, accuracy {:.2}, macro-F1 {:.2}, log loss {:.3}, calibration error {:.3}",
            metrics.articles,
            metrics.accuracy * 100.0,
            metrics.macro_f1 * 100.0,
            metrics.log_loss,
            metrics.expected_calibration_error
        );
        println!(
            "  the built-in model refuses {foreign} of {texts} test texts on both axes ({:.1} %)",
            foreign as f64 / texts as f64 * 100.0
        );
    }
    Ok(())
}

/// Whether a text is no article of the model's kind, on both axes.
fn is_refused(model: &Model, text: &str) -> bool {
    let document = Document::new(Article { title: None, text }, None);
    let answers = model.classify(&document, &classify::Options::default());
    answers.into_iter().flatten().all(|answer| match answer.decision {
        Decision::NoEvidence | Decision::OutOfDistribution => true,
        Decision::Uncertain | Decision::Accepted => false,
    })
}

/// The training and the test part of a file.
fn read(path: &str) -> anyhow::Result<(Vec<LabelledArticle>, Vec<LabelledArticle>)> {
    let file = File::open(path).with_context(|| path.to_owned())?;
    let reader: Box<dyn Read> = if path.ends_with(".gz") { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for line in BufReader::new(reader).lines() {
        let Record { text, label, split } = serde_json::from_str(&line?)?;
        // Labels are ids, without spaces.
        let labels = [Some(label.replace(' ', "_")), None];
        let article = LabelledArticle { text, labels, ..LabelledArticle::default() };
        if split == "train" {
            train.push(article);
        } else {
            test.push(article);
        }
    }
    Ok((train, test))
}
