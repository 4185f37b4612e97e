//! What tests share: articles, small models, a gate that holds an analysis, and calls of the program.

// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod program;

use std::sync::{
    Arc, Condvar, LazyLock, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use chuanda::{
    classify::Catalog,
    engine::{ArticleInput, Engine, INLINE_BYTES, Limits},
    learn::{CatalogChoice, LabelledArticle, Trained, Trainer},
    model::{Model, ModelFile, StoredCounts},
};
use tokio::sync::Semaphore;

/// A word that stands in every test article and must never come back in an error.
pub(crate) const SECRET: &str = "Qingyunlu";

/// A short article in English.
pub(crate) fn text() -> String {
    format!(
        "Party group of {SECRET} bureau holds study session\n\nOn the morning of May 3, the party group of the city \
         statistics bureau in {SECRET} held an enlarged study session. The session was presided over by Wang Lin, secretary \
         of the party group. The meeting stressed that all units must check the books of the year. It asked everyone \
         to report by Friday.\n"
    )
}

/// An article that is too long to be read on the task that asks.
pub(crate) fn long_text() -> String {
    text().repeat(INLINE_BYTES / text().len() + 1)
}

/// Numbers by chance, the same in every run (Marsaglia 2003, "Xorshift RNGs").
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(88_172_645_463_325_252)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A model of six articles, so that its every byte can be damaged in turn: what is a lecture has the first of the labels,
/// what is a panel the second.
pub(crate) fn tiny_model(labels: [&str; 2]) -> Trained {
    let mut trainer = Trainer::new(CatalogChoice::FromData);
    for place in ["Linhe", "Beishan", "Qiaotou"] {
        for (label, name) in labels.into_iter().zip(["lecture", "panel"]) {
            let text = format!("The court of {place} held a {name}. This {name} was long.");
            let labels = [Some(label.to_owned()), None];
            trainer.add(&LabelledArticle { text, labels, ..LabelledArticle::default() }).unwrap();
        }
    }
    trainer.finish().unwrap()
}

/// A small model of two forms and two bodies, which knows [`text`] to be a study session of the statistics bureau.
/// What the tests of the doors say does not depend on what the embedded model has learnt.
pub(crate) fn model() -> Model {
    Model::from_bytes(model_file()).unwrap()
}

fn model_file() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut trainer = Trainer::new(CatalogChoice::Given(Catalog::builtin().unwrap()));
        for place in ["Linhe", "Beishan", "Qiaotou", "Wanping", "Dongze"] {
            for (department, body) in [("court", "People's Court"), ("statistics_bureau", "Statistics Bureau")] {
                for (form, name) in [("study_session", "study session"), ("work_conference", "work conference")] {
                    let text = format!("{body} of {place} holds {name}\n\nThe {body} of {place} held a {name}.");
                    let labels = [Some(form.to_owned()), Some(department.to_owned())];
                    trainer.add(&LabelledArticle { text, labels, ..LabelledArticle::default() }).unwrap();
                }
            }
        }
        trainer.finish().unwrap().model
    });
    &BYTES
}

/// That model with one more article, which it was not calibrated on.
pub(crate) fn outgrown_model() -> Model {
    let file = ModelFile::from_bytes(model_file()).unwrap();
    let mut trainer =
        Trainer::from_counts(StoredCounts::from_bytes(model_file().to_vec()).unwrap(), false, None).unwrap();
    let labels = [Some("work_conference".to_owned()), None];
    trainer.add(&LabelledArticle { text: text(), labels, ..LabelledArticle::default() }).unwrap();
    Model::from_bytes(&trainer.finish_as(&|| true, || Ok(file.serving)).unwrap().model).unwrap()
}

/// A model of three forms, of which some articles say no more than that there was a meeting: [`VAGUE`] is one of those.
pub(crate) fn vague_model() -> Model {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut trainer = Trainer::new(CatalogChoice::Given(Catalog::builtin().unwrap()));
        let forms =
            [("study_session", "study session"), ("work_conference", "work conference"), ("symposium", "symposium")];
        for (number, place) in ["Linhe", "Beishan", "Qiaotou", "Wanping", "Dongze", "Xikou"].iter().enumerate() {
            let (likely, _) = forms[number % 5 % 3];
            for (form, name) in forms.into_iter().chain([(likely, "gathering"), ("work_conference", "gathering")]) {
                let text = format!("The court of {place} held a {name}. All {number} judges of {place} came.");
                let labels = [Some(form.to_owned()), Some("court".to_owned())];
                trainer.add(&LabelledArticle { text, labels, ..LabelledArticle::default() }).unwrap();
            }
        }
        trainer.finish().unwrap().model
    });
    Model::from_bytes(&BYTES).unwrap()
}

/// An article that [`vague_model`] is not sure of.
pub(crate) const VAGUE: &str = "The court of Nanling held a gathering. All judges of Nanling came.";

/// A counter, and a gate that holds analyses of articles whose id begins with `hold`. An article with the id `panic`
/// panics. Dropping the gate opens it, so that a failed test ends.
#[derive(Clone)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
    _open_on_drop: Arc<OpenOnDrop>,
}

struct Inner {
    entered: Semaphore,
    begun: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
}

struct OpenOnDrop(Arc<Inner>);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl Inner {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        let inner = Arc::new(Inner {
            entered: Semaphore::new(0),
            begun: AtomicUsize::new(0),
            open: Mutex::new(false),
            opened: Condvar::new(),
        });
        let open_on_drop = Arc::new(OpenOnDrop(Arc::clone(&inner)));
        Self { inner, _open_on_drop: open_on_drop }
    }

    /// What the engine runs before each analysis.
    pub(crate) fn probe(&self) -> impl Fn(&ArticleInput) + Send + Sync + 'static {
        let inner = Arc::clone(&self.inner);
        move |article| {
            inner.begun.fetch_add(1, Ordering::SeqCst);
            assert!(article.id != "panic", "{}", article.text);
            if article.id.starts_with("hold") {
                inner.entered.add_permits(1);
                let mut open = inner.open.lock().unwrap();
                while !*open {
                    open = inner.opened.wait(open).unwrap();
                }
            }
        }
    }

    /// Waits until one more analysis is held.
    pub(crate) async fn entered(&self) {
        self.inner.entered.acquire().await.unwrap().forget();
    }

    /// Lets everything go on.
    pub(crate) fn open(&self) {
        self.inner.open();
    }

    /// How many analyses have begun.
    pub(crate) fn begun(&self) -> usize {
        self.inner.begun.load(Ordering::SeqCst)
    }
}

/// An engine with the embedded model, as many cores as said, and a gate.
pub(crate) fn gated(cores: usize, gate: &Gate) -> Arc<Engine> {
    let engine = Engine::new(Limits::default(), cores).with_probe(gate.probe());
    engine.activate(model());
    Arc::new(engine)
}

/// Waits for something that another task brings about.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
