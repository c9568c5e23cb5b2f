//! What differs between Gemini's models and is told by the name alone: the generation decides how a model is told to think,
//! whether its thoughts are signed, and what results of calls may hold.
//!
//! Sources: Google's pages on thinking, thought signatures, function calling and ways to give files, as of November 2026.

/// A model, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model<'n> {
    name: &'n str,
    /// Such as 2.5. `None`: the name is none of Gemini's.
    generation: Option<(u32, u32)>,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// It is not, or nobody knows.
    None,
    /// `thinkingBudget`, in tokens.
    Budget {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
        /// Whether it can be told not to think.
        off: bool,
    },
    /// `thinkingLevel`, `LOW` and `HIGH` at least.
    Level {
        /// Whether it has `MINIMAL`.
        minimal: bool,
        /// Whether it has `MEDIUM`.
        medium: bool,
    },
}

impl<'n> Model<'n> {
    pub(super) fn of(name: &'n str) -> Self {
        let name = name.strip_prefix("models/").unwrap_or(name);
        // Relays put a vendor before it.
        let own = name.rsplit_once('/').map_or(name, |(_, own)| own);
        Self { name: own, generation: own.strip_prefix("gemini-").map(generation) }
    }

    /// The name without `models/` and the like.
    pub(super) fn name(&self) -> &'n str {
        self.name
    }

    pub(super) fn control(&self) -> Control {
        let is = |word: &str| self.name.contains(word);
        match self.generation {
            Some(version @ (3.., _)) => {
                Control::Level { minimal: is("flash") && version < (3, 7), medium: !(version == (3, 0) && is("pro")) }
            }
            Some((2, 5)) if is("flash-lite") => Control::Budget { least: 512, most: 24_576, off: true },
            Some((2, 5)) if is("flash") => Control::Budget { least: 1, most: 24_576, off: true },
            Some((2, 5)) => Control::Budget { least: 128, most: 32_768, off: false },
            _ => Control::None,
        }
    }

    /// Whether a call of the current turn has to come back with its signature. A name that tells nothing may be a relay's
    /// for any of them; the mark that skips the check does no harm where there is none.
    pub(super) fn is_signed(&self) -> bool {
        self.generation.is_none_or(|(major, _)| major >= 3)
    }

    /// Whether results of calls may hold images and documents. Before, they stand beside them.
    pub(super) fn takes_media_in_results(&self) -> bool {
        self.generation.is_some_and(|(major, _)| major >= 3)
    }

    /// Whether the form of the answer can be bound to JSON while there are tools.
    pub(super) fn takes_format_beside_tools(&self) -> bool {
        self.generation.is_some_and(|(major, _)| major >= 3)
    }

    /// Whether files are fetched from addresses on the web.
    pub(super) fn fetches(&self) -> bool {
        self.generation.is_some_and(|version| version >= (2, 5))
    }
}

/// The number in a name. Names without one, such as `gemini-flash-latest`, are those of the newest.
fn generation(rest: &str) -> (u32, u32) {
    let version = rest.split('-').next().unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    major.parse().ok().zip(minor.parse().ok()).unwrap_or((u32::MAX, 0))
}
