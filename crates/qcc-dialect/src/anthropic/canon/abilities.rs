//! What Claude models take, as far as a translated request depends on it.
//!
//! A client of this dialect knows its model; one of another dialect asks for what its own vendor has, and Anthropic answers
//! 400 to a temperature or a way to think that the model does not know. Sources: Anthropic's reference of models and its
//! pages on thinking and on messages of the operator, August 2026. A later version is taken to be like the one before it.

/// How a model may be asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinks {
    /// With a budget of tokens only.
    Budget,
    /// With a budget or as it sees fit.
    Either,
    /// As it sees fit, or not.
    Adaptive,
    /// As it sees fit; it cannot be told not to.
    Always,
    /// As it sees fit, or at least between calls.
    BetweenTools,
}

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    pub(super) thinks: Thinks,
    /// The operator in mid-conversation.
    pub(super) mid_system: bool,
    /// `temperature`, `top_p` and `top_k`.
    pub(super) sampling: bool,
    /// A conversation that ends with the model's own words, to go on with.
    pub(super) prefill: bool,
    /// A tool choice that forces a call.
    pub(super) forced: bool,
}

/// Models before 4.6, and other vendors' behind this dialect: they take what was there from the beginning.
const FIRST: Abilities =
    Abilities { thinks: Thinks::Budget, mid_system: false, sampling: true, prefill: true, forced: true };
const MIDDLE: Abilities = Abilities { thinks: Thinks::Either, prefill: false, ..FIRST };
const PLAIN: Abilities = Abilities { thinks: Thinks::Adaptive, sampling: false, ..MIDDLE };
const HEARS: Abilities = Abilities { mid_system: true, ..PLAIN };
const ALWAYS: Abilities = Abilities { thinks: Thinks::Always, ..HEARS };
const FREE: Abilities = Abilities { forced: false, ..ALWAYS };

/// From which version on a family is like what; the last row that fits counts.
const TABLE: &[(&str, (u32, u32), Abilities)] = &[
    ("fable", (5, 0), ALWAYS),
    ("fable", (5, 1), FREE),
    ("mythos", (5, 0), ALWAYS),
    ("mythos", (5, 1), FREE),
    ("opus", (4, 6), MIDDLE),
    ("opus", (4, 7), PLAIN),
    ("opus", (4, 8), HEARS),
    ("opus", (5, 5), FREE),
    ("sonnet", (4, 6), MIDDLE),
    ("sonnet", (5, 0), PLAIN),
    ("sonnet", (5, 5), Abilities { thinks: Thinks::BetweenTools, ..FREE }),
    ("haiku", (5, 5), HEARS),
];

impl Abilities {
    /// Of a model by its name, as any platform writes it: `claude-opus-4-8`, `anthropic/claude-opus-4.8`,
    /// `claude-opus-4-5@20251101`.
    pub(super) fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let Some((_, name)) = model.split_once("claude-") else { return FIRST };
        let fits = |(family, since, _): &&(&str, (u32, u32), Self)| {
            let version = name.strip_prefix(family).and_then(version);
            version.is_some_and(|version| version >= *since)
        };
        TABLE.iter().rev().find(fits).map_or(FIRST, |(_, _, abilities)| *abilities)
    }
}

/// `-4-8`, `-4.8` or `-5`, and whatever follows; a date is no version.
fn version(rest: &str) -> Option<(u32, u32)> {
    let mut numbers = rest.strip_prefix('-')?.split(['-', '.', '@', '[', ':']).map(|text| text.parse::<u32>().ok());
    let major = numbers.next()??;
    let minor = numbers.next().flatten().filter(|minor| *minor < 100);
    Some((major, minor.unwrap_or_default()))
}

#[test]
fn a_model_is_known_by_its_family_and_version() {
    let table = [
        ("claude-opus-4-5-20251101", FIRST),
        ("claude-opus-4-20250514", FIRST),
        ("claude-3-5-sonnet-20241022", FIRST),
        ("glm-5", FIRST),
        ("claude-sonnet-4-6", MIDDLE),
        ("Claude-Opus-4-7@20260401", PLAIN),
        ("anthropic/claude-opus-4.8", HEARS),
        ("claude-opus-5[1m]", HEARS),
        ("claude-opus-5-5", FREE),
        ("claude-opus-6", FREE),
        ("claude-fable-5", ALWAYS),
        ("claude-fable-5-2", FREE),
        ("claude-haiku-4-5", FIRST),
    ];
    for (model, expected) in table {
        assert_eq!(Abilities::of(model), expected, "{model}");
    }
    assert_eq!(Abilities::of("claude-sonnet-5-5").thinks, Thinks::BetweenTools);
}
