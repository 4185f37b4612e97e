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
    /// Checks the files' names; the file that is written, named by the flag before it, must not be one of them.
    pub(super) fn new(paths: Vec<PathBuf>, output: Option<(&str, &Path)>) -> Result<Self, CliError> {
        if let Some((flag, output)) = output {
            paths.iter().try_for_each(|path| output::differs(flag, output, "--data", path))?;
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
