//! What benches share: the allocator of the program, and articles of any size made from the corpus of the embedded model.

// Each bench uses a part of it.
#![allow(dead_code)]

use std::{fs, path::Path};

use chuanda::learn::LabelledArticle;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the articles are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

/// So many articles of `bytes` bytes, all different: each begins with another article of the corpus and goes on with the
/// paragraphs of those after it.
pub(crate) fn articles(language: Language, bytes: usize, number: usize) -> Vec<String> {
    let texts = corpus(language);
    let article = |first: usize| {
        let mut article = texts[first % texts.len()].clone();
        for next in texts.iter().cycle().skip(first % texts.len() + 1) {
            if article.len() >= bytes {
                break;
            }
            let body = next.split_once("\n\n").map_or(next.as_str(), |(_headline, body)| body);
            article = article + "\n\n" + body;
        }
        article.truncate(article.floor_char_boundary(bytes));
        article
    };
    (0..number).map(article).collect()
}

/// The texts of the corpus in one language. Neighbours in a file are on one department; a stride that is prime mixes them.
fn corpus(language: Language) -> Vec<String> {
    let is_english = |text: &str| text.bytes().take(200).all(|byte| byte.is_ascii());
    let texts: Vec<String> = labelled().map(|article| article.text).collect();
    let texts: Vec<&String> = texts.iter().filter(|text| is_english(text) == (language == Language::English)).collect();
    (0..texts.len()).map(|at| texts[at * 1_009 % texts.len()].clone()).collect()
}

/// The corpus, in the order of files and lines.
pub(crate) fn labelled() -> impl Iterator<Item = LabelledArticle> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default/corpus");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let files = paths.into_iter().map(|path| fs::read_to_string(path).unwrap());
    files.flat_map(|file| file.lines().map(article).collect::<Vec<LabelledArticle>>())
}

fn article(line: &str) -> LabelledArticle {
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    let field = |name: &str| record[name].as_str().map(str::to_owned);
    LabelledArticle {
        text: field("text").unwrap(),
        labels: ["meeting_type", "relaying_department"].map(field),
        group: field("group"),
        ..LabelledArticle::default()
    }
}
