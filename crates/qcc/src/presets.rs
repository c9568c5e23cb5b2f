//! Vendors whose address nobody should have to look up. They are data (`presets.json`): adding one takes no code.
//!
//! Every one has an endpoint that speaks the Anthropic dialect; the addresses are from the vendors' own guides for Claude
//! Code, as of 2026-11. `models` is there where a vendor does not know the names of Claude's models.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use qcc_config::nearest;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::names::there;
use crate::output::harmless;

/// A vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preset {
    /// What is typed.
    pub(crate) name: String,
    /// What is shown.
    pub(crate) title: String,
    pub(crate) base_url: String,
    pub(crate) auth_type: String,
    /// The variable in which its key is usually kept.
    pub(crate) variable: String,
    /// Model glob to the vendor's name.
    #[serde(default)]
    pub(crate) models: BTreeMap<String, String>,
    /// The page on which keys are made.
    pub(crate) keys_at: String,
}

/// All of them, in the order in which they are offered.
pub(crate) fn all() -> &'static [Preset] {
    static ALL: LazyLock<Vec<Preset>> =
        LazyLock::new(|| serde_json::from_str(include_str!("presets.json")).unwrap_or_default());
    &ALL
}

/// The preset of this name.
///
/// # Errors
/// When there is none.
pub(crate) fn find(name: &str) -> Result<&'static Preset, Failure> {
    if let Some(preset) = all().iter().find(|preset| preset.name.eq_ignore_ascii_case(name)) {
        return Ok(preset);
    }
    let names: Vec<&str> = all().iter().map(|preset| preset.name.as_str()).collect();
    let message = format!("there is no preset `{}`", harmless(name));
    Err(match nearest(name, names.iter().copied()) {
        Some(meant) => Failure::usage(message, format!("did you mean `{meant}`? `qcc presets` shows all")),
        None => Failure::usage(message, there(&names)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_preset_makes_a_valid_provider() {
        assert!(all().len() >= 6);
        for preset in all() {
            let models: Vec<String> = preset.models.iter().map(|(glob, name)| format!("'{glob}': '{name}'")).collect();
            let text = format!(
                "providers:\n  - {{name: x, base_url: '{}', auth_type: {}, auth_value: k, models: {{{}}}}}\n",
                preset.base_url,
                preset.auth_type,
                models.join(", ")
            );
            let loaded = qcc_config::parse(&text, Path::new("config.yaml"), &|_| None);
            assert!(loaded.is_ok_and(|loaded| loaded.notices.is_empty()), "{}", preset.name);
        }
    }

    #[test]
    fn names_variables_and_addresses_are_of_the_usual_form() {
        for preset in all() {
            assert!(preset.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", preset.name);
            assert!(preset.variable.ends_with("_API_KEY"), "{}", preset.variable);
            assert!(preset.base_url.starts_with("https://") && preset.keys_at.starts_with("https://"));
            assert_eq!(all().iter().filter(|other| other.name == preset.name).count(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn a_misspelt_preset_is_answered_with_the_right_one() {
        assert_eq!(find("Kimi").map(|preset| preset.name.as_str()).ok(), Some("kimi"));
        let failure = find("opnerouter").map_err(|failure| (failure.to_string(), failure.exit())).err();
        let told = "error: there is no preset `opnerouter`\nhint: did you mean `openrouter`? `qcc presets` shows all";
        assert_eq!(failure, Some((told.to_owned(), 2)));
    }
}
