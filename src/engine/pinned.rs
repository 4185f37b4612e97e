//! Versions that requests pin though they are not the current one.

use std::sync::{Arc, Mutex, PoisonError};

use super::{AnalyzeError, Engine, FieldError, Problem};
use crate::model::{
    Model,
    store::{Store, StoreError, Version},
};

/// Longest model version that is looked up, in bytes; what is longer cannot be one.
const MAX_VERSION_BYTES: usize = 128;

/// Versions that are kept loaded: who compares versions asks for two or three in turns.
const MAX_PINNED: usize = 4;

/// The versions that were asked for last.
#[derive(Default)]
pub(super) struct Pinned {
    /// The one that was asked for last is the first.
    models: Mutex<Vec<Arc<Model>>>,
    /// Held while a version is loaded: many requests for one load it once, and requests for many do not fill the memory.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Pinned {
    /// A version that is loaded.
    fn get(&self, version: &Version) -> Option<Arc<Model>> {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let at = models.iter().position(|model| model.version() == version.as_str())?;
        models.get_mut(..=at)?.rotate_right(1);
        models.first().cloned()
    }

    fn put(&self, model: &Arc<Model>) {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.insert(0, Arc::clone(model));
        models.truncate(MAX_PINNED);
    }

    /// Forgets what is not in the store any more. Looks at files.
    pub(super) fn sweep(&self, store: &Store) {
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_gone = |model: &Model| Version::new(model.version()).is_ok_and(|version| !store.path(&version).exists());
        let gone: Vec<_> = models.into_iter().filter(|model| is_gone(model)).collect();
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.retain(|model| !gone.iter().any(|gone| Arc::ptr_eq(gone, model)));
    }
}

impl Engine {
    /// The model of a version; the current one if `version` is empty. Another one is loaded from the store, on a thread
    /// for that, and the last few are kept.
    ///
    /// # Errors
    ///
    /// No model is current; there is none of this version; its file is damaged or cannot be read.
    pub async fn model(&self, version: &str) -> Result<Arc<Model>, AnalyzeError> {
        let current = self.snapshot()?;
        if version.is_empty() || version == current.version() {
            return Ok(current);
        }
        if version.len() > MAX_VERSION_BYTES {
            let problem =
                Problem::OverLimit { limit: "max_version_bytes", maximum: MAX_VERSION_BYTES, actual: version.len() };
            return Err(FieldError { field: "model_version".to_owned(), problem }.into());
        }
        let (Some(store), Ok(version)) = (&self.store, Version::new(version)) else {
            return Err(AnalyzeError::ModelVersionNotFound(version.to_owned()));
        };
        if let Some(model) = self.pinned.get(&version) {
            return Ok(model);
        }
        let loading = Arc::clone(&self.pinned.loading).lock_owned().await;
        if let Some(model) = self.pinned.get(&version) {
            return Ok(model);
        }
        let (store, pinned) = (store.clone(), Arc::clone(&self.pinned));
        // Also when nobody waits for it any more, no second one is loaded before this one is.
        let load = move || {
            let _loading = loading;
            let model = Arc::new(store.load(&version)?);
            pinned.put(&model);
            Ok::<_, StoreError>(model)
        };
        let loaded = tokio::task::spawn_blocking(load).await.map_err(|_| AnalyzeError::Internal)?;
        loaded.map_err(AnalyzeError::from)
    }
}
