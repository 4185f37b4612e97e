//! A corpus small enough to retrain dozens of times in a test.

use super::{CatalogChoice, LabelledArticle, Trainer};
use crate::{
    classify::Catalog,
    model::{Counts, EventModel, MAX_SAMPLE, Settings, StoredCounts},
};

const CATALOG: &str = r#"
[meeting_type]
labels = [
    { id = "study_session", name_en = "Study session", aliases = ["collective study", "center group"] },
    { id = "work_conference", name_en = "Work conference" },
    { id = "never_seen", name_en = "Ribbon cutting" },
]
[relaying_department]
labels = [
    { id = "court", name_en = "Court", aliases = ["people's court"] },
    { id = "finance_bureau", name_en = "Finance bureau", aliases = ["bureau of finance"] },
    { id = "hospital", name_en = "Hospital" },
]
"#;

pub(super) fn catalog() -> Catalog {
    Catalog::from_toml(CATALOG).unwrap()
}

/// 24 articles over two types and three departments, in 16 groups; some with one label only.
pub(super) fn small_corpus() -> Vec<LabelledArticle> {
    let forms = [("study_session", "collective study session"), ("work_conference", "annual work conference")];
    let bodies = [
        ("court", "People's Court", "trial"),
        ("finance_bureau", "Finance Bureau", "budget"),
        ("hospital", "Hospital", "ward"),
    ];
    let places = ["Linhe", "Beishan", "Qiaotou", "Wanping"];
    let mut corpus = Vec::new();
    for (i, place) in places.iter().enumerate() {
        for (j, (department, body, task)) in bodies.iter().enumerate() {
            for (k, (form, name)) in forms.iter().enumerate() {
                let text = format!(
                    "{body} of {place} holds {name}\n\nOn March {}, the {body} of {place} held a {name} to convey the \
                     spirit of the plenary session.\n\nThe {task} of the year was on the agenda. Item {i} came first.",
                    i + 2 * j + 3 * k + 1
                );
                let number = corpus.len();
                let labels = [
                    (number % 7 != 3).then(|| (*form).to_owned()),
                    (number % 7 != 5).then(|| (*department).to_owned()),
                ];
                corpus.push(LabelledArticle {
                    id: number.to_string(),
                    text,
                    labels,
                    group: (number % 3 == 0).then(|| format!("event {}", number / 6)),
                    source: Some(["portal", "spun"][number % 2].to_owned()),
                    ..LabelledArticle::default()
                });
            }
        }
    }
    corpus
}

pub(super) fn counts_of(corpus: &[LabelledArticle]) -> Counts {
    counts_with_capacity(corpus, MAX_SAMPLE)
}

/// With a calibration sample of at most so many articles.
pub(super) fn counts_with_capacity(corpus: &[LabelledArticle], capacity: usize) -> Counts {
    let mut trainer = Trainer::with_capacity(CatalogChoice::Given(catalog()), capacity);
    for article in corpus {
        trainer.add(article).unwrap();
    }
    trainer.into_counts().unwrap()
}

/// Counts in their file.
pub(super) fn stored(counts: &Counts) -> StoredCounts {
    StoredCounts::from_bytes(counts.to_bytes().unwrap()).unwrap()
}

/// A trainer that has seen what was counted, and takes no new labels.
pub(super) fn goes_on(counts: &Counts) -> Trainer {
    Trainer::from_counts(stored(counts), false, None).unwrap()
}

/// The articles of the small corpus whose bit is set.
pub(super) fn some_of(bits: u32) -> Vec<LabelledArticle> {
    small_corpus().into_iter().enumerate().filter(|(number, _)| bits >> number & 1 == 1).map(|(_, it)| it).collect()
}

/// Settings from all corners of the grid.
pub(super) fn some_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for event_model in [EventModel::Multinomial, EventModel::Complement] {
        for (alpha, min_documents, name_count) in [(0.01, 1, 0.0), (1.0, 2, 0.3), (0.3, 4, 3.0)] {
            let (length_exponent, weight_precision) = (0.5, 1.0);
            all.push(Settings { event_model, alpha, min_documents, length_exponent, name_count, weight_precision });
        }
    }
    all
}
