//! What the user knows of models, in the words of the dialects: the configuration has words of its own and knows none of
//! theirs.

use qcc_config::{Capabilities as Configured, Forced, Streams, Thinks};
use qcc_dialect::canon::Effort;
use qcc_dialect::capabilities::{self as dialect, Capabilities, Efforts, Member, Refused};

/// The same, as dialects go by it.
pub(super) fn capabilities(configured: &Configured) -> Capabilities {
    let Configured { efforts, refused, .. } = configured;
    let members: Vec<Member> = refused.iter().filter_map(|member| Member::named(member.0)).collect();
    Capabilities {
        context: configured.context.map(u64::from),
        max_output: configured.max_output.map(u64::from),
        max_completion_tokens: configured.max_completion_tokens,
        images: configured.images,
        documents: configured.documents,
        tools: configured.tools,
        forced_tools: configured.forced_tools.map(forced),
        parallel_tools: configured.parallel_tools,
        strict_tools: configured.strict_tools,
        thinking: configured.thinking.map(thinks),
        effort: configured.effort,
        efforts: efforts.as_ref().map(|efforts| Efforts::these(efforts.iter().filter_map(|word| effort(word.0)))),
        needs_thinking: configured.needs_thinking,
        prefill: configured.prefill,
        mid_system: configured.mid_system,
        developer_role: configured.developer_role,
        sampling: configured.sampling,
        stop: configured.stop,
        schemas: configured.schemas,
        streams: configured.streams.map(streams),
        refused: Refused::these(&members),
        drop_server_tools: configured.drop_server_tools,
    }
}

fn effort(word: &str) -> Option<Effort> {
    Effort::ALL.into_iter().find(|effort| effort.word() == word)
}

fn forced(configured: Forced) -> dialect::Forced {
    match configured {
        Forced::Always => dialect::Forced::Yes,
        Forced::SomeTool => dialect::Forced::SomeTool,
        Forced::WithoutThinking => dialect::Forced::WithoutThinking,
        Forced::Never => dialect::Forced::No,
    }
}

fn thinks(configured: Thinks) -> dialect::Thinks {
    match configured {
        Thinks::Never => dialect::Thinks::Never,
        Thinks::Budget => dialect::Thinks::Budget,
        Thinks::Either => dialect::Thinks::Either,
        Thinks::Adaptive => dialect::Thinks::Adaptive,
        Thinks::Always => dialect::Thinks::Always,
        Thinks::BetweenTools => dialect::Thinks::BetweenTools,
    }
}

fn streams(configured: Streams) -> dialect::Streams {
    match configured {
        Streams::Both => dialect::Streams::Both,
        Streams::Only => dialect::Streams::Only,
        Streams::Never => dialect::Streams::Never,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use qcc_config::parse;
    use qcc_policy::ProviderId;

    use super::*;
    use crate::upstream::{Transport, Upstream, tls};

    fn upstream(lines: &str) -> Upstream {
        let text = format!("providers:\n  - name: p\n    base_url: http://127.0.0.1:9\n    auth_value: x\n{lines}");
        let config = parse(&text, Path::new("config.yaml"), &|_| None).unwrap().config;
        let provider = config.providers.into_iter().next().unwrap();
        let transport = Transport::new(&provider, &config.settings.pool, &Arc::new(tls::Roots::default())).unwrap();
        Upstream::new(ProviderId(1), provider, Arc::new(transport)).unwrap()
    }

    #[tokio::test]
    async fn what_is_configured_wins_over_what_is_shipped_and_the_first_glob_that_fits_counts() {
        let upstream = upstream(concat!(
            "    capabilities:\n",
            "      \"*OPUS*\": {context: 5000, thinking: budget, refused: [seed]}\n",
            "      \"*\": {context: 7, images: false}\n",
        ));
        let opus = upstream.capabilities_for("claude-opus-5");
        assert_eq!((opus.context, opus.thinking, opus.images), (Some(5000), Some(dialect::Thinks::Budget), None));
        assert_eq!((opus.sampling, opus.mid_system, opus.refused.has(Member::Seed)), (Some(false), Some(true), true));
        let other = upstream.capabilities_for("anything");
        assert_eq!((other.context, other.images), (Some(7), Some(false)));
    }

    #[tokio::test]
    async fn of_a_model_in_a_foreign_dialect_only_what_it_lacks_is_taken_to_hold() {
        let known = upstream("    type: openai\n").capabilities_for("anthropic/claude-opus-5");
        assert_eq!((known.sampling, known.mid_system), (Some(false), None));
        assert_eq!(upstream("").capabilities_for("no-model"), Capabilities::UNKNOWN);
    }

    #[test]
    fn every_word_of_the_configuration_is_one_of_the_dialects() {
        let schema = qcc_config::schema();
        let properties = &schema["$defs"]["Capabilities"]["properties"];
        let words = |key: &str| {
            let text = properties[key].to_string();
            let list = text.split("\"enum\":").nth(1).unwrap().split(']').next().unwrap().to_owned() + "]";
            serde_json::from_str::<Vec<String>>(&list).unwrap()
        };
        let (members, efforts) = (words("refused"), words("efforts"));
        assert!(members.len() > 5 && members.iter().all(|word| Member::named(word).is_some()), "{members:?}");
        assert!(efforts.len() == Effort::ALL.len() && efforts.iter().all(|word| effort(word).is_some()), "{efforts:?}");
    }
}
