//! Training on a running server: the files are read here, and everything else is done there.

mod summary;

use std::{cell::RefCell, fs, path::Path, pin::pin, sync::Arc, thread};

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::{CliError, Exit, labelled::Data, report, told::Told};
use crate::{
    learn::{LabelledArticle, Part},
    proto::v1::{self, TrainingPhase, train_model_request, train_model_settings::Labels, update_model_request},
    records::Labelled,
    service::{RemoteError, RemoteModels, RemoteTraining, TrainingAnswer},
};

/// Articles that were read and wait, and requests that wait to be sent: few, since each may be as long as a record.
const WAITING: usize = 4;

/// The server that does the work, and what it does with the new version.
#[derive(Debug, clap::Args)]
pub(super) struct Remote {
    /// Do it on a running server, which publishes the version in its directory of models, such as http://127.0.0.1:50051
    #[arg(long, value_name = "URL", conflicts_with_all = ["output", "models", "threads"])]
    pub(super) server: Option<String>,
    /// Let the server activate the new version if it is better in this than the active one, compared on the articles that
    /// are sent, by more than --margin, beyond doubt
    #[arg(long, value_name = "METRIC", requires = "server")]
    activate_if: Option<Metric>,
    /// What the advantage in --activate-if has to be above; below 0: not worse by as much
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, requires = "activate_if", allow_negative_numbers = true)]
    margin: f64,
    /// If another training is under way on the server: wait, or refuse
    #[arg(long, value_name = "WHAT", default_value = "wait", requires = "server")]
    if_busy: IfBusy,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Metric {
    Accuracy,
    LogLoss,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum IfBusy {
    Wait,
    Refuse,
}

impl Remote {
    fn activate_if(&self) -> Option<v1::ActivateIf> {
        let metric = match self.activate_if? {
            Metric::Accuracy => v1::ComparisonMetric::Accuracy,
            Metric::LogLoss => v1::ComparisonMetric::LogLoss,
        };
        Some(v1::ActivateIf { axis: v1::Axis::Unspecified.into(), metric: metric.into(), margin: self.margin })
    }

    fn if_busy(&self) -> i32 {
        match self.if_busy {
            IfBusy::Wait => v1::BusyPolicy::Wait,
            IfBusy::Refuse => v1::BusyPolicy::Refuse,
        }
        .into()
    }

    /// `TrainModel`.
    pub(super) fn train(
        &self,
        url: &str,
        labels: Option<&Path>,
        allow_new_labels: bool,
        (actor, note): (String, String),
        data: Data,
        tell: Telling,
    ) -> Result<Exit, CliError> {
        use train_model_request::Message;
        let labels = match labels {
            None => None,
            Some(path) if path.as_os_str() == "none" => Some(Labels::LabelsFromData(true)),
            Some(path) => {
                let toml = fs::read_to_string(path);
                let usage = |error| CliError::Usage(format!("--labels {}: {error}", path.display()));
                Some(Labels::CatalogToml(toml.map_err(usage)?))
            }
        };
        let (activate_if, if_busy) = (self.activate_if(), self.if_busy());
        let settings = v1::TrainModelSettings { labels, allow_new_labels, note, actor, activate_if, if_busy };
        let request = |message| v1::TrainModelRequest { message: Some(message) };
        run(
            url,
            tell,
            vec![(Part::Add, data)],
            request(Message::Settings(settings)),
            move |_, article| request(Message::Article(article)),
            async |models, requests| models.train(requests).await,
        )
    }

    /// `UpdateModel`.
    pub(super) fn update(
        &self,
        url: &str,
        base: Option<String>,
        allow_new_labels: bool,
        (actor, note): (String, String),
        data: Vec<(Part, Data)>,
        tell: Telling,
    ) -> Result<Exit, CliError> {
        use update_model_request::Message;
        let settings = v1::UpdateModelSettings {
            base_version: base.unwrap_or_default(),
            allow_new_labels,
            note,
            actor,
            activate_if: self.activate_if(),
            if_busy: self.if_busy(),
        };
        let request = |message| v1::UpdateModelRequest { message: Some(message) };
        let article = move |part, article| {
            request(match part {
                Part::Add => Message::Add(article),
                Part::Remove => Message::Remove(article),
                Part::CalibrateOn => Message::CalibrateOn(article),
            })
        };
        run(url, tell, data, request(Message::Settings(settings)), article, async |models, requests| {
            models.update(requests).await
        })
    }
}

/// How it is told.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    pub(super) format: report::Format,
    /// Stop at the first article that cannot be used.
    pub(super) strict: bool,
}

/// What the thread that reads files has read: an article and its place, or why there is none.
type Read = Result<(Part, Arc<str>, u64, LabelledArticle), String>;

fn read(data: Vec<(Part, Data)>, reads: &mpsc::Sender<Read>) {
    for (part, data) in data {
        for record in data {
            let read = match record {
                Ok(Labelled { file, line, article }) => Ok((part, file, line, article)),
                Err(error) => Err(error.to_string()),
            };
            if reads.blocking_send(read).is_err() {
                return;
            }
        }
    }
}

fn run<R: Send + 'static>(
    url: &str,
    tell: Telling,
    data: Vec<(Part, Data)>,
    settings: R,
    request: impl Fn(Part, v1::LabelledArticle) -> R,
    begin: impl AsyncFnOnce(&mut RemoteModels, mpsc::Receiver<R>) -> Result<RemoteTraining, RemoteError>,
) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime")?;
    let (sender, reads) = mpsc::channel(WAITING);
    let (requests, received) = mpsc::channel(WAITING);
    let mut told = Told::new(true);
    let ended = runtime.block_on(async {
        requests.try_send(settings).map_err(|_| anyhow::Error::msg("the first request"))?;
        let mut models = RemoteModels::connect(url).await?;
        let training = begin(&mut models, received).await?;
        thread::spawn(move || read(data, &sender));
        let notes = RefCell::new(Notes { told: &mut told, places: Vec::new(), strict: tell.strict });
        follow(training, send(reads, requests, request, &notes), &notes).await
    });
    let exit = told.finish();
    summary::print(&ended?, tell.format)?;
    Ok(exit)
}

/// What sending and listening both write down.
struct Notes<'a> {
    told: &'a mut Told,
    /// By article that was sent.
    places: Vec<(Arc<str>, u64)>,
    strict: bool,
}

impl Notes<'_> {
    /// Tells of a record that cannot be used; `items` are those that nobody has counted yet.
    fn fail(&mut self, failure: String, items: u64) -> Result<(), CliError> {
        if self.strict {
            return Err(CliError::Failed(anyhow::Error::msg(failure)));
        }
        self.told.add(items, vec![failure]);
        Ok(())
    }

    /// Tells of an article that the server cannot use.
    fn reject(&mut self, rejected: v1::RejectedArticle) -> Result<(), CliError> {
        let v1::RejectedArticle { index, article_id: _, error } = rejected;
        let place = usize::try_from(index).ok().and_then(|index| self.places.get(index));
        let place = place.map_or_else(|| index.to_string(), |(file, line)| format!("{file}:{line}"));
        self.fail(format!("{place}: {}", error.unwrap_or_default().message), 0)
    }
}

/// Sends what is read.
async fn send<R>(
    mut reads: mpsc::Receiver<Read>,
    requests: mpsc::Sender<R>,
    request: impl Fn(Part, v1::LabelledArticle) -> R,
    notes: &RefCell<Notes<'_>>,
) -> Result<(), CliError> {
    while let Some(read) = reads.recv().await {
        match read {
            Err(failure) => notes.borrow_mut().fail(failure, 1)?,
            Ok((part, file, line, article)) => {
                let request = request(part, message(article));
                {
                    let mut notes = notes.borrow_mut();
                    notes.places.push((file, line));
                    notes.told.add(1, Vec::new());
                }
                if requests.send(request).await.is_err() {
                    // The server reads no more; its answers say why.
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Sends all, and tells what the server says meanwhile and after.
async fn follow(
    mut training: RemoteTraining,
    sending: impl Future<Output = Result<(), CliError>>,
    notes: &RefCell<Notes<'_>>,
) -> Result<v1::TrainingResult, CliError> {
    let mut sending = pin!(sending);
    let mut is_sent = false;
    loop {
        tokio::select! {
            sent = &mut sending, if !is_sent => {
                sent?;
                is_sent = true;
            }
            answer = training.answer() => match answer? {
                Some(TrainingAnswer::Progress(progress)) => notes.borrow().told.doing(describe(&progress)),
                Some(TrainingAnswer::Rejected(rejected)) => notes.borrow_mut().reject(rejected)?,
                Some(TrainingAnswer::Result(result)) => return Ok(*result),
                None => return Err(CliError::Unusable(anyhow::Error::msg("--server: the training has no result"))),
            },
        }
    }
}

fn message(article: LabelledArticle) -> v1::LabelledArticle {
    let LabelledArticle { id, title, text, labels: [meeting_type, relaying_department], group, source } = article;
    let [title, meeting_type, relaying_department, group, source] =
        [title, meeting_type, relaying_department, group, source].map(Option::unwrap_or_default);
    v1::LabelledArticle { id, title, text, meeting_type, relaying_department, group, source }
}

fn describe(progress: &v1::TrainingProgress) -> String {
    let counts = progress.counts.unwrap_or_default();
    let done = counts.added + counts.removed + counts.doubles + counts.calibrated_on + counts.rejected;
    match progress.phase() {
        TrainingPhase::Unspecified => String::new(),
        TrainingPhase::Waiting => "waiting for another training".to_owned(),
        TrainingPhase::Receiving => "sending".to_owned(),
        TrainingPhase::Counting => format!("counting, {done} of {}", counts.received),
        TrainingPhase::Learning => format!("learning, {} of {} steps", progress.steps_done, progress.steps),
        TrainingPhase::Comparing => "comparing with the active version".to_owned(),
        TrainingPhase::Publishing => "publishing".to_owned(),
    }
}
