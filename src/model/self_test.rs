//! A few texts whose answers are stored with a model: a build that reads articles differently than the trainer did is
//! found out when it loads the model, not by its callers.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Model, ModelError, Serving};
use crate::{
    classify::{Axis, Names, features},
    text::{Article, Document},
};

/// The texts, written for this purpose; no training article is among them.
const TEXTS: [&str; 3] = [
    " date 2021-04-09 Finance Bureau of Lanyi City holds theory study center group meeting\n\nOn the afternoon of April 8, \
     the Party group of the Municipal Finance Bureau held an expanded study session of its theory study center group \
     to convey the spirit of the third plenary session of the eighth Municipal Party Committee. Zhou Ming, secretary \
     of the Party group and director of the bureau, presided over the meeting.\n\nThe meeting pointed out that No. 3 \
     of the measures, worth 1,200 yuan, must be carried out at once.\n\nShare this: Twitter",
    "传达学习市委全会精神\n\n4月8日，市财政局召开党组扩大会议，传达学习市委八届三次全会精神。局党组书记、局长周明主持会议并讲话。",
    "Results of the second round: Lanyi 3, Beishan 1. The next match is on Sunday.",
];

/// What a model says of one text, by axis: the most probable label and its score in thousandths of a nat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    axes: [Option<(String, i64)>; 2],
}

/// Scores are stored this coarse, in nats, so that the order in which a build adds them up leaves no trace in the file.
const UNIT: f64 = 1e-3;

/// Asks a model all texts.
pub(super) fn answers(model: &Model) -> Vec<Answer> {
    let ask = |text: &&str| {
        let document = Document::new(Article { title: None, text }, None);
        let best = |axis| {
            let labels = model.distribution(&document, axis).into_iter();
            labels
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(id, score, _)| (id.to_owned(), (score / UNIT).round() as i64))
        };
        Answer { axes: Axis::ALL.map(best) }
    };
    TEXTS.iter().map(ask).collect()
}

/// What the model of a serving section answers. Of the tables, only what the texts ask for is laid out, which is little of a
/// large model.
///
/// # Errors
///
/// A section that a reader would refuse.
pub(super) fn answers_of(serving: &Serving) -> Result<Vec<Answer>, ModelError> {
    let names = Names::new(&serving.catalog);
    let ngrams = |text: &&str| features::row(&Document::new(Article { title: None, text }, None), &names);
    let asked: HashSet<u64> = TEXTS.iter().flat_map(ngrams).map(|ngram| ngram.id).collect();
    Ok(answers(&Model::new(String::new(), serving, Some(&asked))?))
}

/// Compares a model's answers with those stored.
pub(super) fn check(model: &Model, stored: &[Answer]) -> Result<(), ModelError> {
    let agrees = |(now, then): (&Answer, &Answer)| {
        now.axes.iter().zip(&then.axes).all(|pair| match pair {
            (None, None) => true,
            (Some((label, score)), Some((expected, value))) => label == expected && score.abs_diff(*value) <= 1,
            (None, Some(_)) | (Some(_), None) => false,
        })
    };
    let now = answers(model);
    let text = match now.iter().zip(stored).position(|pair| !agrees(pair)) {
        None if now.len() == stored.len() => return Ok(()),
        None => now.len().min(stored.len()),
        Some(text) => text,
    };
    Err(ModelError::SelfTest { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelFile;

    #[test]
    fn a_part_of_the_tables_answers_as_all() {
        let serving = ModelFile::embedded().unwrap().serving;
        assert_eq!(answers_of(&serving).unwrap(), answers(&Model::embedded().unwrap()));
        assert_eq!(answers_of(&serving).unwrap(), serving.self_test);
        let mut forged = serving.clone();
        forged.tables.features.reverse();
        assert!(answers_of(&forged).is_err());
    }

    #[test]
    fn other_answers_are_told() {
        let model = Model::embedded().unwrap();
        let stored = answers(&model);
        assert!(check(&model, &stored).is_ok());

        let text_of = |stored: &[Answer]| match check(&model, stored) {
            Err(ModelError::SelfTest { text }) => text,
            other => panic!("{other:?}"),
        };
        let mut shifted = stored.clone();
        if let Some((_, score)) = &mut shifted[1].axes[0] {
            *score += 2;
        }
        assert_eq!(text_of(&shifted), 1);
        let mut renamed = stored.clone();
        if let Some((label, _)) = &mut renamed[0].axes[1] {
            label.push('x');
        }
        assert_eq!(text_of(&renamed), 0);
        assert_eq!(text_of(&stored[..2]), 2);
        let mut silent = stored.clone();
        silent[2].axes[0] = None;
        assert_eq!(text_of(&silent), 2);
    }
}
