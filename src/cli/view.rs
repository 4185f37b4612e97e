//! The readable view of one analysed article.

use super::terminal::{BOLD, Marks, Paragraph, Screen, UNDERLINED, columns, escape};
use crate::{
    classify::{Axis, Classification, Decision},
    engine::{Analysis, ArticleInput},
    text::{Article, Part, Span},
};

/// Renders an article and its answer, whose offsets must be bytes.
pub(super) fn render(input: &ArticleInput, analysis: &Analysis, screen: Screen) -> String {
    let mut out = String::new();
    rule(&mut out, &analysis.article_id, screen);
    if let Some(headline) = analysis.headline {
        let article = Article { title: Some(&input.title), text: &input.text };
        let mut paragraph = Paragraph::default();
        let marks = if screen.ansi { BOLD } else { 0 };
        paragraph.push(&headline.slice(&article).replace(['\r', '\n'], " "), marks);
        paragraph.write(&mut out, "", screen);
    }
    out.push('\n');
    for axis in Axis::ALL {
        label(&mut out, axis, analysis.axis(axis), screen);
    }

    out.push_str("\nSummary\n");
    for sentence in &analysis.summary.sentences {
        let mut paragraph = Paragraph::default();
        paragraph.push(&sentence.text.split_whitespace().collect::<Vec<_>>().join(" "), 0);
        paragraph.write(&mut out, "  - ", screen);
    }
    for warning in &analysis.warnings {
        let mut paragraph = Paragraph::default();
        paragraph.push(&warning.message, 0);
        paragraph.write(&mut out, "\nWarning: ", screen);
    }

    out.push_str(if screen.ansi {
        "\nText (bold: words that speak for the meeting type, underlined: for the department)\n"
    } else {
        "\nText ([words] that speak for the labels)\n"
    });
    if !input.title.trim().is_empty() {
        marked(&mut out, &input.title, Part::Title, analysis, screen);
    }
    marked(&mut out, &input.text, Part::Text, analysis, screen);
    out.push('\n');
    out
}

/// The article's id in a line across the screen.
fn rule(out: &mut String, id: &str, screen: Screen) {
    let id = escape(id);
    let dashes = screen.width.saturating_sub(columns(&id) + 4).max(3);
    out.push_str("── ");
    out.push_str(&id);
    out.push(' ');
    out.extend(std::iter::repeat_n('─', dashes));
    out.push('\n');
}

fn label(out: &mut String, axis: Axis, answer: Option<&Classification>, screen: Screen) {
    let name = match axis {
        Axis::MeetingType => "Meeting type         ",
        Axis::RelayingDepartment => "Relaying department  ",
    };
    let mut paragraph = Paragraph::default();
    let Some(answer) = answer else {
        paragraph.push("the model does not answer this", 0);
        paragraph.write(out, name, screen);
        return;
    };
    let marks = match axis {
        _ if !screen.ansi => 0,
        Axis::MeetingType => BOLD,
        Axis::RelayingDepartment => UNDERLINED,
    };
    paragraph.push(&answer.display_name, marks);
    let label = &answer.label;
    paragraph.push(&format!(" ({label})  {:.2}  {}", answer.probability, decision(answer.decision)), 0);
    paragraph.write(out, name, screen);
    // What would be shown as 0.00 is no alternative to anyone.
    let others = answer.alternatives.iter().filter(|other| other.probability >= 0.005);
    let others: Vec<String> = others.map(|other| format!("{} {:.2}", other.label, other.probability)).collect();
    if !others.is_empty() {
        let mut paragraph = Paragraph::default();
        paragraph.push(&format!("or {}", others.join(", ")), 0);
        paragraph.write(out, &" ".repeat(name.len()), screen);
    }
}

/// A decision in words.
fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Accepted => "accepted",
        Decision::NoEvidence => "no evidence: nothing in it is known to the model",
        Decision::OutOfDistribution => "out of distribution: not like any article of training",
        Decision::Uncertain => "uncertain",
    }
}

/// One of the article's strings, line by line, with the words that spoke for the chosen labels marked.
fn marked(out: &mut String, string: &str, part: Part, analysis: &Analysis, screen: Screen) {
    let mut marks: Vec<Marks> = vec![0; string.len()];
    for (axis, mark) in [(Axis::MeetingType, BOLD), (Axis::RelayingDepartment, UNDERLINED)] {
        let evidence = analysis.axis(axis).into_iter().flat_map(|answer| &answer.evidence);
        for span in evidence.filter(|evidence| evidence.contribution > 0.0).flat_map(|evidence| &evidence.spans) {
            let Span { start, end, .. } = *span;
            if span.part == part {
                marks.get_mut(start..end).unwrap_or_default().iter_mut().for_each(|marks| *marks |= mark);
            }
        }
    }
    let mut start = 0;
    for line in string.split_inclusive('\n') {
        let mut paragraph = Paragraph::default();
        let content = line.trim_end_matches(['\n', '\r']);
        for (offset, c) in content.char_indices() {
            let marks = marks.get(start + offset).copied().unwrap_or_default();
            paragraph.push(c.encode_utf8(&mut [0; 4]), marks);
        }
        if !paragraph.is_blank() {
            paragraph.write(out, "  ", screen);
        }
        start += line.len();
    }
}
