//! Who changes a store, and when.

use std::env;

use jiff::{Timestamp, Unit};

use crate::model::store::By;

/// Somebody, now, for a reason. Nobody who is named is whoever the program runs as, by the environment. Nothing of it is
/// verified.
#[must_use]
pub fn by(actor: Option<&str>, why: &str) -> By {
    let now = Timestamp::now();
    let user = || {
        let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(env::var_os);
        names.filter_map(|name| name.into_string().ok()).find(|name| !name.is_empty())
    };
    By {
        at: now.round(Unit::Millisecond).unwrap_or(now),
        actor: actor.map(str::to_owned).or_else(user).unwrap_or_else(|| "unknown".to_owned()),
        why: why.to_owned(),
    }
}
