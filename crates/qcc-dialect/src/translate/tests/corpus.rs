//! Every golden answer as it goes to clients of other dialects.

use std::collections::BTreeSet;
use std::fs;

use insta::{assert_snapshot, with_settings};

use super::ways::End::{Cut, Error, Whole};
use super::ways::{
    ASKERS, Draws, End, PROVIDERS, Provider, back, bring, check, collect, files, fixtures, is_taken_for_whole, read,
};
use crate::asker::Asker;
use crate::translate::tests::ways::tongue;

/// Streams of providers by dialect and folder, each with how it ends.
type Row = (&'static str, &'static str, &'static [(&'static str, End)]);

/// The provider is the one that speaks so.
const STREAMS: &[Row] = &[
    (
        "anthropic",
        "anthropic/stream",
        &[
            ("broken_json.sse", Error),
            ("delta_without_block.sse", Cut),
            ("early_message_delta.sse", Whole),
            ("empty_answer.sse", Error),
            ("error_after_text.sse", Error),
            ("html.sse", Cut),
            ("json_lines.sse", Cut),
            ("openai_chunks.sse", Cut),
            ("overloaded_at_once.sse", Error),
            ("parallel_tools.sse", Whole),
            ("rate_limit_after_start.sse", Error),
            ("redacted_thinking.sse", Whole),
            ("refusal_without_content.sse", Whole),
            ("relay_error_data_only.sse", Error),
            ("relay_error_text.sse", Error),
            ("server_tool.sse", Whole),
            ("text.sse", Whole),
            ("text_crlf_and_comments.sse", Whole),
            ("text_data_only.sse", Whole),
            ("text_no_space_after_colon.sse", Whole),
            ("tools.sse", Whole),
            ("unknown_events.sse", Whole),
        ],
    ),
    (
        "anthropic",
        "anthropic/answered",
        &[
            ("broken_input.sse", Error),
            ("calls_without_deltas.sse", Whole),
            ("citations.sse", Whole),
            ("compaction.sse", Whole),
            ("context_exceeded.sse", Whole),
            ("cut_after_a_call.sse", Cut),
            ("cut_before_stop.sse", Cut),
            ("cut_in_input.sse", Cut),
            ("deep_nesting.sse", Whole),
            ("duplicate_ids.sse", Whole),
            ("end_turn_after_calls.sse", Whole),
            ("error_in_input.sse", Error),
            ("fallback_block.sse", Whole),
            ("foreign_ids.sse", Whole),
            ("half_a_character_in_a_call.sse", Error),
            ("half_json.sse", Error),
            ("input_at_once.sse", Whole),
            ("invalid_utf8.sse", Error),
            ("limit_in_input.sse", Whole),
            ("max_tokens.sse", Whole),
            ("mcp_tool.sse", Whole),
            ("missing_ends.sse", Whole),
            ("negative_counts.sse", Whole),
            ("no_message_start.sse", Whole),
            ("pause_turn.sse", Whole),
            ("pings_throughout.sse", Whole),
            ("reason_unknown.sse", Whole),
            ("reason_without_calls.sse", Whole),
            ("refusal_in_mid_text.sse", Whole),
            ("stop_sequence.sse", Whole),
            ("thinking_between_calls.sse", Whole),
            ("thinking_omitted.sse", Whole),
            ("unicode.sse", Whole),
            ("unsigned_thinking.sse", Whole),
            ("usage_restated.sse", Whole),
            ("wrong_indexes.sse", Whole),
        ],
    ),
    (
        "compatible",
        "openai/stream",
        &[
            ("anthropic_events.sse", Error),
            ("azure_filter.sse", Whole),
            ("bare_error.sse", Error),
            ("crlf_and_bare_colon.sse", Whole),
            ("cut_in_a_call.sse", Cut),
            ("cut_in_text.sse", Cut),
            ("deepseek_out_of_resources.sse", Error),
            ("deepseek_reasoning.sse", Whole),
            ("done_without_reason.sse", Cut),
            ("error_event.sse", Error),
            ("gemini_compat.sse", Whole),
            ("groq_usage.sse", Whole),
            ("html.sse", Error),
            ("joined_chunks.sse", Whole),
            ("kimi_usage_in_choice.sse", Whole),
            ("length.sse", Whole),
            ("length_in_a_call.sse", Whole),
            ("mistral_thinking_parts.sse", Whole),
            ("no_blank_lines.sse", Whole),
            ("no_done.sse", Whole),
            ("not_json.sse", Error),
            ("ollama_whole_call.sse", Whole),
            ("openai_interleaved_calls.sse", Whole),
            ("openai_refusal.sse", Whole),
            ("openai_text.sse", Whole),
            ("openai_tools.sse", Whole),
            ("openrouter_error.sse", Error),
            ("openrouter_reasoning.sse", Whole),
            ("rate_limited_at_once.sse", Error),
            ("vllm_stop_text.sse", Whole),
        ],
    ),
    (
        "compatible",
        "openai/answered",
        &[
            ("alternating_thoughts.sse", Whole),
            ("arguments_as_object.sse", Whole),
            ("arguments_empty.sse", Whole),
            ("arguments_twice_encoded.sse", Whole),
            ("broken_arguments.sse", Error),
            ("content_beside_reason.sse", Whole),
            ("content_parts.sse", Whole),
            ("deep_nesting.sse", Whole),
            ("duplicate_ids.sse", Whole),
            ("empty_answer.sse", Whole),
            ("empty_choices_first.sse", Whole),
            ("error_after_reason.sse", Error),
            ("error_as_text.sse", Error),
            ("error_code_a_number.sse", Error),
            ("filter_in_mid_text.sse", Whole),
            ("giant_counts.sse", Whole),
            ("half_a_character.sse", Whole),
            ("half_a_character_in_a_call.sse", Error),
            ("half_json.sse", Error),
            ("index_missing.sse", Whole),
            ("index_reused.sse", Whole),
            ("invalid_utf8.sse", Whole),
            ("invalid_utf8_in_a_call.sse", Error),
            ("legacy_function.sse", Whole),
            ("name_repeated.sse", Whole),
            ("negative_counts.sse", Whole),
            ("no_ids.sse", Whole),
            ("null_members.sse", Whole),
            ("only_usage.sse", Cut),
            ("openrouter_comments.sse", Whole),
            ("reason_error.sse", Error),
            ("reason_unknown.sse", Whole),
            ("reasoning_details_sealed.sse", Whole),
            ("refusal_in_pieces.sse", Whole),
            ("stop_after_calls.sse", Whole),
            ("text_after_calls.sse", Whole),
            ("think_tags_as_text.sse", Whole),
            ("three_calls_interleaved.sse", Whole),
            ("two_answers.sse", Whole),
            ("unicode.sse", Whole),
            ("unknown_members.sse", Whole),
            ("usage_in_every_chunk.sse", Whole),
            ("wrong_types.sse", Error),
        ],
    ),
    (
        "gemini",
        "gemini/stream",
        &[
            ("anthropic_events.sse", Error),
            ("candidates_beside.sse", Whole),
            ("comments_and_done.sse", Whole),
            ("cut.sse", Cut),
            ("error_after_text.sse", Error),
            ("error_at_once.sse", Error),
            ("error_in_a_list.sse", Error),
            ("html.sse", Error),
            ("image.sse", Whole),
            ("joined_chunks.sse", Whole),
            ("json_list.sse", Error),
            ("malformed_call.sse", Error),
            ("max_tokens.sse", Whole),
            ("max_tokens_in_thought.sse", Whole),
            ("no_blank_line_at_the_end.sse", Whole),
            ("openai_chunks.sse", Error),
            ("parallel_calls.sse", Whole),
            ("prompt_blocked.sse", Whole),
            ("reason_with_every_chunk.sse", Whole),
            ("safety_after_text.sse", Whole),
            ("signed_text.sse", Whole),
            ("signed_text_then_call.sse", Whole),
            ("text.sse", Whole),
            ("text_and_call_in_one_chunk.sse", Whole),
            ("thinking_and_call.sse", Whole),
        ],
    ),
    (
        "gemini",
        "gemini/answered",
        &[
            ("blocked_reasons.sse", Whole),
            ("broken_arguments.sse", Error),
            ("deep_nesting.sse", Whole),
            ("duplicate_ids.sse", Whole),
            ("empty_candidates.sse", Whole),
            ("giant_counts.sse", Whole),
            ("half_json.sse", Error),
            ("invalid_utf8.sse", Whole),
            ("invalid_utf8_in_a_call.sse", Error),
            ("language.sse", Whole),
            ("missing_ids.sse", Whole),
            ("negative_counts.sse", Whole),
            ("no_arguments.sse", Whole),
            ("numbers.sse", Whole),
            ("reason_unknown.sse", Whole),
            ("thought_after_text.sse", Whole),
            ("too_many_calls.sse", Error),
            ("unknown_parts.sse", Whole),
        ],
    ),
    (
        "responses",
        "responses/stream",
        &[
            ("chat_chunks.sse", Error),
            ("completed_only.sse", Whole),
            ("crlf_and_comments.sse", Whole),
            ("custom_tool.sse", Whole),
            ("cut.sse", Cut),
            ("done_without_deltas.sse", Whole),
            ("error_flat.sse", Error),
            ("error_nested.sse", Error),
            ("failed.sse", Error),
            ("failed_after_text.sse", Error),
            ("html.sse", Error),
            ("ids_anew.sse", Whole),
            ("incomplete_call.sse", Whole),
            ("incomplete_filter.sse", Whole),
            ("incomplete_length.sse", Whole),
            ("interleaved_calls.sse", Whole),
            ("items_only.sse", Whole),
            ("openai_text.sse", Whole),
            ("openai_tools.sse", Whole),
            ("refusal.sse", Whole),
            ("sealed_only.sse", Whole),
            ("unknown_events.sse", Whole),
            ("vllm_reasoning.sse", Whole),
            ("web_search.sse", Whole),
        ],
    ),
    (
        "responses",
        "responses/answered",
        &[
            ("broken_arguments.sse", Error),
            ("cut_in_arguments.sse", Cut),
            ("deep_nesting.sse", Whole),
            ("duplicate_ids.sse", Whole),
            ("empty_output.sse", Whole),
            ("giant_counts.sse", Whole),
            ("half_a_character_in_a_call.sse", Error),
            ("half_json.sse", Error),
            ("invalid_utf8.sse", Whole),
            ("invalid_utf8_in_a_call.sse", Error),
            ("negative_counts.sse", Whole),
            ("unknown_items.sse", Whole),
        ],
    ),
];

/// Snapshots in a folder, with it.
pub(super) fn snapshots(folder: &str) -> Vec<String> {
    let Ok(found) = fs::read_dir(fixtures().join(folder)) else { return Vec::new() };
    let names = found.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".snap")).map(|name| format!("{folder}/{name}")).collect()
}

/// Where the snapshots of a folder of answers are.
pub(super) fn translated(folder: &str) -> String {
    format!("{folder}_translated")
}

pub(super) fn provider(name: &str) -> Provider {
    PROVIDERS.into_iter().find(|provider| provider.0 == name).unwrap()
}

/// All golden streams, with the provider that speaks so and how they end.
pub(super) fn streams() -> impl Iterator<Item = (Provider, &'static str, &'static str, Vec<u8>, End)> {
    STREAMS.iter().flat_map(|&(speaker, folder, rows)| {
        rows.iter().map(move |&(name, end)| (provider(speaker), folder, name, read(folder, name), end))
    })
}

/// The clients to whom a provider's answers are translated.
pub(super) fn strangers(provider: Provider) -> impl Iterator<Item = Asker> {
    ASKERS.into_iter().filter(move |asker| !tongue(provider).is_of(*asker))
}

#[test]
fn the_table_names_every_stream() {
    for &(_, folder, rows) in STREAMS {
        let named: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        let streams: Vec<String> = files(folder).into_iter().filter(|name| name.ends_with(".sse")).collect();
        assert_eq!(streams, named, "{folder}");
    }
}

/// Cases 35 and 36 for every dialect: however the bytes come in, the same bytes go down, and they are a stream that the
/// client takes, whole exactly where the provider's was.
#[test]
fn every_stream_goes_to_clients_of_every_other_dialect_as_its_snapshot_says() {
    let mut written = BTreeSet::new();
    let mut wrong = Vec::new();
    for (provider, folder, name, stream, end) in streams() {
        for asker in strangers(provider) {
            let (down, losses) = bring(&back(asker, provider, true), std::iter::once(&*stream));
            let case = format!("{}.{}", name.trim_end_matches(".sse"), asker.name());
            let losses: String = losses.iter().map(|loss| format!("lost: {loss}\n")).collect();
            let text = data(&down) + &losses;
            let into = translated(folder);
            with_settings!({snapshot_path => fixtures().join(&into), prepend_module_to_snapshot => false, omit_expression => true}, {
                assert_snapshot!(case.clone(), text);
            });
            written.insert(format!("{into}/{case}.snap"));
            let ill = ill(asker, provider, &stream, &down, end);
            wrong.extend(ill.map(|why| format!("{folder}/{name} for {asker:?}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let there: BTreeSet<String> = STREAMS.iter().flat_map(|(_, folder, _)| snapshots(&translated(folder))).collect();
    assert_eq!(there, written, "snapshots that nothing writes");
}

/// The data of a stream, a line for each event. That names fit the data is for the grammars to see.
fn data(stream: &[u8]) -> String {
    let text = std::str::from_utf8(stream).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("data: ")).fold(String::new(), |all, data| all + data + "\n")
}

/// What is wrong with what went down for a stream that ends so.
fn ill(asker: Asker, provider: Provider, stream: &[u8], down: &[u8], end: End) -> Option<String> {
    let checked = check(asker, down);
    if checked != Ok(end) {
        return Some(format!("{checked:?} and not {end:?}"));
    }
    if is_taken_for_whole(asker, down) != (end == Whole) {
        return Some("the relay is wrong about its being whole".to_owned());
    }
    let back = back(asker, provider, true);
    let whole = collect(&back, stream);
    if whole.is_ok() != (end == Whole) {
        return Some(format!("in one piece it is {whole:?}"));
    }
    if let Some(Err(cause)) = whole.ok().map(|body| asker.read_answer(&body)) {
        return Some(format!("in one piece it is no answer: {cause}"));
    }
    let mut draws = Draws(stream.len() as u64);
    let pieces = bring(&back, draws.pieces(stream).into_iter()).0;
    let bytes = bring(&back, stream.chunks(1)).0;
    (pieces != down || bytes != down).then(|| "a cut changes it".to_owned())
}
