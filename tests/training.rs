//! Trainings while a server answers: in the engine, over real connections, and from the command line.
#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use chuanda::{
    classify::Catalog,
    engine::{
        Engine, Limits, by,
        training::{
            Activation, ArticleCounts, Decision, Event, Intake, Item, Job, Order, Outcome, Phase, Task, TrainingError,
            TrainingLimits, Trainings, WhenBusy,
        },
    },
    learn::{self, CatalogChoice, Condition, LabelledArticle, Measure, MergeError, Part, Trainer},
    model::{
        Model, ModelFile, StoredCounts,
        store::{Expected, Store, StoreError, Version},
    },
    proto::v1::{
        self, AnalyzeRequest, ConditionalActivationOutcome, TrainingPhase,
        analysis_service_client::AnalysisServiceClient, model_service_client::ModelServiceClient, train_model_request,
        train_model_response, train_model_settings, update_model_request, update_model_response,
    },
    service::{self, Settings},
};
use serde_json::{Value, json};
use support::{
    SECRET,
    program::{Ran, RunningServer, program, ran},
    text,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming, transport::Channel};
use tonic_types::{StatusExt as _, pb};

const PLACES: [&str; 8] = ["Anyang", "Beilin", "Chuzhou", "Dahe", "Ezhou", "Fuping", "Gaotai", "Heyuan"];

/// Articles of some events, four to each, of two meeting types and two departments.
fn corpus(events: usize) -> Vec<LabelledArticle> {
    let mut articles = Vec::new();
    for event in 0..events {
        for (kind, form) in [("study_session", "a theoretical study session"), ("symposium", "a symposium")] {
            for (department, body, task) in
                [("court", "Intermediate Court", "trials"), ("audit_bureau", "Audit Bureau", "accounts")]
            {
                let place = PLACES[event % PLACES.len()];
                articles.push(LabelledArticle {
                    id: format!("{event} {kind} {department}"),
                    text: format!("The {place} {body} held {form} for the year {event}. The meeting was about {task}."),
                    labels: [Some(kind.to_owned()), Some(department.to_owned())],
                    group: Some(format!("event {event}")),
                    ..LabelledArticle::default()
                });
            }
        }
    }
    articles
}

/// The same with each label in the place of the other.
fn mislabelled(events: usize) -> Vec<LabelledArticle> {
    let mut articles = corpus(events);
    for article in &mut articles {
        for label in article.labels.iter_mut().flatten() {
            *label = match label.as_str() {
                "study_session" => "symposium",
                "symposium" => "study_session",
                "court" => "audit_bureau",
                _ => "court",
            }
            .to_owned();
        }
    }
    articles
}

fn builtin() -> CatalogChoice {
    CatalogChoice::Given(Catalog::builtin().unwrap())
}

/// The model file of articles, learnt in one go.
fn learnt(articles: &[LabelledArticle]) -> Vec<u8> {
    let mut trainer = Trainer::new(CatalogChoice::FromData);
    trainer.add_all(articles).into_iter().for_each(|added| assert!(added.is_ok()));
    trainer.finish().unwrap().model
}

fn version_of(model: &[u8]) -> Version {
    Version::new(Model::from_bytes(model).unwrap().version()).unwrap()
}

/// An engine and its store, in a directory of its own.
struct Here {
    directory: TempDir,
    store: Store,
    engine: Arc<Engine>,
    trainings: Trainings,
}

impl Here {
    /// With one version, active, that was learnt from articles.
    fn serving(articles: &[LabelledArticle], limits: TrainingLimits) -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::create(directory.path().join("models")).unwrap();
        let version = store.import(&learnt(articles), by(None, "")).unwrap().version;
        store.activate(&version, Expected::Nothing, by(None, "")).unwrap();
        let engine = Arc::new(Engine::new(Limits::default(), 2).with_store(store.clone()));
        engine.look().unwrap();
        let trainings = Trainings::new(Arc::clone(&engine), limits);
        Self { directory, store, engine, trainings }
    }

    fn new() -> Self {
        Self::serving(&corpus(3), TrainingLimits::default())
    }

    fn begin(&self, task: Task, activate_if: Option<Condition>, when_busy: WhenBusy) -> (Intake, Job) {
        self.trainings.begin(self.store.clone(), Order { task, by: by(Some("tester"), ""), activate_if, when_busy })
    }

    /// Trains to the end.
    async fn train(&self, articles: &[LabelledArticle], activate_if: Option<Condition>) -> Ended {
        let task = Task::Train { labels: CatalogChoice::FromData };
        ended(self.begin(task, activate_if, WhenBusy::Wait), &adding(articles)).await
    }

    /// Updates the active version to the end.
    async fn update(&self, changes: &[(Part, LabelledArticle)]) -> Ended {
        let task = Task::Update { base: None, allow_new_labels: false };
        ended(self.begin(task, None, WhenBusy::Wait), changes).await
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.store.directory()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn active(&self) -> Version {
        self.store.current().unwrap().unwrap()
    }
}

/// What a training came to.
struct Ended {
    outcome: Result<Box<Outcome>, TrainingError>,
    phases: Vec<Phase>,
    /// Number and reason.
    rejected: Vec<(u64, String)>,
}

impl Ended {
    fn outcome(self) -> Outcome {
        *self.outcome.unwrap()
    }
}

fn adding(articles: &[LabelledArticle]) -> Vec<(Part, LabelledArticle)> {
    articles.iter().map(|article| (Part::Add, article.clone())).collect()
}

async fn send(intake: &Intake, articles: &[(Part, LabelledArticle)]) {
    for (index, (part, article)) in (0..).zip(articles) {
        if !intake.send(Item { index, part: *part, article: article.clone() }).await {
            return;
        }
    }
}

async fn ended((intake, mut job): (Intake, Job), articles: &[(Part, LabelledArticle)]) -> Ended {
    send(&intake, articles).await;
    intake.end().await;
    let (mut phases, mut rejected) = (Vec::new(), Vec::new());
    loop {
        match job.event().await.unwrap() {
            Event::Progress(progress) => phases.push(progress.phase),
            Event::Rejected(it) => rejected.push((it.index, it.reason.to_string())),
            Event::Ended(outcome) => {
                phases.dedup();
                return Ended { outcome, phases, rejected };
            }
        }
    }
}

/// Waits until a training is in a phase.
async fn until(job: &mut Job, phase: Phase) {
    loop {
        match job.event().await.unwrap() {
            Event::Progress(progress) if progress.phase == phase => return,
            Event::Progress(_) | Event::Rejected(_) => {}
            Event::Ended(ended) => panic!("{phase:?} was not reached: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn the_same_corpus_gives_the_same_version_whichever_way_it_comes() {
    let here = Here::new();
    let articles = corpus(8);
    let expect = version_of(&learnt(&articles));
    let first = here.train(&articles, None).await;
    assert_eq!(first.phases, [Phase::Receiving, Phase::Counting, Phase::Learning, Phase::Publishing]);
    let first = first.outcome();
    assert_eq!((&first.version, first.is_new, first.activation.is_none()), (&expect, true, true));
    let counts = ArticleCounts { received: 32, added: 32, ..ArticleCounts::default() };
    assert_eq!((first.counts, first.not_calibrated_on), (counts, 0));
    assert!(here.store.load(&expect).is_ok());

    // Again, in another order, and with every article twice.
    let turned: Vec<_> = articles.iter().rev().chain(&articles).cloned().collect();
    let again = here.train(&turned, None).await.outcome();
    assert_eq!((again.version, again.is_new, again.counts.doubles), (expect.clone(), false, 32));

    // From counts of its parts.
    let shards = articles.chunks(13).map(|shard| {
        let mut trainer = Trainer::new(CatalogChoice::FromData);
        trainer.add_all(shard);
        trainer.into_counts().unwrap().to_bytes().unwrap()
    });
    let shards: Vec<Vec<u8>> = shards.collect();
    let names = ["a", "b", "c"].map(str::to_owned);
    let open = |shard: usize| Ok::<_, MergeError>(StoredCounts::from_bytes(shards[shard].clone()).unwrap());
    assert_eq!(learn::merge(&names, None, open).unwrap().trainer.finish().unwrap().version, expect.as_str());
}

#[tokio::test]
async fn articles_that_cannot_be_used_are_named_and_the_others_learnt_from() {
    let here = Here::new();
    let good = corpus(4);
    let bad = |change: fn(&mut LabelledArticle)| {
        let mut article = LabelledArticle { text: text(), ..good[0].clone() };
        change(&mut article);
        article
    };
    let mut articles = good.clone();
    articles.insert(2, bad(|article| article.text = " \n".to_owned()));
    articles.insert(5, bad(|article| article.labels = [None, None]));
    articles.insert(7, bad(|article| article.labels[0] = Some("study_sesion".to_owned())));
    articles.push(bad(|article| article.group = Some("g".repeat(1025))));
    articles.push(bad(|article| article.text = "x".repeat((1 << 20) + 1)));
    let task = Task::Train { labels: builtin() };
    let ended = ended(here.begin(task, None, WhenBusy::Wait), &adding(&articles)).await;
    let mut rejected = ended.rejected.clone();
    rejected.sort();
    let expect = [
        (2, "text: must hold a character that is not white space"),
        (5, "no label: at least one of meeting_type and relaying_department is needed"),
        (7, "meeting_type: \"study_sesion\" is not in the label catalog; the nearest is \"study_session\""),
        (19, "group: 1025 is over the limit max_id_bytes of 1024"),
        (20, "text: 1048577 is over the limit max_article_bytes of 1048576"),
    ];
    assert_eq!(rejected, expect.map(|(index, reason)| (index, reason.to_owned())));
    let counts = ArticleCounts { received: 21, added: 16, rejected: 5, ..ArticleCounts::default() };
    assert_eq!(ended.outcome().counts, counts);
}

#[tokio::test]
async fn too_much_or_too_little_is_refused_by_name() {
    let limits = TrainingLimits { max_training_articles: 15, max_training_bytes: 2500, ..TrainingLimits::default() };
    let here = Here::serving(&corpus(3), limits);
    let before = here.names();
    let mut long = corpus(1);
    long[0].text = "x".repeat(2500);
    for (articles, told) in [
        (corpus(4), "the articles of one training are over the limit max_training_articles of 15"),
        (long, "the articles of one training are over the limit max_training_bytes of 2500"),
        (corpus(1), "articles of at least two labels on one axis are needed"),
        (Vec::new(), "no labelled articles"),
    ] {
        let error = here.train(&articles, None).await.outcome.unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
    assert_eq!(here.names(), before);
}

#[tokio::test]
async fn a_second_training_waits_or_is_refused() {
    let here = Here::new();
    let task = || Task::Train { labels: CatalogChoice::FromData };
    let (intake, mut job) = here.begin(task(), None, WhenBusy::Wait);
    until(&mut job, Phase::Receiving).await;
    let refused = ended(here.begin(task(), None, WhenBusy::Refuse), &[]).await;
    assert!(matches!(refused.outcome, Err(TrainingError::Busy)));
    let (second, mut waiting) = here.begin(task(), None, WhenBusy::Wait);
    until(&mut waiting, Phase::Waiting).await;
    // Given up while it waits; and then the first.
    let (_third, mut given_up) = here.begin(task(), None, WhenBusy::Wait);
    until(&mut given_up, Phase::Waiting).await;
    drop(given_up);
    drop(intake);
    until(&mut waiting, Phase::Receiving).await;
    // No more than so many stand in line.
    let mut line = Vec::new();
    let turned_away = loop {
        let (intake, mut job) = here.begin(task(), None, WhenBusy::Wait);
        match job.event().await.unwrap() {
            Event::Progress(progress) => assert_eq!(progress.phase, Phase::Waiting),
            Event::Ended(ended) => break ended,
            Event::Rejected(rejected) => panic!("{rejected:?}"),
        }
        line.push((intake, job));
        assert!(line.len() <= 16);
    };
    assert!(matches!(turned_away, Err(TrainingError::Busy)));
    assert_eq!(line.len(), 16);
    drop(line);
    let second = ended((second, waiting), &adding(&corpus(4))).await.outcome();
    assert_eq!(second.version, version_of(&learnt(&corpus(4))));
    drop(job);
}

/// What an update goes on from is settled when it is asked for, however long it waits then.
#[tokio::test]
async fn an_update_that_waits_keeps_its_base() {
    let here = Here::new();
    let (base, other) = (here.active(), here.train(&corpus(4), None).await.outcome().version);
    let task = Task::Train { labels: CatalogChoice::FromData };
    let (intake, mut job) = here.begin(task, None, WhenBusy::Wait);
    until(&mut job, Phase::Receiving).await;
    let task = Task::Update { base: None, allow_new_labels: false };
    let (second, mut waiting) = here.begin(task, None, WhenBusy::Wait);
    until(&mut waiting, Phase::Waiting).await;
    // What is not there is told before the wait.
    let missing = Version::new(&"0".repeat(32)).unwrap();
    let task = Task::Update { base: Some(missing), allow_new_labels: false };
    let refused = ended(here.begin(task, None, WhenBusy::Wait), &[]).await;
    assert!(matches!(refused.outcome, Err(TrainingError::Store(StoreError::NotFound { .. }))));
    assert!(!refused.phases.contains(&Phase::Waiting));
    here.store.activate(&other, Expected::Version(&base), by(None, "")).unwrap();
    here.engine.look().unwrap();
    drop(intake);
    let updated = ended((second, waiting), &adding(&corpus(5)[12..])).await.outcome();
    assert_eq!(here.store.info(&updated.version).unwrap().parent, Some(base));
    drop(job);
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing_behind() {
    let here = Here::new();
    let before = here.names();
    let outside = fs::read_dir(here.directory.path()).unwrap().count();
    // More than is kept in memory.
    let mut articles = adding(&corpus(20));
    articles.extend((0..3).map(|number| {
        let text = format!("{number} {}", "The court met. ".repeat(40_000));
        (Part::Add, LabelledArticle { text, ..corpus(1)[0].clone() })
    }));
    let condition = Some(Condition { axis: None, measure: Measure::Accuracy, margin: 0.0 });
    for phase in [Phase::Receiving, Phase::Counting, Phase::Learning, Phase::Comparing] {
        for drops_intake in [false, true] {
            let task = Task::Train { labels: CatalogChoice::FromData };
            let (intake, mut job) = here.begin(task, condition, WhenBusy::Wait);
            send(&intake, &articles).await;
            if phase == Phase::Receiving && drops_intake {
                drop(intake);
                while !matches!(job.event().await.unwrap(), Event::Ended(Err(_))) {}
                continue;
            }
            if phase > Phase::Receiving {
                intake.end().await;
            }
            until(&mut job, phase).await;
            drop(job);
        }
    }
    // The next one can only begin when those before have ended.
    let task = Task::Train { labels: CatalogChoice::FromData };
    let (_intake, mut job) = here.begin(task, None, WhenBusy::Wait);
    until(&mut job, Phase::Receiving).await;
    assert_eq!(here.names(), before);
    assert_eq!(fs::read_dir(here.directory.path()).unwrap().count(), outside);
}

#[tokio::test]
async fn an_update_is_the_one_of_the_command_line() {
    let here = Here::new();
    let (base, counts) = here.store.open_model(&here.active()).unwrap().into_parts();
    let (old, all) = (corpus(3), corpus(5));
    let (removed, added) = (&old[..1], &all[12..]);
    let mut trainer = Trainer::from_counts(counts, false, None).unwrap();
    assert!(trainer.remove_all(removed)[0].is_ok());
    trainer.add_all(added);
    let expect = trainer.finish_as(&|| true, || base.load()).unwrap();

    // Additions before removals: the order says nothing.
    let mut changes = adding(added);
    changes.extend([&old[0], &all[19]].map(|article| (Part::Remove, article.clone())));
    let updated = here.update(&changes).await;
    assert_eq!(updated.rejected, [(9, "not removed: not among the articles of the model".to_owned())]);
    let updated = updated.outcome();
    assert_eq!((updated.version.as_str(), updated.is_new), (expect.version.as_str(), true));
    let counts = ArticleCounts { received: 10, added: 8, removed: 1, rejected: 1, ..ArticleCounts::default() };
    assert_eq!((updated.counts, updated.model.is_calibrated()), (counts, false));
    assert_eq!(here.store.info(&updated.version).unwrap().parent, Some(here.active()));
    let again = here.update(&changes).await.outcome();
    assert_eq!((again.version, again.is_new), (updated.version, false));

    // With all articles of the new model, every byte is that of training on them.
    changes.extend(all[1..].iter().map(|article| (Part::CalibrateOn, article.clone())));
    let calibrated = here.update(&changes).await.outcome();
    assert_eq!(calibrated.version, version_of(&learnt(&all[1..])));
    assert_eq!((calibrated.counts.calibrated_on, calibrated.not_calibrated_on), (19, 0));
    let part = here.update(&[(Part::CalibrateOn, old[0].clone()), (Part::CalibrateOn, old[7].clone())]).await.outcome();
    assert_eq!((part.counts.calibrated_on, part.not_calibrated_on), (2, 10));
    let none = here.update(&[(Part::CalibrateOn, all[19].clone())]).await;
    assert!(matches!(none.outcome, Err(TrainingError::NotCalibrated)));
}

/// What came of the wish, and what the engine answers with now.
async fn activated(here: &Here, articles: &[LabelledArticle], margin: f64) -> (Activation, bool) {
    let condition = Condition { axis: None, measure: Measure::Accuracy, margin };
    let outcome = here.train(articles, Some(condition)).await.outcome();
    let is_active = here.active() == outcome.version;
    assert_eq!(is_active, here.engine.snapshot().unwrap().version() == outcome.version.as_str());
    (outcome.activation.unwrap(), is_active)
}

#[tokio::test]
async fn a_better_model_is_activated_and_no_other() {
    let here = Here::serving(&mislabelled(3), TrainingLimits::default());
    let before = here.active();
    // On four events nobody can tell.
    let (activation, is_active) = activated(&here, &corpus(4), 0.0).await;
    assert_eq!((activation.decision, is_active), (Decision::TooFew, false));
    let (against, improvement) = activation.compared.unwrap();
    assert_eq!((against, improvement.axes.len()), (before.to_string(), 2));
    assert_eq!((improvement.axes[0].comparison.articles, improvement.axes[0].groups), (16, 4));
    // On forty they can.
    let (activation, is_active) = activated(&here, &corpus(40), 0.5).await;
    assert_eq!((activation.decision, is_active), (Decision::Activated, true), "{activation:?}");
    let (_, improvement) = activation.compared.unwrap();
    assert!(improvement.axes.iter().all(|axis| axis.comparison.accuracy == [1.0, 0.0]), "{improvement:?}");
    // Again, the same: it is active already, and nothing is written to the log.
    let log = here.store.activations(None, 100).unwrap().len();
    let (activation, is_active) = activated(&here, &corpus(40), 0.5).await;
    assert_eq!((activation.decision, activation.compared, is_active), (Decision::AlreadyActive, None, true));
    assert_eq!(here.store.activations(None, 100).unwrap().len(), log);
    // The active model scores these without itself, and rightly; the other one learns nonsense of them.
    let mut mixed = corpus(40);
    mixed.extend(mislabelled(40).into_iter().map(|article| LabelledArticle { group: None, ..article }));
    let (activation, is_active) = activated(&here, &mixed[..], 0.2).await;
    assert_eq!((activation.decision, is_active), (Decision::NotBetter, false), "{activation:?}");
}

#[tokio::test]
async fn whoever_activates_meanwhile_is_not_overtaken() {
    let here = Here::serving(&mislabelled(3), TrainingLimits::default());
    let other = here.store.import(&learnt(&corpus(2)), by(None, "")).unwrap().version;
    let condition = Condition { axis: None, measure: Measure::Accuracy, margin: 0.0 };
    let task = Task::Train { labels: CatalogChoice::FromData };
    let (intake, mut job) = here.begin(task, Some(condition), WhenBusy::Wait);
    send(&intake, &adding(&corpus(40))).await;
    intake.end().await;
    until(&mut job, Phase::Comparing).await;
    here.store.activate(&other, Expected::Any, by(None, "")).unwrap();
    let decision = loop {
        if let Event::Ended(outcome) = job.event().await.unwrap() {
            break outcome.unwrap().activation.unwrap().decision;
        }
    };
    assert_eq!((decision, here.active()), (Decision::Overtaken, other));
}

/// A server on a port of its own; dropped, it drains.
struct Server {
    here: Here,
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

type Answer = train_model_response::Message;

impl Server {
    async fn start(settings: Settings) -> Self {
        let here = Here::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(service::serve(listener, Arc::clone(&here.engine), settings, shutdown.clone()));
        Self { here, address, shutdown }
    }

    async fn changeable() -> Self {
        Self::start(Settings { allow_model_changes: true, ..Settings::default() }).await
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn train(&self, messages: Vec<train_model_request::Message>) -> Result<Vec<Answer>, Status> {
        let requests = messages.into_iter().map(|it| v1::TrainModelRequest { message: Some(it) });
        let mut client = ModelServiceClient::new(self.channel().await);
        let answers = client.train_model(tokio_stream::iter(requests.collect::<Vec<_>>())).await?;
        all(answers.into_inner()).await
    }

    async fn update(
        &self,
        messages: Vec<update_model_request::Message>,
    ) -> Result<update_model_response::Message, Status> {
        let requests = messages.into_iter().map(|it| v1::UpdateModelRequest { message: Some(it) });
        let mut client = ModelServiceClient::new(self.channel().await);
        let answers = client.update_model(tokio_stream::iter(requests.collect::<Vec<_>>())).await?;
        let mut answers = answers.into_inner();
        let mut last = None;
        while let Some(answer) = answers.message().await? {
            last = answer.message;
        }
        Ok(last.unwrap())
    }
}

async fn all(mut answers: Streaming<v1::TrainModelResponse>) -> Result<Vec<Answer>, Status> {
    let mut messages = Vec::new();
    while let Some(answer) = answers.message().await? {
        messages.push(answer.message.unwrap());
    }
    Ok(messages)
}

fn message(article: &LabelledArticle) -> v1::LabelledArticle {
    let LabelledArticle { id, title, text, labels: [first, second], group, source } = article.clone();
    let [title, meeting_type, relaying_department, group, source] =
        [title, first, second, group, source].map(Option::unwrap_or_default);
    v1::LabelledArticle { id, title, text, meeting_type, relaying_department, group, source }
}

fn from_data() -> v1::TrainModelSettings {
    let labels = Some(train_model_settings::Labels::LabelsFromData(true));
    v1::TrainModelSettings { labels, actor: "an".to_owned(), note: "first".to_owned(), ..Default::default() }
}

fn training(settings: v1::TrainModelSettings, articles: &[LabelledArticle]) -> Vec<train_model_request::Message> {
    use train_model_request::Message;
    let articles = articles.iter().map(|article| Message::Article(message(article)));
    std::iter::once(Message::Settings(settings)).chain(articles).collect()
}

fn result(answers: &[Answer]) -> &v1::TrainingResult {
    match answers.last() {
        Some(Answer::Result(result)) => result,
        other => panic!("{other:?}"),
    }
}

/// Code, reason, and the nearest label, field or limit of an error.
fn told(status: &Status) -> (Code, String, String) {
    assert!(!format!("{status:?}").contains(SECRET), "an error quotes the article");
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    let field = details.bad_request().map(|bad| bad.field_violations[0].field.clone());
    let entry = |name: &str| info.metadata.get(name).cloned();
    let at_fault = entry("nearest").or(field).or_else(|| entry("limit"));
    (status.code(), info.reason.clone(), at_fault.unwrap_or_default())
}

fn inner(status: &pb::Status) -> Status {
    use prost::Message as _;
    Status::with_details(Code::from_i32(status.code), status.message.clone(), status.encode_to_vec().into())
}

#[tokio::test]
async fn a_model_is_trained_over_the_network_while_articles_are_analysed() {
    let server = Server::changeable().await;
    let articles = corpus(8);
    let answers = server.train(training(from_data(), &articles)).await.unwrap();
    let trained = result(&answers);
    let model = trained.model.as_ref().unwrap();
    let expect = version_of(&learnt(&articles));
    assert_eq!((model.version.as_str(), trained.is_new, model.active), (expect.as_str(), true, false));
    assert_eq!((model.articles, trained.counts.unwrap().added), (32, 32));
    let provenance = model.provenance.as_ref().unwrap();
    assert_eq!((provenance.actor.as_str(), provenance.note.as_str()), ("an", "first"));
    let outcome = trained.activation.as_ref().unwrap().outcome();
    assert_eq!(outcome, ConditionalActivationOutcome::NotAsked);
    let phases: Vec<TrainingPhase> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Progress(progress) => Some(progress.phase()),
            Answer::Rejected(_) | Answer::Result(_) => None,
        })
        .collect();
    assert!(phases.is_sorted() && phases.contains(&TrainingPhase::Learning), "{phases:?}");
    let again = server.train(training(from_data(), &articles)).await.unwrap();
    assert!(!result(&again).is_new);

    // A training that is under way holds nobody up.
    let (requests, received) = tokio::sync::mpsc::channel(4);
    let send = |message| v1::TrainModelRequest { message: Some(message) };
    requests.send(send(train_model_request::Message::Settings(from_data()))).await.unwrap();
    let mut client = ModelServiceClient::new(server.channel().await);
    let requests_stream = tokio_stream::wrappers::ReceiverStream::new(received);
    let mut answers = client.train_model(requests_stream).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    let article = v1::Article { text: text(), ..v1::Article::default() };
    let request = AnalyzeRequest { article: Some(article), ..AnalyzeRequest::default() };
    let mut analyses = AnalysisServiceClient::new(server.channel().await);
    assert!(analyses.analyze(request).await.is_ok());
    let refusing = v1::TrainModelSettings { if_busy: v1::BusyPolicy::Refuse.into(), ..from_data() };
    let busy = server.train(training(refusing, &articles)).await.unwrap_err();
    assert_eq!(told(&busy), (Code::Unavailable, "TRAINING_BUSY".to_owned(), String::new()));
    // A server that is told to stop gives it up.
    server.shutdown.cancel();
    let status = loop {
        match answers.message().await {
            Ok(answer) => assert!(answer.is_some(), "the training ended by itself"),
            Err(status) => break status,
        }
    };
    assert_eq!(told(&status), (Code::Unavailable, "SHUTTING_DOWN".to_owned(), String::new()));
    drop(requests);
}

/// The articles of half a corpus must not become a model because the other half never came.
#[tokio::test]
async fn what_a_client_began_that_goes_away_is_given_up() {
    let server = Server::changeable().await;
    let articles = corpus(8);
    let mut expect = server.here.store.versions().unwrap();
    for is_killed in [false, true] {
        let (messages, received) = tokio::sync::mpsc::channel(64);
        for message in training(from_data(), &articles[..24]) {
            messages.send(v1::TrainModelRequest { message: Some(message) }).await.unwrap();
        }
        let (under_way, began) = tokio::sync::oneshot::channel();
        let address = server.address;
        // With it go its connections, without a word.
        let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let call = client.spawn(async move {
            let mut client = ModelServiceClient::connect(format!("http://{address}")).await.unwrap();
            let requests = tokio_stream::wrappers::ReceiverStream::new(received);
            let mut answers = client.train_model(requests).await.unwrap().into_inner();
            let first = answers.message().await;
            under_way.send(()).unwrap();
            (first, answers.message().await)
        });
        began.await.unwrap();
        let client = if is_killed {
            client.shutdown_background();
            None
        } else {
            call.abort();
            drop(messages);
            Some(client)
        };
        // The next can only begin when that one has ended.
        let articles = &articles[..if is_killed { 32 } else { 28 }];
        let answers = server.train(training(from_data(), articles)).await.unwrap();
        let version = version_of(&learnt(articles));
        assert_eq!(result(&answers).model.as_ref().unwrap().version, version.as_str());
        expect.push(version);
        client.into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    }
    let mut versions = server.here.store.versions().unwrap();
    versions.sort();
    expect.sort();
    assert_eq!(versions, expect);
}

/// A client that takes no answers keeps nobody from training, nor does one that says nothing.
#[tokio::test]
async fn nobody_waits_for_a_client_for_ever() {
    let settings = Settings { allow_model_changes: true, unary_timeout: Duration::from_secs(5), ..Settings::default() };
    let server = Server::start(settings).await;
    let small = |channel: tonic::transport::Endpoint| {
        channel.initial_stream_window_size(65_535).initial_connection_window_size(65_535)
    };
    let (next, expect) = (training(from_data(), &corpus(4)), version_of(&learnt(&corpus(4))));
    let endpoint = Channel::from_shared(format!("http://{}", server.address)).unwrap();
    let mut client = ModelServiceClient::new(small(endpoint).connect().await.unwrap());
    // More is told of them than waits on the way.
    let bad = LabelledArticle { id: "i".repeat(1_000), group: Some("g".repeat(2_000)), ..corpus(1)[0].clone() };
    let requests = training(from_data(), &vec![bad; 2_000]).into_iter();
    let requests = requests.map(|it| v1::TrainModelRequest { message: Some(it) });
    let deaf = client.train_model(tokio_stream::iter(requests.collect::<Vec<_>>())).await.unwrap();
    let (_messages, received) = tokio::sync::mpsc::channel::<v1::TrainModelRequest>(1);
    let first = v1::TrainModelRequest { message: Some(train_model_request::Message::Settings(from_data())) };
    let requests = tokio_stream::StreamExt::chain(
        tokio_stream::once(first),
        tokio_stream::wrappers::ReceiverStream::new(received),
    );
    let mut client = ModelServiceClient::new(server.channel().await);
    let silent = all(client.train_model(requests).await.unwrap().into_inner()).await.unwrap_err();
    assert_eq!(told(&silent).1, "DEADLINE_EXCEEDED");
    let answers = server.train(next).await.unwrap();
    assert_eq!(result(&answers).model.as_ref().unwrap().version, expect.as_str());
    let told_late = all(deaf.into_inner()).await.unwrap_err();
    assert_eq!(told(&told_late).1, "DEADLINE_EXCEEDED");
}

/// Nothing is read of a training in line, and the one that it waits for comes over the same connection.
#[tokio::test]
async fn a_training_in_line_leaves_room_for_others() {
    let settings =
        Settings { allow_model_changes: true, unary_timeout: Duration::from_secs(10), ..Settings::default() };
    let server = Server::start(settings).await;
    let channel = server.channel().await;
    let begin = async |messages: Vec<train_model_request::Message>| {
        let (sender, received) = tokio::sync::mpsc::channel(messages.len() + 20);
        let send = |message| v1::TrainModelRequest { message: Some(message) };
        messages.into_iter().for_each(|message| sender.try_send(send(message)).unwrap());
        let requests = tokio_stream::wrappers::ReceiverStream::new(received);
        let mut answers = ModelServiceClient::new(channel.clone()).train_model(requests).await.unwrap().into_inner();
        let first = answers.message().await.unwrap().unwrap().message.unwrap();
        let Answer::Progress(progress) = first else { panic!("{first:?}") };
        (sender, answers, progress.phase())
    };
    let (first, answers, phase) = begin(training(from_data(), &[])).await;
    assert_eq!(phase, v1::TrainingPhase::Receiving);
    let long = LabelledArticle { text: "x".repeat(40_000), ..corpus(1)[0].clone() };
    let mut line = Vec::new();
    for _ in 0..16 {
        let waiting = begin(training(from_data(), &vec![long.clone(); 100])).await;
        assert_eq!(waiting.2, v1::TrainingPhase::Waiting);
        line.push(waiting);
    }
    for article in training(from_data(), &corpus(4)).into_iter().skip(1) {
        first.send(v1::TrainModelRequest { message: Some(article) }).await.unwrap();
    }
    drop(first);
    let trained = tokio::time::timeout(Duration::from_secs(60), all(answers)).await.unwrap().unwrap();
    let expect = version_of(&learnt(&corpus(4)));
    assert_eq!(result(&trained).model.as_ref().unwrap().version, expect.as_str());
}

#[tokio::test]
async fn rejected_articles_are_told_with_a_reason() {
    let server = Server::changeable().await;
    let mut articles = corpus(4);
    articles.push(LabelledArticle {
        text: text(),
        labels: [Some("symposion".to_owned()), None],
        ..articles[0].clone()
    });
    articles.push(LabelledArticle { text: String::new(), id: "empty".to_owned(), ..articles[0].clone() });
    articles.push(LabelledArticle { source: Some("s".repeat(1025)), id: "i".repeat(1025), ..articles[0].clone() });
    articles.push(LabelledArticle { source: Some("s".repeat(1025)), id: "long".to_owned(), ..articles[0].clone() });
    articles.push(LabelledArticle { labels: [None, Some("l".repeat(1025))], ..articles[0].clone() });
    articles.push(LabelledArticle { labels: [Some("no label".to_owned()), None], ..articles[0].clone() });
    let first = articles[0].id.as_str();
    let answers = server.train(training(v1::TrainModelSettings::default(), &articles)).await.unwrap();
    let mut rejected: Vec<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Rejected(it) => Some((it.index, it.article_id.as_str(), told(&inner(it.error.as_ref().unwrap())))),
            Answer::Progress(_) | Answer::Result(_) => None,
        })
        .collect();
    let expect = [
        (16, first, (Code::InvalidArgument, "LABEL_UNKNOWN".to_owned(), "symposium".to_owned())),
        (17, "empty", (Code::InvalidArgument, "FIELD_REQUIRED".to_owned(), "text".to_owned())),
        (18, "", (Code::InvalidArgument, "LIMIT_EXCEEDED".to_owned(), "id".to_owned())),
        (19, "long", (Code::InvalidArgument, "LIMIT_EXCEEDED".to_owned(), "source".to_owned())),
        (20, first, (Code::InvalidArgument, "LIMIT_EXCEEDED".to_owned(), "relaying_department".to_owned())),
        (21, first, (Code::InvalidArgument, "FIELD_INVALID".to_owned(), "meeting_type".to_owned())),
    ];
    rejected.sort_unstable_by_key(|it| it.0);
    assert_eq!(rejected, expect);
    assert_eq!(result(&answers).counts.unwrap().rejected, 6);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let server = Server::changeable().await;
    let first = || message(&corpus(1)[0]);
    let wish = |metric: v1::ComparisonMetric, margin| {
        let activate_if = Some(v1::ActivateIf { axis: 0, metric: metric.into(), margin });
        training(v1::TrainModelSettings { activate_if, ..from_data() }, &[])
    };
    let settings = |settings| training(settings, &[]);
    let labels = |labels| settings(v1::TrainModelSettings { labels: Some(labels), ..Default::default() });
    let twice = [training(from_data(), &[]), training(from_data(), &[])].concat();
    let (required, invalid) = ("FIELD_REQUIRED", "FIELD_INVALID");
    use v1::ComparisonMetric::{Accuracy, LogLoss, Unspecified};
    for (messages, reason, field) in [
        (vec![train_model_request::Message::Article(first())], required, "settings"),
        (Vec::new(), required, "settings"),
        (twice, invalid, "settings"),
        (wish(Unspecified, 0.0), required, "settings.activate_if.metric"),
        (wish(Accuracy, 1.5), invalid, "settings.activate_if.margin"),
        (wish(LogLoss, f64::NAN), invalid, "settings.activate_if.margin"),
        (labels(train_model_settings::Labels::LabelsFromData(false)), invalid, "settings.labels_from_data"),
        (labels(train_model_settings::Labels::CatalogToml("x".to_owned())), invalid, "settings.catalog_toml"),
        (settings(v1::TrainModelSettings { if_busy: 9, ..from_data() }), invalid, "settings.if_busy"),
        (training(from_data(), &[]), "TOO_LITTLE_TO_LEARN", ""),
        (
            settings(v1::TrainModelSettings { actor: "x".repeat(257), ..from_data() }),
            "LIMIT_EXCEEDED",
            "settings.actor",
        ),
    ] {
        let status = server.train(messages).await.unwrap_err();
        assert_eq!(told(&status), (Code::InvalidArgument, reason.to_owned(), field.to_owned()), "{status:?}");
    }
    let closed = Server::start(Settings::default()).await;
    let status = closed.train(training(from_data(), &[])).await.unwrap_err();
    assert_eq!(told(&status).1, "MODEL_CHANGES_NOT_ALLOWED");
    let limited = TrainingLimits { max_training_articles: 3, ..TrainingLimits::default() };
    let limited = Settings { allow_model_changes: true, training: limited, ..Settings::default() };
    let status = Server::start(limited).await.train(training(from_data(), &corpus(1))).await.unwrap_err();
    assert_eq!(told(&status), (Code::InvalidArgument, "LIMIT_EXCEEDED".to_owned(), "message".to_owned()));
}

#[tokio::test]
async fn a_model_is_updated_over_the_network() {
    use update_model_request::Message;
    use update_model_response::Message as Answer;
    let server = Server::changeable().await;
    let corpus = corpus(5);
    let base = server.here.active();
    let mut messages = vec![Message::Settings(v1::UpdateModelSettings {
        base_version: base.to_string(),
        ..v1::UpdateModelSettings::default()
    })];
    messages.extend(corpus[12..].iter().map(|article| Message::Add(message(article))));
    messages.push(Message::Remove(message(&corpus[0])));
    messages.extend(corpus[1..].iter().map(|article| Message::CalibrateOn(message(article))));
    let Answer::Result(updated) = server.update(messages.clone()).await.unwrap() else { panic!("no result") };
    let model = updated.model.unwrap();
    assert_eq!((model.version.as_str(), model.calibrated), (version_of(&learnt(&corpus[1..])).as_str(), true));
    assert_eq!(model.provenance.unwrap().parent_version, base.as_str());
    messages[0] = Message::Settings(v1::UpdateModelSettings {
        base_version: "0".repeat(32),
        ..v1::UpdateModelSettings::default()
    });
    let status = server.update(messages).await.unwrap_err();
    assert_eq!((status.code(), told(&status).1.as_str()), (Code::NotFound, "MODEL_VERSION_NOT_FOUND"));
}

fn write(path: &Path, articles: &[LabelledArticle]) {
    let line = |article: &LabelledArticle| {
        let [kind, department] = &article.labels;
        json!({"text": article.text, "group": article.group, "meeting_type": kind, "relaying_department": department})
    };
    let lines: Vec<String> = articles.iter().map(|article| line(article).to_string()).collect();
    fs::write(path, lines.join("\n")).unwrap();
}

#[test]
fn the_command_line_trains_on_a_server_what_it_trains_itself() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let articles = corpus(5);
    write(&path.join("d.jsonl"), &articles[..12]);
    write(&path.join("more.jsonl"), &articles[12..]);
    write(&path.join("wrong.jsonl"), &mislabelled(1)[..1]);
    let run = |arguments: &[&str]| ran(&mut program(path, arguments), b"");
    let json = |arguments: &[&str], expect: i32| -> Value {
        let ran = run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ran.code, expect, "{arguments:?}: {}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let local = json(&["train", "--data", "d.jsonl", "--output", "local.chuanda"], 0);
    let updated = json(&["update", "--model", "local.chuanda", "--add", "more.jsonl", "--output", "u.chuanda"], 0);
    fs::create_dir(path.join("m")).unwrap();
    let mut server = RunningServer::start(path, &["--models", "m", "--allow-model-changes", "--listen", "127.0.0.1:0"]);
    let url = format!("http://{}", server.address());
    server.ignore_log();
    let remote = json(&["train", "--data", "d.jsonl", "--server", &url, "--note", "n"], 0);
    assert_eq!(
        (&remote["version"], &remote["is_new"], &remote["articles"]),
        (&local["version"], &json!(true), &json!(12))
    );
    let version = remote["version"].as_str().unwrap();
    assert_eq!(run(&["models", "--models", "m", "activate", version]).code, 0);
    // The server sees what another process has activated within a second; naming it does not wait for that.
    let wished = ["--activate-if", "accuracy", "--if-busy", "refuse", "--base", version];
    let remote = json(&[&["update", "--add", "more.jsonl", "--server", &url], &wished[..]].concat(), 0);
    assert_eq!((&remote["version"], &remote["activation"]), (&updated["version"], &json!("too_few_to_tell")));

    let Ran { code, stderr, .. } =
        run(&["update", "--remove", "wrong.jsonl", "--add", "more.jsonl", "--server", &url, "--base", version]);
    assert_eq!(code, 1, "{stderr}");
    let told = "wrong.jsonl:1: not removed: among the articles of the model only with other labels";
    assert!(stderr.contains(told), "{stderr}");
    fs::write(path.join("empty.jsonl"), "\n").unwrap();
    for (arguments, code, told) in [
        (["train", "--data", "empty.jsonl", "--server", url.as_str()], 1, "too little to learn"),
        (["train", "--data", "d.jsonl", "--server", "http://127.0.0.1:1"], 3, "no connection"),
    ] {
        let ran = run(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    assert!(ModelFile::from_bytes(&fs::read(path.join("local.chuanda")).unwrap()).is_ok());
}
