//! Small sets: members of a request that a target refuses, and efforts that it knows.

use crate::canon::Effort;

/// A member of a request that can be left out, by its most common name whatever the dialect calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Member {
    /// `top_p`
    TopP,
    /// `top_k`
    TopK,
    /// `seed`
    Seed,
    /// `presence_penalty`
    PresencePenalty,
    /// `frequency_penalty`
    FrequencyPenalty,
    /// `prompt_cache_key`
    PromptCacheKey,
    /// The name of the end user: `user`, `safety_identifier`, `metadata.user_id`.
    User,
    /// `tool_choice`, whatever it is.
    ToolChoice,
    /// `tool_choice` that is none.
    NoTool,
    /// `response_format`, whatever it is.
    ResponseFormat,
    /// `cache_control`
    CacheControl,
    /// `stream_options`
    StreamOptions,
    /// What the model thought, in the conversation: `reasoning_content`, `reasoning`.
    Reasoning,
    /// The wish to read what it thinks: `reasoning.summary`.
    ReasoningSummary,
    /// The line in which Claude Code names its version to Anthropic: it says nothing to others, differs from conversation to
    /// conversation, and so keeps their caches from all that conversations have in common.
    Attribution,
}

/// Every member with its name, as a configuration writes it.
const NAMES: &[(Member, &str)] = &[
    (Member::TopP, "top_p"),
    (Member::TopK, "top_k"),
    (Member::Seed, "seed"),
    (Member::PresencePenalty, "presence_penalty"),
    (Member::FrequencyPenalty, "frequency_penalty"),
    (Member::PromptCacheKey, "prompt_cache_key"),
    (Member::User, "user"),
    (Member::ToolChoice, "tool_choice"),
    (Member::NoTool, "tool_choice_none"),
    (Member::ResponseFormat, "response_format"),
    (Member::CacheControl, "cache_control"),
    (Member::StreamOptions, "stream_options"),
    (Member::Reasoning, "reasoning_content"),
    (Member::ReasoningSummary, "reasoning_summary"),
    (Member::Attribution, "attribution"),
];

impl Member {
    /// The member of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(member, _)| *member)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(member, _)| *member == self).map_or("", |(_, name)| name)
    }
}

/// Members that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused(u32);

impl Refused {
    /// None is.
    pub const NOTHING: Self = Self(0);

    /// These are.
    #[must_use]
    pub const fn these(members: &[Member]) -> Self {
        let (mut all, mut at) = (0, 0);
        while at < members.len() {
            all |= 1 << members[at] as u8;
            at += 1;
        }
        Self(all)
    }

    /// Whether this one is.
    #[must_use]
    pub fn has(self, member: Member) -> bool {
        self.0 & Self::these(&[member]).0 != 0
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A set of efforts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Efforts(u8);

impl Efforts {
    /// These, for tables.
    #[must_use]
    pub(crate) const fn listed(efforts: &[Effort]) -> Self {
        let (mut all, mut at) = (0, 0);
        while at < efforts.len() {
            all |= 1 << efforts[at] as u8;
            at += 1;
        }
        Self(all)
    }

    /// These.
    #[must_use]
    pub fn these(efforts: impl IntoIterator<Item = Effort>) -> Self {
        Self(efforts.into_iter().fold(0, |all, effort| all | 1 << effort as u8))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, effort: Effort) -> bool {
        self.0 & (1 << effort as u8) != 0
    }

    /// The least of them that is not below the one that is asked for, else the greatest; not to try at all is none.
    #[must_use]
    pub fn nearest(self, asked: Effort) -> Option<Effort> {
        let mut real = Effort::ALL.into_iter().filter(|effort| *effort != Effort::None && self.has(*effort));
        real.clone().find(|effort| *effort >= asked).or_else(|| real.next_back())
    }

    /// The least of them at which the model thinks at all.
    #[must_use]
    pub fn least(self) -> Option<Effort> {
        self.nearest(Effort::None)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
