//! Prints how an article is read: language, headline, furniture, sentences with their roles, tokens by zone.
//!
//! `cargo run --example read_document -- FILE [TITLE]`

#![allow(clippy::print_stdout)]

use std::{env, error::Error, fs};

use chuanda::text::{Article, Document, Part, Zone};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: read_document FILE [TITLE]")?;
    let title = env::args().nth(2);
    let text = fs::read_to_string(path)?;
    let article = Article { title: title.as_deref(), text: &text };
    let document = Document::new(article, None);
    println!("language: {}", document.language.code());
    println!("headline: {}", document.headline.map_or("none", |span| span.slice(&article)));
    println!("only furniture: {}", document.only_furniture);
    for span in &document.furniture {
        println!("furniture {:>5}..{:<5} {:?}", span.start, span.end, span.slice(&article));
    }
    for (index, sentence) in document.sentences.iter().enumerate() {
        let role = format!("{:?}", sentence.role);
        println!("{index:>3} paragraph {:<2} {role:<8} {:?}", sentence.paragraph, &text[sentence.start..sentence.end]);
    }
    for zone in Zone::ALL {
        let words = document.tokens.iter().filter(|token| token.zone == zone).map(|token| match token.part {
            Part::Title | Part::Text => token.span().slice(&article),
        });
        println!("{zone:?}: {}", words.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}
