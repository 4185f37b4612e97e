//! Stopping work that nobody waits for any more.

/// Asked again and again, on any thread, whether to go on. Once it says no the work is given up, and nothing of it is used.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// The work was given up because [`GoOn`] said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// An error if there is no going on.
pub(super) fn check(go_on: GoOn<'_>) -> Result<(), Stopped> {
    if go_on() { Ok(()) } else { Err(Stopped) }
}
