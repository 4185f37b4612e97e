//! How whole articles are read: every case of `tests/text/cases.toml`.

use chuanda::text::{Article, Document, Role, Zone};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    title: Option<String>,
    text: String,
    /// The headline, or "" for none; not looked at if absent.
    headline: Option<String>,
    /// Every piece of furniture.
    furniture: Option<Vec<String>>,
    /// Every sentence.
    sentences: Option<Vec<String>>,
    /// The sentences of a padded closing paragraph.
    closing: Option<Vec<String>>,
    /// The words of headline and lead that stand in a conveyed clause.
    conveyed: Option<String>,
    #[serde(default)]
    only_furniture: bool,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

fn check(case: &Case) {
    let name = &case.name;
    let article = Article { title: case.title.as_deref(), text: &case.text };
    let document = Document::new(article, None);
    assert_eq!(document.only_furniture, case.only_furniture, "only_furniture of {name}");
    if let Some(expect) = &case.headline {
        assert_eq!(document.headline.map_or("", |span| span.slice(&article)), expect, "headline of {name}");
    }
    if let Some(expect) = &case.furniture {
        let found: Vec<&str> = document.furniture.iter().map(|span| span.slice(&article)).collect();
        assert_eq!(&found, expect, "furniture of {name}");
    }
    let sentences = |closing: bool| {
        let wanted = document.sentences.iter().filter(move |sentence| !closing || sentence.role == Role::Closing);
        wanted.map(|sentence| &case.text[sentence.start..sentence.end]).collect::<Vec<&str>>()
    };
    if let Some(expect) = &case.sentences {
        assert_eq!(&sentences(false), expect, "sentences of {name}");
    }
    if let Some(expect) = &case.closing {
        assert_eq!(&sentences(true), expect, "closing sentences of {name}");
    }
    if let Some(expect) = &case.conveyed {
        let conveyed = |zone| matches!(zone, Zone::HeadlineConveyed | Zone::LeadConveyed);
        let words =
            document.tokens.iter().filter(|token| conveyed(token.zone)).map(|token| token.span().slice(&article));
        assert_eq!(&words.collect::<Vec<_>>().join(" "), expect, "conveyed words of {name}");
    }
}

#[test]
fn articles_are_read_as_the_cases_say() {
    let cases: Cases = toml::from_str(include_str!("text/cases.toml")).expect("cases.toml");
    assert!(!cases.case.is_empty());
    cases.case.iter().for_each(check);
}
