//! Prints how the sentences of a file are ranked and what summary they make: `summarize_file FILE [--words N]`. For
//! whoever works on the summariser.

use std::{env, fs, process::ExitCode};

use chuanda::{
    summarize::{Budget, Options, rank, summarize},
    text::{Article, Document},
};

// The output is what an example is for.
#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (path, budget) = match arguments[..] {
        [path] => (path, Some(Options::default().budget)),
        [path, "--words", n] | ["--words", n, path] => (path, n.parse().ok().map(Budget::Words)),
        _ => ("", None),
    };
    let Some(budget) = budget else {
        eprintln!("usage: summarize_file FILE [--words N]");
        return ExitCode::from(2);
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };

    let document = Document::new(Article { title: None, text: &text }, None);
    let options = Options { budget, ..Options::default() };
    let ranking = rank(&document, &options);
    for (place, ranked) in ranking.sentences.iter().enumerate() {
        let sentence = &document.sentences[ranked.index];
        let note = if place < ranking.competing { "" } else { " (does not compete)" };
        let piece = text[sentence.start..sentence.end].replace(['\n', '\r'], " ");
        println!("{:>3}. [{}] {:.3}{note} {piece}", ranked.rank, ranked.index, ranked.score);
    }
    let summary = summarize(&document, &options);
    println!(
        "\n{}\n\n{} of {} sentences, {}{} iterations, residual {:.1e}, {} comparisons",
        summary.text,
        summary.sentences.len(),
        document.sentences.len(),
        if summary.cut { "cut, " } else { "" },
        summary.convergence.iterations,
        summary.convergence.residual,
        ranking.comparisons,
    );
    ExitCode::SUCCESS
}
