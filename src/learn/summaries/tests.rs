//! ROUGE against the reference implementation and against its definition; lengths; extracts; what is refused.

use proptest::prelude::*;
use serde::Deserialize;

use super::{
    lcs::{common, length},
    length::word_ends,
    porter::stem,
    rouge::Words,
    *,
};

/// `tests/fixtures/rouge/README.md` says where the expectations come from.
const CASES: &str = include_str!("../../../tests/fixtures/rouge/cases.jsonl");
const STEMS: &str = include_str!("../../../tests/fixtures/rouge/stems.txt");

#[derive(Deserialize)]
struct Case {
    reference: String,
    summary: String,
    f1: [f64; 4],
}

fn score(reference: &str, summary: &str) -> [f64; 4] {
    let mut words = Words::default();
    let [reference, summary] = [reference, summary].map(|text| words.lines(text));
    let Rouge { rouge1, rouge2, rouge_l, rouge_lsum } = rouge(&reference, &summary);
    [rouge1, rouge2, rouge_l, rouge_lsum]
}

#[test]
fn figures_are_those_of_the_reference_implementation() {
    let mut cases = 0;
    for line in CASES.lines() {
        let Case { reference, summary, f1 } = serde_json::from_str(line).unwrap();
        let found = score(&reference, &summary);
        assert!(found.iter().zip(f1).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {f1:?}: {line}");
        cases += 1;
    }
    assert!(cases > 20);
}

#[test]
fn stems_are_those_of_nltk() {
    let mut words = 0;
    for line in STEMS.lines() {
        let (word, expect) = line.split_once(' ').unwrap();
        assert_eq!(stem(word), expect, "{word}");
        words += 1;
    }
    assert!(words > 100);
}

/// The definition of the length of the longest common subsequence.
fn recursive(first: &[u32], second: &[u32]) -> usize {
    match (first.split_last(), second.split_last()) {
        (Some((a, first)), Some((b, second))) if a == b => recursive(first, second) + 1,
        (Some((_, shorter)), Some((_, other))) => recursive(shorter, second).max(recursive(first, other)),
        (None, _) | (_, None) => 0,
    }
}

/// The same by the table, for texts of more than one word of bits.
fn table(first: &[u32], second: &[u32]) -> usize {
    let mut row = vec![0; first.len() + 1];
    for b in second {
        let before = row.clone();
        for (i, a) in first.iter().enumerate() {
            row[i + 1] = if a == b { before[i] + 1 } else { before[i + 1].max(row[i]) };
        }
    }
    row[first.len()]
}

/// The places go back through the first text, and their words stand in this order in the second.
fn check_common(first: &[u32], second: &[u32], expect: usize) {
    let mut places = common(first, second);
    assert_eq!(places.len(), expect);
    assert!(places.is_sorted_by(|a, b| a > b));
    places.reverse();
    let mut rest = second.iter();
    assert!(places.iter().all(|&place| rest.any(|word| *word == first[place])), "{first:?} {second:?} {places:?}");
}

proptest! {
    #[test]
    fn a_text_has_all_in_common_with_itself(text in "([a-z]{1,9}[ \n,.]){2,30}|([会议要求]{2,5}[，。\n]){1,9}") {
        for f1 in score(&text, &text) {
            prop_assert!((f1 - 1.0).abs() < 1e-9);
        }
    }

    /// F1 does not say which text is the reference, but for -Lsum, whose union is taken over lines of the reference.
    #[test]
    fn precision_and_recall_change_places(a in "([abc会 ]|\n){0,40}", b in "([abc会 ]|\n){0,40}") {
        let (found, turned) = (score(&a, &b), score(&b, &a));
        for kind in 0..3 {
            prop_assert!((found[kind] - turned[kind]).abs() < 1e-12);
        }
        prop_assert!(found.iter().all(|f1| (0.0..=1.0).contains(f1)));
    }

    #[test]
    fn short_subsequences_follow_the_definition(
        first in prop::collection::vec(0_u32..4, 0..9), second in prop::collection::vec(0_u32..4, 0..9),
    ) {
        let expect = recursive(&first, &second);
        prop_assert_eq!(length(&first, &second), expect);
        prop_assert_eq!(table(&first, &second), expect);
        check_common(&first, &second, expect);
    }

    #[test]
    fn long_subsequences_carry_over(
        first in prop::collection::vec(0_u32..5, 60..300), second in prop::collection::vec(0_u32..5, 0..200),
    ) {
        let expect = table(&first, &second);
        prop_assert_eq!(length(&first, &second), expect);
        check_common(&first, &second, expect);
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,200}", reference in ".{0,60}", n in 0_usize..20) {
        for length in [EvaluationLength::Words(n), EvaluationLength::Reference, EvaluationLength::Sentences(n)] {
            let article = ReferencedArticle { title: None, text: text.clone(), reference: reference.clone() };
            if let Ok(scores) = article.score(&Options::default(), length) {
                prop_assert!(scores.systems.iter().flatten().all(|figure| figure.is_finite()));
            }
        }
        prop_assert!(word_ends(&text).iter().all(|&end| text.is_char_boundary(end)));
    }
}

/// The words as they are cut off, with what stands between them.
fn check_words(text: &str, expect: &[&str]) {
    let mut start = 0;
    let words: Vec<&str> = word_ends(text)
        .into_iter()
        .map(|end| {
            let word = &text[start..end];
            start = end;
            word
        })
        .collect();
    assert_eq!(words, expect);
}

#[test]
fn words_are_what_white_space_separates_and_han_characters() {
    check_words("", &[]);
    check_words(" \n\u{a0}", &[]);
    check_words(
        "It's 3.5% of well-known, \"tax\" - no?\n",
        &["It's", " 3.5%", " of", " well-known,", " \"tax\"", " -", " no?"],
    );
    check_words("在2022年，“会议”强调AI： ok", &["在", "2022", "年", "，“会", "议", "”强", "调", "AI", "： ok"]);
}

fn check_choice(length: EvaluationLength, expect: (&str, usize)) {
    let sentences = ["One two  three.", "Four five.", "Six seven\neight nine."];
    let Chosen { lines, words } = choose(&sentences, &[2, 0, 1], length, "a b,\nc 会议 d");
    assert_eq!((lines.as_str(), words), expect);
}

#[test]
fn the_last_sentence_taken_is_cut_to_the_length() {
    check_choice(EvaluationLength::Words(0), ("", 0));
    check_choice(EvaluationLength::Words(3), ("Six seven eight", 3));
    check_choice(EvaluationLength::Words(4), ("Six seven eight nine.", 4));
    check_choice(EvaluationLength::Words(6), ("One two\nSix seven eight nine.", 6));
    check_choice(EvaluationLength::Words(99), ("One two three.\nFour five.\nSix seven eight nine.", 9));
    check_choice(EvaluationLength::Reference, ("One two\nSix seven eight nine.", 6));
    check_choice(EvaluationLength::Sentences(2), ("One two three.\nSix seven eight nine.", 7));
    check_choice(EvaluationLength::Sentences(9), ("One two three.\nFour five.\nSix seven eight nine.", 9));
}

#[test]
fn extracts_are_known_by_their_lines() {
    let sentences = ["A one.", "B  two.", "A one.", "会 议。"];
    for (reference, expect) in [
        ("B two.\n\n  A\tone. ", Some(vec!["Btwo.", "Aone."])),
        ("A one.\r\nA one.\n会议。", Some(vec!["Aone.", "Aone.", "会议。"])),
        ("A one.\nA one.\nA one.", None),
        ("A one. B two.", None),
        ("a one.", None),
    ] {
        let expect: Option<Vec<String>> = expect.map(|lines| lines.into_iter().map(str::to_owned).collect());
        assert_eq!(extract(&sentences, reference), expect, "{reference:?}");
    }
    // Of equal sentences one is as good as another, but each stands for one line only.
    for (reference, order, expect) in [
        ("A one.\nB two.", [1, 3, 0, 2], 0.5),
        ("A one.", [2, 0, 1, 3], 1.0),
        ("A one.\nB two.", [0, 2, 1, 3], 0.5),
        ("A one.", [1, 0, 2, 3], 0.0),
    ] {
        let extract = extract(&sentences, reference).unwrap();
        assert_eq!(share_in(&extract, &sentences, &order), expect, "{reference:?} {order:?}");
    }
}

const TEXT: &str =
    "The bureau held a meeting on rice. Rice prices rose, the bureau said.\n\nIt rained. Rice fields drowned.";

fn article(reference: &str) -> ReferencedArticle {
    ReferencedArticle { title: None, text: TEXT.to_owned(), reference: reference.to_owned() }
}

fn evaluate(references: &[&str], length: EvaluationLength) -> SummaryEvaluation {
    let scores: Vec<SummaryScores> =
        references.iter().map(|reference| article(reference).score(&Options::default(), length).unwrap()).collect();
    SummaryEvaluation::new(length, &scores)
}

#[test]
fn lead_takes_sentences_as_they_stand() {
    let lead = "The bureau held a meeting on rice.\nRice prices rose, the bureau said.";
    let found = evaluate(&[lead, lead], EvaluationLength::Sentences(2));
    assert_eq!((found.articles, found.rouge1.lead.mean), (2, 1.0));
    assert_eq!(found.rouge_lsum.lead.interval, Some([1.0, 1.0]));
    assert_eq!(found.words.lead.mean, 13.0);
    assert_eq!(found.sentence_f1.unwrap().lead.mean, 1.0);
    for figures in [found.rouge1, found.rouge2, found.rouge_l, found.rouge_lsum, found.words] {
        let AgainstBaselines { summary, lead, random, over_lead, over_random } = figures;
        assert!((summary.mean - lead.mean - over_lead.mean).abs() < 1e-12);
        assert!((summary.mean - random.mean - over_random.mean).abs() < 1e-12);
    }
    let cut = evaluate(&["Bureau holds meeting on rice"], EvaluationLength::Reference);
    assert_eq!((cut.words.summary.mean, cut.words.random.mean, cut.words.lead.interval), (5.0, 5.0, None));
    assert_eq!(cut.sentence_f1, None);
    assert_eq!(evaluate(&[lead, "Rice."], EvaluationLength::Words(5)).sentence_f1, None);
}

#[test]
fn a_random_order_is_a_permutation_that_its_seed_decides() {
    let sorted = |mut items: Vec<usize>| {
        items.sort_unstable();
        items
    };
    let all: Vec<usize> = (0..50).collect();
    assert_eq!(sorted(shuffled(all.clone(), 7)), all);
    assert_eq!(shuffled(all.clone(), 7), shuffled(all.clone(), 7));
    assert_ne!(shuffled(all.clone(), 7), shuffled(all.clone(), 8));
    // Each of two items comes first about as often.
    let first = (0..1000).filter(|&seed| shuffled(vec![0, 1], seed)[0] == 0).count();
    assert!((450..550).contains(&first), "{first}");
    assert_eq!(shuffled(Vec::new(), 7), [0; 0]);
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let check = |text: &str, reference: &str, expect: &str| {
        let article = ReferencedArticle { title: Some("T".into()), text: text.into(), reference: reference.into() };
        let error = article.score(&Options::default(), EvaluationLength::Words(5)).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    let no_word = "reference: has no word that ROUGE counts, of a to z and digits or of Han characters";
    check(" \n", "a", "text: has no sentence");
    check(TEXT, "", no_word);
    check(TEXT, "—\nДа", no_word);
    check(&"a ".repeat(1 << 19), "a", "text: 1048577 bytes are over the limit of 1048576");
    check(TEXT, &"a".repeat(40_000), "reference: 40000 bytes are over the limit of 32768");
    check(TEXT, &"a\n".repeat(201), "reference: 201 lines are over the limit of 200");
}
