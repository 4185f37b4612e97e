//! Tests of the room: ranking and graph against plain definitions of both, cost counted in comparisons and edges.

use std::{collections::BTreeSet, fmt::Write as _};

use proptest::prelude::*;

use super::{
    centrality::centrality,
    graph::{Graph, MAX_EDGES, MAX_POSTINGS},
    *,
};
use crate::text::{Article, Document, Language, Part, Role, Sentence, Token, TokenKind, Zone, term_hash};

/// A document of which every line is a sentence and every word or Han character a token, whatever the text room makes of such text.
fn lines<'a>(text: &'a str, closing: &[usize]) -> Document<'a> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut sentences = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let first = tokens.len();
        let is_han = |c: char| ('一'..='鿿').contains(&c);
        let mut word = at;
        for piece in line.split_inclusive(|c| c == ' ' || is_han(c)) {
            let term = piece.trim_matches(|c: char| !c.is_alphanumeric());
            if !term.is_empty() {
                let start = word + piece.find(term).unwrap();
                let kind = match term {
                    han if han.contains(is_han) => TokenKind::Han,
                    number if number.parse::<f64>().is_ok() => TokenKind::Number,
                    _ => TokenKind::Word,
                };
                tokens.push(Token {
                    term: term_hash(term),
                    start: start as u32,
                    end: (start + term.len()) as u32,
                    part: Part::Text,
                    zone: Zone::Body,
                    kind,
                    joins_previous: tokens.len() > first,
                });
            }
            word += piece.len();
        }
        let role = if closing.contains(&sentences.len()) { Role::Closing } else { Role::Body };
        let (start, end) = (at, at + line.trim_end().len());
        sentences.push(Sentence { start, end, tokens: first..tokens.len(), role, paragraph: 0 });
        at += line.len();
    }
    Document {
        article: Article { title: None, text },
        language: Language::English,
        headline: None,
        sentences,
        tokens,
        furniture: Vec::new(),
        only_furniture: false,
    }
}

fn all(document: &Document<'_>) -> Vec<usize> {
    (0..document.sentences.len()).collect()
}

/// Checks which sentences a summary takes, as indices in the order of the answer.
fn check(text: &str, closing: &[usize], options: &Options, expect: &[usize]) {
    let summary = summarize(&lines(text, closing), options);
    let indices: Vec<usize> = summary.sentences.iter().map(|sentence| sentence.index).collect();
    assert_eq!(indices, expect, "{text:?} {options:?}: {summary:?}");
}

fn budget(budget: Budget) -> Options {
    Options { budget, ..Options::default() }
}

/// Checks what a summary with a sentence over its budget says.
fn check_cut(text: &str, limit: Budget, expect: &str) {
    let document = lines(text, &[]);
    let summary = summarize(&document, &budget(limit));
    assert!(summary.cut, "{text:?} {limit:?}");
    assert_eq!(summary.text, expect, "{text:?} {limit:?}");
}

const NEWS: &str = "The council met to plan the new harbour bridge\n\
                    Wages rose again\n\
                    The harbour bridge will cost the council money\n\
                    The council met to plan the new harbour bridge\n\
                    In short the council will build the harbour bridge\n";

#[test]
fn choice() {
    check("", &[], &Options::default(), &[]);
    check(NEWS, &[], &budget(Budget::Sentences(1)), &[0]);
    // The fourth repeats the first; the fifth concludes.
    check(NEWS, &[4], &budget(Budget::Sentences(9)), &[0, 1, 2]);
    check(NEWS, &[4], &budget(Budget::Ratio(1.0)), &[0, 1, 2]);
    check(NEWS, &[0, 1, 2, 3, 4], &budget(Budget::Sentences(9)), &[0, 1, 2, 4]);
    // Signs are no words, but what differs in them is no repetition.
    let signs = "Exports grew by +5%\nExports grew by -5%\n\"Exports grew, by +5%!\"\nExports grew by -5%\n";
    check(signs, &[], &budget(Budget::Sentences(9)), &[0, 1]);
    check("one two three\n!!\n", &[], &budget(Budget::Sentences(9)), &[0]);
    check("!!\n??\n", &[], &budget(Budget::Sentences(9)), &[0]);
    // The second best does not fit into what is left, a later and shorter one does.
    check("alpha beta gamma\nalpha beta delta epsilon\nzeta eta\n", &[], &budget(Budget::Words(5)), &[0, 2]);
    // Budgets below the minimum are read as the minimum, ratios out of range as the nearest in range.
    check("one\ntwo\n", &[], &budget(Budget::Sentences(0)), &[0]);
    check("one\ntwo\n", &[], &budget(Budget::Words(0)), &[0]);
    check("one\ntwo\n", &[], &budget(Budget::Chars(0)), &[0, 1]);
    for (ratio, expect) in [(f64::NAN, 1), (-1.0, 1), (0.5, 1), (0.99, 1), (1.0, 2), (f64::INFINITY, 2)] {
        check("one\ntwo\n", &[], &budget(Budget::Ratio(ratio)), &[0, 1][..expect]);
    }
}

#[test]
fn order() {
    let text =
        "Rain fell\nThe mayor opened the market hall\nThe market hall has forty stalls\nMarket stalls sell fish\n";
    let options = Options { order: Order::Rank, ..budget(Budget::Sentences(4)) };
    let ranks: Vec<usize> = summarize(&lines(text, &[]), &options).sentences.iter().map(|s| s.rank).collect();
    assert_eq!(ranks, [1, 2, 3, 4]);
    check(text, &[], &options, &[1, 2, 3, 0]);
    check(text, &[], &budget(Budget::Sentences(4)), &[0, 1, 2, 3]);
}

#[test]
fn habits_of_news() {
    let central =
        "The council opened the market hall\nThe market hall of the council is new\nThe council owns the market hall\n";
    let options =
        |lead_bias| Options { order: Order::Rank, lead_bias, redundancy: 0.0, ..budget(Budget::Sentences(4)) };
    // What is to be done goes before what was said, and that before who was there.
    let text = format!("{central}The market hall council is attended\n");
    check(&text, &[], &options(1.0), &[0, 1, 2, 3]);
    let text = format!("{central}The market hall council must close\n");
    check(&text, &[], &options(1.0), &[0, 1, 3, 2]);
    check(&text.replace("must", "may"), &[], &options(1.0), &[0, 1, 2, 3]);
    let quoted = "\"The market hall of the council is new\"\nThe market hall of the council is old\n";
    check(quoted, &[], &options(1.0), &[1, 0]);
    // Without them nothing counts but how much a sentence shares with the others.
    check(quoted, &[], &options(0.0), &[0, 1]);
}

#[test]
fn favours_and_short_sentences() {
    let focus = |phrases: &[&str]| Options {
        focus: phrases.iter().map(|phrase| Focus::new(phrase).unwrap()).collect(),
        ..budget(Budget::Sentences(1))
    };
    let text = "The council met on the bridge\nThe bridge is to be closed by the council\nFish soup was served\n";
    check(text, &[], &focus(&[]), &[0]);
    check(text, &[], &focus(&["FISH Soup"]), &[2]);
    check(text, &[], &focus(&["soup fish"]), &[0]);
    check(text, &[], &focus(&["fish soup", "closed"]), &[1]);
    // A conclusion says nothing new, unless it is what was asked for.
    check(text, &[2], &focus(&["meat"]), &[0]);
    check(text, &[2], &focus(&["fish soup"]), &[2]);
    assert_eq!(Focus::new(" ?! "), None);
    let least = |min_sentence_words| Options { min_sentence_words, ..budget(Budget::Sentences(9)) };
    check(text, &[], &least(5), &[0, 1]);
    check(text, &[], &least(6), &[0, 1]);
    check(text, &[], &least(7), &[1]);
    check(text, &[], &least(100), &[0, 1, 2]);
    check(text, &[1], &least(7), &[0, 2]);
}

#[test]
fn cuts() {
    let text = "The council met on Monday, planned the bridge, and heard of 1,000 new jobs";
    check_cut(text, Budget::Words(8), "The council met on Monday, planned the bridge");
    check_cut(text, Budget::Words(9), "The council met on Monday, planned the bridge");
    check_cut(text, Budget::Words(5), "The council met on Monday");
    // A clause much shorter than the budget allows is given up for a word.
    check_cut(text, Budget::Words(12), "The council met on Monday, planned the bridge");
    check_cut("Yes, the council met to plan the bridge", Budget::Words(6), "Yes, the council met to plan");
    check_cut("pay 1,000 people 10:30 to 2021–2025", Budget::Words(3), "pay 1,000 people");
    check_cut(text, Budget::Chars(14), "The council");
    check_cut(text, Budget::Chars(15), "The council met");
    check_cut(text, Budget::Chars(25), "The council met on Monday");
    check_cut("incomprehensibilities", Budget::Chars(10), "incomprehe");
    check_cut("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", Budget::Chars(12), "👨‍👩‍👧👨‍👩‍👧");
    // Gone through once: if each blank looked back at those before, this would take an hour.
    check_cut(&format!("alpha,{}beta gamma", " ".repeat(1 << 22)), Budget::Words(1), "alpha");
    // One grapheme longer than the budget.
    check_cut(&"\u{301}".repeat(20), Budget::Chars(10), &"\u{301}".repeat(10));
}

#[test]
fn function_words_make_no_likeness() {
    let document = lines("alpha the\nbeta the\nalpha gamma\nthe of and\nthe of and delta\n", &[]);
    let graph = Graph::new(&document, &all(&document));
    let edges: Vec<(usize, f64)> = graph.edges(0).iter().map(|e| (e.to, e.similarity)).collect();
    assert_eq!(edges, [(2, 2.0 / 3.0)]);
    assert!(graph.edges(3).is_empty() && graph.edges(4).is_empty());
}

#[test]
fn chinese_sentences_are_alike_by_pairs_of_characters() {
    let document = lines("会议强调安全生产\n安全生产责任重大\n产安全生议会\n", &[]);
    let graph = Graph::new(&document, &all(&document));
    let similarity = |to: usize| graph.edges(0).iter().find(|e| e.to == to).map_or(0.0, |e| e.similarity);
    // The second shares three pairs of seven and seven, the third nearly all its characters but two pairs of five.
    assert!((similarity(1) - 6.0 / 14.0).abs() < 1e-12, "{graph:?}");
    assert!((similarity(2) - 4.0 / 12.0).abs() < 1e-12, "{graph:?}");
}

/// Numbered sentences: `words(i)` gives the words of sentence `i`.
fn numbered(n: usize, words: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "{}", words(i));
        text
    })
}

#[test]
fn cost_stays_linear() {
    let cases = [
        ("equal", numbered(10_000, |_| "all sentences are equal here".to_owned())),
        ("nearly equal", numbered(10_000, |i| format!("all sentences are almost equal here w{i}"))),
        ("one word", numbered(50_000, |i| format!("w{}", i % 7_000))),
        ("at the cap", numbered(10_000, |i| (0..20).map(|k| format!("w{k}x{} ", i / MAX_POSTINGS)).collect())),
        ("mixed", numbered(10_000, |i| (0..20).map(|k| format!("w{} ", i * (k + 1) % (900 + k))).collect())),
        ("one long of marks", format!("w{}\n{}", "！".repeat(300_000), "w\n".repeat(300_000))),
        ("one long", (0..200_000).map(|i| format!("w{} ", i % 50_000)).collect()),
    ];
    for (name, text) in &cases {
        let document = lines(text, &[]);
        let ranking = rank(&document, &Options::default());
        assert_eq!(ranking.sentences.len(), document.sentences.len(), "{name}");
        assert!(ranking.comparisons <= document.tokens.len() * MAX_POSTINGS / 2, "{name}: {}", ranking.comparisons);
        let graph = Graph::new(&document, &all(&document));
        let edges: usize = (0..graph.len()).map(|vertex| graph.edges(vertex).len()).sum();
        assert!(edges <= 2 * MAX_EDGES * graph.len(), "{name}: {edges}");
    }
    let equal = rank(&lines(&cases[0].1, &[]), &Options::default());
    assert_eq!((equal.competing, equal.comparisons), (1, 0));
}

#[test]
fn iteration_ends_and_says_how() {
    let document = lines(NEWS, &[]);
    let graph = Graph::new(&document, &all(&document));
    let (values, convergence) = centrality(&graph, 1.0);
    assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!((1..=100).contains(&convergence.iterations) && convergence.residual < 1e-5, "{convergence:?}");
    assert_eq!(summarize(&lines("", &[]), &Options::default()).convergence, Convergence::default());
}

/// Short texts over few words, so that sentences share many.
fn crowded() -> impl Strategy<Value = String> {
    let line = prop::collection::vec(0_u8..14, 0..9)
        .prop_map(|words| words.iter().map(|word| format!("w{word} ")).collect::<String>());
    prop::collection::vec(line, 1..16).prop_map(|lines| lines.join("\n") + "\n")
}

proptest! {
    /// The inverted index finds what comparing all pairs of sentences finds.
    #[test]
    fn graph_equals_comparing_all_pairs(text in crowded()) {
        let document = lines(&text, &[]);
        let sets: Vec<BTreeSet<u64>> = document
            .sentences
            .iter()
            .map(|sentence| document.tokens[sentence.tokens.clone()].iter().map(|token| token.term).collect())
            .collect();
        let graph = Graph::new(&document, &all(&document));
        for (a, set) in sets.iter().enumerate() {
            let mut expect = Vec::new();
            for (b, other) in sets.iter().enumerate().filter(|&(b, _)| b != a) {
                let shared = set.intersection(other).count() as f64;
                if shared > 0.0 {
                    expect.push((b, 2.0 * shared / (set.len() + other.len()) as f64));
                }
            }
            let edges = graph.edges(a);
            prop_assert_eq!(edges.len(), expect.len());
            for (edge, (to, similarity)) in edges.iter().zip(expect) {
                prop_assert_eq!(edge.to, to);
                prop_assert!((edge.similarity - similarity).abs() < 1e-9);
            }
        }
    }

    /// The lazy ranking is the one that looks at every gain again each time.
    #[test]
    fn ranking_equals_the_greedy_one(text in crowded(), redundancy in 0.0..=1.0_f64) {
        let document = lines(&text, &[]);
        let ranking = rank(&document, &Options { redundancy, ..Options::default() });
        let mut vertices: Vec<usize> = ranking.sentences[..ranking.competing].iter().map(|s| s.index).collect();
        let found = vertices.clone();
        vertices.sort_unstable();
        let graph = Graph::new(&document, &vertices);
        let score = |index| ranking.sentences.iter().find(|s| s.index == index).unwrap().score;
        let mut left: Vec<usize> = (0..vertices.len()).collect();
        let mut nearest = vec![0.0_f64; vertices.len()];
        let mut expect = Vec::new();
        while !left.is_empty() {
            let gain = |v: usize| score(vertices[v]) - redundancy * nearest[v];
            let best = left.iter().copied().reduce(|a, b| if gain(b) > gain(a) { b } else { a }).unwrap();
            left.retain(|&vertex| vertex != best);
            expect.push(vertices[best]);
            graph.edges(best).iter().for_each(|e| nearest[e.to] = nearest[e.to].max(e.similarity));
        }
        prop_assert_eq!(found, expect);
        prop_assert_eq!(ranking.sentences[0].score.to_bits(), 1.0_f64.to_bits());
    }
}
