//! What is done with the articles that change a model: some are taken out, some put in, some calibrated on.

use serde::{Deserialize, Serialize};

use super::{Added, LabelledArticle, NotRemoved, RejectedArticle, Trainer};

/// What is done with an article. The order is the one in which a change has to be done: an article that is removed and added
/// is in the model, and what is calibrated on is what is counted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// It is taken out.
    Remove,
    /// It is put in.
    Add,
    /// Settings and fitted values are learnt from it, and from the others of which that is said.
    CalibrateOn,
}

/// Why something was not done with an article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It cannot be learnt from.
    #[error(transparent)]
    Rejected(#[from] RejectedArticle),
    /// It cannot be removed.
    #[error("not removed: {0}")]
    NotRemoved(#[from] NotRemoved),
    /// It was added before.
    #[error("not added: among the articles of the model already")]
    Double,
    /// It is not counted.
    #[error("not calibrated on: not among the articles of the model")]
    NotCounted,
}

impl Trainer {
    /// Does one thing with many articles, reading them on all threads of the current rayon pool. One result for each, in
    /// order; with an article of which it is an error, nothing is done.
    pub fn change(&mut self, part: Part, articles: &[LabelledArticle]) -> Vec<Result<(), NotDone>> {
        let added = |result| match result {
            Ok(Added::New) => Ok(()),
            Ok(Added::Double) => Err(NotDone::Double),
            Err(error) => Err(NotDone::Rejected(error)),
        };
        let counted = |is_counted| if is_counted { Ok(()) } else { Err(NotDone::NotCounted) };
        match part {
            Part::Remove => self.remove_all(articles).into_iter().map(|result| Ok(result?)).collect(),
            Part::Add => self.add_all(articles).into_iter().map(added).collect(),
            Part::CalibrateOn => self.calibrate_on(articles).into_iter().map(counted).collect(),
        }
    }
}

/// What settings and fitted values are learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Articles of the model.
    pub articles: usize,
    /// Of these, articles that were named to calibrate on; `None` if settings and fitted values are not learnt anew.
    pub named: Option<usize>,
    /// Of these, articles that were not named though others were.
    pub missing: usize,
    /// Of these, articles in the calibration sample.
    pub sample: usize,
    /// Whether the sample is the one that training on all of them would take.
    pub is_exact: bool,
}

impl Calibration {
    /// Of the model that a trainer would now make; `anew` if its settings and fitted values are to be learnt anew.
    #[must_use]
    pub fn of(trainer: &Trainer, anew: bool) -> Self {
        let (articles, missing) = (trainer.articles(), trainer.not_calibrated_on());
        Calibration {
            articles,
            named: anew.then(|| articles.saturating_sub(missing)),
            missing,
            sample: trainer.sampled(),
            is_exact: trainer.sample_is_exact(),
        }
    }
}
