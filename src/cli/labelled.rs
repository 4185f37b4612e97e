//! Labelled articles from the files that `--data` names.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{CliError, output};
use crate::records::{Inputs, Labelled, LabelledArticles, RecordError};

/// The labelled articles of all files, in order. A file that cannot be used is one error.
pub(super) struct Data {
    inputs: Inputs,
    current: Option<LabelledArticles>,
}

impl Data {
    /// Checks the files' names; `output` must not be one of them.
    pub(super) fn new(paths: Vec<PathBuf>, output: Option<&Path>) -> Result<Self, CliError> {
        let output = output.and_then(output::identity);
        if let Some(path) = paths.iter().find(|path| output.is_some() && output::identity(path) == output) {
            return Err(CliError::Usage(format!("--output: the file is also --data {}", path.display())));
        }
        let inputs = Inputs::new(paths, None).map_err(|error| CliError::Usage(format!("--data: {error}")))?;
        Ok(Self { inputs, current: None })
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

/// Threads to learn and evaluate on; without a number, one for each core.
pub(super) fn pool(threads: Option<u16>) -> Result<rayon::ThreadPool, CliError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from)).build();
    pool.map_err(|error| CliError::Failed(anyhow::Error::from(error).context("--threads")))
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
