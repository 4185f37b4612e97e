//! Following the store: what its log says is active becomes the engine's model.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::MissedTickBehavior;

use super::Engine;
use crate::model::store::{Store, StoreError, Version};

/// How long a look may take before it is told. Loading a model takes a part of that.
const LONG_LOOK: Duration = Duration::from_secs(10);

impl Engine {
    /// Looks at the log of the store once, and loads the active version if another one is current. Says what is current,
    /// if the store has it active; without a store, nothing is. Reads files, so not for a thread that serves calls. Of
    /// several looks at once, one waits for the other, so that none brings back what was active before.
    ///
    /// A version that cannot be loaded is logged once, and the model before answers on; it is tried again at each look,
    /// since the file may be mended or another version activated.
    ///
    /// # Errors
    ///
    /// The log cannot be read, or the version cannot be loaded; the engine keeps what it has.
    pub fn look(&self) -> Result<Option<Version>, StoreError> {
        let Some(store) = &self.store else { return Ok(None) };
        let mut told = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        self.pinned.sweep(store);
        let looked = self.switch(store);
        let trouble = looked.as_ref().err().map(ToString::to_string);
        if let Err(error) = &looked
            && *told != trouble
        {
            let serving = self.snapshot();
            let serving = serving.as_ref().map_or("none", |model| model.version());
            tracing::error!(%error, serving, "the active version cannot be loaded; the model before answers on");
        }
        *told = trouble;
        looked
    }

    fn switch(&self, store: &Store) -> Result<Option<Version>, StoreError> {
        let Some(active) = store.current()? else { return Ok(None) };
        let is_served = self.snapshot().is_ok_and(|model| model.version() == active.as_str());
        if !is_served {
            let model = store.load(&active)?;
            self.activate(model);
            tracing::info!(model = active.as_str(), "another version is active");
        }
        Ok(Some(active))
    }
}

/// Looks again and again, for ever.
pub async fn follow(engine: Arc<Engine>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let engine = Arc::clone(&engine);
        // What went wrong is in the log.
        let look = move || drop(engine.look());
        let mut looking = tokio::task::spawn_blocking(look);
        let looked = match tokio::time::timeout(LONG_LOOK, &mut looking).await {
            Ok(looked) => looked,
            Err(_) => {
                tracing::warn!("the directory of models keeps this server waiting: some process may hold its .lock");
                looking.await
            }
        };
        if let Err(error) = looked {
            tracing::error!(%error, "a look at the activation log failed");
        }
    }
}
