//! Words that say what a sentence is for, whatever it is about: cue words (Edmundson 1969, "New methods in automatic
//! extracting").

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::RandomState;

use super::graph::han_pair;
use crate::text::{TermFilter, Token, TokenKind, term_hash};

/// What a word speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cue {
    Bonus,
    Stigma,
}

/// What the words of a sentence say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cues {
    /// It says what is to be done, or what was decided.
    pub(super) bonus: bool,
    /// It says who was there, or how weighty the occasion is.
    pub(super) stigma: bool,
}

/// Duties, requests and decisions.
const BONUS: &str = "adopt adopted announce announced approve approved decide decided demand demanded demands elect elected \
                     must necessary request requested requests require required requires shall should urge urged will";

/// Who came, and why what was met about is of great weight: what any body could say of it.
const STIGMA: &str = "attend attended attending attends attendees crucial historic historical important juncture moment \
                      participants participate participated participates present seated significance";

/// The same in Chinese. One character counts where a clause begins with it, since it is part of many other words.
const CHINESE_BONUS: &str = "要 将 要求 必须 应当 务必 决定 通过 当选 推选 审议";
const CHINESE_STIGMA: &str = "参加 出席 列席 到会 意义 关键 历史";

static CUES: LazyLock<(TermFilter, HashMap<u64, Cue, RandomState>)> = LazyLock::new(|| {
    let lists =
        [(BONUS, Cue::Bonus), (STIGMA, Cue::Stigma), (CHINESE_BONUS, Cue::Bonus), (CHINESE_STIGMA, Cue::Stigma)];
    let cues = lists.into_iter().flat_map(|(words, cue)| words.split_whitespace().map(move |word| (key(word), cue)));
    let cues: HashMap<u64, Cue, RandomState> = cues.collect();
    (cues.keys().collect(), cues)
});

/// Of a Chinese word of two characters, what their terms make together; of any other, its term.
fn key(word: &str) -> u64 {
    let mut characters = word.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some(first), Some(second), None) if !first.is_ascii() => {
            han_pair(term_hash(first.encode_utf8(&mut [0; 4])), term_hash(second.encode_utf8(&mut [0; 4])))
        }
        _ => term_hash(word),
    }
}

impl Cues {
    /// Reads the tokens of a sentence.
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut found = Cues::default();
        let (filter, cues) = &*CUES;
        let mut previous: Option<&Token> = None;
        for token in tokens {
            let is_han = token.kind == TokenKind::Han;
            let pair =
                previous.filter(|_| is_han && token.joins_previous).map(|previous| han_pair(previous.term, token.term));
            let key = pair.unwrap_or(token.term);
            if filter.may_hold(key)
                && let Some(cue) = cues.get(&key)
            {
                match cue {
                    Cue::Bonus => found.bonus = true,
                    Cue::Stigma => found.stigma = true,
                }
            }
            previous = Some(token).filter(|_| is_han);
        }
        found
    }
}
