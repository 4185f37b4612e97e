//! What every summary keeps to, whatever the article: exact slices, hard budgets, never empty, always the same.

use std::fmt::Write as _;

use chuanda::{
    summarize::{Budget, Focus, Options, Order, Summary, rank, summarize},
    text::{Article, Document},
};
use proptest::prelude::*;

/// Checks one article under one set of options and hands the summary back.
fn check(text: &str, options: &Options) -> Summary {
    check_titled(None, text, options)
}

fn check_titled(title: Option<&str>, text: &str, options: &Options) -> Summary {
    let article = Article { title, text };
    let document = Document::new(article, None);
    let summary = summarize(&document, options);
    assert_eq!(summary, summarize(&Document::new(article, None), options), "not the same twice");
    assert_eq!(summary.text.is_empty(), document.sentences.is_empty(), "empty");
    assert_eq!(summary.text.is_empty(), summary.sentences.is_empty(), "empty");

    let (mut words, mut joined) = (0, String::new());
    for chosen in &summary.sentences {
        let slice =
            text.get(chosen.start..chosen.end).unwrap_or_else(|| panic!("{chosen:?} is off the char boundaries"));
        let sentence = &document.sentences[chosen.index];
        assert!(!slice.is_empty() && chosen.start == sentence.start, "{chosen:?} is not a start of {sentence:?}");
        assert!(chosen.end == sentence.end || (summary.cut && chosen.end < sentence.end), "{chosen:?} {sentence:?}");
        assert!((0.0..=1.0).contains(&chosen.score), "{chosen:?}");
        joined.extend(slice.chars().filter(|c| !c.is_whitespace()));
        let inside = |end: u32| (end as usize) <= chosen.end;
        words += document.tokens[sentence.tokens.clone()].iter().filter(|token| inside(token.end)).count();
    }
    // White space apart, the text is the slices in the order of the answer, perhaps after a line with the headline.
    let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let (headline, body) = summary.text.split_once('\n').unwrap_or(("", &summary.text));
    assert_eq!(plain(body), joined);
    assert!(!body.contains(['\n', '\r']) && body.trim() == body, "{:?}", summary.text);
    if !headline.is_empty() {
        let Some(span) = document.headline else { panic!("{headline:?} is none") };
        assert!(options.include_headline && plain(headline) == plain(span.slice(&article)), "{headline:?}");
        words += Document::new(Article { title: None, text: headline }, None).tokens.len();
    }
    assert!(summary.sentences.is_sorted_by_key(|s| match options.order {
        Order::Document => s.index,
        Order::Rank => s.rank,
    }));

    let read_again = Document::new(Article { title: None, text: &summary.text }, None).tokens.len();
    let within_words = |limit: usize| assert!(words.max(read_again) <= limit.max(1), "{words}, {read_again} words");
    match options.budget {
        Budget::Sentences(n) => assert!(summary.sentences.len() <= n.max(1)),
        Budget::Words(n) => within_words(n),
        Budget::Chars(n) => assert!(summary.text.chars().count() <= n.max(10), "{:?}", summary.text),
        Budget::Ratio(ratio) => {
            let all: usize = document.sentences.iter().map(|sentence| sentence.tokens.len()).sum();
            within_words((all as f64 * ratio) as usize);
        }
    }
    check_ranking(&document, options, &summary);
    summary
}

/// Ranks count from 1 to the number of sentences, name each sentence once, and are those the summary reports.
fn check_ranking(document: &Document<'_>, options: &Options, summary: &Summary) {
    let ranking = rank(document, options);
    assert!(ranking.sentences.iter().map(|s| s.rank).eq(1..=document.sentences.len()));
    let mut indices: Vec<usize> = ranking.sentences.iter().map(|s| s.index).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..document.sentences.len()));
    for chosen in &summary.sentences {
        let ranked = &ranking.sentences[chosen.rank - 1];
        assert!(ranked.index == chosen.index && chosen.rank <= ranking.competing, "{chosen:?} {ranked:?}");
    }
}

/// Pieces that sentences, words and line breaks are made of, in several scripts, with what tends to break slicing.
const PIECES: [&str; 44] = [
    "The meeting ",
    "the council ",
    "stressed ",
    "harbour",
    "bridge ",
    "safety ",
    "No. 3 ",
    "3.5",
    "1,000 ",
    "2023",
    ". ",
    ".",
    ", ",
    "; ",
    ": ",
    " – ",
    "! ",
    "? ",
    "\n",
    "\r\n",
    "\n\n",
    " ",
    "\t",
    "\u{2028}",
    "\u{a0}",
    "会议",
    "强调",
    "安全生产",
    "。",
    "，",
    "、",
    "；",
    "\u{3000}",
    "“",
    "”",
    "\u{200b}",
    "\u{feff}",
    "e\u{301}\u{301}",
    "👨‍👩‍👧",
    "שלום ",
    "مرحبا ",
    "ﬁ",
    "İ",
    "\u{0}",
];

fn articles() -> impl Strategy<Value = String> {
    let pieced = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..120).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieced, 1 => any::<String>(), 1 => "(\\PC{0,12}[.。\n ]){0,20}"]
}

fn options() -> impl Strategy<Value = Options> {
    let budget = prop_oneof![
        (0_usize..8).prop_map(Budget::Sentences),
        (0_usize..60).prop_map(Budget::Words),
        (0_usize..200).prop_map(Budget::Chars),
        (0.0..=1.0_f64).prop_map(Budget::Ratio),
    ];
    let order = prop_oneof![Just(Order::Document), Just(Order::Rank)];
    let focus = prop::collection::vec(prop::sample::select(&["council", "安全", "safety 2023"][..]), 0..3);
    (budget, order, 0.0..=1.0_f64, 0.0..=1.0_f64, 0_usize..6, focus, any::<bool>()).prop_map(
        |(budget, order, redundancy, lead_bias, min_sentence_words, focus, include_headline)| {
            let focus = focus.into_iter().filter_map(Focus::new).collect();
            Options { budget, order, redundancy, lead_bias, min_sentence_words, focus, include_headline }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_summary_keeps_its_promises(text in articles(), options in options()) {
        check(&text, &options);
    }
}

fn budgets() -> [Options; 5] {
    [Budget::Sentences(3), Budget::Words(60), Budget::Chars(280), Budget::Ratio(0.2), Budget::Ratio(1.0)]
        .map(|budget| Options { budget, ..Options::default() })
}

#[test]
fn adversarial_articles() {
    let repeat = |sentence: &str, n: usize| sentence.repeat(n);
    let words = (0..50_000).fold(String::new(), |mut text, i| {
        let _ = write!(text, "Word{i}. ");
        text
    });
    let articles = [
        repeat("The meeting stressed that all sentences are equal. ", 10_000),
        words,
        repeat("the meeting stressed safety, ", 1 << 15),
        repeat("safety", 1 << 17),
        repeat("安全生产", 1 << 16),
        repeat("e\u{301}", 1 << 16),
        repeat("\u{301}", 1 << 16),
        repeat(", ", 1 << 16),
        repeat("”\n", 1 << 16),
    ];
    for text in &articles {
        for options in &budgets() {
            check(text, options);
        }
    }
}

#[test]
fn equal_sentences_never_stand_twice() {
    let text = "The meeting stressed safety in production. ".repeat(20) + "The bridge opens in May.";
    for options in &budgets() {
        let summary = check(&text, options);
        assert!(summary.text.matches("The meeting").count() <= 1, "{}", summary.text);
    }
}

#[test]
fn a_headline_stands_first_if_it_fits() {
    let text = "Council plans bridge\n\nThe council met on Monday to plan the harbour bridge. Wages rose again in all of the northern districts of the country.";
    let with = |title, budget| {
        let options = Options { budget, include_headline: true, ..Options::default() };
        check_titled(title, text, &options).text
    };
    let sentence = "The council met on Monday to plan the harbour bridge.";
    let both = format!("Council plans bridge\n{sentence}");
    assert_eq!(with(None, Budget::Sentences(1)), both);
    assert_eq!(with(Some(" Council plans bridge "), Budget::Sentences(1)), both);
    assert_eq!(with(None, Budget::Words(13)), both);
    assert_eq!(with(None, Budget::Words(12)), sentence);
    assert_eq!(with(None, Budget::Chars(both.len())), both);
    assert_eq!(with(None, Budget::Chars(both.len() - 1)), sentence);
    assert_eq!(with(None, Budget::Words(6)), "The council met on Monday to");
}

#[test]
fn a_budget_changes_no_rank() {
    let text = "The council met on Monday to plan the harbour bridge. Wages rose again. The harbour bridge will cost the \
                council forty million. Fishermen spoke against the bridge. It rained.";
    let ranks = |budget| {
        let options = Options { budget, order: Order::Rank, ..Options::default() };
        check(text, &options).sentences.iter().map(|s| (s.rank, s.index)).collect::<Vec<_>>()
    };
    let all = ranks(Budget::Sentences(5));
    assert_eq!(all.len(), 5);
    for budget in [Budget::Sentences(2), Budget::Words(20), Budget::Chars(100), Budget::Ratio(0.7)] {
        assert!(ranks(budget).iter().all(|pair| all.contains(pair)), "{budget:?}");
    }
}
