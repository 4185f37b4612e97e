//! What a call costs beside what the network costs: `cargo bench --bench service`, and with `-- --help`,
//! what can be changed.
//!
//! Drives the program's server and, in turn with it, a *ceiling*: a bare tonic server of the same contract that answers
//! each request with a stored answer for the same article. Both are processes of their own, driven by the same code over
//! loopback; the articles come in turn. Printed are
//!
//! - articles a second of both, and the server's share of the ceiling, as the median over the rounds;
//! - the same share by the processor time of server and client together, which is what counts when all cores are busy, and
//!   which other programs on the machine disturb least;
//! - the processor time that either server spends on an article, and how many times that of the analysis alone ours is;
//! - files on one thread and on all cores.
//!
//! Processor time is read from `/proc`, so this runs on Linux only.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::{
    env, fs,
    hint::black_box,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chuanda::{
    engine::{self, AnalysisOptions, ArticleInput, OptionsInput},
    model::Model,
    proto::v1::{
        AnalysisResult, AnalyzeRequest, AnalyzeResponse, Article, BatchAnalyzeRequest, BatchAnalyzeResponse,
        StreamAnalyzeRequest, StreamAnalyzeResponse, analysis_result,
        analysis_service_client::AnalysisServiceClient,
        analysis_service_server::{AnalysisService, AnalysisServiceServer},
        stream_analyze_response,
    },
};
use clap::Parser as _;
use support::Language;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};
use tokio_stream::{Stream, StreamExt as _, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Server},
};

/// Different articles in each language.
const ARTICLES: usize = 128;
const LANGUAGES: [Language; 2] = [Language::English, Language::Chinese];
/// Articles in one batch.
const BATCH: usize = 64;

/// Measure the server beside one that answers with what it has stored
#[derive(clap::Parser)]
struct Arguments {
    /// Measure only the lines whose name holds this, such as unary or English
    #[arg(default_value = "")]
    filter: String,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds for each line in each round
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Length of an article
    #[arg(long, default_value_t = 3_000)]
    bytes: usize,
    /// Another program in the place of the ceiling: another build of chuanda, or benches/peers.py
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Be the ceiling, and write the address to this file
    #[arg(long, hide = true)]
    stored: Option<PathBuf>,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    match &arguments.stored {
        Some(address_file) => Runtime::new().unwrap().block_on(serve_stored(arguments.bytes, address_file)),
        None => compare(&arguments),
    }
}

/// The articles in one language, as they are sent. The id says which stored answer belongs to it.
fn articles(language: Language, bytes: usize) -> Vec<Article> {
    let texts = support::articles(language, bytes, ARTICLES).into_iter().enumerate();
    texts.map(|(at, text)| Article { id: format!("{language:?} {at}"), text, ..Article::default() }).collect()
}

// The ceiling.

/// Answers with what is stored.
struct Stored {
    english: Vec<AnalyzeResponse>,
    chinese: Vec<AnalyzeResponse>,
}

impl Stored {
    fn new(bytes: usize) -> Self {
        let model = Model::embedded().unwrap();
        let options = OptionsInput::default().check(&model).unwrap();
        let answer = |article: Article| {
            let analysis = engine::analyze(&model, &article.into(), &options);
            AnalyzeResponse { analysis: Some(analysis.into()) }
        };
        let answers = |language| articles(language, bytes).into_iter().map(answer).collect();
        Self { english: answers(Language::English), chinese: answers(Language::Chinese) }
    }

    fn answer(&self, article: Option<&Article>) -> AnalyzeResponse {
        let (language, number) = article.and_then(|article| article.id.split_once(' ')).unwrap();
        let answers = if language == "English" { &self.english } else { &self.chinese };
        answers[number.parse::<usize>().unwrap()].clone()
    }
}

/// The service that does so.
struct Ceiling(Arc<Stored>);

#[tonic::async_trait]
impl AnalysisService for Ceiling {
    async fn analyze(&self, request: Request<AnalyzeRequest>) -> Result<Response<AnalyzeResponse>, Status> {
        Ok(Response::new(self.0.answer(request.into_inner().article.as_ref())))
    }

    async fn batch_analyze(
        &self,
        request: Request<BatchAnalyzeRequest>,
    ) -> Result<Response<BatchAnalyzeResponse>, Status> {
        let result = |article: Article| AnalysisResult {
            outcome: self.0.answer(Some(&article)).analysis.map(analysis_result::Outcome::Analysis),
            article_id: article.id,
        };
        let results = request.into_inner().articles.into_iter().map(result).collect();
        Ok(Response::new(BatchAnalyzeResponse { results, model_version: String::new() }))
    }

    type StreamAnalyzeStream = std::pin::Pin<Box<dyn Stream<Item = Result<StreamAnalyzeResponse, Status>> + Send>>;

    async fn stream_analyze(
        &self,
        request: Request<Streaming<StreamAnalyzeRequest>>,
    ) -> Result<Response<Self::StreamAnalyzeStream>, Status> {
        let stored = Arc::clone(&self.0);
        let answers = request.into_inner().map(move |request| {
            let StreamAnalyzeRequest { item_id, article, .. } = request?;
            let outcome = stored.answer(article.as_ref()).analysis.map(stream_analyze_response::Outcome::Analysis);
            Ok(StreamAnalyzeResponse { item_id, article_id: article.unwrap_or_default().id, outcome })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

async fn serve_stored(bytes: usize, address_file: &Path) {
    let service = AnalysisServiceServer::new(Ceiling(Arc::new(Stored::new(bytes))));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = TcpListenerStream::new(listener).map(|socket| {
        let socket = socket?;
        socket.set_nodelay(true)?;
        Ok::<_, std::io::Error>(socket)
    });
    let unfinished = address_file.with_extension("new");
    fs::write(&unfinished, address).unwrap();
    fs::rename(unfinished, address_file).unwrap();
    Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
}

// The client.

/// A server in a process of its own, which ends with this.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(command: &mut Command, address_file: &Path) -> Self {
        let mut child = command.arg(address_file).stdout(Stdio::null()).spawn().unwrap();
        let address = loop {
            if let Ok(address) = fs::read_to_string(address_file) {
                break address.trim().parse().unwrap();
            }
            assert!(child.try_wait().unwrap().is_none(), "a server ended at once");
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, address }
    }

    async fn connect(&self) -> AnalysisServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        AnalysisServiceClient::new(channel.connect().await.unwrap()).max_decoding_message_size(usize::MAX)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of processor time that a process has spent, itself (`/proc/PID/stat`, fields 14 and 15) or in children that it
/// has waited for (16 and 17). The unit of Linux is 10 ms.
fn processor_time(process: &str, of_children: bool) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let first = if of_children { 13 } else { 11 };
    fields[first..first + 2].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// How articles are sent.
#[derive(Clone, Copy, Debug)]
enum Way {
    Unary { in_flight: usize, connections: usize },
    Stream,
    Batch { in_flight: usize },
}

const WAYS: [(&str, Way); 6] = [
    ("unary, 1 in flight", Way::Unary { in_flight: 1, connections: 1 }),
    ("unary, 8 on 8 connections", Way::Unary { in_flight: 8, connections: 8 }),
    ("unary, 32 on 32 connections", Way::Unary { in_flight: 32, connections: 32 }),
    ("unary, 32 on one connection", Way::Unary { in_flight: 32, connections: 1 }),
    ("one stream", Way::Stream),
    ("batches of 64, 2 in flight", Way::Batch { in_flight: 2 }),
];

/// Sends articles for a while; returns how many were answered.
async fn drive(server: &Process, way: Way, articles: &Arc<Vec<Article>>, time: Duration) -> usize {
    let end = Instant::now() + time;
    let next = Arc::new(AtomicUsize::new(0));
    let take = {
        let articles = Arc::clone(articles);
        move || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            (Instant::now() < end).then(|| articles[at % articles.len()].clone())
        }
    };
    let mut answered = JoinSet::new();
    match way {
        Way::Unary { in_flight, connections } => {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(server.connect().await);
            }
            for caller in 0..in_flight {
                let (mut client, take) = (clients[caller % connections].clone(), take.clone());
                answered.spawn(async move {
                    let mut answers = 0;
                    while let Some(article) = take() {
                        let request = AnalyzeRequest { article: Some(article), ..AnalyzeRequest::default() };
                        let answer = client.analyze(request).await.unwrap().into_inner();
                        answers += usize::from(answer.analysis.is_some());
                    }
                    answers
                });
            }
        }
        Way::Stream => {
            let mut client = server.connect().await;
            answered.spawn(async move {
                let requests = std::iter::from_fn(take)
                    .map(|article| StreamAnalyzeRequest { article: Some(article), ..StreamAnalyzeRequest::default() });
                let call = client.stream_analyze(tokio_stream::iter(requests)).await;
                let mut stream = call.unwrap().into_inner();
                let mut answers = 0;
                while let Some(answer) = stream.next().await {
                    let analysis = |outcome| matches!(outcome, stream_analyze_response::Outcome::Analysis(_));
                    answers += usize::from(answer.unwrap().outcome.is_some_and(analysis));
                }
                answers
            });
        }
        Way::Batch { in_flight } => {
            for _ in 0..in_flight {
                let (mut client, take) = (server.connect().await, take.clone());
                answered.spawn(async move {
                    let mut answers = 0;
                    loop {
                        let articles: Vec<Article> = std::iter::from_fn(&take).take(BATCH).collect();
                        if articles.is_empty() {
                            break answers;
                        }
                        let request = BatchAnalyzeRequest { articles, ..BatchAnalyzeRequest::default() };
                        answers += client.batch_analyze(request).await.unwrap().into_inner().results.len();
                    }
                });
            }
        }
    }
    answered.join_all().await.into_iter().sum()
}

/// What one server did in one way, round after round.
#[derive(Default)]
struct Measured {
    /// Articles a second.
    rate: Vec<f64>,
    /// Microseconds of the server's processor time for an article.
    processor: Vec<f64>,
    /// Those of server and client together.
    both: Vec<f64>,
}

/// A line of the table.
struct Line {
    name: String,
    way: Way,
    articles: Arc<Vec<Article>>,
    /// Place in [`LANGUAGES`].
    language: usize,
    /// Ours and the other one.
    measured: [Measured; 2],
}

impl Line {
    fn measure(&mut self, runtime: &Runtime, which: usize, server: &Process, time: Duration) {
        runtime.block_on(drive(server, self.way, &self.articles, time / 10));
        let pid = server.child.id().to_string();
        let processor = || (processor_time(&pid, false), processor_time("self", false));
        let (begin, before) = (Instant::now(), processor());
        let answered = runtime.block_on(drive(server, self.way, &self.articles, time)) as f64;
        let (clock, after) = (begin.elapsed().as_secs_f64(), processor());
        let (server, client) = (after.0 - before.0, after.1 - before.1);
        let measured = &mut self.measured[which];
        measured.rate.push(answered / clock);
        measured.processor.push(server * 1e6 / answered);
        measured.both.push((server + client) * 1e6 / answered);
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare(arguments: &Arguments) {
    let Arguments { filter, rounds, seconds, bytes, against, .. } = arguments;
    let time = Duration::from_secs_f64(*seconds);
    let directory = tempfile::tempdir().unwrap();
    let serve = |program: &Path, name: &str| {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--address-file"]);
        Process::start(&mut command, &directory.path().join(name))
    };
    let ours = serve(Path::new(env!("CARGO_BIN_EXE_chuanda")), "ours");
    let other = match against {
        Some(program) => serve(program, "other"),
        None => {
            let mut command = Command::new(env::current_exe().unwrap());
            Process::start(command.args(["--bytes", &bytes.to_string(), "--stored"]), &directory.path().join("stored"))
        }
    };
    let runtime = Runtime::new().unwrap();
    let model = Model::embedded().unwrap();
    let options = OptionsInput::default().check(&model).unwrap();
    let articles = LANGUAGES.map(|language| Arc::new(articles(language, *bytes)));

    let mut lines = Vec::new();
    for (at, language) in LANGUAGES.iter().enumerate() {
        for (name, way) in WAYS {
            let name = format!("{language:?}, {name}");
            if name.contains(filter.as_str()) {
                lines.push(Line {
                    name,
                    way,
                    articles: Arc::clone(&articles[at]),
                    language: at,
                    measured: Default::default(),
                });
            }
        }
    }
    let mut alone: [Vec<f64>; 2] = Default::default();
    // Everything once a round; ours and the other one right after each other, and another one of them first every time.
    for round in 0..*rounds {
        for (articles, alone) in articles.iter().zip(&mut alone) {
            alone.push(in_process(&model, &options, articles, time));
        }
        for line in &mut lines {
            for turn in 0..2 {
                let which = (round + turn) % 2;
                line.measure(&runtime, which, [&ours, &other][which], time);
            }
        }
    }

    let beside = against.as_ref().map_or("ceiling".into(), |program| program.display().to_string());
    println!("{rounds} rounds of {seconds} s, articles of {bytes} bytes, {} cores; medians", cores());
    println!();
    println!(
        "| | articles/s | of {beside} | share | by CPU | CPU, us/article | of {beside} | beside the analysis alone |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (language, alone) in LANGUAGES.iter().zip(&alone) {
        let analysis = median(alone.iter().copied());
        println!("| {language:?}, analysis alone, one core | {:.0} | | | | {analysis:.1} | | 1.00 x |", 1e6 / analysis);
    }
    for Line { name, measured: [ours, other], language, .. } in &lines {
        println!(
            "| {name} | {:.0} | {:.0} | {:.1} % | {:.1} % | {:.1} | {:.1} | {:.2} x |",
            median(ours.rate.iter().copied()),
            median(other.rate.iter().copied()),
            100.0 * median(ratios(&ours.rate, &other.rate)),
            100.0 * median(ratios(&other.both, &ours.both)),
            median(ours.processor.iter().copied()),
            median(other.processor.iter().copied()),
            median(ratios(&ours.processor, &alone[*language])),
        );
    }
    if "files".contains(filter.as_str()) {
        println!();
        files(*rounds, directory.path(), &articles);
    }
}

/// Round by round.
fn ratios(values: &[f64], to: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().zip(to).map(|(value, to)| value / to)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Microseconds of processor time that the analysis of an article takes by itself.
fn in_process(model: &Model, options: &AnalysisOptions, articles: &[Article], time: Duration) -> f64 {
    let inputs: Vec<ArticleInput> = articles.iter().cloned().map(ArticleInput::from).collect();
    let (begin, before) = (Instant::now(), processor_time("self", false));
    let mut analysed = 0;
    while begin.elapsed() < time {
        for input in &inputs {
            black_box(engine::analyze(model, input, options));
        }
        analysed += inputs.len();
    }
    (processor_time("self", false) - before) * 1e6 / analysed as f64
}

/// Analyses a file of articles in both languages with one thread and with as many as there are cores.
///
/// One thread of analysis has others that read and write beside it, so what one core can do is taken from the processor
/// time of all of them.
fn files(rounds: usize, directory: &Path, articles: &[Arc<Vec<Article>>]) {
    const REPEATS: usize = 80;
    let path = directory.join("articles.jsonl");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    for repeat in 0..REPEATS {
        for Article { id, text, .. } in articles.iter().flat_map(|articles| articles.iter()) {
            let record = serde_json::json!({ "id": format!("{repeat} {id}"), "text": text });
            writeln!(file, "{record}").unwrap();
        }
    }
    file.into_inner().unwrap();
    let number = (REPEATS * ARTICLES * LANGUAGES.len()) as f64;

    // Seconds on the clock, and of the processor.
    let analyze = |threads: usize| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chuanda"));
        command.args(["analyze", "--format", "jsonl", "--threads", &threads.to_string()]).arg(&path);
        let (begin, before) = (Instant::now(), processor_time("self", true));
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{status}");
        (begin.elapsed().as_secs_f64(), processor_time("self", true) - before)
    };
    let runs: Vec<[(f64, f64); 2]> = (0..rounds).map(|_| [analyze(1), analyze(cores())]).collect();
    let one_core = |[(_, processor), _]: &[(f64, f64); 2]| number / processor;
    let all_cores = |[_, (clock, _)]: &[(f64, f64); 2]| number / clock;
    println!("| files, {number:.0} articles | articles/s |");
    println!("| --- | ---: |");
    println!("| one thread | {:.0} |", median(runs.iter().map(|[(clock, _), _]| number / clock)));
    println!("| one core: one thread, by processor time | {:.0} |", median(runs.iter().map(one_core)));
    println!("| {} threads | {:.0} |", cores(), median(runs.iter().map(all_cores)));
    let share = |run: &[(f64, f64); 2]| 100.0 * all_cores(run) / (one_core(run) * cores() as f64);
    let best = runs.iter().map(share).fold(0.0, f64::max);
    println!("| share of cores x one core | {:.1} % (best round {best:.1} %) |", median(runs.iter().map(share)));
}
