//! Settings that were chosen and figures that were measured: what a model says of itself.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the likelihood of a feature under a label is estimated from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventModel {
    /// The articles of the label (McCallum and Nigam 1998).
    Multinomial,
    /// The articles of all other labels (Rennie, Shih, Teevan and Karger 2003), the sign turned round.
    Complement,
}

/// Settings of one axis, chosen by the trainer from a documented grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What likelihoods are estimated from.
    pub event_model: EventModel,
    /// Lidstone smoothing added to every count; above 0.
    pub alpha: f64,
    /// Features in fewer articles than this are left out; at least 1.
    pub min_documents: u32,
    /// A field's score is divided by its length to this power; 0 to 1.
    pub length_exponent: f64,
    /// Added to the count of every n-gram of a label's names and aliases, in the own zones of headline and lead.
    pub name_count: f64,
    /// How much the weight of a single feature is held to that of its field: the precision of a Gaussian prior, in
    /// articles' worth of log loss; above 0.
    pub weight_precision: f64,
}

impl Settings {
    /// Whether every value is in its range.
    #[must_use]
    pub fn are_valid(&self) -> bool {
        (1e-9..=1e6).contains(&self.alpha)
            && self.min_documents >= 1
            && (0.0..=1.0).contains(&self.length_exponent)
            && (0.0..=1e6).contains(&self.name_count)
            && (1e-9..=1e9).contains(&self.weight_precision)
    }
}

impl std::fmt::Display for Settings {
    /// `name=value` pairs with a space between.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Settings { event_model, alpha, min_documents, length_exponent, name_count, weight_precision } = self;
        let event_model = match event_model {
            EventModel::Multinomial => "multinomial",
            EventModel::Complement => "complement",
        };
        write!(
            f,
            "event_model={event_model} alpha={alpha} min_documents={min_documents} length_exponent={length_exponent} \
             name_count={name_count} weight_precision={weight_precision}"
        )
    }
}

impl FromStr for Settings {
    type Err = ();

    /// Reads what `Display` writes; anything else is none.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut rest = text.split(' ');
        let mut next = |name: &str| rest.next()?.strip_prefix(name)?.strip_prefix('=');
        let mut read = || {
            Some(Settings {
                event_model: match next("event_model")? {
                    "multinomial" => EventModel::Multinomial,
                    "complement" => EventModel::Complement,
                    _ => return None,
                },
                alpha: next("alpha")?.parse().ok()?,
                min_documents: next("min_documents")?.parse().ok()?,
                length_exponent: next("length_exponent")?.parse().ok()?,
                name_count: next("name_count")?.parse().ok()?,
                weight_precision: next("weight_precision")?.parse().ok()?,
            })
        };
        let settings = read();
        settings.filter(|settings| settings.are_valid() && rest.next().is_none()).ok_or(())
    }
}

/// Figures of one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelMetrics {
    /// Its id.
    pub label: String,
    /// Articles that carry it.
    pub articles: u64,
    /// Articles that were given it.
    pub predicted: u64,
    /// Articles that carry it and were given it.
    pub correct: u64,
    /// `correct / predicted`; 0 if it was never given.
    pub precision: f64,
    /// `correct / articles`; 0 if no article carries it.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 if both are.
    pub f1: f64,
}

/// How often one label was given for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The true label.
    pub label: String,
    /// The one given.
    pub predicted: String,
    /// How often.
    pub articles: u64,
}

/// The articles whose chosen label has a probability in one range: one row of a reliability table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// How many.
    pub articles: u64,
    /// Mean probability of their chosen labels; 0 without articles.
    pub mean_probability: f64,
    /// Share of them whose chosen label is the true one; 0 without articles.
    pub accuracy: f64,
}

/// What comes of answering only the articles whose chosen label is at least so probable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// Share of all articles that are answered.
    pub coverage: f64,
    /// Share of these whose chosen label is not the true one.
    pub error_rate: f64,
    /// The lowest probability that is answered.
    pub threshold: f64,
}

/// How sets of labels fared, over the articles that one was given for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSetMetrics {
    /// How many.
    pub articles: u64,
    /// Mean number of labels in a set.
    pub mean_size: f64,
    /// Share of the sets that hold the true label.
    pub coverage: f64,
}

/// How decisions fared, over the articles that one was given for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedMetrics {
    /// How many.
    pub articles: u64,
    /// Share of them whose label was accepted.
    pub share: f64,
    /// Share of the accepted labels that are the true ones; 0 if none was accepted.
    pub precision: f64,
}

/// Figures over a set of articles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many.
    pub articles: u64,
    /// Share whose most probable label is the true one.
    pub accuracy: f64,
    /// Where the accuracy lies with 95% confidence, if the articles are a random sample (Wilson 1927).
    pub accuracy_interval: [f64; 2],
    /// Share whose true label is one of the two most probable.
    pub top_two_accuracy: f64,
    /// Mean F1 over the labels that some article carries.
    pub macro_f1: f64,
    /// Mean of -ln of the probability given to the true label.
    pub log_loss: f64,
    /// Expected calibration error (Naeini, Cooper and Hauskrecht 2015): 15 bins of equal width over the probability of
    /// the chosen label.
    pub expected_calibration_error: f64,
    /// Mean over articles of the squared error summed over labels (Brier 1950).
    pub brier_score: f64,
    /// 15 bins of equal width over the probability of the chosen label, from 0 to 1; empty without articles.
    pub reliability: Vec<ReliabilityBin>,
    /// The risk-coverage curve (El-Yaniv and Wiener 2010), by rising coverage; the last point answers every article.
    pub risk_coverage: Vec<RiskPoint>,
    /// The area under that curve: the mean, over the articles, of the error rate when each article's own probability is
    /// the threshold (Geifman, Uziel and El-Yaniv 2019). Taken over all articles, however many points are kept.
    pub risk_coverage_area: f64,
    /// Of the label sets; `None` where none were given.
    pub label_sets: Option<LabelSetMetrics>,
    /// Of the decisions; `None` where none were given.
    pub accepted: Option<AcceptedMetrics>,
    /// By label, ascending; labels that no article carries and none was given are left out.
    pub labels: Vec<LabelMetrics>,
    /// Most frequent first, those of one frequency by their labels.
    pub confusions: Vec<Confusion>,
}

/// What is known of one axis of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisReport {
    /// The settings chosen.
    pub settings: Settings,
    /// By label, ascending: id and training articles.
    pub labels: Vec<(String, u64)>,
    /// Figures from [`Report::folds`] outer folds by group: settings, weights and temperature too were fitted without
    /// the fold. `None` if there were too few groups.
    pub held_out: Option<Metrics>,
    /// The same of models that were fitted without any article of the article's source as well: how the model does on
    /// wording of another origin. `None` with fewer than three sources.
    pub source_held_out: Option<Metrics>,
}

/// What is known of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Distinct articles it was trained on.
    pub articles: u64,
    /// Outer folds of the held-out figures.
    pub folds: u32,
    /// By axis; `None` for an axis without labelled articles.
    pub axes: [Option<AxisReport>; 2],
}

impl Report {
    /// The same without what takes up room: figures by label, tables, curves and confusions.
    #[must_use]
    pub fn short(&self) -> Self {
        let metrics = |metrics: &Metrics| Metrics {
            reliability: Vec::new(),
            risk_coverage: Vec::new(),
            labels: Vec::new(),
            confusions: Vec::new(),
            ..metrics.clone()
        };
        let axis = |axis: &AxisReport| AxisReport {
            settings: axis.settings,
            labels: axis.labels.clone(),
            held_out: axis.held_out.as_ref().map(metrics),
            source_held_out: axis.source_held_out.as_ref().map(metrics),
        };
        Self { axes: self.axes.each_ref().map(|report| report.as_ref().map(axis)), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        let settings = Settings {
            event_model: EventModel::Complement,
            alpha: 0.3,
            min_documents: 2,
            length_exponent: 0.5,
            name_count: 3.0,
            weight_precision: 1.0 / 3.0,
        };
        assert_eq!(settings.to_string().parse(), Ok(settings));
        for other in
            ["", "alpha=1", &format!("{settings} more=1"), &settings.to_string().replace("alpha=0", "alpha=-0")]
        {
            assert_eq!(other.parse::<Settings>(), Err(()), "{other}");
        }
    }
}
