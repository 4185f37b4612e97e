//! `chuanda update`: labelled articles into a model and out of it.

use std::{convert::Infallible, path::PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    args::Work,
    destination::Destination,
    labelled::{self, Data},
    remote::{Remote, Telling},
    report,
    source::Source,
    told::{self, Told},
};
use crate::{
    learn::{Calibration, Part, TrainError, Trainer},
    model::{
        ModelError, Report,
        store::{Origin, Version},
    },
};

/// What there is to know of a model whose articles changed after it was calibrated.
pub(super) const NOT_CALIBRATED: &str = "settings and fitted values of the model are older than its articles; `chuanda update --calibrate-on` learns them anew";

/// Add labelled articles to a model, and remove some
///
/// Reads what train reads. An article is known by title, text, labels and group: to correct a label, remove the article
/// as it was and add it as it should be, in one call; what is removed goes first.
///
/// The counts and likelihoods are those of training on the changed articles. Settings, weights and calibration stay those
/// of the model, and the new one says so, unless --calibrate-on names the whole changed corpus: then the new model is the
/// one that train makes of it, byte for byte. If it names only a part, they are learnt from that part, the articles that
/// it lacks are counted out, and the exit code is 1. An article that is to be removed and is not in the model, or is to be added
/// and is in it, is told on standard error, and the others are done.
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("change").required(true).multiple(true).args(["add", "remove", "calibrate_on"])),
    after_help = "\
Examples:
  chuanda update --model my.chuanda --add new.jsonl --output newer.chuanda
  chuanda update --model my.chuanda --remove wrong.jsonl --add right.jsonl --output my.chuanda
  chuanda update --server http://127.0.0.1:50051 --remove wrong.jsonl --add right.jsonl --activate-if accuracy
  chuanda update --models models/ --add new.jsonl --note 'corrections of June'
  chuanda update --model my.chuanda --add new.jsonl --calibrate-on corpus/ new.jsonl --output newer.chuanda

Exit codes: 0 done, 1 some articles could not be added, removed or calibrated on, or no model could be made, 2 wrong usage, \
3 model or server unusable"
)]
pub(super) struct Args {
    /// Change the model in this file, and not the active version of --models or the model that is built in [env, if there is
    /// no flag: CHUANDA_MODEL or CHUANDA_MODELS]
    #[arg(long, value_name = "MODEL", conflicts_with = "server")]
    model: Option<PathBuf>,
    /// Files and directories of labelled articles to add
    #[arg(long, value_name = "FILE", num_args = 1..)]
    add: Vec<PathBuf>,
    /// Files and directories of labelled articles to remove
    #[arg(long, value_name = "FILE", num_args = 1..)]
    remove: Vec<PathBuf>,
    /// Files and directories of all labelled articles of the changed model: learn settings, weights and calibration anew
    #[arg(long, value_name = "FILE", num_args = 1..)]
    calibrate_on: Vec<PathBuf>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    remote: Remote,
    /// Change this version of the server, and not the one that answers there
    #[arg(long, value_name = "VERSION", requires = "server")]
    base: Option<String>,
    /// Take labels that neither the model's catalog nor its articles have, which are records that cannot be used otherwise
    #[arg(long)]
    allow_new_labels: bool,
    #[command(flatten)]
    work: Work,
}

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Summary<'a> {
    version: &'a str,
    /// The model that was changed.
    base: &'a str,
    /// Distinct articles in the new model.
    articles: u64,
    added: u64,
    removed: u64,
    /// Articles of the new model that --calibrate-on holds; `null` without it: settings and fitted values are those of
    /// `base`.
    calibrated_on: Option<usize>,
    /// Articles of the new model that --calibrate-on lacks; 0 without it.
    not_calibrated_on: usize,
    /// Articles in the calibration sample: of more than that, settings and fitted values were not learnt.
    sample: usize,
    /// Whether settings and fitted values are those that learning from all articles of the new model gives.
    calibrated: bool,
    report: &'a Report,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let output = args.destination.output().map(|path| ("--output", path));
    let data = |flag, paths: &[PathBuf]| Data::new(flag, paths.to_vec(), output);
    let (mut remove, mut add) = (data("--remove", &args.remove)?, data("--add", &args.add)?);
    let calibrate_on = data("--calibrate-on", &args.calibrate_on)?;
    if let Some(url) = &args.remote.server {
        let all = [(Part::Remove, remove), (Part::Add, add), (Part::CalibrateOn, calibrate_on)];
        let tell = Telling { format: args.work.format, strict: false };
        return args.remote.update(
            url,
            args.base.clone(),
            args.allow_new_labels,
            args.destination.said(),
            all.into(),
            tell,
        );
    }
    let source = Source::of(args.model.as_deref(), args.destination.models())?;
    let model = source.open()?;
    let base = model.version().to_owned();
    let target = args.destination.begin()?;
    let mut told = Told::new(true);
    let anew = !args.calibrate_on.is_empty();
    let (added, removed, calibration, trained) = args.work.pool()?.install(|| {
        let (serving, counts) = model.into_parts();
        let trainer = Trainer::from_counts(counts, args.allow_new_labels, target.directory());
        let mut trainer = trainer.map_err(|reason| source.unusable(reason))?;
        let removed = change(Part::Remove, &mut remove, &mut trainer, &mut told);
        let added = change(Part::Add, &mut add, &mut trainer, &mut told);
        if trainer.articles() == 0 {
            return Err(
                remove.useless("these are all articles of the model: leave some in it, or add others with --add")
            );
        }
        if anew {
            calibrate(calibrate_on, &mut trainer, &mut told)?;
        }
        told.doing("fitting");
        let calibration = Calibration::of(&trainer, anew);
        // Articles that are added take nothing away that learning needs.
        let trained = if anew {
            trainer.finish().context("--calibrate-on")?
        } else {
            match trainer.finish_as(&|| true, || serving.load()) {
                // Only the model is read from a file.
                Err(TrainError::Model(reason @ (ModelError::Read(_) | ModelError::Damaged { .. }))) => {
                    return Err(source.unusable(reason));
                }
                trained => trained.context("--remove")?,
            }
        };
        Ok::<_, CliError>((added, removed, calibration, trained))
    })?;
    let places = target.publish(&trained.model, Origin::Update, Version::new(&base).ok())?;
    let mut exit = told.finish();
    if calibration.missing > 0 {
        told::note(&format!("--calibrate-on: {} articles of the model are missing", calibration.missing));
        exit = Exit::SomeFailed;
    } else if !calibration.is_exact {
        told::note(
            "the calibration sample lacks articles that would now find a place in it; `--calibrate-on` with all articles \
             fills it",
        );
    }
    report::not_learnt(&trained);
    if !trained.is_calibrated {
        told::note(NOT_CALIBRATED);
    }

    let (version, articles) = (trained.version.as_str(), trained.report.articles);
    labelled::print(&match args.work.format {
        report::Format::Text => format!(
            "{}model {version} from {articles} articles ({added} added to model {base}, {removed} removed), {places}\n\
             settings, weights and calibration {}\n",
            if anew { report::trained(&trained.report) } else { String::new() },
            describe(&calibration, &base)
        ),
        report::Format::Json => {
            let (base, report) = (base.as_str(), &trained.report);
            let summary = Summary {
                version,
                base,
                articles,
                added,
                removed,
                calibrated_on: calibration.named,
                not_calibrated_on: calibration.missing,
                sample: calibration.sample,
                calibrated: trained.is_calibrated && calibration.is_exact,
                report,
            };
            serde_json::to_string(&summary).context("the report")? + "\n"
        }
    })?;
    Ok(exit)
}

/// What settings and fitted values were learnt from, for people.
fn describe(calibration: &Calibration, base: &str) -> String {
    let Some(named) = calibration.named else { return format!("are those of model {base}") };
    let sampled =
        if calibration.sample < named { format!(", by a sample of {}", calibration.sample) } else { String::new() };
    format!("learnt from {named} of its {} articles{sampled}", calibration.articles)
}

/// Does one thing with all articles, and says with how many it was done.
fn change(part: Part, data: &mut Data, trainer: &mut Trainer, told: &mut Told) -> u64 {
    let mut done = 0;
    let Ok(()) = data.each_chunk(false, |mut chunk| {
        let items = chunk.items();
        let mut failures = std::mem::take(&mut chunk.failures);
        for (number, result) in trainer.change(part, &chunk.articles).into_iter().enumerate() {
            match result {
                Ok(()) => done += 1,
                Err(error) => failures.push(format!("{}: {error}", chunk.name(number))),
            }
        }
        told.add(items, failures);
        Ok::<_, Infallible>(())
    });
    done
}

/// Rebuilds the calibration sample. It is an error if no article of the model is among those that it is rebuilt from.
fn calibrate(mut data: Data, trainer: &mut Trainer, told: &mut Told) -> Result<(), CliError> {
    trainer.calibrate_on(&[]);
    change(Part::CalibrateOn, &mut data, trainer, told);
    if trainer.not_calibrated_on() < trainer.articles() {
        return Ok(());
    }
    Err(data.useless(
        "no article of the model: name files that hold all its articles, or leave the flag out and keep settings, weights \
         and calibration as they are",
    ))
}
