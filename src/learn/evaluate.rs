//! How good a model is on labelled articles.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{
    article::LabelledArticle,
    errors::{WorstError, WorstErrors},
    judge::AxisModel,
    known::{Known, LeftOutGroups, Training},
    metrics::{EVALUATION_POINTS, Scored, measure, sort},
    stop::{self, GoOn, Stopped},
};
use crate::{
    classify::{Axis, Options},
    model::{Metrics, ModelFile},
    text::Document,
};

/// The figures of one axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisEvaluation {
    /// The axis.
    pub axis: Axis,
    /// Over all articles labelled on the axis.
    pub metrics: Metrics,
    /// Of these, articles whose true label the model does not have.
    pub unknown_labels: u64,
    /// The wrong labels with the highest probability, most probable first, those of one probability in the order of the
    /// articles: at most [`MAX_ERRORS`](super::MAX_ERRORS).
    pub worst_errors: Vec<WorstError>,
}

/// The figures of a model on a set of articles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model.
    pub model_version: String,
    /// Articles scored.
    pub articles: u64,
    /// Of these, articles that the model was trained on: their text, under whatever labels, or others of their group.
    pub trained_on: u64,
    /// Of these, articles that are scored with the model as it is, which flatters: they are given with other labels or
    /// another group than in training, and are not in the calibration sample, so that it is not known what to take out.
    pub not_held_out: u64,
    /// Axes that some article is labelled on and the model answers.
    pub axes: Vec<AxisEvaluation>,
}

/// Articles read at a time, on all threads, and bytes of theirs after which no more are read.
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = 8 << 20;

/// Scores articles whose labels are known.
///
/// An article whose text the model was trained on, or whose group, is scored without that text and all of its group, and
/// of the group the article is given here, as far as the calibration sample holds them: counts are subtracted, and
/// weights learnt again on the other groups, a fifth of them left out at a time. Settings and calibration stay. An
/// article of the ledger that is not in the sample is left out of the counts alone: weights were not learnt with it.
pub fn evaluate(file: &ModelFile, articles: impl IntoIterator<Item = LabelledArticle>) -> Evaluation {
    let mut evaluator = Evaluator::new(file);
    // Nobody stops it.
    let _ = for_each_chunk(articles, |chunk| evaluator.add(chunk, &|| true));
    evaluator.finish()
}

/// Hands over the articles some at a time, until the work is given up.
pub(super) fn for_each_chunk(
    articles: impl IntoIterator<Item = LabelledArticle>,
    mut work: impl FnMut(&[LabelledArticle]) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let mut articles = articles.into_iter();
    loop {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            let Some(article) = articles.next() else { break };
            bytes += article.size();
            chunk.push(article);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        work(&chunk)?;
    }
}

/// A model while it is evaluated.
pub(super) struct Evaluator<'a> {
    file: &'a ModelFile,
    axes: Vec<AxisModel<'a>>,
    training: Training<'a>,
    articles: u64,
    trained_on: u64,
    not_held_out: u64,
    /// By [`Axis`], by article: `None` if it is not labelled on the axis or the model does not answer the axis.
    scored: [Vec<Option<Scored>>; 2],
    /// By [`Axis`].
    errors: [WorstErrors; 2],
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(file: &'a ModelFile) -> Self {
        Evaluator {
            file,
            axes: Axis::ALL.into_iter().filter_map(|axis| AxisModel::new(file, axis)).collect(),
            training: Training::new(file),
            articles: 0,
            trained_on: 0,
            not_held_out: 0,
            scored: Default::default(),
            errors: Default::default(),
        }
    }

    /// What the model says of every article so far.
    pub(super) fn scored(&self, axis: Axis) -> &[Option<Scored>] {
        &self.scored[axis as usize]
    }

    /// Scores articles.
    pub(super) fn add(&mut self, articles: &[LabelledArticle], go_on: GoOn<'_>) -> Result<(), Stopped> {
        stop::check(go_on)?;
        let training = &self.training;
        let known: Vec<_> = articles.par_iter().map(|article| training.known(article, &self.axes)).collect();
        for known in known.iter().flatten() {
            self.axes.iter_mut().try_for_each(|axis| axis.prepare(known, go_on))?;
        }
        // What is left out is counted once for all articles that it is left out for: an event may have thousands.
        let mut alike: HashMap<&LeftOutGroups, Vec<usize>> = HashMap::new();
        for (place, known) in known.iter().enumerate() {
            known.iter().for_each(|known| alike.entry(&known.left_out).or_default().push(place));
        }
        let asked = |&place: &usize| Some((&articles[place], known[place].as_ref()?));
        let without = |places: Vec<usize>| {
            stop::check(go_on)?;
            let asked: Vec<_> = places.iter().filter_map(asked).collect();
            let left_out = asked.first().map(|(_, known)| training.left_out(known)).unwrap_or_default();
            let scored: Vec<_> = self.axes.iter().map(|axis| (axis.axis, axis.without(&asked, &left_out))).collect();
            Ok((places, scored))
        };
        let without: Vec<_> = alike.into_values().par_bridge().map(without).collect::<Result<_, _>>()?;
        let served = |(article, known): (&LabelledArticle, &Option<Known>)| match known {
            Some(_) => [None, None],
            None => self.served(article),
        };
        let mut results: Vec<_> = articles.par_iter().zip(&known).map(served).collect();
        for (places, scored) in without {
            for (axis, scored) in scored {
                places.iter().zip(scored).for_each(|(&place, scored)| results[place][axis as usize] = scored);
            }
        }
        for (article, results) in articles.iter().zip(results) {
            for (axis, scored) in Axis::ALL.into_iter().zip(results) {
                if let Some(scored) = &scored {
                    self.errors[axis as usize].consider(&self.file.model, axis, self.articles, article, scored);
                }
                self.scored[axis as usize].push(scored);
            }
            self.articles += 1;
        }
        self.trained_on += known.iter().flatten().count() as u64;
        self.not_held_out += known.iter().flatten().filter(|known| known.is_counted).count() as u64;
        Ok(())
    }

    /// What the model as it is says of an article, by [`Axis`].
    fn served(&self, article: &LabelledArticle) -> [Option<Scored>; 2] {
        let options = Options { max_evidence: 0, max_alternatives: usize::MAX, ..Options::default() };
        let answers = self.file.model.classify(&Document::new(article.article(), None), &options);
        let mut results = [None, None];
        for axis in &self.axes {
            let answer = answers[axis.axis as usize].as_ref();
            results[axis.axis as usize] = answer.and_then(|answer| axis.served(article, answer));
        }
        results
    }

    /// The figures.
    pub(super) fn finish(mut self) -> Evaluation {
        let mut axes = Vec::new();
        for AxisModel { axis, table, .. } in &self.axes {
            let scored = std::mem::take(&mut self.scored[*axis as usize]);
            let mut scored: Vec<Scored> = scored.into_iter().flatten().collect();
            sort(&mut scored);
            if !scored.is_empty() {
                axes.push(AxisEvaluation {
                    axis: *axis,
                    metrics: measure(&table.labels, &scored, EVALUATION_POINTS),
                    unknown_labels: scored.iter().filter(|article| !article.is_known()).count() as u64,
                    worst_errors: std::mem::take(&mut self.errors[*axis as usize]).finish(),
                });
            }
        }
        let model_version = self.file.model.version().to_owned();
        let Evaluator { articles, trained_on, not_held_out, .. } = self;
        Evaluation { model_version, articles, trained_on, not_held_out, axes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        CatalogChoice, Trainer,
        select::{CALIBRATION_FOLDS, inner_fold},
        testing::{counts_of, goes_on, small_corpus},
    };

    /// Labels and words by chance: whoever does better than guessing has seen the answers.
    fn random_corpus() -> Vec<LabelledArticle> {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let article = |number: usize| {
            let words: Vec<String> = (0..20).map(|_| format!("word{}x", random(300))).collect();
            let label = ["court", "hospital"][random(2) as usize];
            LabelledArticle {
                id: number.to_string(),
                text: words.join(" "),
                labels: [None, Some(label.to_owned())],
                ..LabelledArticle::default()
            }
        };
        (0..200).map(article).collect()
    }

    /// Weights that were learnt with an article tell its label, even when it is taken out of the counts.
    #[test]
    fn what_cannot_be_known_is_guessed() {
        let corpus = random_corpus();
        let file = ModelFile::from_bytes(&crate::learn::train(counts_of(&corpus)).unwrap().model).unwrap();
        let evaluation = evaluate(&file, corpus.clone());
        assert_eq!(evaluation.trained_on, 200);
        let accuracy = evaluation.axes[0].metrics.accuracy;
        assert!((0.35..0.65).contains(&accuracy), "{accuracy}");

        // The same texts in groups of other names are no other articles.
        let grouped = |copy: &'static str| {
            corpus.iter().map(move |article| {
                let group = Some(format!("{copy} {}", article.id));
                LabelledArticle { group, ..article.clone() }
            })
        };
        let copies: Vec<LabelledArticle> = grouped("a").chain(grouped("b")).collect();
        let trained = crate::learn::train(counts_of(&copies)).unwrap();
        let accuracy = trained.report.axes[1].as_ref().unwrap().held_out.as_ref().unwrap().accuracy;
        assert!((0.35..0.65).contains(&accuracy), "{accuracy}");
        let evaluation = evaluate(&ModelFile::from_bytes(&trained.model).unwrap(), copies);
        assert_eq!(evaluation.trained_on, 400);
        let accuracy = evaluation.axes[0].metrics.accuracy;
        assert!((0.35..0.65).contains(&accuracy), "{accuracy}");
    }

    /// Whatever the few groups are called: their digests put two into the same fold of five in one case of five.
    #[test]
    fn groups_of_one_fold_are_held_out() {
        let in_fold = |name: &String| {
            let group = LabelledArticle { group: Some(name.clone()), ..LabelledArticle::default() }.group_digest();
            inner_fold(&group, CALIBRATION_FOLDS) == 0
        };
        let names: Vec<String> = (0..).map(|number: u32| format!("event {number}")).filter(in_fold).take(2).collect();
        let mut corpus = random_corpus();
        corpus.iter_mut().enumerate().for_each(|(n, article)| article.group = Some(names[n % 2].clone()));
        let file = ModelFile::from_bytes(&crate::learn::train(counts_of(&corpus)).unwrap().model).unwrap();
        let accuracy = evaluate(&file, corpus.clone()).axes[0].metrics.accuracy;
        assert!((0.35..0.65).contains(&accuracy), "{accuracy}");

        // A new article of a group, and one that differs by marks and by what is its title, are no strangers.
        let mut more = corpus[0].clone();
        more.text = "A new one.".to_owned();
        let mut again = corpus[1].clone();
        let (title, text) = again.text.split_once(' ').unwrap();
        (again.title, again.text) =
            (Some(title.to_uppercase()), format!("\u{feff}{}!\u{200b}\n", text.replace(' ', ", ")));
        again.group = None;
        assert_eq!(evaluate(&file, [more, again]).trained_on, 2);
    }

    /// Without its only event, a label has no articles; that this speaks for it must not be learnt.
    #[test]
    fn labels_on_one_event_promise_nothing() {
        let mut corpus = random_corpus();
        for (number, article) in corpus.iter_mut().enumerate() {
            article.labels[1] = Some(format!("label_{}", number / 2 % 20));
            article.group = Some(format!("event {}", number / 2));
        }
        // Two articles on one event of each label are learnt, and others are asked for.
        let (known, fresh) = corpus.split_at(40);
        let mut trainer = Trainer::new(CatalogChoice::FromData);
        trainer.add_all(known).into_iter().for_each(|added| assert!(added.is_ok()));
        let file = ModelFile::from_bytes(&trainer.finish().unwrap().model).unwrap();
        let metrics = &evaluate(&file, fresh.to_vec()).axes[0].metrics;
        let sets = metrics.label_sets.as_ref().unwrap();
        assert_eq!(metrics.accepted.as_ref().unwrap().share, 0.0);
        assert!(sets.coverage >= 0.9, "{sets:?}");
        // That of guessing.
        assert!((metrics.log_loss - 20_f64.ln()).abs() < 0.1, "{}", metrics.log_loss);
    }

    /// What tells the answer is the event that an article was trained on, whatever group it is given now.
    #[test]
    fn another_group_does_not_hide_the_own_one() {
        let corpus = random_corpus();
        let file = ModelFile::from_bytes(&crate::learn::train(counts_of(&corpus)).unwrap().model).unwrap();
        let evaluator = Evaluator::new(&file);
        let axis = &evaluator.axes[0];
        let fold = |article: &LabelledArticle| inner_fold(&article.group_digest(), CALIBRATION_FOLDS);
        for (article, other) in corpus.iter().zip(&corpus[1..]) {
            // A text is its own group.
            let mut asked = article.clone();
            asked.group = Some("others".to_owned());
            let mut known = evaluator.training.known(&asked, &evaluator.axes).unwrap();
            known.own.group = other.group_digest();
            assert_eq!(axis.fold_of(&known), Some(fold(article)));
        }
    }

    /// Those that do without the same are judged together; so each is as if it were asked for alone.
    #[test]
    fn together_articles_are_judged_as_alone() {
        let mut corpus = random_corpus();
        for (number, article) in corpus.iter_mut().enumerate() {
            // Groups of several sizes, some of which share a text.
            article.group = Some(format!("event {}", number % 7 * (number % 3)));
            if number % 10 == 9 {
                article.text = "one text of several groups".to_owned();
            }
        }
        let mut trainer = goes_on(&counts_of(&corpus[..180]));
        trainer.calibrate_on(&corpus[..120]);
        let file = ModelFile::from_bytes(&trainer.finish().unwrap().model).unwrap();
        for article in &mut corpus[20..40] {
            article.group = Some("another".to_owned());
        }
        let scored = |chunk: usize| {
            let mut evaluator = Evaluator::new(&file);
            corpus.chunks(chunk).for_each(|articles| evaluator.add(articles, &|| true).unwrap());
            format!("{:?}", evaluator.scored)
        };
        assert_eq!(scored(corpus.len()), scored(1));
        let given_up = Evaluator::new(&file).add(&corpus, &|| false);
        assert_eq!(given_up, Err(Stopped));
    }

    /// Without the article in the sample, its counts are only known from what it is given with.
    #[test]
    fn what_cannot_be_held_out_is_told() {
        let corpus = random_corpus();
        let mut trainer = goes_on(&counts_of(&corpus));
        trainer.calibrate_on(&corpus[..100]);
        let file = ModelFile::from_bytes(&trainer.finish().unwrap().model).unwrap();
        let mut rest = corpus[100..].to_vec();
        let told = |articles: &[LabelledArticle]| {
            let evaluation = evaluate(&file, articles.to_vec());
            (evaluation.trained_on, evaluation.not_held_out)
        };
        assert_eq!(told(&corpus), (200, 0));
        rest.iter_mut().for_each(|article| article.group = Some(format!("event {}", article.id)));
        assert_eq!(told(&rest), (100, 100));
    }

    /// To the last digit.
    #[test]
    fn figures_do_not_depend_on_the_order_of_the_articles() {
        let file = ModelFile::from_bytes(&crate::learn::train(counts_of(&small_corpus())).unwrap().model).unwrap();
        let labels = file.counts.axes[0].labels.clone();
        let share = |n: usize| (n * 37 % 101) as f64 / 101.0;
        let scored = |n: usize| Some(Scored::new(&labels[n % 2], &labels, &[share(n), 1.0 - share(n), 0.0]));
        let figures = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut evaluator = Evaluator::new(&file);
            evaluator.scored[0] = numbers.map(scored).collect();
            evaluator.finish().axes
        };
        let expect = figures(&mut (0..100));
        assert_eq!(figures(&mut (0..100).rev()), expect);
        assert_eq!(figures(&mut (50..100).chain(0..50)), expect);
    }
}
