//! Model files to clients and from them, piece by piece.

use std::{
    fs::File,
    io::{Read as _, Seek as _, Write as _},
};

use tokio::sync::mpsc;
use tonic::Streaming;

use super::{Answers, Models, request};
use crate::{
    engine::{AnalyzeError, FieldError, Problem},
    model::{
        Model,
        store::{By, Store, StoreError, Version},
    },
    proto::v1::{self, export_model_response, import_model_request},
    service::status::Failure,
};

/// Longest piece of a file that is sent.
const CHUNK: usize = 256 << 10;

/// Room in a message besides the piece.
const CHUNK_HEAD: usize = 64;

/// Pieces that are read ahead of the client.
const AHEAD: usize = 2;

impl Models {
    pub(super) async fn export(
        &self,
        request: v1::ExportModelRequest,
    ) -> Result<Answers<v1::ExportModelResponse>, Failure> {
        let store = self.store()?;
        let asked = Some(request.version.as_str()).filter(|version| !version.is_empty());
        let asked = asked.map(|version| request::version("version", version)).transpose()?;
        let (version, file, size_bytes) = self
            .with_whole_file(move || {
                let version = asked.map_or_else(|| store.current()?.ok_or(Failure::NothingActive), Ok)?;
                let (file, size_bytes) = store.open_file(&version)?;
                Ok((version, file, size_bytes))
            })
            .await?;
        let (sender, end, answers) = Answers::new(AHEAD);
        let this = self.clone();
        // Ends when the client goes: nobody receives then.
        tokio::spawn(async move { end.send(this.send(file, version, size_bytes, &sender).await) });
        Ok(answers)
    }

    async fn send(
        &self,
        mut file: File,
        version: Version,
        size_bytes: u64,
        answers: &mpsc::Sender<v1::ExportModelResponse>,
    ) -> Result<(), Failure> {
        use export_model_response::Message;
        let response = |message| v1::ExportModelResponse { message: Some(message) };
        let head = v1::ModelFileHead { version: version.to_string(), size_bytes };
        if self.unless_silent(answers.send(response(Message::Head(head)))).await?.is_err() {
            return Ok(());
        }
        let length = CHUNK.min(self.max_response_bytes.saturating_sub(CHUNK_HEAD)).max(1);
        loop {
            let read = move || {
                let mut chunk = Vec::with_capacity(length);
                let read = (&file).take(length as u64).read_to_end(&mut chunk);
                read.map(|_| (file, chunk)).map_err(|error| unreadable(&error))
            };
            let chunk: Vec<u8>;
            (file, chunk) = self.at_work(read).await?;
            if chunk.is_empty() {
                return Ok(());
            }
            if self.unless_silent(answers.send(response(Message::Chunk(chunk)))).await?.is_err() {
                return Ok(());
            }
        }
    }

    pub(super) async fn import(
        &self,
        mut requests: Streaming<v1::ImportModelRequest>,
    ) -> Result<v1::ImportModelResponse, Failure> {
        use import_model_request::Message;
        let store = self.store_to_change()?;
        let Some(Message::Settings(settings)) = self.piece(&mut requests).await? else {
            return Err(request::required("settings", "the first message has to be the settings").into());
        };
        let import = Import::of(settings)?;
        let _place = tokio::select! {
            biased;
            place = self.imports.acquire() => place.map_err(|_| Failure::Internal)?,
            () = self.draining.cancelled() => return Err(Failure::ShuttingDown),
        };
        // In the directory, so that there is room for the whole of it; without a name, so that nothing is left of it
        // whatever happens.
        let directory = store.directory().to_owned();
        let create = move || {
            tempfile::tempfile_in(&directory).map_err(|source| StoreError::Io { path: directory, source }.into())
        };
        let mut file = self.at_work(create).await?;
        let mut length = 0_usize;
        while let Some(message) = self.piece(&mut requests).await? {
            let Message::Chunk(chunk) = message else {
                return Err(request::invalid("settings", "they come once, in the first message").into());
            };
            if chunk.is_empty() {
                return Err(request::required("chunk", "an empty piece is no piece of a file").into());
            }
            length = length.saturating_add(chunk.len());
            self.check_length(length)?;
            let directory = store.directory().to_owned();
            let write = move || match file.write_all(&chunk) {
                Ok(()) => Ok(file),
                Err(source) => Err(StoreError::Io { path: directory, source }.into()),
            };
            file = self.at_work(write).await?;
        }
        // hyper ends the messages of a client that goes away like those of one that has said all, and lets go of its call
        // the next time that this waits.
        tokio::task::yield_now().await;
        self.with_whole_file(move || import.publish(&store, file)).await
    }

    /// What the client sends next; `None` when it has said all.
    async fn piece(
        &self,
        requests: &mut Streaming<v1::ImportModelRequest>,
    ) -> Result<Option<import_model_request::Message>, Failure> {
        let missing = || request::required("message", "settings or a piece of the file").into();
        self.next(requests).await?.map(|request| request.message.ok_or_else(missing)).transpose()
    }

    fn check_length(&self, actual: usize) -> Result<(), FieldError> {
        let maximum = self.max_model_bytes;
        if actual <= maximum {
            return Ok(());
        }
        let problem = Problem::OverLimit { limit: "max_model_bytes", maximum, actual };
        Err(FieldError { field: "chunk".to_owned(), problem })
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    tracing::error!(%error, "a model file cannot be read");
    AnalyzeError::StoreUnavailable.into()
}

/// How to import.
struct Import {
    /// What the file is thought to hold.
    version: Option<Version>,
    by: By,
}

impl Import {
    fn of(settings: v1::ImportModelSettings) -> Result<Self, FieldError> {
        let v1::ImportModelSettings { version, actor, note } = settings;
        let version = Some(version).filter(|version| !version.is_empty()).map(|version| Version::new(&version));
        let version = version.transpose().map_err(|error| request::invalid("settings.version", &error.to_string()))?;
        Ok(Self { version, by: request::by("settings.", &actor, ("note", &note))? })
    }

    fn publish(self, store: &Store, mut file: File) -> Result<v1::ImportModelResponse, Failure> {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(|error| unreadable(&error))?;
        drop(file);
        if let Some(version) = self.version {
            let model = Model::from_bytes(&bytes).map_err(StoreError::Unsound)?;
            if model.version() != version.as_str() {
                return Err(Failure::ModelRefused(format!("it is version {}", model.version())));
            }
        }
        let published = store.import(&bytes, self.by)?;
        Ok(v1::ImportModelResponse { version: published.version.to_string(), is_new: published.is_new })
    }
}
