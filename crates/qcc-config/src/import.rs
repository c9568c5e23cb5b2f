//! Set-ups of other programs, as a provider of ours.
//!
//! Read here are the variables of the two proxies that are called claude-code-proxy (1rgs' and fuergaosi233's): which
//! vendor is asked, with which key, and by which models opus, sonnet and haiku are replaced. Their common rules count;
//! where they differ, it is said why one of them does. What is not a matter of the provider (ports, log levels, limits)
//! is named, so that nothing is left out unseen.

mod dotenv;

use crate::env::is_reference;
use crate::keys::Unfit;
use crate::secret::Secret;
use crate::types::{Dialect, Env};

/// Variables of a `.env` file or of the environment.
#[derive(Debug, Clone)]
pub struct Variables {
    /// Of a file all, in its order; of the environment those that are known here.
    entries: Vec<(String, Found)>,
}

/// A value and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    text: Secret,
    /// The variable of the environment that holds it.
    variable: Option<String>,
}

/// A provider that such variables describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// What to call it.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// As it is to be written.
    pub base_url: String,
    /// As it is to be written into `auth_value`: `${VAR}` where the environment has it, else the key itself.
    pub key: Secret,
    /// Glob to name, in the order in which they count.
    pub models: Vec<(String, String)>,
    /// Names of set variables that the provider does not show: only those of a file.
    pub left_out: Vec<String>,
}

/// A vendor that these proxies ask.
struct Vendor {
    /// As `PREFERRED_PROVIDER` names it.
    preferred: &'static str,
    name: &'static str,
    dialect: Dialect,
    key: &'static str,
    base_url: &'static str,
    /// Variables that hold another address; the first that is set counts.
    addresses: &'static [&'static str],
}

/// In the order in which a key chooses where nothing is preferred.
const VENDORS: [Vendor; 3] = [
    Vendor {
        preferred: "openai",
        name: "openai",
        dialect: Dialect::Openai,
        key: "OPENAI_API_KEY",
        base_url: "https://api.openai.com/v1",
        addresses: &["OPENAI_BASE_URL", "OPENAI_API_BASE_URL"],
    },
    Vendor {
        preferred: "google",
        name: "gemini",
        dialect: Dialect::Gemini,
        key: "GEMINI_API_KEY",
        base_url: "https://generativelanguage.googleapis.com",
        addresses: &[],
    },
    Vendor {
        preferred: "anthropic",
        name: "anthropic",
        dialect: Dialect::Anthropic,
        key: "ANTHROPIC_API_KEY",
        base_url: "https://api.anthropic.com",
        addresses: &[],
    },
];

/// Which vendor is asked.
const PREFERRED: &str = "PREFERRED_PROVIDER";
/// Replaces opus, and what is neither sonnet nor haiku.
const BIG: &str = "BIG_MODEL";
/// Replaces sonnet; `BIG_MODEL` where it is not set.
const MIDDLE: &str = "MIDDLE_MODEL";
/// Replaces haiku.
const SMALL: &str = "SMALL_MODEL";
/// Vertex AI instead of a key of AI Studio.
const VERTEX: &str = "USE_VERTEX_AUTH";

// === impl Variables ===

impl Variables {
    /// Those of the environment that mean something here.
    #[must_use]
    pub fn of_environment(env: Env<'_>) -> Self {
        let found = |name: &str| {
            let text = Secret::new(env(name)?);
            Some((name.to_owned(), Found { text, variable: Some(name.to_owned()) }))
        };
        Self { entries: known().filter_map(found).collect() }
    }

    /// Those of a `.env` file. A value that is one `${NAME}` is that of the file, or of the environment.
    ///
    /// # Errors
    /// A line that is no assignment, a value that means something only to a shell, or a reference to nothing where that
    /// matters; without the value.
    pub fn of_file(text: &str, env: Env<'_>) -> Result<Self, Unfit> {
        let mut all = Self { entries: Vec::new() };
        for (name, value) in dotenv::assignments(text)? {
            let found = if is_reference(value.expose()) {
                let other = value.expose().trim_start_matches("${").trim_end_matches('}');
                let there = || Some(Found { text: Secret::new(env(other)?), variable: Some(other.to_owned()) });
                let found = all.found(other).cloned().or_else(there);
                if found.is_none() && known().any(|known| known == name) {
                    let message =
                        format!("{name} refers to {other}, which is set neither before it nor in the environment");
                    return Err(unfit(message, format!("set {other}, or write the value out")));
                }
                found
            } else {
                Some(Found { text: value, variable: None })
            };
            all.entries.retain(|(known, _)| *known != name);
            all.entries.extend(found.map(|found| (name, found)));
        }
        Ok(all)
    }

    /// An empty value counts as none, as it does in both proxies for keys.
    fn found(&self, name: &str) -> Option<&Found> {
        let found = self.entries.iter().find(|(known, _)| known == name).map(|(_, found)| found);
        found.filter(|found| !found.text.expose().trim().is_empty())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.found(name).map(|found| found.text.expose().trim())
    }

    /// The provider that they describe.
    ///
    /// # Errors
    /// When no vendor is chosen, its key or a model is missing, or it is asked in a way that has no counterpart here.
    pub fn provider(&self) -> Result<Described, Unfit> {
        let vendor = self.vendor()?;
        if vendor.dialect == Dialect::Gemini && self.text(VERTEX).is_some_and(|text| text.eq_ignore_ascii_case("true"))
        {
            let hint = "put a key of AI Studio into GEMINI_API_KEY, and take USE_VERTEX_AUTH out";
            return Err(unfit("USE_VERTEX_AUTH asks for Vertex AI, to which qcc cannot sign in", hint));
        }
        let key = self.found(vendor.key).ok_or_else(|| {
            let hint = format!("set it, or choose another vendor with {PREFERRED}=openai, google or anthropic");
            unfit(format!("{} is not set", vendor.key), hint)
        })?;
        let address = vendor.addresses.iter().find_map(|name| Some((*name, self.text(name)?)));
        if let Some((name, url)) = address
            && url.contains("/openai/deployments/")
        {
            let hint = format!("write {name}=https://RESOURCE.openai.azure.com/openai/v1; models are named there");
            return Err(unfit(format!("{name} is an address of one deployment at Azure, which qcc cannot ask"), hint));
        }
        let mut used = vec![vendor.key, PREFERRED];
        used.extend(address.map(|(name, _)| name));
        let models = if vendor.dialect == Dialect::Anthropic { Vec::new() } else { self.models(vendor, &mut used)? };
        let others =
            self.entries.iter().filter(|(name, found)| found.variable.is_none() && !used.contains(&name.as_str()));
        Ok(Described {
            name: vendor.name,
            dialect: vendor.dialect,
            base_url: literal(address.map_or(vendor.base_url, |(_, url)| url)),
            key: Secret::new(match &key.variable {
                Some(variable) => format!("${{{variable}}}"),
                None => key.text.expose().trim().to_owned(),
            }),
            models,
            left_out: others.map(|(name, _)| name.clone()).collect(),
        })
    }

    /// The one that is preferred, else the first with a key.
    fn vendor(&self) -> Result<&'static Vendor, Unfit> {
        let Some(preferred) = self.text(PREFERRED) else {
            return VENDORS.iter().find(|vendor| self.found(vendor.key).is_some()).ok_or_else(|| {
                let hint =
                    "`--from env` alone reads this shell's environment; `qcc config import .env --from env` a file";
                unfit("there is no key: neither OPENAI_API_KEY, GEMINI_API_KEY nor ANTHROPIC_API_KEY is set", hint)
            });
        };
        let named = VENDORS.iter().find(|vendor| vendor.preferred.eq_ignore_ascii_case(preferred));
        named.ok_or_else(|| {
            unfit(format!("{PREFERRED} names no vendor that is known"), "write openai, google or anthropic")
        })
    }

    /// Both have built-in names for what is not set, other ones and of an age that nobody wants, so both are asked for.
    fn models(&self, vendor: &Vendor, used: &mut Vec<&str>) -> Result<Vec<(String, String)>, Unfit> {
        let model = |name: &'static str| match self.text(name) {
            Some(model) if vendor.dialect == Dialect::Gemini && !is_geminis(model) => {
                let hint = "name a model of Gemini's, or import OpenAI with PREFERRED_PROVIDER=openai";
                Err(unfit(format!("{name} is no model of Gemini's: it does not begin with gemini or gemma"), hint))
            }
            Some(model) => Ok(model.to_owned()),
            None => {
                let hint =
                    format!("write {name}=MODEL; the proxies' own defaults differ, so none is taken for granted");
                Err(unfit(format!("{name} is not set"), hint))
            }
        };
        used.extend([BIG, MIDDLE, SMALL]);
        let (big, small) = (model(BIG)?, model(SMALL)?);
        let middle = if self.text(MIDDLE).is_some() { model(MIDDLE)? } else { big.clone() };
        // The last line is fuergaosi233's: no provider of another vendor knows the name of a Claude model.
        let globs = [("*opus*", big.clone()), ("*sonnet*", middle), ("*haiku*", small), ("claude*", big)];
        Ok(globs.into_iter().map(|(glob, name)| (glob.to_owned(), name)).collect())
    }
}

/// Every name that means something here.
fn known() -> impl Iterator<Item = &'static str> {
    let vendors = VENDORS.iter().flat_map(|vendor| [vendor.key].into_iter().chain(vendor.addresses.iter().copied()));
    vendors.chain([PREFERRED, BIG, MIDDLE, SMALL, VERTEX])
}

fn is_geminis(model: &str) -> bool {
    let lower = model.to_ascii_lowercase();
    lower.starts_with("gemini") || lower.starts_with("gemma")
}

/// A text that stands for itself where `${...}` is replaced.
fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

fn unfit(message: impl Into<String>, hint: impl Into<String>) -> Unfit {
    Unfit { message: message.into(), hint: hint.into() }
}

#[cfg(test)]
mod tests;
