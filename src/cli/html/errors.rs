//! The worst errors of a report, each with the beginning of its article.

use std::ops::Range;

use super::writer::Html;
use crate::{
    learn::WorstError,
    text::{Part, Span},
};

/// Writes the errors of one axis.
pub(super) fn write(html: &mut Html, errors: &[WorstError]) {
    for error in errors {
        html.markup("<section class=\"error\"><h4>").element("bdi", &[], &error.id);
        html.text(format_args!(" (article {} of the data)", error.article + 1)).markup("</h4>\n<p>given ");
        html.element("strong", &[], &error.given).text(format_args!(" {:.3}, true ", error.given_probability));
        html.element("strong", &[], &error.truth);
        match error.truth_probability {
            Some(probability) => html.text(format_args!(" {probability:.3}")),
            None => html.markup(" (the model does not have this label)"),
        };
        html.markup("</p>\n<p class=\"note\">");
        html.markup(if error.evidence.is_empty() { "No words spoke for the label given." } else { "For it spoke: " });
        for (number, evidence) in error.evidence.iter().enumerate() {
            html.markup(if number == 0 { "" } else { ", " }).element("bdi", &[], &evidence.text);
            html.text(format_args!(" {:+.2}", evidence.contribution));
        }
        html.markup("</p>\n<blockquote class=\"excerpt\">");
        if let Some(title) = &error.excerpt.title {
            html.markup("<div class=\"title\">");
            marked(html, title, Part::Title, error);
            html.markup("</div>");
        }
        marked(html, &error.excerpt.text, Part::Text, error);
        html.markup(if error.excerpt.is_cut { " …" } else { "" }).markup("</blockquote></section>\n");
    }
}

/// One of an article's strings, as far as it is held, with the evidence marked.
fn marked(html: &mut Html, string: &str, part: Part, error: &WorstError) {
    let spans = error.evidence.iter().flat_map(|evidence| &evidence.spans).filter(|span| span.part == part);
    let mut at = 0;
    for Range { start, end } in merged(string, spans) {
        html.text(string.get(at..start).unwrap_or_default());
        html.element("mark", &[], string.get(start..end).unwrap_or_default());
        at = end;
    }
    html.text(string.get(at..).unwrap_or_default());
}

/// The places of the spans that lie in the string, in order: those that touch, or have nothing but spaces between, as
/// one.
fn merged<'a>(string: &str, spans: impl Iterator<Item = &'a Span>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> =
        spans.map(|span| span.start..span.end.min(string.len())).filter(|range| range.start < range.end).collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end || is_blank(string.get(last.end..range.start)) => {
                last.end = last.end.max(range.end);
            }
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

fn is_blank(gap: Option<&str>) -> bool {
    gap.is_some_and(|gap| gap.chars().all(|c| c == ' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify::Evidence, learn::Excerpt};

    fn check(text: &str, spans: &[(usize, usize)], expect: &str) {
        let spans = spans.iter().map(|&(start, end)| Span { start, end, part: Part::Text }).collect();
        let evidence = Evidence { text: String::new(), spans, contribution: 1.0, occurrences: 1 };
        let error = WorstError {
            article: 0,
            id: String::new(),
            truth: String::new(),
            truth_probability: None,
            given: String::new(),
            given_probability: 1.0,
            evidence: vec![evidence],
            excerpt: Excerpt::default(),
        };
        let mut html = Html::default();
        marked(&mut html, text, Part::Text, &error);
        assert_eq!(html.finish(), expect);
    }

    #[test]
    fn evidence_is_marked_and_text_stays_text() {
        check("", &[(0, 3)], "");
        check("one two", &[], "one two");
        check("one two three", &[(4, 7)], "one <mark>two</mark> three");
        check("one two three", &[(4, 13), (0, 3)], "<mark>one two three</mark>");
        check("one, two", &[(0, 3), (5, 8), (1, 2)], "<mark>one</mark>, <mark>two</mark>");
        check("a<b>c", &[(1, 4)], "a<mark>&lt;b&gt;</mark>c");
        // The excerpt ends before the span does.
        check("one two", &[(4, 90), (50, 60)], "one <mark>two</mark>");
        check("全会精神", &[(0, 6)], "<mark>全会</mark>精神");
    }
}
