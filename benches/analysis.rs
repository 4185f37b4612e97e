//! What one analysis costs, stage by stage, and what else the program does before and beside it: loading the model and
//! counting labelled articles. `cargo bench --bench analysis`.
#![allow(clippy::unwrap_used)]

mod support;

use std::{cmp::Reverse, collections::HashMap, fmt, hint::black_box};

use chuanda::{
    classify::{self, Catalog, Names, features},
    engine::{self, ArticleInput, OptionsInput},
    learn::{CatalogChoice, LabelledArticle, Trainer},
    model::Model,
    summarize,
    text::{Article, Document, Numbering, mix},
};
use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use support::Language;

fn main() {
    divan::main();
}

/// What an article is like.
#[derive(Clone, Copy, Debug)]
struct Kind(Language, usize);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind(language, bytes) = self;
        write!(f, "{language:?}, {bytes} bytes")
    }
}

const KINDS: [Kind; 8] = [
    Kind(Language::English, 300),
    Kind(Language::English, 3_000),
    Kind(Language::English, 30_000),
    Kind(Language::English, 1_000_000),
    Kind(Language::Chinese, 300),
    Kind(Language::Chinese, 3_000),
    Kind(Language::Chinese, 30_000),
    Kind(Language::Chinese, 1_000_000),
];

/// Different articles of a kind, read one after the other: one and the same would stay in the caches with all that the
/// model knows of it.
fn texts(Kind(language, bytes): Kind) -> Vec<String> {
    support::articles(language, bytes, (200_000 / bytes).clamp(1, 100))
}

fn document(text: &str) -> Document<'_> {
    Document::new(Article { title: None, text }, None)
}

/// Runs a stage on one input after the other.
fn in_turn<T, R>(bencher: Bencher<'_, '_>, kind: Kind, inputs: &[T], mut stage: impl FnMut(&T) -> R) {
    let mut inputs = inputs.iter().cycle();
    bencher.counter(BytesCount::new(kind.1)).bench_local(|| inputs.next().map(&mut stage));
}

#[divan::bench(args = KINDS)]
fn read_document(bencher: Bencher<'_, '_>, kind: Kind) {
    in_turn(bencher, kind, &texts(kind), |text| document(text).tokens.len());
}

#[divan::bench(args = KINDS)]
fn feature_row(bencher: Bencher<'_, '_>, kind: Kind) {
    let names = Names::new(Model::embedded().unwrap().catalog());
    let texts = texts(kind);
    let documents: Vec<Document<'_>> = texts.iter().map(|text| document(text)).collect();
    in_turn(bencher, kind, &documents, |document| features::row(document, &names));
}

#[divan::bench(args = KINDS)]
fn classify_both_axes(bencher: Bencher<'_, '_>, kind: Kind) {
    let (model, texts) = (Model::embedded().unwrap(), texts(kind));
    let documents: Vec<Document<'_>> = texts.iter().map(|text| document(text)).collect();
    in_turn(bencher, kind, &documents, |document| model.classify(document, &classify::Options::default()));
}

/// What labels from words and pairs cost at the least, whatever is built around: words are hashed as the scheme has it, the
/// different words and pairs are found, looked up in a table of as many as the embedded model knows, and a row of 48 values,
/// where it has 83 labels, is added for each. No zones, names, probabilities, reasons or sentences, and the tables are made up.
#[divan::bench(args = [KINDS[0], KINDS[1], KINDS[2]])]
fn least_work_for_labels(bencher: Bencher<'_, '_>, kind: Kind) {
    const NGRAMS: usize = 45_000;
    const VALUES: usize = 48;
    let ngrams_of = |text: &str| {
        let mut seen = Numbering::new(text.len());
        let (mut hash, mut previous, mut length) = (FNV_OFFSET, 0, 0);
        for byte in text.bytes().chain([b' ']) {
            if byte.is_ascii_alphanumeric() {
                hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(FNV_PRIME);
                length += 1;
            } else if length > 0 {
                let term = mix(hash);
                seen.number(term);
                seen.number(mix(mix(previous) ^ term));
                (hash, previous, length) = (FNV_OFFSET, term, 0);
            }
        }
        seen.into_terms()
    };
    let mut frequencies: HashMap<u64, u32> = HashMap::new();
    for article in support::labelled() {
        ngrams_of(&article.text).into_iter().for_each(|ngram| *frequencies.entry(ngram).or_default() += 1);
    }
    let mut known: Vec<(u64, u32)> = frequencies.into_iter().collect();
    known.sort_unstable_by_key(|&(ngram, frequency)| (Reverse(frequency), ngram));
    known.truncate(NGRAMS);
    let mut table = vec![(0_u64, 0_usize); (NGRAMS * 2).next_power_of_two()];
    let home = |ngram: u64| ngram as usize % (NGRAMS * 2).next_power_of_two();
    // In no order, as the rows of a model are.
    for (row, &(ngram, _)) in known.iter().enumerate() {
        let mut at = home(ngram);
        while table[at].0 != 0 {
            at = (at + 1) % table.len();
        }
        table[at] = (ngram, row * 7_919 % NGRAMS);
    }
    let rows: Vec<[f32; VALUES]> = (0..NGRAMS).map(|row| [row as f32; VALUES]).collect();
    in_turn(bencher, kind, &texts(kind), |text| {
        let mut sums = [0.0; VALUES];
        for ngram in ngrams_of(text) {
            let mut at = home(ngram);
            while table[at].0 != ngram && table[at].0 != 0 {
                at = (at + 1) % table.len();
            }
            if table[at].0 == ngram {
                let row = &rows[table[at].1];
                sums = std::array::from_fn(|label| sums[label] + row[label]);
            }
        }
        sums
    });
}

/// Those of FNV-1a with 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[divan::bench(args = KINDS)]
fn summarize_three_sentences(bencher: Bencher<'_, '_>, kind: Kind) {
    let texts = texts(kind);
    let documents: Vec<Document<'_>> = texts.iter().map(|text| document(text)).collect();
    in_turn(bencher, kind, &documents, |document| summarize::summarize(document, &summarize::Options::default()));
}

#[divan::bench(args = KINDS)]
fn whole_analysis(bencher: Bencher<'_, '_>, kind: Kind) {
    let model = Model::embedded().unwrap();
    let options = OptionsInput::default().check(&model).unwrap();
    let inputs = texts(kind).into_iter().map(|text| ArticleInput { text, ..ArticleInput::default() });
    in_turn(bencher, kind, &inputs.collect::<Vec<_>>(), |input| engine::analyze(&model, input, &options));
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
fn read_and_rank(bencher: Bencher<'_, '_>, number: usize) {
    let text = sentences(number);
    bencher.bench_local(|| {
        let document = document(&text);
        assert_eq!(document.sentences.len(), number);
        black_box(summarize::rank(&document, &summarize::Options::default()))
    });
}

#[divan::bench]
fn load_embedded_model() -> Model {
    Model::embedded().unwrap()
}

/// The first half of training, on all cores.
#[divan::bench]
fn count_articles(bencher: Bencher<'_, '_>) {
    let articles: Vec<LabelledArticle> = support::labelled().take(1_000).collect();
    let catalog = || CatalogChoice::Given(Catalog::builtin().unwrap());
    bencher.counter(ItemsCount::new(articles.len())).with_inputs(|| Trainer::new(catalog())).bench_local_values(
        |mut trainer| {
            assert!(trainer.add_all(&articles).iter().all(Result::is_ok));
            trainer.into_counts().unwrap()
        },
    );
}
