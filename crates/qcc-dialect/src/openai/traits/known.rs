//! What is known of one model over what holds for its vendor.

use super::{Formats, History, Images, Reasoning, Traits};
use crate::capabilities::{Capabilities, Efforts, Member, Thinks};

/// Stop texts that are taken where only that they are is known: the common number.
const STOPS: usize = 4;

impl Traits {
    /// The same, but for what is known better.
    #[must_use]
    pub fn with(mut self, known: &Capabilities) -> Self {
        set(&mut self.max_completion_tokens, known.max_completion_tokens);
        set(&mut self.developer, known.developer_role);
        set(&mut self.mid_system, known.mid_system);
        set(&mut self.forced, known.forced_tools);
        set(&mut self.parallel, known.parallel_tools);
        set(&mut self.strict, known.strict_tools);
        set(&mut self.prefill, known.prefill);
        set(&mut self.sampling, known.sampling);
        set(&mut self.files, known.documents);
        set(&mut self.drop_server_tools, known.drop_server_tools);
        self.max_output = known.max_output.or(self.max_output);
        match known.images {
            Some(false) => self.images = Images::None,
            Some(true) if self.images == Images::None => self.images = Images::Inline,
            Some(true) | None => {}
        }
        match known.stop {
            Some(false) => self.stops = 0,
            Some(true) if self.stops == 0 => self.stops = STOPS,
            Some(true) | None => {}
        }
        match known.schemas {
            Some(false) if self.formats == Formats::Schema => self.formats = Formats::Object,
            Some(true) => self.formats = Formats::Schema,
            Some(false) | None => {}
        }
        match known.needs_thinking {
            Some(true) => self.history = History::Required,
            Some(false) if self.history == History::Required => self.history = History::ToolLoop,
            Some(false) | None => {}
        }
        self.with_thinking(known);
        self.without(known);
        self
    }

    /// In which words a model is told to think is its vendor's to say, here only whether it can be told.
    fn with_thinking(&mut self, known: &Capabilities) {
        match known.thinking {
            Some(Thinks::Never) => (self.reasoning, self.thinks_unasked) = (Reasoning::None, false),
            Some(Thinks::Always | Thinks::BetweenTools) => (self.thinks_unasked, self.thinks_always) = (true, true),
            Some(Thinks::Adaptive) => self.thinks_when_told = true,
            Some(Thinks::Budget | Thinks::Either) | None => {}
        }
        self.efforts = match known.effort {
            Some(false) => Some(Efforts::these([])),
            Some(true) | None => known.efforts.or(self.efforts),
        };
    }

    fn without(&mut self, known: &Capabilities) {
        self.refused = self.refused.and(known.refused);
        let has = |member| known.refused.has(member);
        self.top_k &= !has(Member::TopK);
        self.tool_choice &= !has(Member::ToolChoice);
        self.tool_choice_none &= !has(Member::NoTool);
        self.cache_control &= !has(Member::CacheControl);
        self.stream_options &= !has(Member::StreamOptions);
        if has(Member::ResponseFormat) {
            self.formats = Formats::None;
        }
        if has(Member::User) {
            self.user = None;
        }
        if has(Member::Reasoning) {
            self.history = History::Never;
        }
    }
}

fn set<T: Copy>(own: &mut T, known: Option<T>) {
    *own = known.unwrap_or(*own);
}
