//! `ModelService` over real connections: versions are listed, activated, rolled back, deleted, exported and imported while
//! others read articles.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::HashMap,
    env, fs,
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chuanda::{
    engine::{Engine, Limits},
    model::{
        Model,
        store::{By, Expected, Store, Version},
    },
    proto::v1::{
        self, AnalyzeRequest, Article, BatchAnalyzeRequest, StreamAnalyzeRequest, analysis_result,
        analysis_service_client::AnalysisServiceClient, export_model_response, import_model_request,
        model_service_client::ModelServiceClient, stream_analyze_response,
    },
    service::{self, Settings},
};
use jiff::Timestamp;
use support::tiny_model;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;

/// Models that give the articles of [`text`] labels of their own, so that label and version of an answer can be held
/// against each other.
static MODELS: LazyLock<[(Version, Vec<u8>); 3]> = LazyLock::new(|| {
    [["study_session", "symposium"], ["symposium", "study_session"], ["work_conference", "forum"]].map(|labels| {
        let trained = tiny_model(labels);
        (Version::new(&trained.version).unwrap(), trained.model)
    })
});

/// What [`article`] is for each of them.
const LABELS: [&str; 3] = ["study_session", "symposium", "work_conference"];

fn article() -> Option<Article> {
    Some(Article { text: "The court of Dongze held a lecture.".to_owned(), ..Article::default() })
}

fn version(number: usize) -> String {
    MODELS[number].0.to_string()
}

fn by() -> By {
    By { at: Timestamp::from_second(1_700_000_000).unwrap(), actor: "tester".to_owned(), why: String::new() }
}

/// A server on a port of its own with a store of its own; dropped, it drains.
struct Server {
    address: SocketAddr,
    store: Option<Store>,
    shutdown: CancellationToken,
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn changeable() -> Settings {
    Settings { allow_model_changes: true, ..Settings::default() }
}

impl Server {
    /// One whose store holds so many of the models, the first of them active if there is one.
    async fn with(models: usize, settings: Settings) -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::create(directory.path().join("models")).unwrap();
        MODELS[..models].iter().for_each(|(_, bytes)| assert!(store.import(bytes, by()).unwrap().is_new));
        if models > 0 {
            store.activate(&MODELS[0].0, Expected::Nothing, by()).unwrap();
        }
        Self::start(Some(store), settings, directory).await
    }

    /// One without a store, whose model is the first.
    async fn without_store(settings: Settings) -> Self {
        Self::start(None, settings, TempDir::new().unwrap()).await
    }

    async fn start(store: Option<Store>, settings: Settings, directory: TempDir) -> Self {
        let engine = Engine::new(Limits::default(), 2);
        let engine =
            Arc::new(store.clone().map_or_else(|| Engine::new(Limits::default(), 2), |it| engine.with_store(it)));
        engine.activate(Model::from_bytes(&MODELS[0].1).unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(service::serve(listener, engine, settings, shutdown.clone()));
        Self { address, store, shutdown, _directory: directory }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// The names in the directory of the store.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.store().directory()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel().await)
    }

    async fn analyses(&self) -> AnalysisServiceClient<Channel> {
        AnalysisServiceClient::new(self.channel().await)
    }

    /// Which of the models answers.
    async fn answering(&self, model_version: &str) -> Result<usize, Status> {
        let request =
            AnalyzeRequest { article: article(), model_version: model_version.to_owned(), ..AnalyzeRequest::default() };
        let response = self.analyses().await.analyze(request).await?.into_inner();
        Ok(number_of(&response.analysis.unwrap()))
    }
}

/// Which model an answer is from, by its version and by its label.
fn number_of(analysis: &v1::Analysis) -> usize {
    let number = MODELS.iter().position(|(version, _)| version.as_str() == analysis.model_version).unwrap();
    assert_eq!(analysis.meeting_type.as_ref().unwrap().label, LABELS[number], "label and version disagree");
    number
}

/// Checks how a call is refused: code, reason, field or one entry of the metadata as `name=value`.
#[track_caller]
fn check<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, reason: &str, detail: &str) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!((status.code(), info.reason.as_str(), info.domain.as_str()), (code, reason, "chuanda.v1"), "{status:?}");
    let mut told: Vec<String> = info.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    told.extend(details.bad_request().iter().flat_map(|bad| bad.field_violations.iter().map(|it| it.field.clone())));
    told.push(details.resource_info().map(|resource| resource.resource_name.clone()).unwrap_or_default());
    assert!(told.iter().any(|told| told == detail), "{detail:?} in {told:?}");
}

fn activate(number: usize) -> v1::ActivateModelRequest {
    v1::ActivateModelRequest { version: version(number), ..v1::ActivateModelRequest::default() }
}

fn rollback() -> v1::RollbackModelRequest {
    v1::RollbackModelRequest::default()
}

// ---- listing

#[tokio::test]
async fn versions_are_listed_page_by_page() {
    let server = Server::with(3, Settings::default()).await;
    let mut models = server.models().await;
    let mut sorted: Vec<String> = (0..3).map(version).collect();
    sorted.sort();
    let (mut found, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = v1::ListModelsRequest { page_size: 2, page_token };
        let page = models.list_models(request).await.unwrap().into_inner();
        assert_eq!(page.active_version, version(0));
        found.extend(page.models);
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!((pages, found.iter().map(|model| &model.version).collect::<Vec<_>>()), (2, sorted.iter().collect()));
    for model in &found {
        assert_eq!(model.active, model.version == version(0));
        assert_eq!((model.articles, model.axes.len(), model.axes[0].labels.len()), (6, 1, 0));
        assert_eq!((model.axes[0].articles, model.calibrated, model.trouble.as_str()), (6, true, ""));
        let provenance = model.provenance.as_ref().unwrap();
        assert_eq!((provenance.origin(), provenance.actor.as_str()), (v1::ModelOrigin::Import, "tester"));
        assert_eq!(provenance.create_time.unwrap().seconds, 1_700_000_000);
        let bytes = &MODELS.iter().find(|(version, _)| version.as_str() == model.version).unwrap().1;
        assert_eq!(model.size_bytes, bytes.len() as u64);
    }
    let token = v1::ListModelsRequest { page_token: "next".to_owned(), ..Default::default() };
    check(models.list_models(token).await, Code::InvalidArgument, "FIELD_INVALID", "page_token");
}

#[tokio::test]
async fn sidecars_without_the_facts_of_a_listing_are_made_up_for() {
    let server = Server::with(3, Settings::default()).await;
    let mut models = server.models().await;
    let list = async |models: &mut ModelServiceClient<Channel>| {
        let list = models.list_models(v1::ListModelsRequest::default()).await.unwrap().into_inner().models;
        list.into_iter().map(|model| (model.version.clone(), model)).collect::<HashMap<_, _>>()
    };
    let before = list(&mut models).await;
    let sidecar = |number| server.store().directory().join(format!("{}.info.json", version(number)));
    let strip = |number: usize, about: Option<serde_json::Value>| {
        let mut info: serde_json::Value = serde_json::from_slice(&fs::read(sidecar(number)).unwrap()).unwrap();
        assert!(info["about"]["report"]["articles"] == 6);
        match about {
            Some(about) => info["about"] = about,
            None => drop(info.as_object_mut().unwrap().remove("about")),
        }
        fs::write(sidecar(number), info.to_string()).unwrap();
    };
    strip(0, None);
    strip(1, Some(serde_json::json!({"language_codes": 7})));
    fs::remove_file(sidecar(2)).unwrap();
    let after = list(&mut models).await;
    for number in 0..2 {
        assert_eq!(after[&version(number)], before[&version(number)]);
    }
    let bare = v1::Model { provenance: None, ..before[&version(2)].clone() };
    assert_eq!(after[&version(2)], bare);

    // What cannot be loaded stands in the list with what is known.
    fs::write(server.store().path(&MODELS[1].0), b"damaged").unwrap();
    let damaged = &list(&mut models).await[&version(1)];
    assert!(damaged.trouble.contains("is damaged") && damaged.provenance.is_some(), "{damaged:?}");
    check(server.answering(&version(1)).await, Code::DataLoss, "MODEL_DAMAGED", &format!("version={}", version(1)));
}

#[tokio::test]
async fn a_server_without_a_store_tells_of_its_model_and_changes_nothing() {
    let server = Server::without_store(changeable()).await;
    let mut models = server.models().await;
    let list = models.list_models(v1::ListModelsRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.models.len(), list.models[0].active, list.active_version.as_str()), (1, true, ""));
    let log = models.list_activations(v1::ListActivationsRequest::default()).await.unwrap().into_inner();
    assert!(log.activations.is_empty());
    let needs =
        |answer: Result<(), Status>| check(answer, Code::FailedPrecondition, "MODEL_STORE_REQUIRED", "flag=--models");
    needs(models.activate_model(activate(1)).await.map(drop));
    needs(models.rollback_model(rollback()).await.map(drop));
    needs(models.delete_model(v1::DeleteModelRequest { version: version(1) }).await.map(drop));
    needs(models.export_model(v1::ExportModelRequest::default()).await.map(drop));
    needs(import(&mut models, settings(""), &MODELS[1].1).await.map(drop));
    needs(models.train_model(tokio_stream::empty()).await.map(drop));
    needs(models.update_model(tokio_stream::empty()).await.map(drop));
    check(server.answering(&version(1)).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(1));
}

#[tokio::test]
async fn the_model_that_answers_before_the_first_activation_is_listed_too() {
    let server = Server::with(0, Settings::default()).await;
    MODELS[1..].iter().for_each(|(_, bytes)| drop(server.store().import(bytes, by()).unwrap()));
    let mut models = server.models().await;
    for page_size in 1..4 {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListModelsRequest { page_size, page_token };
            let page = models.list_models(request).await.unwrap().into_inner();
            assert_eq!(page.active_version, "");
            found.extend(page.models.into_iter().map(|model| (model.version, model.active)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let mut expect: Vec<_> = (0..3).map(|number| (version(number), number == 0)).collect();
        expect.sort();
        assert_eq!(found, expect);
    }
    let export = models.export_model(v1::ExportModelRequest::default()).await.map(drop);
    check(export, Code::FailedPrecondition, "NOTHING_ACTIVE", "");
}

// ---- activating

#[tokio::test]
async fn a_version_is_activated_and_answers_at_once() {
    let server = Server::with(3, changeable()).await;
    let mut models = server.models().await;
    let request = v1::ActivateModelRequest {
        expected_current: Some(version(0)),
        actor: "an".to_owned(),
        why: "labels of June".to_owned(),
        ..activate(1)
    };
    let answer = models.activate_model(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.version, answer.previous_version, answer.changed), (version(1), version(0), true));
    assert_eq!(server.answering("").await.unwrap(), 1);
    let again = models.activate_model(activate(1)).await.unwrap().into_inner();
    assert!(!again.changed);
    let current = format!("current={}", version(1));
    check(models.activate_model(request).await, Code::FailedPrecondition, "CURRENT_VERSION_DIFFERS", &current);
    let none = v1::ActivateModelRequest { expected_current: Some(String::new()), ..activate(2) };
    check(models.activate_model(none).await, Code::FailedPrecondition, "CURRENT_VERSION_DIFFERS", "expected=");

    models.activate_model(activate(2)).await.unwrap();
    let expected = v1::RollbackModelRequest { expected_current: Some(version(1)), ..rollback() };
    let current = format!("current={}", version(2));
    check(models.rollback_model(expected).await, Code::FailedPrecondition, "CURRENT_VERSION_DIFFERS", &current);
    let expected = v1::RollbackModelRequest { expected_current: Some(version(2)), ..rollback() };
    let answer = models.rollback_model(expected).await.unwrap().into_inner();
    assert_eq!((answer.version, answer.previous_version), (version(1), version(2)));
    assert_eq!(server.answering("").await.unwrap(), 1);
    models.rollback_model(rollback()).await.unwrap();
    assert_eq!(server.answering("").await.unwrap(), 0);
    check(models.rollback_model(rollback()).await, Code::FailedPrecondition, "NOTHING_BEFORE", "");

    let mut log = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListActivationsRequest { page_size: 2, page_token };
        let page = models.list_activations(request).await.unwrap().into_inner();
        assert!(page.activations.len() <= 2);
        log.extend(page.activations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let numbers: Vec<u64> = log.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!((log[0].kind(), log[3].kind()), (v1::ActivationKind::Rollback, v1::ActivationKind::Activate));
    assert_eq!((&log[3].from_version, &log[3].version), (&version(0), &version(1)));
    assert_eq!((log[3].actor.as_str(), log[3].actor_verified, log[3].why.as_str()), ("an", false, "labels of June"));
    assert!(!log[0].actor.is_empty(), "the user, if nobody is named");
    assert_eq!(log[4].from_version, "");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Server::with(2, changeable()).await;
    let mut models = server.models().await;
    let (long, unknown) = ("x".repeat(5000), "0".repeat(32));
    let mut refused = async |request: v1::ActivateModelRequest, code, reason, detail: &str| {
        check(models.activate_model(request).await, code, reason, detail);
    };
    let named = |version: &str| v1::ActivateModelRequest { version: version.to_owned(), ..Default::default() };
    refused(named(""), Code::InvalidArgument, "FIELD_REQUIRED", "version").await;
    refused(named(&unknown), Code::NotFound, "MODEL_VERSION_NOT_FOUND", &unknown).await;
    refused(named("../up"), Code::NotFound, "MODEL_VERSION_NOT_FOUND", "../up").await;
    refused(named(&long), Code::InvalidArgument, "LIMIT_EXCEEDED", "limit=max_version_bytes").await;
    let request = v1::ActivateModelRequest { actor: long.clone(), ..activate(1) };
    refused(request, Code::InvalidArgument, "LIMIT_EXCEEDED", "limit=max_actor_bytes").await;
    let request = v1::ActivateModelRequest { why: long.clone(), ..activate(1) };
    refused(request, Code::InvalidArgument, "LIMIT_EXCEEDED", "why").await;
    let request = v1::ActivateModelRequest { expected_current: Some("abc".to_owned()), ..activate(1) };
    refused(request, Code::InvalidArgument, "FIELD_INVALID", "expected_current").await;

    // Damaged behind the server's back: what answered answers on.
    let path = server.store().path(&MODELS[1].0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(activate(1), Code::DataLoss, "MODEL_DAMAGED", &format!("version={}", version(1))).await;
    fs::remove_file(&path).unwrap();
    refused(activate(1), Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(1)).await;
    assert_eq!(server.answering("").await.unwrap(), 0);
    let log = server.store().directory().join("activations.jsonl");
    fs::write(&log, b"{}\n{}\n").unwrap();
    refused(activate(0), Code::DataLoss, "STORE_DAMAGED", "").await;
    fs::remove_dir_all(server.store().directory()).unwrap();
    refused(activate(0), Code::Unavailable, "STORE_UNAVAILABLE", "").await;
    assert_eq!(server.answering("").await.unwrap(), 0);
}

#[tokio::test]
async fn changes_need_leave() {
    let server = Server::with(2, Settings::default()).await;
    let mut models = server.models().await;
    let needs = |answer: Result<(), Status>| {
        check(answer, Code::FailedPrecondition, "MODEL_CHANGES_NOT_ALLOWED", "flag=--allow-model-changes");
    };
    needs(models.activate_model(activate(1)).await.map(drop));
    needs(models.rollback_model(rollback()).await.map(drop));
    needs(models.delete_model(v1::DeleteModelRequest { version: version(1) }).await.map(drop));
    needs(import(&mut models, settings(""), &MODELS[2].1).await.map(drop));
    needs(models.train_model(tokio_stream::empty()).await.map(drop));
    needs(models.update_model(tokio_stream::empty()).await.map(drop));
    assert_eq!(server.store().versions().unwrap().len(), 2);
    assert_eq!(export(&mut models, "").await.unwrap(), (version(0), MODELS[0].1.clone()), "reading needs none");
}

// ---- pinning and deleting

#[tokio::test]
async fn any_version_of_the_store_answers_who_pins_it_until_it_is_deleted() {
    let server = Server::with(3, changeable()).await;
    let mut models = server.models().await;
    for number in [1, 2, 1, 0, 2] {
        assert_eq!(server.answering(&version(number)).await.unwrap(), number);
    }
    let batch = BatchAnalyzeRequest {
        articles: article().into_iter().collect(),
        model_version: version(2),
        ..BatchAnalyzeRequest::default()
    };
    let batch = server.analyses().await.batch_analyze(batch).await.unwrap().into_inner();
    assert_eq!(batch.model_version, version(2));
    let get = v1::GetModelRequest { version: version(1) };
    let got = models.get_model(get.clone()).await.unwrap().into_inner();
    let model = got.model.unwrap();
    assert_eq!((got.active_version, model.active, model.axes[0].labels.len()), (version(0), false, 2));
    assert_eq!((model.provenance.unwrap().actor, model.size_bytes), ("tester".to_owned(), MODELS[1].1.len() as u64));

    let delete = |number| v1::DeleteModelRequest { version: version(number) };
    let active = format!("version={}", version(0));
    check(models.delete_model(delete(0)).await, Code::FailedPrecondition, "MODEL_IS_ACTIVE", &active);
    models.delete_model(delete(1)).await.unwrap();
    check(models.delete_model(delete(1)).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(1));
    check(server.answering(&version(1)).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(1));
    check(models.get_model(get).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(1));
    check(
        models.delete_model(v1::DeleteModelRequest::default()).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
        "version",
    );
}

// ---- files

fn settings(version: &str) -> v1::ImportModelRequest {
    import_message(import_model_request::Message::Settings(v1::ImportModelSettings {
        version: version.to_owned(),
        actor: "an".to_owned(),
        note: "from elsewhere".to_owned(),
    }))
}

fn import_message(message: import_model_request::Message) -> v1::ImportModelRequest {
    v1::ImportModelRequest { message: Some(message) }
}

fn chunks(bytes: &[u8]) -> impl Iterator<Item = v1::ImportModelRequest> {
    bytes.chunks(1000).map(|chunk| import_message(import_model_request::Message::Chunk(chunk.to_vec())))
}

async fn import(
    models: &mut ModelServiceClient<Channel>,
    first: v1::ImportModelRequest,
    bytes: &[u8],
) -> Result<v1::ImportModelResponse, Status> {
    let requests: Vec<_> = std::iter::once(first).chain(chunks(bytes)).collect();
    models.import_model(tokio_stream::iter(requests)).await.map(tonic::Response::into_inner)
}

/// The version that an export says it is, and the bytes.
async fn export(models: &mut ModelServiceClient<Channel>, version: &str) -> Result<(String, Vec<u8>), Status> {
    let request = v1::ExportModelRequest { version: version.to_owned() };
    let mut answers = models.export_model(request).await?.into_inner();
    let head = match answers.message().await?.unwrap().message.unwrap() {
        export_model_response::Message::Head(head) => head,
        other @ export_model_response::Message::Chunk(_) => panic!("{other:?}"),
    };
    let mut bytes = Vec::new();
    while let Some(answer) = answers.message().await? {
        match answer.message.unwrap() {
            export_model_response::Message::Chunk(chunk) => bytes.extend(chunk),
            other @ export_model_response::Message::Head(_) => panic!("{other:?}"),
        }
    }
    assert_eq!(head.size_bytes, bytes.len() as u64);
    Ok((head.version, bytes))
}

#[tokio::test]
async fn files_go_out_and_in() {
    let server = Server::with(1, Settings { max_response_bytes: 1 << 10, ..changeable() }).await;
    let mut models = server.models().await;
    let imported = import(&mut models, settings(""), &MODELS[1].1).await.unwrap();
    assert_eq!((imported.version, imported.is_new), (version(1), true));
    let again = import(&mut models, settings(&version(1)), &MODELS[1].1).await.unwrap();
    assert!(!again.is_new);
    let info = server.store().info(&MODELS[1].0).unwrap();
    assert_eq!((info.actor.as_str(), info.note.as_str()), ("an", "from elsewhere"));
    assert_eq!(server.answering(&version(1)).await.unwrap(), 1);
    assert_eq!(server.answering("").await.unwrap(), 0, "not active by that");
    for number in [0, 1] {
        assert_eq!(export(&mut models, &version(number)).await.unwrap(), (version(number), MODELS[number].1.clone()));
    }
    check(export(&mut models, &version(2)).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &version(2));
    fs::write(server.store().path(&MODELS[1].0), &MODELS[0].1).unwrap();
    let damaged = format!("version={}", version(1));
    check(export(&mut models, &version(1)).await, Code::DataLoss, "MODEL_DAMAGED", &damaged);
}

#[tokio::test]
async fn a_file_that_is_not_sound_is_refused_and_leaves_nothing() {
    let bytes = &MODELS[1].1;
    let limit = Settings { max_model_bytes: bytes.len(), ..changeable() };
    let server = Server::with(1, limit).await;
    let before = server.names();
    let mut models = server.models().await;
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    for bad in [&b""[..], b"not a model", &bytes[..bytes.len() - 1], &damaged] {
        check(import(&mut models, settings(""), bad).await, Code::InvalidArgument, "MODEL_REFUSED", "");
    }
    check(import(&mut models, settings(&version(2)), bytes).await, Code::InvalidArgument, "MODEL_REFUSED", "");
    let longer = [&bytes[..], b"."].concat();
    let actual = format!("actual={}", longer.len());
    check(import(&mut models, settings(""), &longer).await, Code::InvalidArgument, "LIMIT_EXCEEDED", &actual);
    let invalid = "settings.version";
    check(import(&mut models, settings("v1"), bytes).await, Code::InvalidArgument, "FIELD_INVALID", invalid);
    let chunk = chunks(bytes).next().unwrap();
    check(import(&mut models, chunk, bytes).await, Code::InvalidArgument, "FIELD_REQUIRED", "settings");
    let empty = v1::ImportModelRequest::default();
    check(import(&mut models, empty, bytes).await, Code::InvalidArgument, "FIELD_REQUIRED", "message");
    let twice = tokio_stream::iter([settings(""), settings("")]);
    check(models.import_model(twice).await, Code::InvalidArgument, "FIELD_INVALID", "settings");
    let none = tokio_stream::empty();
    check(models.import_model(none).await, Code::InvalidArgument, "FIELD_REQUIRED", "settings");
    assert_eq!(server.names(), before);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let server = Server::with(1, changeable()).await;
    let before = server.names();
    for pieces in 0..4 {
        let (requests, received) = mpsc::channel(1);
        let mut models = server.models().await;
        let call = tokio::spawn(async move { models.import_model(ReceiverStream::new(received)).await });
        requests.send(settings("")).await.unwrap();
        for chunk in chunks(&MODELS[1].1).take(pieces) {
            requests.send(chunk).await.unwrap();
        }
        call.abort();
        let _ = call.await;
        requests.closed().await;
    }
    // An export that nobody reads to its end.
    let mut models = server.models().await;
    let mut answers = models.export_model(v1::ExportModelRequest::default()).await.unwrap().into_inner();
    answers.message().await.unwrap();
    drop(answers);
    assert_eq!(import(&mut models, settings(""), &MODELS[2].1).await.unwrap().version, version(2));
    assert_eq!(server.store().versions().unwrap().len(), 2);
    assert!(server.names().iter().all(|name| !name.contains("tmp")), "{before:?}");
}

/// A stream that waits for its client does not hold up the end of the server.
#[tokio::test]
async fn an_import_ends_when_the_server_drains() {
    let server = Server::with(1, changeable()).await;
    let (requests, received) = mpsc::channel(1);
    let mut models = server.models().await;
    let call = tokio::spawn(async move { models.import_model(ReceiverStream::new(received)).await });
    requests.send(settings("")).await.unwrap();
    // Taken from the channel, so the call is under way.
    drop(requests.reserve().await.unwrap());
    server.shutdown.cancel();
    let status = call.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

/// Clients that begin to import and then say nothing keep others from importing for so long and no longer, and are told.
#[tokio::test]
async fn nobody_waits_for_silent_imports_for_ever() {
    let most = Duration::from_secs(5);
    let server = Server::with(1, Settings { unary_timeout: most, ..changeable() }).await;
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..4 {
        let (requests, received) = mpsc::channel(1);
        let mut models = server.models().await;
        let call = tokio::spawn(async move { models.import_model(ReceiverStream::new(received)).await });
        requests.send(settings("")).await.unwrap();
        // More than waits on the way, so that the server has begun to take it.
        for _ in 0..16 {
            let message = Some(import_model_request::Message::Chunk(vec![0; 1 << 20]));
            requests.send(v1::ImportModelRequest { message }).await.unwrap();
        }
        silent.push((requests, call));
    }
    let mut models = server.models().await;
    let import = import(&mut models, settings(""), &MODELS[1].1);
    let imported = tokio::time::timeout(20 * most, import).await.unwrap().unwrap();
    assert!(imported.is_new && imported.version == MODELS[1].0.as_str());
    assert!(begun.elapsed() >= most, "more than four are taken at once");
    for (requests, call) in silent {
        assert_eq!(call.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
        drop(requests);
    }
}

/// Nor does a training that has not begun.
#[tokio::test]
async fn a_training_without_settings_ends_when_the_server_drains() {
    let server = Server::with(1, changeable()).await;
    let (requests, received) = mpsc::channel::<v1::TrainModelRequest>(1);
    let mut models = server.models().await;
    let mut others = models.clone();
    let call = tokio::spawn(async move { models.train_model(ReceiverStream::new(received)).await });
    tokio::task::yield_now().await;
    // Behind the other one on the same connection, so that this is under way when it is answered.
    others.list_models(v1::ListModelsRequest::default()).await.unwrap();
    server.shutdown.cancel();
    let status = tokio::time::timeout(Duration::from_secs(20), call).await.unwrap().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    drop(requests);
}

// ---- streams

/// One message of a stream.
fn item(model_version: &str, follow_active_version: bool) -> StreamAnalyzeRequest {
    let model_version = model_version.to_owned();
    StreamAnalyzeRequest { article: article(), model_version, follow_active_version, ..StreamAnalyzeRequest::default() }
}

fn outcome(answer: v1::StreamAnalyzeResponse) -> Result<usize, Status> {
    match answer.outcome.unwrap() {
        stream_analyze_response::Outcome::Analysis(analysis) => Ok(number_of(&analysis)),
        stream_analyze_response::Outcome::Error(error) => {
            use prost::Message as _;
            Err(Status::with_details(Code::from_i32(error.code), error.message.clone(), error.encode_to_vec().into()))
        }
    }
}

#[tokio::test]
async fn a_stream_stays_with_its_version_unless_it_asks_to_follow() {
    let server = Server::with(3, changeable()).await;
    let mut models = server.models().await;
    let (requests, received) = mpsc::channel(1);
    let mut answers = server.analyses().await.stream_analyze(ReceiverStream::new(received)).await.unwrap().into_inner();
    let mut ask = async |item| {
        requests.send(item).await.unwrap();
        outcome(answers.message().await.unwrap().unwrap())
    };
    assert_eq!(ask(item("", false)).await.unwrap(), 0);
    models.activate_model(activate(1)).await.unwrap();
    assert_eq!(ask(item("", false)).await.unwrap(), 0);
    assert_eq!(ask(item("", true)).await.unwrap(), 1);
    assert_eq!(ask(item(&version(2), false)).await.unwrap(), 2);
    check(ask(item(&version(2), true)).await, Code::InvalidArgument, "FIELD_INVALID", "follow_active_version");
    models.rollback_model(rollback()).await.unwrap();
    assert_eq!(ask(item("", true)).await.unwrap(), 0);
    // Its own version stays even if it is deleted meanwhile.
    models.activate_model(activate(1)).await.unwrap();
    models.delete_model(v1::DeleteModelRequest { version: version(0) }).await.unwrap();
    assert_eq!(ask(item("", false)).await.unwrap(), 0);
    check(ask(item(&"f".repeat(32), false)).await, Code::NotFound, "MODEL_VERSION_NOT_FOUND", &"f".repeat(32));
}

// ---- swaps under load

/// Swaps of the test below, which takes some seconds; `CHUANDA_TEST_SWAPS` asks for another number.
const SWAPS: usize = 300;

/// Versions are activated and rolled back while others ask for articles one by one, in batches and in streams: every call
/// is answered, each answer by the one version that it names, and whoever activated a version is answered by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_fail_no_call_and_mix_no_answer() {
    let swaps = env::var("CHUANDA_TEST_SWAPS").map_or(SWAPS, |swaps| swaps.parse().unwrap());
    let server = Server::with(2, changeable()).await;
    let done = Arc::new(AtomicBool::new(false));
    let answered: Arc<[[AtomicUsize; 2]; 4]> = Arc::default();
    let mut load = JoinSet::new();
    {
        let (mut client, done, answered) = (server.analyses().await, Arc::clone(&done), Arc::clone(&answered));
        load.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let request = AnalyzeRequest { article: article(), ..AnalyzeRequest::default() };
                let analysis = client.analyze(request).await.unwrap().into_inner().analysis.unwrap();
                answered[0][number_of(&analysis)].fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    {
        let (mut client, done, answered) = (server.analyses().await, Arc::clone(&done), Arc::clone(&answered));
        load.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let articles = vec![article().unwrap(); 8];
                let request = BatchAnalyzeRequest { articles, ..BatchAnalyzeRequest::default() };
                let batch = client.batch_analyze(request).await.unwrap().into_inner();
                for result in batch.results {
                    let analysis_result::Outcome::Analysis(analysis) = result.outcome.unwrap() else {
                        panic!("an error")
                    };
                    assert_eq!(analysis.model_version, batch.model_version, "a batch of two versions");
                    answered[1][number_of(&analysis)].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    for follows in [false, true] {
        let (mut client, done, answered) = (server.analyses().await, Arc::clone(&done), Arc::clone(&answered));
        load.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let items = vec![item("", follows); 64];
                let mut answers = client.stream_analyze(tokio_stream::iter(items)).await.unwrap().into_inner();
                let mut first = None;
                while let Some(answer) = answers.next().await {
                    let number = outcome(answer.unwrap()).unwrap();
                    assert!(follows || *first.get_or_insert(number) == number, "a stream of two versions");
                    answered[2 + usize::from(follows)][number].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let mut models = server.models().await;
    let mut client = server.analyses().await;
    for swap in 1..=swaps {
        if swap % 2 == 1 {
            models.activate_model(activate(1)).await.unwrap();
        } else {
            let expected_current = Some(version(1));
            models.rollback_model(v1::RollbackModelRequest { expected_current, ..rollback() }).await.unwrap();
        }
        let request = AnalyzeRequest { article: article(), ..AnalyzeRequest::default() };
        let analysis = client.analyze(request).await.unwrap().into_inner().analysis.unwrap();
        assert_eq!(number_of(&analysis), swap % 2);
    }
    done.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    assert!(answered.iter().flatten().all(|number| number.load(Ordering::Relaxed) > 0), "{answered:?}");
    assert_eq!(server.store().activations(None, usize::MAX).unwrap().len(), swaps + 1);
}
