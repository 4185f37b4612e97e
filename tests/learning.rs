//! Learning, by its public names: order, doubles, partly labelled articles, rejected articles, what a model then says.
#![allow(clippy::unwrap_used)]

use chuanda::{
    classify::{Axis, Catalog, Decision, Options},
    learn::{Added, CatalogChoice, LabelledArticle, RejectedArticle, TrainError, Trainer, evaluate},
    model::{Model, ModelFile},
    text::{Article, Document},
};
use proptest::prelude::*;

fn article(text: &str, meeting_type: Option<&str>, department: Option<&str>) -> LabelledArticle {
    LabelledArticle {
        text: text.to_owned(),
        labels: [meeting_type.map(str::to_owned), department.map(str::to_owned)],
        ..LabelledArticle::default()
    }
}

/// Articles whose labels follow from their words.
fn corpus() -> Vec<LabelledArticle> {
    let mut corpus = Vec::new();
    for (place, day) in [("Linhe", 1), ("Beishan", 2), ("Qiaotou", 3), ("Wanping", 4), ("Dongze", 5)] {
        for (department, body) in [("court", "People's Court"), ("finance_bureau", "Finance Bureau")] {
            for (form, name) in [("study_session", "study session"), ("work_conference", "work conference")] {
                let text = format!(
                    "{body} of {place} holds {name}\n\nOn May {day}, the {body} of {place} held a {name}. All \
                     staff took part.\n\nThe year's tasks were laid down one by one."
                );
                corpus.push(article(&text, Some(form), Some(department)));
            }
        }
    }
    corpus
}

fn train(corpus: &[LabelledArticle]) -> Vec<u8> {
    let mut trainer = Trainer::new(CatalogChoice::Given(Catalog::builtin().unwrap()));
    for result in trainer.add_all(corpus) {
        result.unwrap();
    }
    trainer.finish().unwrap().model
}

fn labels_of(model: &Model, text: &str) -> [String; 2] {
    let document = Document::new(Article { title: None, text }, None);
    model
        .classify(&document, &Options::default())
        .map(|answer| answer.map_or(String::new(), |answer| answer.chosen.label))
}

#[test]
fn a_trained_model_answers_what_it_was_taught() {
    let model = Model::from_bytes(&train(&corpus())).unwrap();
    let text = "Finance Bureau of Xicheng holds work conference\n\nOn May 9, the Finance Bureau of Xicheng held a work \
                conference.\n\nTasks were laid down.";
    assert_eq!(labels_of(&model, text), ["work_conference", "finance_bureau"]);
    let text = "The People's Court of Xicheng held a study session on Monday. All staff took part.";
    assert_eq!(labels_of(&model, text), ["study_session", "court"]);
}

#[test]
fn a_label_without_articles_is_found_by_its_name() {
    let model = Model::from_bytes(&train(&corpus())).unwrap();
    let document = Document::new(
        Article { title: None, text: "The Audit Bureau of Linhe held a work conference on Monday." },
        None,
    );
    let answer = model.classify(&document, &Options { max_evidence: 100, max_alternatives: 100, ..Options::default() })
        [1]
    .clone()
    .unwrap();
    let rank = std::iter::once(answer.chosen.label.clone())
        .chain(answer.alternatives.iter().map(|other| other.label.clone()))
        .position(|label| label == "audit_bureau")
        .unwrap();
    assert!(rank < 3, "audit_bureau is number {rank} of 66 without one example");
}

#[test]
fn evidence_adds_up_to_the_score() {
    let model = Model::embedded().unwrap();
    for labelled in corpus() {
        let document = Document::new(Article { title: None, text: &labelled.text }, None);
        for max_evidence in [0, 3, 100] {
            for answer in model
                .classify(&document, &Options { max_evidence, max_alternatives: 100, ..Options::default() })
                .into_iter()
                .flatten()
            {
                assert!(answer.chosen.evidence.len() <= max_evidence);
                let listed: f64 = answer.chosen.evidence.iter().map(|item| item.contribution).sum();
                let sum = answer.chosen.prior_contribution + listed + answer.chosen.remaining_contribution;
                assert!((sum - answer.chosen.score).abs() < 1e-9, "{sum} {}", answer.chosen.score);
                assert!(answer.chosen.evidence.is_sorted_by(|a, b| a.contribution.abs() >= b.contribution.abs()));
                for item in &answer.chosen.evidence {
                    assert!(!item.spans.is_empty());
                    assert_eq!(item.spans[0].slice(&document.article), item.text);
                }
                let others: f64 = answer.alternatives.iter().map(|other| other.probability).sum();
                assert!((0.0..=1.0 + 1e-9).contains(&(answer.chosen.probability + others)));
                assert!(answer.alternatives.iter().all(|other| other.probability <= answer.chosen.probability));
            }
        }
        for axis in Axis::ALL {
            let sum: f64 = model.distribution(&document, axis).iter().map(|(_, _, p)| p).sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn nothing_known_is_no_evidence() {
    let model = Model::embedded().unwrap();
    for text in ["qwxzv plmkt", "Вчера состоялось заседание", "!!!"] {
        let document = Document::new(Article { title: None, text }, None);
        for answer in model.classify(&document, &Options::default()).into_iter().flatten() {
            assert_eq!(answer.decision, Decision::NoEvidence, "{text}");
            assert!(answer.chosen.evidence.is_empty());
            assert_eq!(answer.label_set.first(), Some(&answer.chosen.label));
            assert!((answer.chosen.score - answer.chosen.prior_contribution).abs() < 1e-12);
        }
    }
}

#[test]
fn one_axis_is_enough() {
    let mut corpus = corpus();
    for (number, labelled) in corpus.iter_mut().enumerate() {
        labelled.labels[number / 4 % 2] = None;
    }
    let model = Model::from_bytes(&train(&corpus)).unwrap();
    assert_eq!(model.report().axes.iter().flatten().count(), 2);

    corpus.iter_mut().for_each(|labelled| labelled.labels[1] = None);
    corpus.retain(|labelled| labelled.labels[0].is_some());
    let bytes = train(&corpus);
    let model = Model::from_bytes(&bytes).unwrap();
    let document = Document::new(Article { title: None, text: "The bureau held a study session." }, None);
    let [meeting_type, department] = model.classify(&document, &Options::default());
    assert_eq!(meeting_type.unwrap().chosen.label, "study_session");
    assert_eq!(department, None, "the model was not trained on this axis");

    let file = ModelFile::from_bytes(&bytes).unwrap();
    let evaluation = evaluate(&file, corpus.clone());
    assert_eq!((evaluation.articles, evaluation.trained_on), (corpus.len() as u64, corpus.len() as u64));
    assert_eq!(evaluation.axes.len(), 1);
}

#[test]
fn an_axis_with_one_label_is_left_out() {
    let mut corpus = corpus();
    corpus.iter_mut().for_each(|labelled| labelled.labels[1] = Some("court".to_owned()));
    let mut trainer = Trainer::new(CatalogChoice::FromData);
    trainer.add_all(&corpus).into_iter().for_each(|result| {
        result.unwrap();
    });
    let trained = trainer.finish().unwrap();
    assert_eq!(trained.not_learnt, [Axis::RelayingDepartment]);
    let file = ModelFile::from_bytes(&trained.model).unwrap();
    assert_eq!(evaluate(&file, corpus).axes.len(), 1);
}

/// A text that is one word over and over must not make an answer many times its length.
#[test]
fn evidence_lists_a_bounded_number_of_places() {
    let model = Model::embedded().unwrap();
    let text = "The bureau held a symposium. ".repeat(1000);
    let document = Document::new(Article { title: None, text: &text }, None);
    let answer = model.classify(&document, &Options::default())[0].clone().unwrap();
    let often = answer.chosen.evidence.iter().find(|item| item.text == "symposium").unwrap();
    assert_eq!((often.spans.len(), often.occurrences), (20, 1000));
}

#[test]
fn bad_articles_are_named_and_change_nothing() {
    let catalog = Catalog::builtin().unwrap();
    let mut trainer = Trainer::new(CatalogChoice::Given(catalog.clone()));
    let mut check = |labelled: LabelledArticle, expect: &str| {
        let error = trainer.add(&labelled).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(trainer.articles(), 0);
    };
    check(article(" \n\u{3000}", Some("symposium"), None), "text: must hold");
    check(article("Text.", None, None), "no label");
    check(article("Text.", Some("symposion"), None), "the nearest is \"symposium\"");
    check(article("Text.", None, Some("a b")), "no label id");

    let mut open = Trainer::new(CatalogChoice::GivenOrNew(catalog));
    assert_eq!(open.add(&article("Text.", Some("tea_party"), None)), Ok(Added::New));
    assert_eq!(open.add(&article("Text.", Some("tea_party"), None)), Ok(Added::Double));
    let mut bare = Trainer::new(CatalogChoice::FromData);
    assert_eq!(bare.add(&article("Text.", Some("tea_party"), None)), Ok(Added::New));
    assert!(matches!(bare.add(&article("", Some("tea_party"), None)), Err(RejectedArticle::BlankText)));
    assert!(matches!(bare.finish(), Err(TrainError::TooFew)));
    assert!(matches!(Trainer::new(CatalogChoice::FromData).finish(), Err(TrainError::NoArticles)));
}

#[test]
fn articles_trained_on_are_scored_without_themselves() {
    let corpus = corpus();
    let bytes = train(&corpus);
    let file = ModelFile::from_bytes(&bytes).unwrap();
    let mut asked = corpus.clone();
    asked.push(article("The Hospital of Linhe held a tea party.", Some("tea_party"), Some("hospital")));
    let evaluation = evaluate(&file, asked);
    assert_eq!((evaluation.articles, evaluation.trained_on), (21, 20));
    assert_eq!(evaluation.axes[0].unknown_labels, 1);
    assert_eq!(evaluation.axes[1].unknown_labels, 0);
}

/// Articles of the embedded model's corpus are surprising to the model without them, and less so to the whole one.
#[test]
fn scoring_without_an_article_is_harder() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/default/corpus/court.jsonl");
    let corpus: Vec<LabelledArticle> = std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| value[name].as_str().map(str::to_owned);
            LabelledArticle {
                text: field("text").unwrap(),
                labels: [field("meeting_type"), field("relaying_department")],
                group: field("group"),
                ..LabelledArticle::default()
            }
        })
        .collect();
    let file = ModelFile::embedded().unwrap();
    let log_loss = |articles: Vec<LabelledArticle>| {
        let evaluation = evaluate(&file, articles);
        assert_eq!(evaluation.trained_on, evaluation.articles);
        evaluation.axes[0].metrics.log_loss
    };
    let without = log_loss(corpus.clone());
    let losses = corpus.iter().map(|labelled| {
        let document = Document::new(Article { title: None, text: &labelled.text }, None);
        let all = file.model.distribution(&document, Axis::MeetingType);
        let truth = labelled.labels[0].as_deref().unwrap();
        -all.iter().find(|(label, ..)| *label == truth).unwrap().2.ln()
    });
    let whole = losses.sum::<f64>() / corpus.len() as f64;
    assert!(without > whole * 1.2, "{without} {whole}");

    // They are recognised by their text, whatever else a later file says of them.
    let mut relabelled = corpus.clone();
    for labelled in &mut relabelled {
        labelled.source = Some("elsewhere".to_owned());
        labelled.group = None;
        labelled.labels[1] = Some("hospital".to_owned());
    }
    assert!((log_loss(relabelled) - without).abs() < 1e-9);
}

/// Which source an article came from first changes nothing; neither do threads.
#[test]
fn sources_and_threads_change_nothing() {
    let mut corpus = corpus();
    let mut again = corpus.clone();
    corpus.iter_mut().for_each(|labelled| labelled.source = Some("portal".to_owned()));
    again.iter_mut().for_each(|labelled| labelled.source = Some("mirror".to_owned()));
    let train_on = |threads: usize, first: &[LabelledArticle], second: &[LabelledArticle]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut trainer = Trainer::new(CatalogChoice::FromData);
            trainer.add_all(first).into_iter().chain(trainer.add_all(second)).for_each(|result| {
                result.unwrap();
            });
            assert_eq!(trainer.articles(), first.len());
            trainer.finish().unwrap().model
        })
    };
    let expected = train_on(1, &corpus, &again);
    assert!(train_on(3, &again, &corpus) == expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Neither the order of articles, nor doubles, nor how many are handed over at a time changes a byte.
    #[test]
    fn order_and_doubles_change_nothing(seed in any::<u64>(), cut in 0_usize..20) {
        let corpus = corpus();
        let expected = train(&corpus);
        let mut shuffled = corpus.clone();
        shuffled.extend_from_slice(&corpus[..cut]);
        shuffled.sort_by_key(|labelled| chuanda::text::mix(chuanda::text::term_hash(&labelled.text) ^ seed));
        let mut trainer = Trainer::new(CatalogChoice::Given(Catalog::builtin().unwrap()));
        let mut doubles = 0;
        for labelled in &shuffled[..cut] {
            doubles += usize::from(trainer.add(labelled).unwrap() == Added::Double);
        }
        for result in trainer.add_all(&shuffled[cut..]) {
            doubles += usize::from(result.unwrap() == Added::Double);
        }
        prop_assert_eq!(doubles, cut);
        prop_assert!(trainer.finish().unwrap().model == expected);
    }
}
