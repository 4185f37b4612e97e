//! Following a store: what its log says is active becomes the engine's model.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use super::Engine;
use crate::model::store::{Store, StoreError, Version};

/// Keeps an engine at the active version of a store. A version that cannot be loaded is told once, and the model before
/// answers on; it is tried again at each look, since the file may be mended or another version activated.
#[derive(Debug)]
pub struct Follower {
    engine: Arc<Engine>,
    store: Store,
    /// What was wrong at the last look.
    trouble: Option<String>,
}

impl Follower {
    /// A follower that has not looked yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>, store: Store) -> Self {
        Self { engine, store, trouble: None }
    }

    /// Looks at the log once, and loads the active version if the engine answers with another. Reads files, so not for a
    /// thread that serves calls. Says what the engine answers with, if the store has it active, and what is wrong if not.
    ///
    /// # Errors
    ///
    /// The log cannot be read, or the version cannot be loaded; the engine keeps what it has.
    pub fn look(&mut self) -> Result<Option<Version>, StoreError> {
        let looked = self.switch();
        match &looked {
            Ok(_) => self.trouble = None,
            Err(error) => {
                let trouble = error.to_string();
                if self.trouble.as_ref() != Some(&trouble) {
                    let serving = self.engine.snapshot();
                    let serving = serving.as_ref().map_or("none", |model| model.version());
                    tracing::error!(%error, serving, "the active version cannot be loaded; the model before answers on");
                }
                self.trouble = Some(trouble);
            }
        }
        looked
    }

    fn switch(&self) -> Result<Option<Version>, StoreError> {
        let Some(active) = self.store.current()? else { return Ok(None) };
        let is_served = self.engine.snapshot().is_ok_and(|model| model.version() == active.as_str());
        if !is_served {
            let model = self.store.load(&active)?;
            self.engine.activate(model);
            tracing::info!(model = active.as_str(), "another version is active");
        }
        Ok(Some(active))
    }

    /// Looks again and again, for ever.
    pub async fn follow(mut self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let look = move || {
                // What went wrong is in the log.
                let _ = self.look();
                self
            };
            match tokio::task::spawn_blocking(look).await {
                Ok(follower) => self = follower,
                Err(error) => {
                    tracing::error!(%error, "the activation log is not followed any more");
                    return;
                }
            }
        }
    }
}
