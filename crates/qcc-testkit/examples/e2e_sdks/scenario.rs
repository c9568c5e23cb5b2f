//! What is played: a conversation with a call of a tool, in all its forms, and three faults of a provider. Who plays it is
//! decided elsewhere; here stands what the providers are asked to do and what the client must have seen in the end.

use std::sync::atomic::{AtomicBool, Ordering};

use qcc_testkit::provider::Provider;
use qcc_testkit::replies::{self, Call, Dialect, Turn};
use qcc_testkit::{Script, Upstream};

/// What a provider thinks where thinking is asked for.
pub(crate) const THOUGHT: &str = "The tool knows better than I do.";

/// A PNG of one red pixel, in base64.
pub(crate) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plot {
    /// A tool is called, and its result is talked about.
    Tool,
    /// Two calls in one turn.
    Parallel,
    /// The provider thinks before it calls.
    Reasoning,
    /// The conversation holds an image.
    Image,
    /// The first provider has too many requests; the second speaks another dialect.
    Failover,
    /// The first provider thinks and calls, and has too many requests when the result is there. The one that goes on
    /// speaks the dialect so many places further in [`RING`].
    Handover(usize),
    /// The stream ends in order before the answer does.
    Truncated,
    /// A web page under the status 200.
    Html,
}

/// One scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) plot: Plot,
    /// Whether an SDK asks for streams; agents always do.
    pub(crate) stream: bool,
}

/// Every scenario. Agents play those with streams.
pub(crate) const ALL: [Scenario; 16] = [
    Scenario { name: "tool", plot: Plot::Tool, stream: true },
    Scenario { name: "tool-whole", plot: Plot::Tool, stream: false },
    Scenario { name: "parallel", plot: Plot::Parallel, stream: true },
    Scenario { name: "parallel-whole", plot: Plot::Parallel, stream: false },
    Scenario { name: "reasoning", plot: Plot::Reasoning, stream: true },
    Scenario { name: "reasoning-whole", plot: Plot::Reasoning, stream: false },
    Scenario { name: "image", plot: Plot::Image, stream: true },
    Scenario { name: "failover", plot: Plot::Failover, stream: true },
    Scenario { name: "failover-whole", plot: Plot::Failover, stream: false },
    Scenario { name: "handover-1", plot: Plot::Handover(1), stream: true },
    Scenario { name: "handover-2", plot: Plot::Handover(2), stream: true },
    Scenario { name: "handover-3", plot: Plot::Handover(3), stream: true },
    Scenario { name: "handover-1-whole", plot: Plot::Handover(1), stream: false },
    Scenario { name: "truncated", plot: Plot::Truncated, stream: true },
    Scenario { name: "html", plot: Plot::Html, stream: true },
    Scenario { name: "html-whole", plot: Plot::Html, stream: false },
];

/// A scripted provider in a scenario.
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    pub(crate) upstream: Upstream,
}

/// The model that a provider of this dialect serves.
pub(crate) const fn model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "claude-opus-4-8",
        Dialect::Openai | Dialect::Responses => "gpt-5.1",
        Dialect::Gemini => "gemini-3-pro",
    }
}

/// Who comes after whom: a second provider speaks a dialect after that of the first.
const RING: [Dialect; 4] = [Dialect::Anthropic, Dialect::Openai, Dialect::Gemini, Dialect::Responses];

fn after(dialect: Dialect, places: usize) -> Dialect {
    let place = RING.iter().position(|each| *each == dialect).unwrap_or_default();
    RING[(place + places) % RING.len()]
}

/// Who plays, and what.
pub(crate) struct Casting<'c> {
    pub(crate) scenario: Scenario,
    /// The dialect of the first provider.
    pub(crate) dialect: Dialect,
    /// What the tools are called with.
    pub(crate) calls: &'c [Call],
    /// Words that must stand before the conversation.
    pub(crate) instruction: Option<&'c str>,
    /// Whether the client goes on by itself after a fault, so that somebody well has to be there.
    pub(crate) tenacious: bool,
}

impl Plot {
    /// Whether the client asks for thinking, and gets some.
    pub(crate) fn thinks(self) -> bool {
        matches!(self, Self::Reasoning | Self::Handover(_))
    }
}

impl Casting<'_> {
    /// Starts the providers, in the order in which they are to be asked.
    pub(crate) async fn start(&self) -> std::io::Result<Vec<Actor>> {
        let mut actors = vec![self.actor("first", self.dialect, self.first()).await?];
        let spare = match self.scenario.plot {
            Plot::Failover => Some(1),
            Plot::Html if self.tenacious => Some(1),
            Plot::Handover(places) => Some(places),
            _ => None,
        };
        if let Some(places) = spare {
            let dialect = after(self.dialect, places);
            let good = self.good(dialect);
            let good = if let Plot::Handover(_) = self.scenario.plot { good.taking_over() } else { good };
            actors.push(self.actor("second", dialect, good.script()).await?);
        }
        Ok(actors)
    }

    async fn actor(&self, name: &str, dialect: Dialect, script: Script) -> std::io::Result<Actor> {
        let name = format!("{}-{name}", self.scenario.name);
        Ok(Actor { name, dialect, upstream: Upstream::start(script).await? })
    }

    fn first(&self) -> Script {
        let dialect = self.dialect;
        match self.scenario.plot {
            Plot::Failover => Script::always(dialect.throttled()),
            Plot::Html => Script::always(replies::html(200)),
            Plot::Truncated => self.truncating(),
            Plot::Handover(_) => self.good(dialect).tiring().script(),
            _ => self.good(dialect).script(),
        }
    }

    fn good(&self, dialect: Dialect) -> Provider {
        let provider = Provider::new(dialect, model(dialect)).calling(self.calls);
        let provider = match self.instruction {
            Some(words) => provider.instructed(words),
            None => provider,
        };
        match self.scenario.plot {
            plot if plot.thinks() => provider.thinking(THOUGHT),
            Plot::Image => provider.looking_at(IMAGE),
            _ => provider,
        }
    }

    /// Breaks off its first answer, and every one for a client that does not ask again.
    fn truncating(&self) -> Script {
        let half = Turn::text(["never ", "to ", "be ", "taken ", "for ", "a ", "whole ", "answer"]).half(self.dialect);
        let good = self.good(self.dialect);
        let broken = AtomicBool::new(false);
        let tenacious = self.tenacious;
        Script::new(move |received, _| {
            let asks = received.method == "POST" && !received.path.contains("count_tokens");
            if asks && !(tenacious && broken.swap(true, Ordering::Relaxed)) {
                return half.clone();
            }
            good.answer(received)
        })
    }
}
