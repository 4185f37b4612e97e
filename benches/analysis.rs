//! What one analysis costs, stage by stage: `cargo bench --bench analysis`.
#![allow(clippy::unwrap_used)]

use std::{hint::black_box, path::Path};

use chuanda::{
    classify::{self, Names, features},
    engine::{self, ArticleInput, OptionsInput},
    model::Model,
    summarize,
    text::{Article, Document},
};
use divan::{Bencher, counter::BytesCount};

fn main() {
    divan::main();
}

/// An article of about 3 KB: the first of the examples, cut or repeated to size.
fn article(bytes: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/articles/01-government-plenary.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut sized = text.repeat(bytes / text.len() + 1);
    sized.truncate(sized.floor_char_boundary(bytes));
    sized
}

const SIZES: [usize; 4] = [300, 3_000, 30_000, 1_000_000];

#[divan::bench(args = SIZES)]
fn read_document(bencher: Bencher, bytes: usize) {
    let text = article(bytes);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| black_box(Document::new(Article { title: None, text: &text }, None).tokens.len()));
}

#[divan::bench(args = SIZES)]
fn feature_row(bencher: Bencher, bytes: usize) {
    let text = article(bytes);
    let names = Names::new(Model::embedded().unwrap().catalog());
    let document = Document::new(Article { title: None, text: &text }, None);
    bencher.bench_local(|| black_box(features::row(&document, &names)));
}

#[divan::bench(args = SIZES)]
fn classify_both_axes(bencher: Bencher, bytes: usize) {
    let (model, text) = (Model::embedded().unwrap(), article(bytes));
    let document = Document::new(Article { title: None, text: &text }, None);
    bencher.bench_local(|| black_box(model.classify(&document, &classify::Options::default())));
}

#[divan::bench(args = SIZES)]
fn summarize_three_sentences(bencher: Bencher, bytes: usize) {
    let text = article(bytes);
    let document = Document::new(Article { title: None, text: &text }, None);
    bencher.bench_local(|| black_box(summarize::summarize(&document, &summarize::Options::default())));
}

/// As many different sentences of about 17 words, from a vocabulary that grows with their number.
fn sentences(number: usize) -> String {
    let word = |at: usize| at.wrapping_mul(0x9e37_79b9) % (100 + number);
    let sentence = |at: usize| {
        let words: Vec<String> = (0..16).map(|place| format!("w{}", word(at * 16 + place))).collect();
        format!("Sentence {}.\n", words.join(" "))
    };
    (0..number).map(sentence).collect()
}

/// Growth: text to ranked sentences.
#[divan::bench(args = [10, 100, 1_000, 10_000])]
fn read_and_rank(bencher: Bencher, number: usize) {
    let text = sentences(number);
    bencher.bench_local(|| {
        let document = Document::new(Article { title: None, text: &text }, None);
        assert_eq!(document.sentences.len(), number);
        black_box(summarize::rank(&document, &summarize::Options::default()))
    });
}

#[divan::bench(args = SIZES)]
fn whole_analysis(bencher: Bencher, bytes: usize) {
    let model = Model::embedded().unwrap();
    let input = ArticleInput { text: article(bytes), ..ArticleInput::default() };
    let options = OptionsInput::default().check(&model).unwrap();
    bencher
        .counter(BytesCount::of_str(&input.text))
        .bench_local(|| black_box(engine::analyze(&model, &input, &options)));
}

#[divan::bench]
fn load_embedded_model() -> Model {
    Model::embedded().unwrap()
}
