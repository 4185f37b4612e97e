//! The gRPC door over real connections: answers, refusals, streams, deadlines, panics, reflection, health, shutdown.

#![allow(clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use chuanda::{
    engine::{Engine, Limits},
    model::{Metrics, Model},
    proto::v1::{
        self, AnalyzeRequest, Article, BatchAnalyzeRequest, OffsetEncoding, StreamAnalyzeRequest, SummaryOptions,
        analysis_result, analysis_service_client::AnalysisServiceClient, model_service_client::ModelServiceClient,
        stream_analyze_response, summary_options::Length,
    },
    service::{self, Drained, Settings},
};
use prost::Message as _;
use support::{Gate, SECRET, VAGUE, gated, long_text, text, until};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming, codec::CompressionEncoding, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::{StatusExt as _, pb};

const SERVICES: [&str; 3] = ["", "chuanda.v1.AnalysisService", "chuanda.v1.ModelService"];

/// A server on a port of its own; dropped, it drains.
struct Server {
    address: SocketAddr,
    engine: Arc<Engine>,
    shutdown: CancellationToken,
    task: JoinHandle<Drained>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Server {
    async fn start(engine: Arc<Engine>, settings: Settings) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = service::serve(listener, Arc::clone(&engine), settings, shutdown.clone());
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, engine, shutdown, task }
    }

    /// One with the default settings and limits.
    async fn plain() -> Self {
        Self::start(gated(2, &Gate::new()), Settings::default()).await
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn client(&self) -> AnalysisServiceClient<Channel> {
        AnalysisServiceClient::new(self.channel().await).max_decoding_message_size(usize::MAX)
    }

    async fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel().await)
    }

    async fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel().await)
    }

    /// How the drain went. Only returns when the server has ended.
    async fn drained(mut self) -> Drained {
        (&mut self.task).await.unwrap()
    }
}

fn article(text: &str) -> Option<Article> {
    Some(Article { id: "a".to_owned(), text: text.to_owned(), ..Article::default() })
}

fn named(id: &str, text: &str) -> Article {
    Article { id: id.to_owned(), text: text.to_owned(), ..Article::default() }
}

fn request() -> AnalyzeRequest {
    AnalyzeRequest { article: article(&text()), ..AnalyzeRequest::default() }
}

fn item(id: &str, text: &str) -> StreamAnalyzeRequest {
    StreamAnalyzeRequest {
        item_id: format!("item {id}"),
        article: Some(named(id, text)),
        ..StreamAnalyzeRequest::default()
    }
}

/// What a caller can branch on.
#[derive(Debug, PartialEq)]
struct Told {
    code: Code,
    reason: String,
    field: String,
    limit: String,
}

fn told(status: &Status) -> Told {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "chuanda.v1");
    assert!(!format!("{status:?}").contains(SECRET), "an error quotes the article");
    assert!(!String::from_utf8_lossy(status.details()).contains(SECRET), "details quote the article");
    let value = |name: &str| info.metadata.get(name).cloned().unwrap_or_default();
    Told {
        code: status.code(),
        reason: info.reason.clone(),
        field: details.bad_request().map_or_else(String::new, |bad| bad.field_violations[0].field.clone()),
        limit: if info.metadata.is_empty() {
            String::new()
        } else {
            format!("{}={}", value("limit"), value("maximum"))
        },
    }
}

fn expect(code: Code, reason: &str, field: &str, limit: &str) -> Told {
    Told { code, reason: reason.to_owned(), field: field.to_owned(), limit: limit.to_owned() }
}

/// The status inside a message, as one of a call.
fn inner(status: &pb::Status) -> Status {
    Status::with_details(Code::from_i32(status.code), status.message.clone(), status.encode_to_vec().into())
}

fn result_error(result: &v1::AnalysisResult) -> Option<Told> {
    match result.outcome.as_ref().unwrap() {
        analysis_result::Outcome::Analysis(_) => None,
        analysis_result::Outcome::Error(error) => Some(told(&inner(error))),
    }
}

fn item_error(answer: &v1::StreamAnalyzeResponse) -> Option<Told> {
    match answer.outcome.as_ref().unwrap() {
        stream_analyze_response::Outcome::Analysis(_) => None,
        stream_analyze_response::Outcome::Error(error) => Some(told(&inner(error))),
    }
}

// ---- one article

#[tokio::test]
async fn analyze_answers_with_slices_of_the_text() {
    let server = Server::plain().await;
    let text = text();
    let analysis = server.client().await.analyze(request()).await.unwrap().into_inner().analysis.unwrap();
    assert_eq!(analysis.article_id, "a");
    assert_eq!(analysis.model_version, server.engine.snapshot().unwrap().version());
    let (form, body) = (analysis.meeting_type.unwrap(), analysis.relaying_department.unwrap());
    assert_eq!((form.label.as_str(), form.display_name.as_str()), ("study_session", "Study session"));
    assert_eq!(body.label, "statistics_bureau");
    for axis in [form, body] {
        // Whether so small a model is sure of it is not the point.
        assert!(matches!(axis.decision(), v1::Decision::Accepted | v1::Decision::Uncertain), "{:?}", axis.decision());
        for evidence in axis.evidence {
            let span = &evidence.spans[0];
            assert_eq!(evidence.text, text[span.start as usize..span.end as usize]);
        }
    }
    let summary = analysis.summary.unwrap();
    assert!(!summary.sentences.is_empty() && !summary.text.is_empty());
    for sentence in summary.sentences {
        assert_eq!(sentence.text, text[sentence.start as usize..sentence.end as usize]);
    }
}

/// Checks that the parts of a score add up to it.
fn check_sum(prior: f64, evidence: &[v1::Evidence], remaining: f64, score: f64) {
    let sum = prior + evidence.iter().map(|evidence| evidence.contribution).sum::<f64>() + remaining;
    assert!((sum - score).abs() <= 1e-9 * score.abs().max(1.0), "{sum} is not {score}");
}

#[tokio::test]
async fn scores_are_explained_by_every_method_alike() {
    let server = Server::plain().await;
    let mut client = server.client().await;
    let options = Some(v1::ClassificationOptions {
        max_evidence: Some(3),
        max_alternatives: Some(100),
        ..explaining("work_conference")
    });
    let analysis = client
        .analyze(AnalyzeRequest { classification_options: options.clone(), ..request() })
        .await
        .unwrap()
        .into_inner()
        .analysis
        .unwrap();
    let form = analysis.meeting_type.as_ref().unwrap();
    let explanation = form.explanation.as_ref().unwrap();
    assert_eq!((&*explanation.label, &*explanation.display_name), ("work_conference", "Work conference"));
    assert_eq!((explanation.evidence.len(), form.evidence.len()), (3, 3));
    let listed = form.alternatives.iter().find(|other| other.label == "work_conference").unwrap();
    assert_eq!(explanation.probability, listed.probability);
    assert!(explanation.score < form.score);
    check_sum(form.prior_contribution, &form.evidence, form.remaining_contribution, form.score);
    let v1::Explanation { prior_contribution, evidence, remaining_contribution, score, .. } = explanation;
    check_sum(*prior_contribution, evidence, *remaining_contribution, *score);
    assert_eq!(analysis.relaying_department.as_ref().unwrap().explanation, None);

    let batch = BatchAnalyzeRequest {
        articles: vec![request().article.unwrap()],
        classification_options: options.clone(),
        ..Default::default()
    };
    let results = client.batch_analyze(batch).await.unwrap().into_inner().results;
    assert_eq!(results[0].outcome, Some(analysis_result::Outcome::Analysis(analysis.clone())));
    let item =
        StreamAnalyzeRequest { article: request().article, classification_options: options, ..Default::default() };
    let mut answers = client.stream_analyze(tokio_stream::iter([item])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap();
    assert_eq!(answer.outcome, Some(stream_analyze_response::Outcome::Analysis(analysis)));
}

#[tokio::test]
async fn decisions_follow_precision_and_label_sets_follow_coverage() {
    let engine = gated(1, &Gate::new());
    engine.activate(support::vague_model());
    let server = Server::start(engine, Settings::default()).await;
    let mut client = server.client().await;
    let mut form = async |options: v1::ClassificationOptions| {
        let request = AnalyzeRequest { classification_options: Some(options), ..with_text(VAGUE) };
        client.analyze(request).await.unwrap().into_inner().analysis.unwrap().meeting_type.unwrap()
    };
    for (precision, decision) in [(0.01, v1::Decision::Accepted), (1.0, v1::Decision::Uncertain)] {
        let answer = form(v1::ClassificationOptions { precision: Some(precision), ..Default::default() }).await;
        assert_eq!(answer.decision(), decision, "{precision}: {answer:?}");
    }
    let mut sets: Vec<Vec<String>> = Vec::new();
    for coverage in [1e-9, 0.3, 0.5, 0.7, 0.9, 0.95, 1.0 - 1e-9] {
        let answer = form(v1::ClassificationOptions {
            coverage: Some(coverage),
            max_alternatives: Some(100),
            ..Default::default()
        })
        .await;
        let all = std::iter::once(answer.label).chain(answer.alternatives.into_iter().map(|other| other.label));
        let all: Vec<String> = all.collect();
        assert!(all.starts_with(&answer.label_set), "{coverage}: {:?} of {all:?}", answer.label_set);
        assert!(sets.last().is_none_or(|smaller| answer.label_set.starts_with(smaller)));
        sets.push(answer.label_set);
    }
    let sizes: Vec<usize> = sets.iter().map(Vec::len).collect();
    assert_eq!((sizes.first(), sizes.last()), (Some(&1), Some(&17)), "all 17 labels of the catalog");
    assert!(sizes.iter().any(|size| (2..17).contains(size)), "{sizes:?}");
}

/// Texts that are no such articles, read by the embedded model.
#[tokio::test]
async fn foreign_texts_are_told_and_the_best_guess_is_given() {
    use v1::Decision::{NoEvidence, OutOfDistribution};
    let (either, foreign) = (&[NoEvidence, OutOfDistribution][..], &[OutOfDistribution][..]);
    let noise: Vec<u8> = (0..2000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (as_utf8, as_latin) =
        (String::from_utf8_lossy(&noise).into_owned(), noise.iter().map(|&byte| char::from(byte)).collect::<String>());
    let cases = [
        (
            "The Hornets' bullpen melted down again Tuesday night, surrendering four runs in the ninth as the Pirates \
             rallied for a walk-off win. Reliever Dan Ostrowski walked two batters before grooving a fastball that \
             shortstop Miguel Peralta lined into the left-field bleachers. Starter Joe Kemp had struck out eleven.",
            foreign,
        ),
        (
            "昨晚的联赛第十轮比赛中，客队凭借前锋在第八十九分钟的头球以二比一险胜主队。上半场双方各有一次射门击中门柱。",
            foreign,
        ),
        (
            "import numpy as np\n\ndef softmax(x, axis=-1):\n    e = np.exp(x - x.max(axis=axis, keepdims=True))\n    \
             return e / e.sum(axis=axis, keepdims=True)\n\nclass Layer:\n    def forward(self, x):\n        return x @ self.w\n",
            foreign,
        ),
        (
            "The rain came softly over the hill,\nand left the willows grey and still;\na heron stood where reeds were \
             thin\nand watched the evening drifting in.\n\nO moon, who rises late and pale,\nlend me the silver of your sail.",
            foreign,
        ),
        ("春风吹过小桥边，\n柳絮飞花满眼前。\n独坐窗前听夜雨，\n一壶浊酒忆当年。", foreign),
        ("Вчера вечером в городском парке прошёл концерт под открытым небом. Музыканты играли до полуночи.", either),
        ("هطلت الأمطار الغزيرة على المدينة مساء أمس، وغمرت المياه بعض الشوارع الرئيسية.", either),
        ("어제 저녁 강가 공원에서 불꽃놀이가 열렸습니다. 저녁에는 맑아져 많은 가족이 모였습니다.", either),
        ("Le boulanger du village ouvre sa boutique à cinq heures du matin. Les clients arrivent peu après.", either),
        (&as_utf8, either),
        (&as_latin, either),
    ];
    let engine = gated(1, &Gate::new());
    engine.activate(Model::embedded().unwrap());
    let server = Server::start(engine, Settings::default()).await;
    let mut client = server.client().await;
    let options = v1::ClassificationOptions { max_alternatives: Some(100), ..Default::default() };
    let mut without_evidence = 0;
    for (text, decisions) in cases {
        let request = AnalyzeRequest { article: article(text), ..with_labels(options.clone()) };
        let analysis = client.analyze(request).await.unwrap().into_inner().analysis.unwrap();
        for answer in [analysis.meeting_type.unwrap(), analysis.relaying_department.unwrap()] {
            assert!(decisions.contains(&answer.decision()), "{:?} of {text:?}", answer.decision());
            assert!(answer.probability > 0.0 && !answer.display_name.is_empty());
            assert!(answer.alternatives.iter().all(|other| other.probability <= answer.probability));
            let others = answer.alternatives.iter().map(|other| &other.label);
            let all: Vec<&String> = std::iter::once(&answer.label).chain(others).collect();
            assert!(all.iter().zip(&answer.label_set).all(|(label, in_set)| *label == in_set));
            assert!(!answer.label_set.is_empty());
            if answer.decision() == NoEvidence {
                without_evidence += 1;
                assert_eq!(answer.label_set.len(), all.len(), "nothing rules a label out");
                assert!(answer.evidence.is_empty());
            }
        }
    }
    assert!(without_evidence > 0, "no text was without evidence");
}

#[tokio::test]
async fn offsets_are_in_the_unit_asked_for() {
    let server = Server::plain().await;
    let text = "First 𝄞 line 会议 ends here. 第二句😀很短。 Last one is here.";
    let units: Vec<u16> = text.encode_utf16().collect();
    for encoding in [
        OffsetEncoding::Unspecified,
        OffsetEncoding::Utf8Bytes,
        OffsetEncoding::Utf16CodeUnits,
        OffsetEncoding::CodePoints,
    ] {
        let request = AnalyzeRequest {
            article: article(text),
            summary_options: Some(SummaryOptions { length: Some(Length::MaxSentences(9)), ..Default::default() }),
            offset_encoding: encoding.into(),
            ..AnalyzeRequest::default()
        };
        let analysis = server.client().await.analyze(request).await.unwrap().into_inner().analysis.unwrap();
        let sentences = analysis.summary.unwrap().sentences;
        assert!(!sentences.is_empty());
        for sentence in sentences {
            let (start, end) = (sentence.start as usize, sentence.end as usize);
            let slice = match encoding {
                OffsetEncoding::Unspecified | OffsetEncoding::Utf8Bytes => text[start..end].to_owned(),
                OffsetEncoding::Utf16CodeUnits => String::from_utf16(&units[start..end]).unwrap(),
                OffsetEncoding::CodePoints => text.chars().skip(start).take(end - start).collect(),
            };
            assert_eq!(slice, sentence.text);
        }
    }
}

/// One test for each request that is refused, over a connection of its own. The server answers the next request.
macro_rules! refused {
    ($($name:ident: $request:expr => $code:ident, $reason:expr, $field:expr, $limit:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let server = Server::plain().await;
            let mut client = server.client().await;
            let status = client.analyze($request).await.unwrap_err();
            assert_eq!(told(&status), expect(Code::$code, $reason, $field, $limit));
            client.analyze(request()).await.unwrap();
        }
    )*};
}

fn with_text(text: &str) -> AnalyzeRequest {
    AnalyzeRequest { article: article(text), ..AnalyzeRequest::default() }
}

fn with_article(change: impl FnOnce(&mut Article)) -> AnalyzeRequest {
    let mut request = request();
    change(request.article.as_mut().unwrap());
    request
}

fn with_length(length: Length) -> AnalyzeRequest {
    with_summary(SummaryOptions { length: Some(length), ..SummaryOptions::default() })
}

fn with_summary(options: SummaryOptions) -> AnalyzeRequest {
    AnalyzeRequest { summary_options: Some(options), ..request() }
}

fn with_labels(options: v1::ClassificationOptions) -> AnalyzeRequest {
    AnalyzeRequest { classification_options: Some(options), ..request() }
}

/// In proto3 an empty string is a string that is not set.
#[tokio::test]
async fn an_empty_label_to_explain_is_none() {
    let server = Server::plain().await;
    let mut client = server.client().await;
    let empty = client.analyze(with_labels(explaining(""))).await.unwrap().into_inner();
    assert_eq!(client.analyze(request()).await.unwrap().into_inner(), empty);
    let analysis = empty.analysis.unwrap();
    for answer in [analysis.meeting_type.unwrap(), analysis.relaying_department.unwrap()] {
        assert_eq!(answer.explanation, None);
    }
}

fn explaining(label: &str) -> v1::ClassificationOptions {
    v1::ClassificationOptions { explain_label: label.to_owned(), ..Default::default() }
}

refused! {
    no_article: AnalyzeRequest::default() => InvalidArgument, "FIELD_REQUIRED", "article", "";
    empty_text: with_text("") => InvalidArgument, "FIELD_REQUIRED", "article.text", "";
    blank_text: with_text(" \r\n\t\u{3000}") => InvalidArgument, "FIELD_REQUIRED", "article.text", "";
    text_over_the_limit: with_text(&"a".repeat((1 << 20) + 1))
        => InvalidArgument, "LIMIT_EXCEEDED", "article.text", "max_article_bytes=1048576";
    title_counts_too: with_article(|article| article.title = "a".repeat(1 << 20))
        => InvalidArgument, "LIMIT_EXCEEDED", "article.text", "max_article_bytes=1048576";
    id_over_the_limit: with_article(|article| article.id = "a".repeat(1025))
        => InvalidArgument, "LIMIT_EXCEEDED", "article.id", "max_id_bytes=1024";
    language_code_that_is_none: with_article(|article| article.language_code = "not a code".to_owned())
        => InvalidArgument, "FIELD_INVALID", "article.language_code", "";
    no_sentences: with_length(Length::MaxSentences(0))
        => InvalidArgument, "FIELD_INVALID", "summary_options.max_sentences", "";
    too_many_sentences: with_length(Length::MaxSentences(1001))
        => InvalidArgument, "FIELD_INVALID", "summary_options.max_sentences", "";
    no_words: with_length(Length::MaxWords(0)) => InvalidArgument, "FIELD_INVALID", "summary_options.max_words", "";
    too_few_chars: with_length(Length::MaxChars(9)) => InvalidArgument, "FIELD_INVALID", "summary_options.max_chars", "";
    no_ratio: with_length(Length::Ratio(0.0)) => InvalidArgument, "FIELD_INVALID", "summary_options.ratio", "";
    ratio_over_one: with_length(Length::Ratio(1.01)) => InvalidArgument, "FIELD_INVALID", "summary_options.ratio", "";
    ratio_not_a_number: with_length(Length::Ratio(f64::NAN))
        => InvalidArgument, "FIELD_INVALID", "summary_options.ratio", "";
    redundancy_over_one: with_summary(SummaryOptions { redundancy: Some(1.1), ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "summary_options.redundancy", "";
    focus_without_words: with_summary(SummaryOptions { focus: vec!["--".to_owned()], ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "summary_options.focus[0]", "";
    unknown_order: with_summary(SummaryOptions { order: 77, ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "summary_options.order", "";
    unknown_encoding: AnalyzeRequest { offset_encoding: -1, ..request() }
        => InvalidArgument, "FIELD_INVALID", "offset_encoding", "";
    too_much_evidence: with_labels(v1::ClassificationOptions { max_evidence: Some(101), ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "classification_options.max_evidence", "";
    too_many_alternatives: with_labels(v1::ClassificationOptions { max_alternatives: Some(101), ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "classification_options.max_alternatives", "";
    no_precision: with_labels(v1::ClassificationOptions { precision: Some(0.0), ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "classification_options.precision", "";
    coverage_of_all: with_labels(v1::ClassificationOptions { coverage: Some(1.0), ..Default::default() })
        => InvalidArgument, "FIELD_INVALID", "classification_options.coverage", "";
    unknown_label: with_labels(explaining("cuort"))
        => InvalidArgument, "FIELD_INVALID", "classification_options.explain_label", "";
    label_that_is_none: with_labels(explaining(&format!("{SECRET} ")))
        => InvalidArgument, "FIELD_INVALID", "classification_options.explain_label", "";
    unknown_version: AnalyzeRequest { model_version: "00ff".to_owned(), ..request() }
        => NotFound, "MODEL_VERSION_NOT_FOUND", "", "";
    endless_version: AnalyzeRequest { model_version: SECRET.repeat(1000), ..request() }
        => InvalidArgument, "LIMIT_EXCEEDED", "model_version", "max_version_bytes=128";
    message_over_the_default_limit: with_text(&"a".repeat(16 << 20))
        => ResourceExhausted, "LIMIT_EXCEEDED", "", "max_request_bytes=16777216";
}

#[tokio::test]
async fn errors_name_numbers_and_resources() {
    let server = Server::plain().await;
    let mut client = server.client().await;
    let status = client.analyze(AnalyzeRequest { offset_encoding: 9, ..request() }).await.unwrap_err();
    assert_eq!(status.message(), "offset_encoding: 9 is no OffsetEncoding");
    let status = client.analyze(with_labels(explaining("work_conferense"))).await.unwrap_err();
    let expect = "the model has no label \"work_conferense\"; the nearest is \"work_conference\"";
    assert_eq!(status.message(), format!("classification_options.explain_label: {expect}"));
    let missing = AnalyzeRequest { model_version: "00ff".to_owned(), ..request() };
    let details = client.analyze(missing).await.unwrap_err().get_error_details();
    let resource = details.resource_info().unwrap();
    assert_eq!((&*resource.resource_type, &*resource.resource_name), ("chuanda.v1.Model", "00ff"));
}

/// Calls a method with any message as the request.
async fn raw(server: &Server, path: &'static str, message: pb::Status) -> Status {
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<pb::Status, v1::AnalyzeResponse>::default();
    let path = http::uri::PathAndQuery::from_static(path);
    grpc.unary(tonic::Request::new(message), path, codec).await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_message_or_no_method_is_the_callers_fault() {
    let server = Server::plain().await;
    let status =
        raw(&server, "/chuanda.v1.AnalysisService/Analyze", pb::Status { code: 1, ..Default::default() }).await;
    assert_eq!(told(&status), expect(Code::InvalidArgument, "MALFORMED_REQUEST", "", ""));
    let status = raw(&server, "/chuanda.v1.AnalysisService/Nope", pb::Status::default()).await;
    assert_eq!(told(&status), expect(Code::Unimplemented, "UNIMPLEMENTED", "", ""));
    let status = raw(&server, "/nowhere.v1.Nothing/Nope", pb::Status::default()).await;
    assert_eq!(told(&status), expect(Code::Unimplemented, "UNIMPLEMENTED", "", ""));
}

#[tokio::test]
async fn messages_are_read_up_to_the_limit() {
    let limit = request().encoded_len() + 100;
    let padded = |bytes: usize| {
        let mut request = with_article(|article| article.title = "t".repeat(50));
        let rest = bytes - request.encoded_len();
        request.article.as_mut().unwrap().title.push_str(&"t".repeat(rest));
        assert_eq!(request.encoded_len(), bytes);
        request
    };
    let settings = Settings { max_request_bytes: limit, ..Settings::default() };
    let server = Server::start(gated(1, &Gate::new()), settings).await;
    let too_large = expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", "", &format!("max_request_bytes={limit}"));
    for (bytes, allowed) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
        let mut plain = server.client().await;
        let answer = plain.analyze(padded(bytes)).await;
        assert_eq!(answer.is_ok(), allowed, "{bytes} of {limit} bytes: {answer:?}");
        if let Err(status) = answer {
            assert_eq!(told(&status), too_large);
        }
        // What is small on the wire and large when it is unpacked is held to the same limit.
        for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
            let mut packed = server.client().await.send_compressed(encoding);
            let answer = packed.analyze(padded(bytes)).await;
            assert_eq!(answer.is_ok(), allowed, "{encoding:?}, {bytes} of {limit} bytes: {answer:?}");
            if let Err(status) = answer {
                assert_eq!(told(&status), too_large);
            }
        }
    }
}

#[tokio::test]
async fn messages_are_sent_up_to_the_limit() {
    let server = Server::plain().await;
    let request = || AnalyzeRequest {
        summary_options: Some(SummaryOptions { length: Some(Length::Ratio(1.0)), ..Default::default() }),
        article: article(&long_text()),
        ..AnalyzeRequest::default()
    };
    let batch = || BatchAnalyzeRequest {
        articles: vec![request().article.unwrap()],
        summary_options: request().summary_options,
        ..Default::default()
    };
    let bytes = server.client().await.analyze(request()).await.unwrap().into_inner().encoded_len();
    for (limit, allowed) in [(bytes - 1, false), (bytes, true), (bytes + 1, true)] {
        let settings = Settings { max_response_bytes: limit, ..Settings::default() };
        let server = Server::start(gated(1, &Gate::new()), settings).await;
        let mut client = server.client().await;
        let answer = client.analyze(request()).await;
        assert_eq!(answer.is_ok(), allowed);
        let too_large = expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", "", &format!("max_response_bytes={limit}"));
        if let Err(status) = answer {
            assert_eq!(told(&status), too_large);
            assert_eq!(told(&client.batch_analyze(batch()).await.unwrap_err()), too_large);
            let item = StreamAnalyzeRequest {
                article: request().article,
                summary_options: request().summary_options,
                ..Default::default()
            };
            let mut answers = client.stream_analyze(tokio_stream::iter([item])).await.unwrap().into_inner();
            assert_eq!(item_error(&answers.next().await.unwrap().unwrap()).unwrap(), too_large);
            assert!(answers.next().await.is_none());
        }
    }
}

// ---- batch

#[tokio::test]
async fn a_batch_keeps_order_and_names_the_bad() {
    let server = Server::plain().await;
    let mut articles: Vec<Article> =
        (0..30).map(|i| named(&i.to_string(), &if i % 4 == 0 { long_text() } else { text() })).collect();
    articles[3].text = " ".to_owned();
    articles[8].text = "a".repeat((1 << 20) + 1);
    articles[9].id = "panic".to_owned();
    let request = BatchAnalyzeRequest { articles, ..BatchAnalyzeRequest::default() };
    let answer = server.client().await.batch_analyze(request).await.unwrap().into_inner();
    assert_eq!(answer.model_version, server.engine.snapshot().unwrap().version());
    assert_eq!(answer.results.len(), 30);
    for (i, result) in answer.results.iter().enumerate() {
        assert_eq!(result.article_id, if i == 9 { "panic".to_owned() } else { i.to_string() });
        let error = match i {
            3 => Some(expect(Code::InvalidArgument, "FIELD_REQUIRED", "articles[3].text", "")),
            8 => Some(expect(Code::InvalidArgument, "LIMIT_EXCEEDED", "articles[8].text", "max_article_bytes=1048576")),
            9 => Some(expect(Code::Internal, "INTERNAL", "", "")),
            _ => None,
        };
        assert_eq!(result_error(result), error);
    }
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole_for_what_concerns_all() {
    let server = Server::plain().await;
    let good = || vec![named("a", &text())];
    let cases = [
        (vec![], BatchAnalyzeRequest::default(), expect(Code::InvalidArgument, "FIELD_REQUIRED", "articles", "")),
        (
            vec![named("a", "text"); 257],
            BatchAnalyzeRequest::default(),
            expect(Code::InvalidArgument, "LIMIT_EXCEEDED", "articles", "max_batch_articles=256"),
        ),
        (
            good(),
            BatchAnalyzeRequest { offset_encoding: 4, ..Default::default() },
            expect(Code::InvalidArgument, "FIELD_INVALID", "offset_encoding", ""),
        ),
        (
            good(),
            BatchAnalyzeRequest { classification_options: Some(explaining("simposium")), ..Default::default() },
            expect(Code::InvalidArgument, "FIELD_INVALID", "classification_options.explain_label", ""),
        ),
        (
            good(),
            BatchAnalyzeRequest { model_version: "00".to_owned(), ..Default::default() },
            expect(Code::NotFound, "MODEL_VERSION_NOT_FOUND", "", ""),
        ),
    ];
    let mut client = server.client().await;
    for (articles, request, expect) in cases {
        let status = client.batch_analyze(BatchAnalyzeRequest { articles, ..request }).await.unwrap_err();
        assert_eq!(told(&status), expect);
    }
    let full = BatchAnalyzeRequest { articles: vec![named("a", "text"); 256], ..Default::default() };
    assert_eq!(client.batch_analyze(full).await.unwrap().into_inner().results.len(), 256);
}

// ---- stream

#[tokio::test]
async fn a_stream_answers_in_order_and_goes_on_after_a_bad_item() {
    let server = Server::plain().await;
    let mut items: Vec<_> =
        (0..50).map(|i| item(&i.to_string(), &if i % 5 == 0 { long_text() } else { text() })).collect();
    items[20].article = None;
    items[21].summary_options = Some(SummaryOptions { order: 9, ..Default::default() });
    items[22].article.as_mut().unwrap().text.clear();
    items[23].model_version = "00".to_owned();
    items[24].article.as_mut().unwrap().id = "panic".to_owned();
    items[25].item_id = "i".repeat(1025);
    items[26].classification_options = Some(explaining("simposium"));
    let mut answers =
        server.client().await.stream_analyze(tokio_stream::iter(items.clone())).await.unwrap().into_inner();
    for (i, item) in items.iter().enumerate() {
        let answer = answers.next().await.unwrap().unwrap();
        assert_eq!(answer.item_id, item.item_id);
        assert_eq!(answer.article_id, item.article.as_ref().map_or("", |article| &article.id));
        let invalid = |reason, field, limit| Some(expect(Code::InvalidArgument, reason, field, limit));
        let error = match i {
            20 => invalid("FIELD_REQUIRED", "article", ""),
            21 => invalid("FIELD_INVALID", "summary_options.order", ""),
            22 => invalid("FIELD_REQUIRED", "article.text", ""),
            23 => Some(expect(Code::NotFound, "MODEL_VERSION_NOT_FOUND", "", "")),
            24 => Some(expect(Code::Internal, "INTERNAL", "", "")),
            25 => invalid("LIMIT_EXCEEDED", "item_id", "max_id_bytes=1024"),
            26 => invalid("FIELD_INVALID", "classification_options.explain_label", ""),
            _ => None,
        };
        assert_eq!(item_error(&answer), error);
    }
    assert!(answers.next().await.is_none());
}

/// A stream that the test holds the sending end of.
async fn open_stream(server: &Server) -> (mpsc::Sender<StreamAnalyzeRequest>, Streaming<v1::StreamAnalyzeResponse>) {
    let (sender, receiver) = mpsc::channel(64);
    let answers = server.client().await.stream_analyze(ReceiverStream::new(receiver)).await.unwrap();
    (sender, answers.into_inner())
}

#[tokio::test]
async fn an_endless_stream_answers_each_item_as_it_comes() {
    let server = Server::plain().await;
    let (sender, mut answers) = open_stream(&server).await;
    for i in 0..3 {
        sender.send(item(&i.to_string(), &text())).await.unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap().article_id, i.to_string());
    }
    drop(sender);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn an_oversize_item_ends_the_stream_after_the_answers_before_it() {
    let settings = Settings { max_request_bytes: 4096, ..Settings::default() };
    let server = Server::start(gated(1, &Gate::new()), settings).await;
    let items = [item("0", &text()), item("1", &"a ".repeat(4096)), item("2", &text())];
    let mut answers = server.client().await.stream_analyze(tokio_stream::iter(items)).await.unwrap().into_inner();
    assert_eq!(item_error(&answers.next().await.unwrap().unwrap()), None);
    let status = answers.next().await.unwrap().unwrap_err();
    assert_eq!(told(&status), expect(Code::ResourceExhausted, "LIMIT_EXCEEDED", "", "max_request_bytes=4096"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_takes_up_no_more_than_its_share_and_a_lost_client_leaves_no_work() {
    let gate = Gate::new();
    let server = Server::start(gated(1, &gate), Settings::default()).await;
    let (sender, answers) = open_stream(&server).await;
    for i in 0..20 {
        sender.send(item(&format!("hold {i}"), &long_text())).await.unwrap();
    }
    gate.entered().await;
    // With one core two are taken up: one is held, one waits, the others stay on the wire.
    until(|| server.engine.waiting() == 1).await;
    // The answer to another call shows that the server had time to take up more.
    server.client().await.analyze(request()).await.unwrap();
    assert_eq!(server.engine.waiting(), 1);
    drop((sender, answers));
    until(|| server.engine.waiting() == 0).await;
    gate.open();
    server.client().await.analyze(with_text(&long_text())).await.unwrap();
    assert_eq!(gate.begun(), 3, "the held item, the call between, the last call");
}

// ---- clients that leave, deadlines, panics

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_a_client_that_went_away_is_dropped() {
    let gate = Gate::new();
    let server = Server::start(gated(1, &gate), Settings::default()).await;
    let call = |id: &str| {
        let request = AnalyzeRequest { article: Some(named(id, &long_text())), ..AnalyzeRequest::default() };
        let client = server.client();
        async move { client.await.analyze(request).await }
    };
    let held = call("hold");
    let lost = call("lost");
    let (held, ()) = tokio::join!(held, async {
        gate.entered().await;
        tokio::select! {
            _ = lost => panic!("answered while the only core is held"),
            () = until(|| server.engine.waiting() == 1) => {}
        }
        until(|| server.engine.waiting() == 0).await;
        gate.open();
    });
    held.unwrap();
    call("after").await.unwrap();
    assert_eq!(gate.begun(), 2);
}

/// A client that leaves time-outs to the server, as tonic's own does not.
fn patient(
    server: &Server,
) -> AnalysisServiceClient<
    hyper_util::client::legacy::Client<hyper_util::client::legacy::connect::HttpConnector, tonic::body::Body>,
> {
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).http2_only(true).build_http();
    AnalysisServiceClient::with_origin(client, format!("http://{}", server.address).parse().unwrap())
}

fn late() -> Told {
    expect(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "", "")
}

fn held_request() -> AnalyzeRequest {
    AnalyzeRequest { article: Some(named("hold", &long_text())), ..AnalyzeRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_the_client_is_answered_as_one() {
    let gate = Gate::new();
    let server = Server::start(gated(1, &gate), Settings::default()).await;
    let mut request = tonic::Request::new(held_request());
    request.set_timeout(Duration::from_millis(20));
    assert_eq!(told(&patient(&server).analyze(request).await.unwrap_err()), late());

    let mut request = tonic::Request::new(BatchAnalyzeRequest {
        articles: vec![held_request().article.unwrap()],
        ..BatchAnalyzeRequest::default()
    });
    request.set_timeout(Duration::from_millis(20));
    assert_eq!(told(&patient(&server).batch_analyze(request).await.unwrap_err()), late());

    let (_sender, receiver) = mpsc::channel::<StreamAnalyzeRequest>(1);
    let mut request = tonic::Request::new(ReceiverStream::new(receiver));
    request.set_timeout(Duration::from_millis(20));
    let mut answers = patient(&server).stream_analyze(request).await.unwrap().into_inner();
    assert_eq!(told(&answers.next().await.unwrap().unwrap_err()), late());
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_at_the_servers_own_deadline() {
    let gate = Gate::new();
    let settings = Settings { unary_timeout: Duration::from_millis(20), ..Settings::default() };
    let server = Server::start(gated(1, &gate), settings).await;
    assert_eq!(told(&patient(&server).analyze(held_request()).await.unwrap_err()), late());
    gate.open();
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_lives() {
    let server = Server::plain().await;
    let mut client = server.client().await;
    for text in [text(), long_text()] {
        let request = AnalyzeRequest { article: Some(named("panic", &text)), ..AnalyzeRequest::default() };
        assert_eq!(told(&client.analyze(request).await.unwrap_err()), expect(Code::Internal, "INTERNAL", "", ""));
        client.analyze(with_text(&text)).await.unwrap();
    }
}

// ---- models

#[tokio::test]
async fn models_are_listed_and_told() {
    let server = Server::plain().await;
    let version = server.engine.snapshot().unwrap().version().to_owned();
    let mut models = server.models().await;
    let list = models.list_models(v1::ListModelsRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.models.len(), list.next_page_token.as_str()), (1, ""));
    assert_eq!((list.models[0].version.as_str(), list.models[0].active), (version.as_str(), true));
    let model = models.get_model(v1::GetModelRequest { version: version.clone() }).await.unwrap().into_inner();
    let model = model.model.unwrap();
    assert_eq!((model.version.as_str(), model.articles, model.axes.len()), (version.as_str(), 20, 2));
    assert_eq!(model.language_codes, ["en"]);
    let court = model.axes[1].labels.iter().find(|label| label.id == "court").unwrap();
    assert_eq!((court.articles, court.name_zh.is_empty()), (10, false));
    assert!(list.models[0].axes.iter().all(|axis| axis.labels.is_empty() && axis.articles == 20));

    let page = v1::ListModelsRequest { page_size: u32::MAX, ..Default::default() };
    assert_eq!(models.list_models(page).await.unwrap().into_inner().models.len(), 1);
    let invalid = |field| expect(Code::InvalidArgument, "FIELD_INVALID", field, "");
    let page = v1::ListModelsRequest { page_token: "next".to_owned(), ..Default::default() };
    assert_eq!(told(&models.list_models(page).await.unwrap_err()), invalid("page_token"));
    let missing = v1::GetModelRequest { version: "00ff".to_owned() };
    let expected = expect(Code::NotFound, "MODEL_VERSION_NOT_FOUND", "", "");
    assert_eq!(told(&models.get_model(missing).await.unwrap_err()), expected);
    let endless = v1::GetModelRequest { version: "0".repeat(129) };
    let expected = expect(Code::InvalidArgument, "LIMIT_EXCEEDED", "version", "max_version_bytes=128");
    assert_eq!(told(&models.get_model(endless).await.unwrap_err()), expected);
}

/// Checks figures that follow from others of the same axis, and those that are the report's.
fn check_metrics(found: &v1::Metrics, report: &Metrics) {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    let n = found.articles as f64;
    assert_eq!(found.articles, report.articles);
    assert_eq!([found.log_loss, found.brier_score], [report.log_loss, report.brier_score]);
    assert_eq!(
        [found.top_two_accuracy, found.risk_coverage_area],
        [report.top_two_accuracy, report.risk_coverage_area]
    );
    let interval = found.accuracy_interval.unwrap();
    assert!(
        interval.low < found.accuracy && found.accuracy < interval.high && found.accuracy <= found.top_two_accuracy
    );

    assert_eq!(found.reliability.len(), 15);
    assert_eq!((found.reliability[0].low, found.reliability[14].high), (0.0, 1.0));
    assert!(found.reliability.windows(2).all(|rows| rows[0].high == rows[1].low));
    let rows = || found.reliability.iter().filter(|row| row.articles > 0);
    assert!(rows().all(|row| (row.low..=row.high).contains(&row.mean_probability)));
    assert_eq!(rows().map(|row| row.articles).sum::<u64>(), found.articles);
    close(rows().map(|row| row.articles as f64 * row.accuracy).sum::<f64>() / n, found.accuracy);
    let distance = |row: &v1::ReliabilityBin| row.articles as f64 * (row.accuracy - row.mean_probability).abs();
    close(rows().map(distance).sum::<f64>() / n, found.expected_calibration_error);

    let curve = &found.risk_coverage;
    assert!((1..=20).contains(&curve.len()) && curve.len() == report.risk_coverage.len());
    assert!(curve.windows(2).all(|two| two[0].coverage < two[1].coverage && two[0].threshold > two[1].threshold));
    let last = curve.last().unwrap();
    close(last.coverage, 1.0);
    close(last.error_rate, 1.0 - found.accuracy);

    let carried: Vec<f64> = found.labels.iter().filter(|label| label.articles > 0).map(|label| label.f1).collect();
    close(carried.iter().sum::<f64>() / carried.len() as f64, found.macro_f1);
    assert_eq!(found.labels.iter().map(|label| label.predicted).sum::<u64>(), found.articles);
    let errors = found.confusions.iter().map(|confusion| confusion.articles).sum::<u64>();
    close(errors as f64 / n, 1.0 - found.accuracy);
    let (sets, accepted) = (found.label_sets.unwrap(), found.accepted.unwrap());
    assert_eq!((sets.articles, accepted.articles), (found.articles, found.articles));
    assert!(sets.mean_size >= 1.0 && sets.coverage > 0.9 && accepted.precision > 0.9, "{sets:?} {accepted:?}");
}

#[tokio::test]
async fn a_model_tells_all_that_is_known_of_it() {
    let engine = gated(1, &Gate::new());
    engine.activate(Model::embedded().unwrap());
    let server = Server::start(engine, Settings::default()).await;
    let mut models = server.models().await;
    let model = models.get_model(v1::GetModelRequest::default()).await.unwrap().into_inner().model.unwrap();
    assert_eq!((model.calibrated, model.folds, model.axes.len()), (true, 5, 2));
    let embedded = server.engine.snapshot().unwrap();
    for (axis, report) in model.axes.iter().zip(embedded.report().axes.iter().flatten()) {
        check_metrics(axis.held_out.as_ref().unwrap(), report.held_out.as_ref().unwrap());
        check_metrics(axis.source_held_out.as_ref().unwrap(), report.source_held_out.as_ref().unwrap());
        let names: Vec<_> = axis.settings.split(' ').map(|pair| pair.split_once('=').unwrap().0).collect();
        let expect = ["event_model", "alpha", "min_documents", "length_exponent", "name_count", "weight_precision"];
        assert_eq!(names, expect, "as the contract says");
    }

    let list = models.list_models(v1::ListModelsRequest::default()).await.unwrap().into_inner();
    for (short, whole) in list.models[0].axes.iter().zip(&model.axes) {
        let expect = v1::Metrics {
            labels: Vec::new(),
            reliability: Vec::new(),
            risk_coverage: Vec::new(),
            confusions: Vec::new(),
            ..whole.held_out.clone().unwrap()
        };
        assert_eq!(short.held_out, Some(expect));
    }

    // Articles came in since it was calibrated.
    server.engine.activate(support::outgrown_model());
    let model = models.get_model(v1::GetModelRequest::default()).await.unwrap().into_inner().model.unwrap();
    assert_eq!((model.calibrated, model.articles), (false, 21));
}

// ---- reflection and health

#[tokio::test]
async fn reflection_lists_services_and_resolves_imports() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let server = Server::plain().await;
    let ask = |request| ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let requests = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.Status".to_owned())),
        ask(MessageRequest::FileContainingSymbol("chuanda.v1.AnalysisService".to_owned())),
        ask(MessageRequest::FileByFilename("google/protobuf/any.proto".to_owned())),
    ];
    let mut client = ServerReflectionClient::new(server.channel().await);
    let answers = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;
    let mut services = Vec::new();
    let mut files = 0;
    for answer in answers {
        match answer {
            MessageResponse::ListServicesResponse(list) => {
                services.extend(list.service.into_iter().map(|service| service.name));
            }
            MessageResponse::FileDescriptorResponse(file) => files += file.file_descriptor_proto.len(),
            other @ (MessageResponse::AllExtensionNumbersResponse(_) | MessageResponse::ErrorResponse(_)) => {
                panic!("{other:?}")
            }
        }
    }
    for service in [
        "chuanda.v1.AnalysisService",
        "chuanda.v1.ModelService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert!(services.iter().any(|name| name == service), "{service} is not among {services:?}");
    }
    assert_eq!(files, 3);
}

#[tokio::test]
async fn older_clients_reflect_too() {
    use tonic_reflection::pb::v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let server = Server::plain().await;
    let symbol = MessageRequest::FileContainingSymbol("google.rpc.Status".to_owned());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(symbol) };
    let mut client = ServerReflectionClient::new(server.channel().await);
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

async fn watch(server: &Server, service: &str) -> Streaming<tonic_health::pb::HealthCheckResponse> {
    let request = HealthCheckRequest { service: service.to_owned() };
    server.health().await.watch(request).await.unwrap().into_inner()
}

/// Waits until the health is as said; earlier news may still be under way.
async fn reaches(watch: &mut Streaming<tonic_health::pb::HealthCheckResponse>, status: i32) {
    while watch.next().await.unwrap().unwrap().status != status {}
}

#[tokio::test]
async fn health_follows_the_model_and_the_drain() {
    let server = Server::start(Arc::new(Engine::new(Limits::default(), 1)), Settings::default()).await;
    let status = server.client().await.analyze(request()).await.unwrap_err();
    assert_eq!(told(&status), expect(Code::Unavailable, "MODEL_NOT_LOADED", "", ""));
    assert!(status.get_error_details().retry_info().is_some());
    let mut watches = Vec::new();
    for service in SERVICES {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = server.health().await.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, NOT_SERVING, "{service:?} before a model is loaded");
        watches.push(watch(&server, service).await);
    }
    server.engine.activate(support::model());
    for watch in &mut watches {
        reaches(watch, SERVING).await;
    }
    server.client().await.analyze(request()).await.unwrap();
    server.shutdown.cancel();
    for watch in &mut watches {
        reaches(watch, NOT_SERVING).await;
        assert_eq!(told(&watch.next().await.unwrap().unwrap_err()), shutting_down());
    }
    assert_eq!(server.drained().await, Drained::Clean);
}

// ---- shutdown

fn shutting_down() -> Told {
    expect(Code::Unavailable, "SHUTTING_DOWN", "", "")
}

#[tokio::test]
async fn an_idle_stream_does_not_hold_up_the_shutdown() {
    let server = Server::plain().await;
    let (sender, mut answers) = open_stream(&server).await;
    sender.send(item("0", &text())).await.unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().article_id, "0");
    server.shutdown.cancel();
    let status = answers.next().await.unwrap().unwrap_err();
    assert_eq!(told(&status), shutting_down());
    assert!(status.get_error_details().retry_info().is_some());
    let address = server.address;
    assert_eq!(server.drained().await, Drained::Clean);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_answered_before_the_end() {
    let gate = Gate::new();
    let server = Server::start(gated(2, &gate), Settings::default()).await;
    let (sender, mut answers) = open_stream(&server).await;
    sender.send(item("hold", &long_text())).await.unwrap();
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.analyze(held_request()).await });
    gate.entered().await;
    gate.entered().await;
    let mut health = watch(&server, "").await;
    server.shutdown.cancel();
    reaches(&mut health, NOT_SERVING).await;
    assert_eq!(told(&health.next().await.unwrap().unwrap_err()), shutting_down());
    gate.open();
    assert_eq!(item_error(&answers.next().await.unwrap().unwrap()), None);
    assert_eq!(told(&answers.next().await.unwrap().unwrap_err()), shutting_down());
    call.await.unwrap().unwrap();
    assert_eq!(server.drained().await, Drained::Clean);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grace_is_bounded() {
    let gate = Gate::new();
    let settings = Settings { grace_period: Duration::ZERO, ..Settings::default() };
    let server = Server::start(gated(1, &gate), settings).await;
    let mut client = server.client().await;
    let call = tokio::spawn(async move { client.analyze(held_request()).await });
    gate.entered().await;
    server.shutdown.cancel();
    assert_eq!(server.drained().await, Drained::Cut(1));
    assert!(call.await.unwrap().is_err());
    gate.open();
}

#[tokio::test]
async fn an_unused_connection_is_closed_and_a_used_one_is_not() {
    let settings = Settings { idle_timeout: Duration::from_millis(20), ..Settings::default() };
    let server = Server::start(gated(1, &Gate::new()), settings).await;
    let (sender, mut answers) = open_stream(&server).await;
    let mut unused = tokio::net::TcpStream::connect(server.address).await.unwrap();
    // The server's greeting and farewell are read to the end of the connection.
    tokio::io::copy(&mut unused, &mut tokio::io::sink()).await.unwrap();
    sender.send(item("0", &text())).await.unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().article_id, "0");
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_place() {
    let settings = Settings { max_connections: 1, ..Settings::default() };
    let server = Server::start(gated(1, &Gate::new()), settings).await;
    let mut first = server.client().await;
    first.analyze(request()).await.unwrap();
    let mut second = patient(&server);
    let mut waiting = std::pin::pin!(second.analyze(request()));
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("served beyond the cap"),
        answer = first.analyze(request()) => drop(answer.unwrap()),
    }
    drop(first);
    waiting.await.unwrap();
}
