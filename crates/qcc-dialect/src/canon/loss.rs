//! What a translation could not carry, as data: for the `x-qcc-loss` header, the log and `qcc explain`.

use std::borrow::Cow;
use std::fmt;

/// One thing that was not carried, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// Where it was: a path of the asker's dialect without indices, such as `messages.content.cache_control`.
    pub what: Cow<'static, str>,
    /// What became of it, in a few words: `dropped`, `clamped to 8192`, `sent as text`.
    pub how: Cow<'static, str>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.how)
    }
}

/// Most losses that are named: nobody reads more, and names of members are the client's.
const MAX_LOSSES: usize = 200;

/// The losses of one translation, each named once however often it occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Nothing is lost.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a loss.
    pub fn add(&mut self, what: impl Into<Cow<'static, str>>, how: impl Into<Cow<'static, str>>) {
        let loss = Loss { what: what.into(), how: how.into() };
        if self.0.len() < MAX_LOSSES && !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }

    /// Notes that something was left out.
    pub fn dropped(&mut self, what: impl Into<Cow<'static, str>>) {
        self.add(what, "dropped");
    }

    /// Notes all of these.
    pub fn extend(&mut self, others: Self) {
        for loss in others.0 {
            self.add(loss.what, loss.how);
        }
    }

    /// In the order in which they were noted.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// Whether nothing is lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a request cannot be put to a provider without changing what it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Unfit {
    /// Where: as [`Loss::what`].
    pub what: Cow<'static, str>,
    /// Why it cannot be sent there.
    pub why: Cow<'static, str>,
}

/// How it is told that a prompt does not fit, by which clients know that they have to shorten it.
const TOO_LONG: &str = "prompt is too long";

impl Unfit {
    /// A prompt of at least so many tokens, for a model that takes `most`.
    #[must_use]
    pub fn too_long(least: u64, most: u64) -> Self {
        Self { what: "messages".into(), why: format!("{TOO_LONG}: {least} tokens > {most} maximum").into() }
    }

    /// Whether it is that.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.why.starts_with(TOO_LONG)
    }
}
