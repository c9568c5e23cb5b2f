//! Checks without a gateway: for `qcc health check` while none runs. Nothing of it counts for anybody's health; the
//! caller keeps the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use qcc_config::{Auth, Config, Loaded, Provider};
use qcc_policy::Code;
use qcc_policy::engine::Found;

use super::{Checked, cheapest_model, converse, free, listed, named_model};
use crate::attempt::Lessons;
use crate::reach;
use crate::upstream::Upstream;
use crate::upstream::tls::Roots;

/// What is said where `health.daily_limit` allows no more.
pub(crate) const SPENT: &str = "the daily limit of paid checks is reached (health.daily_limit)";

/// Checks the providers for which `wanted` holds, all at once, in file order. `talk`: the conversation too, which costs a
/// little, as far as `health.daily_limit` allows; `spent` are the conversations of the last 24 hours by provider.
pub async fn check(
    loaded: &Loaded,
    wanted: impl Fn(&str) -> bool,
    talk: bool,
    spent: &BTreeMap<String, u32>,
) -> Vec<Checked> {
    let config = Arc::new(loaded.config.clone());
    let roots = Arc::new(Roots::default());
    let mut asking = tokio::task::JoinSet::new();
    for (place, provider) in config.providers.iter().filter(|provider| wanted(&provider.name)).enumerate() {
        let (provider, config, roots) = (provider.clone(), Arc::clone(&config), Arc::clone(&roots));
        let rest = config.settings.health.daily_limit.saturating_sub(spent.get(&provider.name).copied().unwrap_or(0));
        asking.spawn(async move { (place, one(provider, &config, &roots, talk, rest).await) });
    }
    let mut found = asking.join_all().await;
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, checked)| checked).collect()
}

async fn one(provider: Provider, config: &Config, roots: &Arc<Roots>, talk: bool, rest: u32) -> Checked {
    let name = provider.name.clone();
    let skipped = |why: String| Checked { provider: name.clone(), class: None, layers: Vec::new(), skipped: Some(why) };
    if let Some(why) = not_checked(&provider) {
        return skipped(why);
    }
    let upstream = match reach::alone(provider, &config.settings.pool, roots) {
        Ok(upstream) => upstream,
        Err(error) => return skipped(error.to_string()),
    };
    let limit = config.settings.health.timeout;
    let free = free(&upstream, limit).await;
    let mut checked = Checked { provider: name, class: None, layers: vec![free.layer], skipped: None };
    if talk && free.found != Found::Unreached {
        if rest == 0 {
            return Checked { skipped: Some(SPENT.to_owned()), ..checked };
        }
        let model = model(config, &upstream).await;
        checked
            .layers
            .push(converse(&upstream, &model, Code::new(fastrand::u64(..)), &Lessons::default(), limit).await.layer);
    }
    checked
}

async fn model(config: &Config, upstream: &Upstream) -> String {
    match named_model(config, upstream) {
        Some(model) => model,
        None => cheapest_model(config, upstream, &listed(upstream).await),
    }
}

/// Why a provider is never checked.
pub(crate) fn not_checked(provider: &Provider) -> Option<String> {
    if !provider.enabled {
        return Some("disabled".to_owned());
    }
    (provider.auth == Auth::Passthrough).then(|| "not probed: it takes the client's own credential".to_owned())
}
