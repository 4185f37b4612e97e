//! Writes labelled articles that are all distinct, as many as are asked for: to measure training on large corpora.
//!
//! `cargo run --release --example generate_articles -- 100000 [SEED] > articles.jsonl`
//!
//! An article has the headline and the first paragraph of an article of `models/default/corpus`, and its labels; the other
//! paragraphs are recombined from sentences of articles with the same labels, or with one of them. Names of people and
//! places are added, four of them new in every article, so that features grow about as fast as articles: 948,000 in 20,000
//! articles, 2,769,000 in 100,000, and from there on about 23 more with each article. The same seed gives the same
//! articles, and the first ones of a larger number are those of a smaller one. They say nothing about how good a model is.
#![allow(clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use anyhow::Context as _;
use serde_json::{Value, json};

/// Syllables that names are made of.
const SYLLABLES: [&str; 40] = [
    "an", "bei", "bo", "chang", "chen", "cui", "da", "dong", "fang", "feng", "gui", "hai", "he", "hong", "hua", "jia",
    "jing", "kang", "lan", "lei", "lin", "liu", "mei", "ming", "nan", "ning", "peng", "qing", "rong", "shan", "tao",
    "wan", "wen", "xiang", "xin", "yan", "yong", "yun", "ze", "zhong",
];

/// Names in an article that stand in no other one.
const FRESH: u64 = 4;

/// Random numbers: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// A name that belongs to a number: another one for each.
fn name(mut number: u64) -> String {
    let mut name = String::new();
    loop {
        let syllable = SYLLABLES[(number % SYLLABLES.len() as u64) as usize];
        name += syllable;
        number /= SYLLABLES.len() as u64;
        if number == 0 {
            break;
        }
    }
    name[..1].to_uppercase() + &name[1..]
}

/// An article of the corpus.
struct Source {
    record: Value,
    /// Headline, lines about it, and the first paragraph.
    head: String,
}

fn text(record: &Value, field: &str) -> String {
    record[field].as_str().unwrap_or_default().to_owned()
}

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let count: u64 = arguments.next().context("how many articles")?.parse()?;
    let seed: u64 = arguments.next().map_or(Ok(1), |seed| seed.parse())?;

    let mut sources = Vec::new();
    let mut sentences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/corpus");
    let mut paths: Vec<_> = fs::read_dir(corpus)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")) {
        for line in fs::read_to_string(path)?.lines() {
            let record: Value = serde_json::from_str(line)?;
            let whole = text(&record, "text");
            let paragraphs: Vec<&str> = whole.split("\n\n").collect();
            let (head, body) = paragraphs.split_at(paragraphs.len().min(3));
            for sentence in body.iter().flat_map(|paragraph| paragraph.split_inclusive(['.', '。'])) {
                for field in ["meeting_type", "relaying_department"] {
                    sentences.entry(text(&record, field)).or_default().push(sentence.trim().to_owned());
                }
            }
            sources.push(Source { head: head.join("\n\n"), record });
        }
    }

    let mut output = BufWriter::new(io::stdout().lock());
    for number in 0..count {
        let mut random = Random(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let source = random.pick(&sources).context("the corpus is empty")?;
        let labels = ["meeting_type", "relaying_department"].map(|field| text(&source.record, field));
        // New with this article, so that no two are the same; and names that come again, some often and some seldom.
        let mut fresh = (0..FRESH).map(|of_article| name(1_000_000 + number * FRESH + of_article));
        let mut fresh = || fresh.next().unwrap_or_default();
        let known = |random: &mut Random| {
            let most = 1 + random.below(200_000);
            name(random.below(most) as u64)
        };
        let mut article = source.head.clone();
        for _ in 0..3 {
            let mut paragraph = String::new();
            for _ in 0..3 + random.below(3) {
                let label = &labels[random.below(2)];
                let sentence = sentences.get(label).and_then(|own| random.pick(own)).map_or("", String::as_str);
                paragraph += sentence;
                paragraph += " ";
            }
            let (known, fresh) = (known(&mut random), fresh());
            article += &format!("\n\n{paragraph}{known} of {fresh} took part.");
        }
        article += &format!("\n\n{} reported. Editor: {} No. {number}", fresh(), known(&mut random));
        let record = json!({
            "id": format!("g{number}"),
            "group": format!("e{}", number / 2),
            "source": source.record["source"],
            "meeting_type": labels[0],
            "relaying_department": labels[1],
            "text": article,
        });
        writeln!(output, "{record}")?;
    }
    output.flush()?;
    Ok(())
}
