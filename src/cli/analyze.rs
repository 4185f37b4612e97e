//! `chuanda analyze`: articles in, summaries and labels out.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    thread,
};

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser as _};

use super::{
    CliError, Exit,
    answer::{Answerer, Answers, Format},
    args::{self, Ranking},
    output::{self, Output},
    pipeline, source,
    terminal::Screen,
    told::Told,
};
use crate::{
    engine::{OffsetEncoding, OptionsInput, SummaryLength},
    records::{self, Article, Articles, Inputs, Rejected},
    summarize::Order,
};

/// Articles handed to a worker at a time: enough that handing over costs nothing, few enough to keep all cores busy.
const CHUNK_ARTICLES: usize = 64;
/// A chunk is handed over once its articles and what is rejected take this many bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// Summarise articles and tell meeting type and department
///
/// Reads .txt files (one article each), .jsonl files (one JSON object per line with "text" and perhaps "id", "title",
/// "language_code") and .csv files (with a header that has a column "text"), each perhaps compressed (.gz, .zst). Of a
/// directory all such files are read, in the order of their names; names that begin with a dot are passed over.
///
/// With --format jsonl, every article becomes one line, in the order of the input; fields of the input that are not
/// used come back under "input", and an article that cannot be read becomes a line with "error". An article without an
/// id is called by its file, or by file and line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda analyze article.txt
  chuanda analyze --max-words 60 --output answers.jsonl articles.jsonl.gz more/
  chuanda analyze --format text --explain symposium article.txt
  curl -s https://example.org/news.txt | chuanda analyze --format jsonl | jq .meeting_type.label

Exit codes: 0 all analysed, 1 some failed (told on standard error with file and line),
2 wrong usage, 3 model unusable")]
pub(super) struct Args {
    /// Files and directories to read; without any, or for -, standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the answers are written [default: text on a terminal, else jsonl]
    #[arg(long)]
    format: Option<Format>,
    /// How standard input and the files named are written [default: by the name of the file; standard input: text]
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// Write the answers to a file, which appears when all of them are there
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    length: Length,
    /// How the sentences of the summary are ordered
    #[arg(long, default_value = "document")]
    order: SummaryOrder,
    #[command(flatten)]
    ranking: Ranking,
    /// A word or phrase that the summary should favour; may be given up to 20 times
    #[arg(long, value_name = "WORDS")]
    focus: Vec<String>,
    /// Begin the text of the summary with the headline, if there is one and the budget has room for it
    #[arg(long)]
    include_headline: bool,
    /// Reasons listed for each label, 0 to 100 [default: 10]
    #[arg(long, value_name = "N")]
    max_evidence: Option<u32>,
    /// Other labels listed, 0 to 100 [default: 4]
    #[arg(long, value_name = "N")]
    max_alternatives: Option<u32>,
    /// Explain the score of this label besides that of the chosen one, on each axis that has it
    #[arg(long, value_name = "LABEL", value_parser = NonEmptyStringValueParser::new())]
    explain: Option<String>,
    /// Accept labels from the probability on that gave this share of right answers on held-out articles, above 0 and at
    /// most 1 [default: 0.95]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    precision: Option<f64>,
    /// How often a label set is to hold the true label, above 0 and below 1 [default: 0.9]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    coverage: Option<f64>,
    /// The unit of the offsets in the answers: bytes (Rust, Go), UTF-16 code units (Java, JavaScript) or code points
    /// (Python)
    #[arg(long, value_name = "UNIT", default_value = OffsetEncoding::default().name(), value_parser = offset_encodings())]
    offset_encoding: OffsetEncoding,
    #[command(flatten)]
    model: source::Choice,
    /// Threads that analyse [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// The length of the summary: at most one of these. Default: three sentences.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(multiple = false)]
struct Length {
    /// Sentences of the summary at most, 1 to 1000 [default: 3]
    #[arg(long, value_name = "N")]
    max_sentences: Option<u32>,
    /// Words of the summary at most, 1 to 100000; a Chinese character is a word
    #[arg(long, value_name = "N")]
    max_words: Option<u32>,
    /// Characters of the summary at most, 10 to 1000000
    #[arg(long, value_name = "N")]
    max_chars: Option<u32>,
    /// Words of the summary at most, as a share of the article's, above 0 and at most 1
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    ratio: Option<f64>,
}

impl Length {
    fn choice(self) -> Option<SummaryLength> {
        let Length { max_sentences, max_words, max_chars, ratio } = self;
        max_sentences
            .map(SummaryLength::MaxSentences)
            .or(max_words.map(SummaryLength::MaxWords))
            .or(max_chars.map(SummaryLength::MaxChars))
            .or(ratio.map(SummaryLength::Ratio))
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum InputFormat {
    /// The whole input is one article
    Text,
    /// One JSON object per line
    Jsonl,
    /// A table with a header
    Csv,
}

impl From<InputFormat> for records::Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Text => records::Format::Text,
            InputFormat::Jsonl => records::Format::Jsonl,
            InputFormat::Csv => records::Format::Csv,
        }
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SummaryOrder {
    /// As they stand in the article
    Document,
    /// Most important first
    Rank,
}

fn offset_encodings() -> impl clap::builder::TypedValueParser<Value = OffsetEncoding> {
    let all = [OffsetEncoding::Utf8Bytes, OffsetEncoding::Utf16CodeUnits, OffsetEncoding::CodePoints];
    PossibleValuesParser::new(all.map(OffsetEncoding::name)).try_map(|name| name.parse::<OffsetEncoding>())
}

/// Runs the command.
pub(super) fn run(args: Args) -> Result<Exit, CliError> {
    let stdout_is_terminal = io::stdout().is_terminal();
    let to_screen = args.output.is_none() && stdout_is_terminal;
    let format = args.format.unwrap_or(if to_screen { Format::Text } else { Format::Jsonl });
    let options = OptionsInput {
        length: args.length.choice(),
        order: match args.order {
            SummaryOrder::Document => Order::Document,
            SummaryOrder::Rank => Order::Rank,
        },
        focus: args.focus,
        include_headline: args.include_headline,
        max_evidence: args.max_evidence,
        max_alternatives: args.max_alternatives,
        explain_label: args.explain.unwrap_or_default(),
        precision: args.precision,
        coverage: args.coverage,
        offset_encoding: match format {
            Format::Jsonl => args.offset_encoding,
            // The view finds its words by bytes and shows no offsets.
            Format::Text => OffsetEncoding::Utf8Bytes,
        },
        ..args.ranking.options()
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or_else(cores, usize::from);
    let chunks = Chunks::new(args.paths, args.input_format.map(Into::into), args.output.as_deref())?;
    let model = args.model.source()?.load()?;
    let options = options.check(&model).map_err(|error| args::refused(&error))?;
    let screen = if to_screen { Screen::stdout() } else { Screen::PLAIN };
    let answerer = Answerer { model, options, format, screen };
    let destination =
        args.output.as_deref().map_or("standard output".into(), |path| format!("--output {}", path.display()));
    let mut output =
        Output::open(args.output.as_deref()).map_err(|error| CliError::Usage(format!("{destination}: {error}")))?;

    // A bar and the answers would write over each other on one terminal.
    let mut told = Told::new(!to_screen);
    let work = move |chunk: Chunk| chunk.map(|articles| answerer.answer(articles));
    let mut refused = None;
    let written = pipeline::ordered(threads, chunks, work, |answers: Result<Answers, CliError>| match answers {
        Ok(answers) => {
            output.write(&answers.output)?;
            told.add(answers.articles, answers.failures);
            Ok(())
        }
        Err(error) => {
            refused = Some(error);
            Err(io::ErrorKind::Other.into())
        }
    });
    if let Some(error) = refused {
        return Err(error);
    }
    match written.and_then(|()| output.finish()) {
        Ok(()) => Ok(told.finish()),
        // Whoever reads the answers has enough of them: nothing went wrong.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(CliError::Failed(anyhow::Error::from(error).context(destination))),
    }
}

/// Articles for one worker, or why the run must stop.
type Chunk = Result<Vec<Result<Article, Rejected>>, CliError>;

/// All articles of all inputs, in chunks.
struct Chunks {
    inputs: Inputs,
    current: Option<Articles>,
    /// The file that is written, which must not be read.
    output: Option<PathBuf>,
}

impl Chunks {
    fn new(mut paths: Vec<PathBuf>, format: Option<records::Format>, output: Option<&Path>) -> Result<Self, CliError> {
        if paths.is_empty() {
            paths.push("-".into());
        }
        let stdin = paths.iter().filter(|path| path.as_os_str() == "-").count();
        if stdin > 1 {
            return Err(CliError::Usage("standard input (-) is named more than once".to_owned()));
        }
        if stdin == 1 && io::stdin().is_terminal() {
            super::told::note("reading from the terminal; end the input with Ctrl-D");
        }
        let inputs = Inputs::new(paths, format)
            .map_err(|error| CliError::Usage(format!("{error}; name the format with --input-format")))?;
        Ok(Self { inputs, current: None, output: output.and_then(output::identity) })
    }
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        while chunk.len() < CHUNK_ARTICLES && bytes < CHUNK_BYTES {
            let Some(articles) = &mut self.current else {
                match self.inputs.next() {
                    None => break,
                    Some(Err(error)) => chunk.push(Err(error.into())),
                    Some(Ok(input)) => {
                        let identity = self.output.is_some().then(|| input.path().and_then(output::identity)).flatten();
                        if identity.is_some() && identity == self.output {
                            let name = input.name();
                            return Some(Err(CliError::Usage(format!("--output {name}: the file is also an input"))));
                        }
                        match Articles::open(&input) {
                            Ok(articles) => self.current = Some(articles),
                            Err(error) => chunk.push(Err(error.into())),
                        }
                    }
                }
                continue;
            };
            // What is here already should not wait for what is still to be written into a pipe.
            if !chunk.is_empty() && articles.may_wait() {
                break;
            }
            match articles.next() {
                None => self.current = None,
                Some(item) => {
                    bytes += item.as_ref().map_or_else(Rejected::size, Article::size);
                    chunk.push(item);
                }
            }
        }
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Whatever field of an article, or of what is no article, is long.
    #[test]
    fn chunks_are_small_whatever_is_long() {
        let long = "x".repeat(CHUNK_BYTES / 2);
        for record in [
            format!(r#"{{"text":"{long}"}}"#),
            format!(r#"{{"text":"t","title":"{long}"}}"#),
            format!(r#"{{"text":"t","id":"{long}"}}"#),
            format!(r#"{{"text":"t","other":["{long}"]}}"#),
            format!(r#"{{"text":"t","{long}":1}}"#),
            format!(r#"{{"other":"{long}"}}"#),
        ] {
            let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
            (0..9).for_each(|_| writeln!(file, "{record}").unwrap());
            let chunks = Chunks::new(vec![file.path().to_owned()], None, None).unwrap();
            let lengths: Vec<usize> = chunks.map(|chunk| chunk.unwrap().len()).collect();
            assert!(lengths.iter().all(|&length| length <= 2), "{}...: {lengths:?}", &record[..20]);
            assert_eq!(lengths.iter().sum::<usize>(), 9);
        }
    }
}
