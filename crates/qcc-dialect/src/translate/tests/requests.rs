//! Every golden request as it goes to providers of other dialects.

use std::collections::BTreeSet;

use insta::{assert_snapshot, with_settings};
use serde_json::Value;

use super::ways::{PROVIDERS, files, fixtures, put, read, tongue};
use crate::asker::Asker;
use crate::translate::{NotSent, Outgoing};

/// Requests by the dialect of their client, and the folder in which they are.
const ASKED: &[(Asker, &str, &[&str])] = &[
    (
        Asker::Anthropic,
        "anthropic/asked",
        &[
            "blank_texts.json",
            "builtin_tools.json",
            "cache_warm_up.json",
            "calls_alone.json",
            "claude_code_turn.json",
            "compacted.json",
            "documents.json",
            "failed_calls.json",
            "forced_tool.json",
            "foreign_call_ids.json",
            "images_elsewhere.json",
            "interrupted_call.json",
            "many_breakpoints.json",
            "mid_system.json",
            "new_members.json",
            "no_calls_wanted.json",
            "odd_schemas.json",
            "odd_values.json",
            "parallel_images.json",
            "prefill.json",
            "results_apart.json",
            "sampling.json",
            "sealed_history.json",
            "search_results.json",
            "server_tool_offered.json",
            "server_tools_in_history.json",
            "structured_output.json",
            "text_among_results.json",
            "thinking_adaptive.json",
            "thinking_budget.json",
            "thinking_history.json",
            "title.json",
            "tool_names.json",
            "tool_search.json",
        ],
    ),
    (
        Asker::OpenAi,
        "openai/asked",
        &[
            "allowed_tools.json",
            "arrays_everywhere.json",
            "audio.json",
            "custom_tool.json",
            "developer_late.json",
            "empty_arguments.json",
            "files.json",
            "json_object.json",
            "json_schema.json",
            "legacy_functions.json",
            "minimal.json",
            "odd_values.json",
            "orphan_result.json",
            "parallel_results.json",
            "reasoning.json",
            "refused_before.json",
            "sampling.json",
            "tool_loop.json",
            "vision.json",
            "web_search.json",
        ],
    ),
];

#[test]
fn every_request_goes_to_every_other_dialect_as_its_snapshot_says() {
    let mut written = BTreeSet::new();
    for &(asker, folder, names) in ASKED {
        assert_eq!(files(folder), names, "{folder}: the table names what is there");
        for name in names {
            let body = read(folder, name);
            for provider in PROVIDERS.into_iter().filter(|provider| !tongue(*provider).is_of(asker)) {
                let case = format!("{}.{}", name.trim_end_matches(".json"), provider.0);
                let said = put(asker, provider, &body).map_or_else(refusal, |outgoing| told(&outgoing));
                with_settings!({snapshot_path => fixtures().join(folder), prepend_module_to_snapshot => false, omit_expression => true}, {
                    assert_snapshot!(case.clone(), said);
                });
                written.insert(format!("{folder}/{case}.snap"));
            }
        }
    }
    let folders = ASKED.iter().map(|(_, folder, _)| *folder);
    let there: BTreeSet<String> = folders.flat_map(super::corpus::snapshots).collect();
    assert_eq!(there, written, "snapshots that nothing writes");
}

fn told(outgoing: &Outgoing) -> String {
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let losses: Vec<String> = outgoing.losses.iter().map(|loss| format!("\nlost: {loss}")).collect();
    format!("POST {}\n{body:#}{}", outgoing.url, losses.concat())
}

fn refusal(not_sent: NotSent) -> String {
    match not_sent {
        NotSent::Bad(bad) => format!("bad: {bad}"),
        NotSent::Unfit(unfit) => format!("unfit: {unfit}"),
    }
}
