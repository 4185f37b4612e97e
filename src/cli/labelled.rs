//! Labelled articles from the files that `--data` and its like name, and what is counted of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{CliError, output, told::Told};
use crate::{
    classify::Catalog,
    learn::{Added, CatalogChoice, LabelledArticle, Trainer},
    records::{Inputs, Labelled, LabelledArticles, RecordError},
};

/// Articles that are handed over at a time, at most, and bytes of theirs after which there are no more.
const CHUNK_ARTICLES: usize = 2048;
const CHUNK_BYTES: usize = 16 << 20;

/// The labelled articles of all files, in order. A file that cannot be used is one error.
pub(super) struct Data {
    inputs: Inputs,
    current: Option<LabelledArticles>,
    /// The flag and what it names, for messages.
    named: String,
}

/// Paths that a message names; more are only counted.
const MAX_NAMED: usize = 3;

impl Data {
    /// Checks the names of the files of a flag; the file that is written, named by the flag before it, must not be one
    /// of them.
    pub(super) fn new(flag: &str, paths: Vec<PathBuf>, output: Option<(&str, &Path)>) -> Result<Self, CliError> {
        if let Some((written, output)) = output {
            paths.iter().try_for_each(|path| output::differs(written, output, flag, path))?;
        }
        let names: Vec<String> = paths.iter().take(MAX_NAMED).map(|path| path.display().to_string()).collect();
        let more = match paths.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = format!("{flag} {}{more}", names.join(" "));
        let inputs = Inputs::new(paths, None).map_err(|error| CliError::Usage(format!("{flag}: {error}")))?;
        Ok(Self { inputs, current: None, named })
    }

    /// The error that nothing in the files is of use: `problem`, and what to do about it.
    pub(super) fn useless(&self, problem: &str) -> CliError {
        CliError::Failed(anyhow::Error::msg(format!("{}: {problem}", self.named)))
    }

    /// The error that the files hold no article that can be learnt from or evaluated on.
    pub(super) fn no_articles(&self) -> CliError {
        self.useless(
            "no labelled articles: name files whose records have \"text\", and \"meeting_type\" or \"relaying_department\"",
        )
    }
}

impl Iterator for Data {
    type Item = Result<Labelled, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.current.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            match self.inputs.next()?.and_then(|input| LabelledArticles::open(&input)) {
                Ok(articles) => self.current = Some(articles),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Labelled articles that were read together.
pub(super) struct Chunk {
    pub(super) articles: Vec<LabelledArticle>,
    /// By article: how messages begin that are about it.
    pub(super) places: Vec<String>,
    /// Records that cannot be used.
    pub(super) failures: Vec<String>,
}

impl Data {
    /// The next articles; `None` if there are no more. With `strict`, the first record that cannot be used ends them.
    pub(super) fn chunk(&mut self, strict: bool) -> Option<Chunk> {
        let mut chunk = Chunk { articles: Vec::new(), places: Vec::new(), failures: Vec::new() };
        let mut bytes = 0;
        for record in self.by_ref().take(CHUNK_ARTICLES) {
            match record {
                Ok(Labelled { file, line, article }) => {
                    bytes += article.size();
                    chunk.places.push(format!("{file}:{line}"));
                    chunk.articles.push(article);
                    if bytes >= CHUNK_BYTES {
                        break;
                    }
                }
                Err(error) => {
                    chunk.failures.push(error.to_string());
                    if strict {
                        break;
                    }
                }
            }
        }
        (!chunk.articles.is_empty() || !chunk.failures.is_empty()).then_some(chunk)
    }

    /// Calls `each` with one [`Data::chunk`] after the other on the current rayon pool, until there are no more or an error is
    /// given. The next is read meanwhile, if there is a thread for it and nothing that is read now may be an error.
    pub(super) fn each_chunk<E: Send>(
        &mut self,
        strict: bool,
        mut each: impl FnMut(Chunk) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let mut ready = self.chunk(strict);
        let reads_ahead = !strict && rayon::current_num_threads() > 1;
        while let Some(chunk) = ready.take() {
            if !reads_ahead {
                each(chunk)?;
                ready = self.chunk(strict);
                continue;
            }
            let mut done = Ok(());
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| done = each(chunk));
                ready = self.chunk(strict);
            });
            done?;
        }
        Ok(())
    }
}

impl Chunk {
    /// What was read, usable or not.
    pub(super) fn items(&self) -> u64 {
        self.articles.len().saturating_add(self.failures.len()) as u64
    }

    /// How messages begin that are about one of the articles: its place, and its id if it has one.
    pub(super) fn name(&self, number: usize) -> String {
        let place = self.places.get(number).map_or("", String::as_str);
        match self.articles.get(number).map(|article| article.id.as_str()) {
            Some(id) if id != place => format!("{place}: {id}"),
            Some(_) | None => place.to_owned(),
        }
    }
}

/// The labels that `--labels` and `--allow-new-labels` stand for.
pub(super) fn choose_catalog(labels: Option<&Path>, allow_new: bool) -> Result<CatalogChoice, CliError> {
    let catalog = match labels {
        Some(path) if path.as_os_str() == "none" => return Ok(CatalogChoice::FromData),
        Some(path) => {
            let usage =
                |error: &dyn std::fmt::Display| CliError::Usage(format!("--labels {}: {error}", path.display()));
            let toml = fs::read_to_string(path).map_err(|error| usage(&error))?;
            Catalog::from_toml(&toml).map_err(|error| usage(&error))?
        }
        None => Catalog::builtin().context("the catalog that is built in")?,
    };
    Ok(if allow_new { CatalogChoice::GivenOrNew(catalog) } else { CatalogChoice::Given(catalog) })
}

/// Counts all articles, and says how many were there twice. It is an error if there are none.
pub(super) fn count(mut data: Data, trainer: &mut Trainer, told: &mut Told, strict: bool) -> Result<u64, CliError> {
    let mut doubles = 0;
    data.each_chunk(strict, |chunk| {
        let mut failures = Vec::new();
        for (place, added) in chunk.places.iter().zip(trainer.add_all(&chunk.articles)) {
            match added {
                Ok(Added::New) => {}
                Ok(Added::Double) => doubles += 1,
                Err(error) => failures.push(format!("{place}: {error}")),
            }
        }
        let items = chunk.items();
        // With `strict`, what the trainer rejects stands before the record that ended the reading.
        failures.extend(chunk.failures);
        if strict && let Some(first) = failures.first() {
            return Err(CliError::Failed(anyhow::Error::msg(first.clone())));
        }
        told.add(items, failures);
        Ok(())
    })?;
    if trainer.articles() == 0 { Err(data.no_articles()) } else { Ok(doubles) }
}

/// Writes a report to standard output. Whoever closes it early has read enough.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut output = output::Output::Stdout(io::stdout());
    match output.write(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::Failed(anyhow::Error::from(error).context("standard output")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
