//! Which version is active.

use super::{
    Activation, ActivationKind, By, CURRENT, Store, StoreError, Version,
    files::{self, Lock, Temporary},
    log::{self, Log},
};

/// What activating came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// What was active before.
    pub from: Option<Version>,
    /// What is active now.
    pub to: Version,
}

impl Activated {
    /// Whether anything changed: nothing does, and no line is written, if the version was active already.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.from.as_ref() != Some(&self.to)
    }
}

/// What a caller expects to be active. If it is not, nothing is changed: of several callers who looked at the same state,
/// one gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Whatever there is.
    Any,
    /// No version yet.
    Nothing,
    /// This version.
    Version(&'a Version),
}

impl Expected<'_> {
    fn check(self, actual: Option<&Version>) -> Result<(), StoreError> {
        let expected = match self {
            Expected::Any => return Ok(()),
            Expected::Nothing => None,
            Expected::Version(version) => Some(version),
        };
        if expected == actual {
            return Ok(());
        }
        Err(StoreError::NotExpected { expected: expected.cloned(), actual: actual.cloned() })
    }
}

impl Store {
    /// The active version by the log; `None` before the first activation. Its file may be gone or damaged all the same.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn current(&self) -> Result<Option<Version>, StoreError> {
        Ok(self.log()?.current().cloned())
    }

    /// At most so many activations with their numbers, newest first, that come before number `before`. The first ever
    /// has number 1.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn activations(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Activation)>, StoreError> {
        let numbered = (1_u64..).zip(self.log()?.activations);
        let mut older: Vec<_> =
            numbered.take_while(|(number, _)| before.is_none_or(|before| *number < before)).collect();
        let kept = older.split_off(older.len().saturating_sub(limit));
        Ok(kept.into_iter().rev().collect())
    }

    fn log(&self) -> Result<Log, StoreError> {
        let _lock = files::lock_shared(&self.directory)?;
        Log::read(&self.directory)
    }

    /// Makes a version the active one, once it has been loaded. Lasting when it returns.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotExpected`]; as [`Store::load`]; a text is too long; the log is damaged; the file system refuses.
    pub fn activate(&self, version: &Version, expected: Expected<'_>, by: By) -> Result<Activated, StoreError> {
        by.check()?;
        let lock = files::lock(&self.directory)?;
        let log = Log::read(&self.directory)?;
        expected.check(log.current())?;
        self.switch(log, version.clone(), ActivationKind::Activate, by, &lock)
    }

    /// Makes the version active that was so before the present one, as described for [the store](super).
    ///
    /// # Errors
    ///
    /// [`StoreError::NothingActive`], [`StoreError::NothingBefore`]; as [`Store::activate`].
    pub fn rollback(&self, expected: Expected<'_>, by: By) -> Result<Activated, StoreError> {
        by.check()?;
        let lock = files::lock(&self.directory)?;
        let log = Log::read(&self.directory)?;
        expected.check(log.current())?;
        let Some(current) = log.current() else {
            return Err(StoreError::NothingActive { directory: self.directory.clone() });
        };
        let Some(target) = log.before().find(|version| self.path(version).exists()).cloned() else {
            return Err(StoreError::NothingBefore { directory: self.directory.clone(), current: current.clone() });
        };
        self.switch(log, target, ActivationKind::Rollback, by, &lock)
    }

    fn switch(
        &self,
        mut log: Log,
        to: Version,
        kind: ActivationKind,
        by: By,
        lock: &Lock,
    ) -> Result<Activated, StoreError> {
        self.load(&to)?;
        let from = log.current().cloned();
        let activated = Activated { from: from.clone(), to: to.clone() };
        if !activated.is_change() {
            log::sync(&self.directory)?;
            return Ok(activated);
        }
        let By { at, actor, why } = by;
        let activation = Activation { at, actor, actor_verified: false, kind, from, to, why };
        log.append(&self.directory, activation)?;
        // The log has it. Whatever keeps this file from being written, the next opening tries again.
        let _ = self.write_current(&activated.to, lock);
        Ok(activated)
    }

    pub(super) fn write_current(&self, version: &Version, lock: &Lock) -> Result<(), StoreError> {
        let mut file = Temporary::new(&self.directory, lock)?;
        file.write(format!("{version}\n").as_bytes())?;
        file.put(&self.directory.join(CURRENT))
    }
}
