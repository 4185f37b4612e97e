//! Rows beside what occurs.

use super::*;
use crate::{classify::Catalog, text::Article};
use proptest::prelude::*;

/// The row is what all occurrences say, each feature once, ascending.
fn check(text: &str) {
    let names = Names::new(&Catalog::builtin().unwrap());
    let document = Document::new(Article { title: None, text }, None);
    let mut expect = Vec::new();
    visit(&document, &names, |occurrence| expect.extend(occurrence.features()));
    expect.sort_unstable();
    expect.dedup();
    assert_eq!(row(&document, &names).into_iter().flat_map(Ngram::features).collect::<Vec<_>>(), expect);
}

#[test]
fn a_row_holds_what_occurs() {
    check("");
    check("no");
    check("市财政局传达学习市委全会精神\n\n1月10日，临溪市财政局召开全体干部会议，传达学习市委九届六次全会精神。");
    check(
        "The bureau conveyed the spirit of the plenary meeting\n\nOn May 3, the Municipal Finance Bureau held a party \
         group meeting. The Municipal Finance Bureau studied the spirit of the plenary meeting of the municipal party \
         committee; the meeting was held by the finance bureau.",
    );
}

proptest! {
    #[test]
    fn hashes_are_sorted(hashes in proptest::collection::vec(prop_oneof![any::<u64>(), 0_u64..9, Just(u64::MAX)], 0..300)) {
        let mut expect = hashes.clone();
        expect.sort_unstable();
        prop_assert_eq!(sorted_hashes(&hashes), expect);
    }

    #[test]
    fn a_row_holds_what_occurs_in_any_text(text in "([a-cA-C传达会议]{1,3}[ ,.\n]{0,2}){0,80}") {
        check(&text);
    }
}
