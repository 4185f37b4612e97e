//! The readable view of one analysed article.

use super::terminal::{BOLD, Marks, Paragraph, Screen, UNDERLINED, columns, escape};
use crate::{
    classify::{Axis, Classification, Decision, Evidence, Explanation},
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
    for answer in Axis::ALL.into_iter().filter_map(|axis| analysis.axis(axis)) {
        if let Some(explanation) = &answer.explanation {
            explain(&mut out, explanation, &answer.chosen, screen);
        }
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
    let Explanation { label, display_name, probability, .. } = &answer.chosen;
    paragraph.push(display_name, marks);
    paragraph.push(&format!(" ({label})  {probability:.2}  {}", decision(answer.decision)), 0);
    paragraph.write(out, name, screen);
    // What would be shown as 0.00 is no alternative to anyone.
    let others = answer.alternatives.iter().filter(|other| other.probability >= 0.005);
    let others: Vec<String> = others.map(|other| format!("{} {:.2}", other.label, other.probability)).collect();
    if !others.is_empty() {
        let mut paragraph = Paragraph::default();
        paragraph.push(&format!("or {}", others.join(", ")), 0);
        paragraph.write(out, &" ".repeat(name.len()), screen);
    }
    // Without evidence these are all labels.
    if answer.label_set.len() > 1 && answer.decision != Decision::NoEvidence {
        let mut paragraph = Paragraph::default();
        let (shown, more) = answer.label_set.split_at(answer.label_set.len().min(MAX_SET));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        paragraph.push(&format!("label set: {}{more}", shown.join(", ")), 0);
        paragraph.write(out, &" ".repeat(name.len()), screen);
    }
}

/// Labels of a label set that are shown.
const MAX_SET: usize = 10;
/// Characters shown of the words of one reason: a text without spaces may be one long word.
const MAX_REASON: usize = 60;

/// Why a label that was asked about has its score.
fn explain(out: &mut String, explanation: &Explanation, chosen: &Explanation, screen: Screen) {
    let Explanation { label, probability, score, prior_contribution, remaining_contribution, .. } = explanation;
    let is_chosen = *label == chosen.label;
    let mut paragraph = Paragraph::default();
    paragraph.push(&format!("{label}? Probability {probability:.2}, score {score:.2}"), 0);
    if !is_chosen {
        paragraph.push(&format!(" where {} has {:.2}", chosen.label, chosen.score), 0);
    }
    out.push('\n');
    paragraph.write(out, if is_chosen { "Why " } else { "Why not " }, screen);
    reasons(out, "  for      ", explanation.evidence.iter().filter(|reason| reason.contribution > 0.0), screen);
    reasons(out, "  against  ", explanation.evidence.iter().filter(|reason| reason.contribution <= 0.0), screen);
    let mut paragraph = Paragraph::default();
    let rest = format!("how frequent it was {prior_contribution:+.2}, all other words {remaining_contribution:+.2}");
    paragraph.push(&rest, 0);
    paragraph.write(out, "  and      ", screen);
}

/// Words with what they add to a score, strongest first. Nothing if there are none.
fn reasons<'a>(out: &mut String, first: &str, reasons: impl Iterator<Item = &'a Evidence>, screen: Screen) {
    let reason = |reason: &Evidence| {
        let words = reason.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut = words.char_indices().nth(MAX_REASON);
        let words = cut.map_or(words.clone(), |(end, _)| format!("{}…", words.get(..end).unwrap_or_default()));
        format!("\"{words}\" {:+.2}", reason.contribution)
    };
    let shown: Vec<String> = reasons.map(reason).collect();
    if !shown.is_empty() {
        let mut paragraph = Paragraph::default();
        paragraph.push(&shown.join(", "), 0);
        paragraph.write(out, first, screen);
    }
}

/// A decision in words.
fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Accepted => "accepted",
        Decision::NoEvidence => "no evidence: nothing in it is known to the model",
        Decision::OutOfDistribution => "out of distribution: not like any article of training",
        Decision::Uncertain => "uncertain: below the precision asked for",
    }
}

/// One of the article's strings, line by line, with the words that spoke for the chosen labels marked.
fn marked(out: &mut String, string: &str, part: Part, analysis: &Analysis, screen: Screen) {
    let mut marks: Vec<Marks> = vec![0; string.len()];
    for (axis, mark) in [(Axis::MeetingType, BOLD), (Axis::RelayingDepartment, UNDERLINED)] {
        let evidence = analysis.axis(axis).into_iter().flat_map(|answer| &answer.chosen.evidence);
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
