//! The worst errors of an evaluation: wrong labels that the model was surest of, with the words that led it there.

use serde::Serialize;

use super::{article::LabelledArticle, metrics::Scored};
use crate::{
    classify::{Axis, Evidence},
    model::Model,
    text::Document,
};

/// Errors kept for each axis.
pub const MAX_ERRORS: usize = 20;

/// Words listed for each error.
const MAX_EVIDENCE: usize = 10;

/// Bytes that an excerpt shows at most, of the title and of the text each: headline and lead, where most of the evidence
/// stands.
const MAX_EXCERPT: usize = 2000;

/// An article that was given a wrong label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorstError {
    /// Which of the articles scored, from 0.
    pub article: u64,
    /// Its id.
    pub id: String,
    /// Id of the true label.
    pub truth: String,
    /// The probability of that; `None` if the model does not have the label.
    pub truth_probability: Option<f64>,
    /// Id of the label given.
    pub given: String,
    /// The probability of that.
    pub given_probability: f64,
    /// The words that spoke most for the label given, strongest first. An article that the model was trained on is given
    /// its label by the model without it, but these are the words by which the model as it is served judges the label.
    pub evidence: Vec<Evidence>,
    /// The beginning of the article, into which the spans of the evidence point.
    #[serde(skip)]
    pub excerpt: Excerpt,
}

/// The beginning of an article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Of its title.
    pub title: Option<String>,
    /// Of its text.
    pub text: String,
    /// Whether there is more text.
    pub is_cut: bool,
}

/// The worst errors so far on one axis, worst first: never more than [`MAX_ERRORS`].
#[derive(Default)]
pub(super) struct WorstErrors(Vec<WorstError>);

impl WorstErrors {
    /// Keeps an article if it belongs to the worst errors. Articles have to come in order.
    pub(super) fn consider(
        &mut self,
        model: &Model,
        axis: Axis,
        number: u64,
        article: &LabelledArticle,
        scored: &Scored,
    ) {
        let place = self.0.partition_point(|error| error.given_probability >= scored.confidence());
        if scored.is_correct() || place >= MAX_ERRORS {
            return;
        }
        let Some(&given) = model.labels(axis).get(scored.given()) else { return };
        let document = Document::new(article.article(), None);
        let error = WorstError {
            article: number,
            id: article.id.clone(),
            truth: scored.truth().to_owned(),
            truth_probability: scored.is_known().then(|| scored.probability()),
            given: given.to_owned(),
            given_probability: scored.confidence(),
            evidence: model.evidence(&document, axis, given, MAX_EVIDENCE),
            excerpt: Excerpt::of(article),
        };
        self.0.truncate(MAX_ERRORS - 1);
        self.0.insert(place, error);
    }

    pub(super) fn finish(self) -> Vec<WorstError> {
        self.0
    }
}

impl Excerpt {
    fn of(article: &LabelledArticle) -> Self {
        let article = article.article();
        let text = beginning(article.text);
        Excerpt {
            title: article.title.map(|title| beginning(title).to_owned()),
            text: text.to_owned(),
            is_cut: text.len() < article.text.len(),
        }
    }
}

fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_EXCERPT)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        learn::testing::{counts_of, small_corpus},
        model::ModelFile,
    };

    /// The errors kept of some articles, by number, when each is given its wrong label with a probability.
    fn check(probabilities: &[f64], expect: &[u64]) {
        let file = ModelFile::from_bytes(&crate::learn::train(counts_of(&small_corpus())).unwrap().model).unwrap();
        let labels: Vec<String> = file.model.labels(Axis::MeetingType).into_iter().map(str::to_owned).collect();
        let mut errors = WorstErrors::default();
        for (number, &probability) in probabilities.iter().enumerate() {
            let article = LabelledArticle { text: "A study session. ".repeat(200), ..LabelledArticle::default() };
            let scored = Scored::new("elsewhere", &labels, &[0.0, probability, 0.0]);
            errors.consider(&file.model, Axis::MeetingType, number as u64, &article, &scored);
            let right = Scored::new("study_session", &labels, &[0.0, 1.0, 0.0]);
            errors.consider(&file.model, Axis::MeetingType, 1000, &article, &right);
        }
        let errors = errors.finish();
        assert_eq!(errors.iter().map(|error| error.article).collect::<Vec<_>>(), expect);
        for error in errors {
            assert_eq!((error.given.as_str(), error.truth_probability), ("study_session", None));
            assert!(error.evidence.iter().any(|item| item.text == "study session"), "{error:?}");
            assert!(error.evidence.iter().all(|item| item.contribution > 0.0));
            assert!(error.excerpt.is_cut && error.excerpt.text.len() == MAX_EXCERPT);
        }
    }

    #[test]
    fn the_worst_are_kept_and_the_first_of_equals() {
        check(&[], &[]);
        check(&[0.5, 0.9, 0.7, 0.9], &[1, 3, 2, 0]);
        check(&[0.5; 30], &(0..20).collect::<Vec<_>>());
        let mut rising: Vec<f64> = (1..=30).map(|i| f64::from(i) / 100.0).collect();
        check(&rising, &(10..30).rev().collect::<Vec<_>>());
        rising.reverse();
        check(&rising, &(0..20).collect::<Vec<_>>());
    }
}
