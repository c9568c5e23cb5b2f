//! The lessons: which refusal says what of a model.
//!
//! First the few texts that speak of two things at once or name no member, then the member that is named. A lesson is one
//! only for a request that has what was refused.

use std::borrow::Cow;

use super::said::Said;
use super::values;
use crate::anthropic::canon::DEFAULT_MAX_TOKENS;
use crate::canon::{Effort, Format, Part, Request, Role, Tool, ToolChoice};
use crate::capabilities::{Capabilities, Forced, Member, Refused, Thinks};

/// What a refusal teaches.
pub(super) struct Lesson {
    pub(super) learned: Capabilities,
    pub(super) what: &'static str,
    pub(super) how: Cow<'static, str>,
}

/// What becomes of what was refused.
const WITHOUT: &str = "changed or left out in a repeat, for the provider refused it";

fn lesson(what: &'static str, set: impl FnOnce(&mut Capabilities)) -> Option<Lesson> {
    let mut learned = Capabilities::UNKNOWN;
    set(&mut learned);
    Some(Lesson { learned, what, how: WITHOUT.into() })
}

fn refused(member: Member) -> Option<Lesson> {
    lesson(member.name(), |learned| learned.refused = Refused::these(&[member]))
}

/// The lesson of a refusal.
pub(super) fn learn(said: &Said, request: &Request, known: &Capabilities) -> Option<Lesson> {
    if let Some(told) = by_text(said, request, known) {
        return told;
    }
    if let Some(lesson) = limit(said, request) {
        return Some(lesson);
    }
    if !said.unsupported {
        return None;
    }
    said.members().find_map(|name| by_member(name, said, request, known))
}

/// What texts say that name no member, or several. `Some(None)`: it is understood, and there is no help.
fn by_text(said: &Said, request: &Request, known: &Capabilities) -> Option<Option<Lesson>> {
    const PREFILL: &[&str] = &[
        "assistant message prefill",
        "must end with a user message",
        "last message must be from the user",
        "when the last message is from the assistant",
        "expected last role user",
        "last message cannot be",
    ];
    const BACK: &[&str] = &["must be passed back", "reasoning_content is missing", "reasoning_content must be"];
    const SCHEMAS: &[&str] = &["invalid schema", "schema is invalid", "invalid json schema"];
    const THINKING: &[&str] = &["adaptive thinking", "extended thinking", "support thinking", "thinking is not"];
    let chooses = said.has_one(&["tool_choice", "tool choice", "forces tool use"]);
    // A translated request asks for no beta; one that the user's own headers name is the user's.
    if said.has("anthropic-beta") {
        return None;
    }
    // One schema is wrong, which says nothing of tools and forms of other requests.
    if said.has_one(SCHEMAS) {
        return Some(None);
    }
    if chooses && said.has("think") && said.unsupported && forces(request) {
        return Some(forced_while_thinking(known));
    }
    if said.has_one(THINKING) && said.unsupported {
        return Some(thinking(said, request));
    }
    if said.has_one(PREFILL) {
        return Some(
            ends_begun(request).then(|| lesson("messages", |learned| learned.prefill = Some(false))).flatten(),
        );
    }
    if said.has_one(BACK) {
        return Some(lesson("messages.content.thinking", |learned| learned.needs_thinking = Some(true)));
    }
    if said.has("temperature") && said.has("top_p") && said.has("both") {
        return Some(request.top_p.and_then(|_| refused(Member::TopP)));
    }
    by_content(said, request).or_else(|| by_role(said, request))
}

/// A kind of content, or tools at all.
fn by_content(said: &Said, request: &Request) -> Option<Option<Lesson>> {
    const IMAGES: &[&str] = &["image", "support vision", "vision input", "multimodal", "multi-modal"];
    const DOCUMENTS: &[&str] = &["pdf", "file input", "file content", "document input", "support documents"];
    const TOOLS: &[&str] = &[
        "support tool",
        "support function call",
        "tool use is not supported",
        "tools are not supported",
        "tool calling is not supported",
        "tool calls are not supported",
        "function calling is not",
        "`tools` is not supported",
        "requires --enable-auto-tool-choice",
    ];
    let has = |is: &dyn Fn(&Part) -> bool| has_part(request, is);
    // "Does not support", "is not a multimodal model", "unknown variant `image_url`": not what is wrong with one image.
    let unread = said.has_one(&["support", "not a multimodal", "unknown variant", "only text", "text only", "不支持"]);
    if unread && said.has_one(IMAGES) && has(&|part| matches!(part, Part::Image(_))) && !speaks_of_form(said) {
        return Some(lesson("messages.content.image", |learned| learned.images = Some(false)));
    }
    if unread && said.has_one(DOCUMENTS) && has(&|part| matches!(part, Part::Document(_))) && !speaks_of_form(said) {
        return Some(lesson("messages.content.document", |learned| learned.documents = Some(false)));
    }
    if said.has_one(TOOLS)
        && !said.has_one(&["tool_choice", "tool choice \"", "strict", "parallel", "reasoning_effort"])
        && !request.tools.is_empty()
    {
        return Some(lesson("tools", |learned| learned.tools = Some(false)));
    }
    None
}

/// Whether it is the kind of image or the way to it that is refused.
fn speaks_of_form(said: &Said) -> bool {
    said.has_one(&[
        "format",
        "media type",
        "media_type",
        "mime",
        "url source",
        "download",
        "size",
        "dimension",
        "resolution",
    ])
}

/// A role: of the operator in mid-conversation, or by the one name of two.
fn by_role(said: &Said, request: &Request) -> Option<Option<Lesson>> {
    const BEGINNING: &[&str] = &["system message must be", "system messages must be", "system message should be"];
    let roles = said.has("role") || said.members().any(|name| name == "role");
    let mid = request.turns.iter().any(|turn| turn.role == Role::System);
    if said.has_one(BEGINNING) {
        return Some(mid.then(|| lesson("messages.system", |learned| learned.mid_system = Some(false))).flatten());
    }
    if said.has("developer") && (roles || said.has("unknown variant")) {
        return Some(lesson("messages.system", |learned| learned.developer_role = Some(false)));
    }
    if !roles {
        return None;
    }
    if said.has("does not support 'system'") {
        return Some(lesson("system", |learned| learned.developer_role = Some(true)));
    }
    let system = said.has("system") || said.has("'user' or 'assistant'") || said.has("alternate");
    (mid && system).then(|| lesson("messages.system", |learned| learned.mid_system = Some(false)))
}

/// First it is taken to do so as long as it does not think; if that is known and refused too, not at all.
fn forced_while_thinking(known: &Capabilities) -> Option<Lesson> {
    let forced = match known.forced_tools {
        Some(Forced::WithoutThinking | Forced::No) => Forced::No,
        _ => Forced::WithoutThinking,
    };
    lesson("tool_choice", |learned| learned.forced_tools = Some(forced))
}

/// An answer of a length that the model does not give.
fn limit(said: &Said, request: &Request) -> Option<Lesson> {
    const NAMES: &[&str] = &["max_tokens", "max_completion_tokens", "max_output_tokens"];
    const BOUNDS: &[&str] = &["maximum", "at most", "less than", "too large", "range", " > ", "exceed", "<=", "up to"];
    let named = said.members().any(|name| NAMES.contains(&name));
    if !named || !said.has_one(BOUNDS) {
        return None;
    }
    let most = values::limit(said.text(), request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS))?;
    let mut lesson = lesson("max_tokens", |learned| learned.max_output = Some(most))?;
    lesson.how = format!("clamped to {most} in a repeat, for the provider gives no more").into();
    Some(lesson)
}

/// A member by its name, of which the refusal says that it is not taken.
fn by_member(name: &str, said: &Said, request: &Request, known: &Capabilities) -> Option<Lesson> {
    let when = |has: bool, lesson: Option<Lesson>| lesson.filter(|_| has);
    let other = |name: &str| request.others.iter().any(|(own, _)| own == name);
    match name {
        "max_tokens" => when(
            said.has("max_completion_tokens"),
            lesson("max_tokens", |learned| learned.max_completion_tokens = Some(true)),
        ),
        "max_completion_tokens" => lesson("max_tokens", |learned| learned.max_completion_tokens = Some(false)),
        "temperature" => {
            let sampled = request.temperature.is_some() || request.top_p.is_some() || request.top_k.is_some();
            when(sampled, lesson("temperature", |learned| learned.sampling = Some(false)))
        }
        "top_p" => when(request.top_p.is_some(), refused(Member::TopP)),
        "top_k" => when(request.top_k.is_some(), refused(Member::TopK)),
        "stop" | "stop_sequences" => {
            when(!request.stop.is_empty(), lesson("stop", |learned| learned.stop = Some(false)))
        }
        "tool_choice" | "tool_config" | "function_calling_config" => tool_choice(request, known),
        "parallel_tool_calls" | "disable_parallel_tool_use" => when(
            request.parallel_tools.is_some(),
            lesson("parallel_tool_calls", |learned| learned.parallel_tools = Some(false)),
        ),
        "strict" => strict(request),
        // What is within one of them is that tool's own, but for the member in which all of them have their schemas.
        "tools" | "functions" | "function_declarations" | "parameters_json_schema" => when(
            !request.tools.is_empty() && said.ends_at(name),
            lesson("tools", |learned| learned.tools = Some(false)),
        ),
        "thinking" | "enable_thinking" | "thinking_budget" | "thinking_config" | "include_thoughts" => {
            thinking(said, request)
        }
        "reasoning_effort" | "effort" | "thinking_level" => effort(said, request, known),
        "summary" | "generate_summary" => when(thinks(request), refused(Member::ReasoningSummary)),
        "reasoning" => when(thinks(request), lesson("thinking", |learned| learned.thinking = Some(Thinks::Never))),
        "reasoning_content" | "reasoning_details" | "thought_signature" => {
            when(has_part(request, &|part| matches!(part, Part::Thinking(_))), refused(Member::Reasoning))
        }
        "response_format"
        | "json_schema"
        | "response_json_schema"
        | "response_schema"
        | "response_mime_type"
        | "format" => format(request, known).filter(|_| said.ends_at(name)),
        "stream_options" | "include_usage" => when(request.stream, refused(Member::StreamOptions)),
        "cache_control" | "prompt_cache_breakpoint" => refused(Member::CacheControl),
        "user" | "safety_identifier" | "user_id" | "metadata" => when(request.user.is_some(), refused(Member::User)),
        "seed" | "presence_penalty" | "frequency_penalty" | "prompt_cache_key" => {
            when(other(name), Member::named(name).and_then(refused))
        }
        _ => None,
    }
}

/// A choice, by what it is: one that forces is sent as a free one, one of none without the tools, any other not at all.
fn tool_choice(request: &Request, known: &Capabilities) -> Option<Lesson> {
    if request.tools.is_empty() {
        return None;
    }
    if forces(request) && known.forced_tools != Some(Forced::No) {
        return lesson("tool_choice", |learned| learned.forced_tools = Some(Forced::No));
    }
    let none = request.tool_choice == Some(ToolChoice::None);
    if none && !known.refused.has(Member::NoTool) {
        return refused(Member::NoTool);
    }
    refused(Member::ToolChoice)
}

fn strict(request: &Request) -> Option<Lesson> {
    let strictly = |tool: &Tool| matches!(tool, Tool::Custom { strict: Some(_), .. });
    if request.tools.iter().any(strictly) {
        return lesson("tools.strict", |learned| learned.strict_tools = Some(false));
    }
    let schema = matches!(request.format, Some(Format::JsonSchema { .. }));
    schema.then(|| lesson("response_format", |learned| learned.schemas = Some(false))).flatten()
}

/// A form of thinking, by the one that the text offers instead.
fn thinking(said: &Said, request: &Request) -> Option<Lesson> {
    let both = said.has("enabled") && said.has("disabled") && !said.has("thinking.type.");
    let thinks = match () {
        () if both => Thinks::Budget,
        () if said.has("thinking.type.enabled") || (said.has("adaptive") && said.has("use ")) => Thinks::Adaptive,
        () if said.has("adaptive") => Thinks::Budget,
        () if said.has("between_tools") => Thinks::BetweenTools,
        () if said.has("disable") => Thinks::Always,
        () => Thinks::Never,
    };
    let asked = request.thinking.is_some() || request.effort.is_some();
    asked.then(|| lesson("thinking", |learned| learned.thinking = Some(thinks))).flatten()
}

/// Other efforts, if the text names those that there are; else none.
fn effort(said: &Said, request: &Request, known: &Capabilities) -> Option<Lesson> {
    if !thinks(request) && request.effort.is_none() && request.thinking.is_none() {
        return None;
    }
    match values::efforts(said.text()).filter(|efforts| known.efforts != Some(*efforts)) {
        Some(efforts) => lesson("effort", |learned| learned.efforts = Some(efforts)),
        None => lesson("effort", |learned| learned.effort = Some(false)),
    }
}

/// First a schema is sent as an object with the schema told; if that is known and refused too, it is only told.
fn format(request: &Request, known: &Capabilities) -> Option<Lesson> {
    match &request.format {
        Some(Format::JsonSchema { .. }) if known.schemas != Some(false) => {
            lesson("response_format", |learned| learned.schemas = Some(false))
        }
        Some(_) => refused(Member::ResponseFormat),
        None => None,
    }
}

fn forces(request: &Request) -> bool {
    matches!(request.tool_choice, Some(ToolChoice::Any | ToolChoice::Tool(_)))
}

fn thinks(request: &Request) -> bool {
    request.thinking.is_some() || request.effort.is_some_and(|effort| effort != Effort::None)
}

/// Whether the conversation ends with the model's own words.
fn ends_begun(request: &Request) -> bool {
    request.turns.last().is_some_and(|turn| turn.role == Role::Assistant)
}

fn has_part(request: &Request, is: &dyn Fn(&Part) -> bool) -> bool {
    let within = |part: &Part| match part {
        Part::ToolResult(result) => result.parts.iter().any(is),
        _ => false,
    };
    request.turns.iter().flat_map(|turn| &turn.parts).any(|part| is(part) || within(part))
}
