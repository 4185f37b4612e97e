//! English words that carry no content.

use std::{collections::HashSet, sync::LazyLock};

use foldhash::fast::RandomState;

use crate::text::{TermFilter, term_hash};

/// Whether a term is an English function word. They are left out of the comparison of sentences: a short article has too
/// few sentences to tell "with" from a name by counting.
pub(super) fn is_function_word(term: u64) -> bool {
    let (filter, words) = &*FUNCTION_WORDS;
    filter.may_hold(term) && words.contains(&term)
}

static FUNCTION_WORDS: LazyLock<(TermFilter, HashSet<u64, RandomState>)> = LazyLock::new(|| {
    let words: HashSet<u64, RandomState> = "a about above after again against all also although am among an and another any are as at be because been before
     being between both but by can could did do does doing down during each either else even ever every few for from
     further had has have having he her here hers him himself his how however i if in into is it its itself just like
     may me might more most much must my neither no nor not now of off on once one only onto or other our ours out over
     own per quite rather s same shall she should since so some such t than that the their theirs them themselves then
     there these they this those though through thus to too toward towards under until up upon us very was we were what
     when where whether which while who whom whose why will with within without would yet you your yours"
        .split_whitespace()
        .map(term_hash)
        .collect();
    (words.iter().collect(), words)
});
