//! An image, and how closely a model looks at it.

use super::{Cache, Source};

/// An image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Where it is.
    pub source: Source,
    /// How closely the model looks at it. `None`: as it sees fit.
    pub detail: Option<Detail>,
    /// As [`Text::cache`].
    pub cache: Option<Cache>,
}

/// How closely a model looks at an image, in the words of OpenAI's two dialects, which alone have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// `low`
    Low,
    /// `high`
    High,
    /// `original`
    Original,
}

impl Detail {
    /// By its word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Low, Self::High, Self::Original].into_iter().find(|detail| detail.word() == word)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Original => "original",
        }
    }
}
