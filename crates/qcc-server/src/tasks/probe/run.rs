//! One probe from its lease to its row.

use std::sync::Arc;
use std::time::Duration;

use qcc_policy::engine::{Check, Found, Said, Target};
use qcc_policy::{Code, Outcome, ProbeKind, ProbeLease, ProbeRefused, ProviderId, classify};
use qcc_store::{HealthCheckRow, Row};
use tokio::time::{Instant, timeout_at};

use super::lock;
use crate::check::{self, Checked, Layer, SPENT, TOKENS};
use crate::events::Event;
use crate::state::{Snapshot, State, now};
use crate::trail::wall_clock;
use crate::upstream::Upstream;

/// A check by hand waits this long for one that runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A probe that is due.
pub(super) async fn scheduled(state: &State, lease: ProbeLease) {
    let snapshot = state.snapshot();
    let id = lease.provider;
    match (snapshot.upstream(id), lease.kind) {
        (Some(upstream), ProbeKind::Free) => _ = free(state, &snapshot, upstream, lease).await,
        (Some(upstream), ProbeKind::Conversation) => _ = converse(state, &snapshot, upstream, lease).await,
        // A reload took it out at this very moment.
        (None, _) => _ = state.engine().found(lease, Found::Unclear, now(), now()),
    }
    state.probing.ended.notify_waiters();
}

/// Checks a provider because somebody asks for it. `talk`: the conversation too, which costs a little.
pub(crate) async fn by_hand(state: Arc<State>, upstream: Arc<Upstream>, talk: bool) -> Checked {
    let snapshot = state.snapshot();
    let mut checked = Checked { provider: upstream.name().to_owned(), class: None, layers: Vec::new(), skipped: None };
    match lease(&state, upstream.id, ProbeKind::Free).await {
        Ok(lease) => {
            let (layer, found) = free(&state, &snapshot, &upstream, lease).await;
            state.probing.ended.notify_waiters();
            checked.layers.push(layer);
            if talk && found != Found::Unreached {
                match talk_by_hand(&state, &snapshot, &upstream).await {
                    Ok(layer) => checked.layers.push(layer),
                    Err(why) => checked.skipped = Some(why),
                }
            }
        }
        Err(refused) => checked.skipped = Some(why(refused)),
    }
    checked.class = Some(state.engine().health(upstream.id, now()).class.to_string());
    checked
}

async fn talk_by_hand(state: &State, snapshot: &Snapshot, upstream: &Upstream) -> Result<Layer, String> {
    let lease = lease(state, upstream.id, ProbeKind::Conversation).await.map_err(why)?;
    let layer = converse(state, snapshot, upstream, lease).await;
    state.probing.ended.notify_waiters();
    layer.ok_or_else(|| {
        "there is no room for a check: the provider is at its limit, or a request is finding out whether it is back"
            .to_owned()
    })
}

/// The right to a probe; another one that runs is waited for.
async fn lease(state: &State, provider: ProviderId, kind: ProbeKind) -> Result<ProbeLease, ProbeRefused> {
    let until = Instant::now() + PATIENCE;
    loop {
        let ended = state.probing.ended.notified();
        let mut ended = std::pin::pin!(ended);
        // From here on no end is missed.
        ended.as_mut().enable();
        match state.engine().begin_probe(provider, kind, true, state.draw(), now()) {
            Err(ProbeRefused::Running) => {}
            decided => return decided,
        }
        if timeout_at(until, ended).await.is_err() {
            return Err(ProbeRefused::Running);
        }
    }
}

fn why(refused: ProbeRefused) -> String {
    match refused {
        ProbeRefused::DailyLimit => SPENT.to_owned(),
        other => other.to_string(),
    }
}

async fn free(state: &State, snapshot: &Snapshot, upstream: &Upstream, lease: ProbeLease) -> (Layer, Found) {
    let began = now();
    let check::Free { layer, found } = check::free(upstream, snapshot.config.settings.health.timeout).await;
    let news = {
        let mut engine = state.engine();
        let news = engine.found(lease, found, began, now());
        state.probing.look(&mut engine);
        news
    };
    state.tell(upstream.name(), news);
    record(state, upstream, ProbeKind::Free, &layer);
    (layer, found)
}

/// A check whose answer is awaited. Dropped, the gateway ends: what it took is given back, and it says nothing.
struct UnderWay<'a> {
    state: &'a State,
    target: &'a Target,
    check: Option<Check>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(check) = self.check.take() {
            let said = Said::Failed(classify(&Outcome::ClientGone, false));
            let _nobody_is_charged = self.state.engine().checked(check, self.target, said, None, 0, now());
        }
    }
}

/// `None`: there was no room for it.
async fn converse(state: &State, snapshot: &Snapshot, upstream: &Upstream, lease: ProbeLease) -> Option<Layer> {
    let model = model(state, snapshot, upstream).await;
    let target = Target { provider: upstream.id, model: model.as_str().into(), fingerprint: None };
    let check = state.engine().begin_check(lease, &target, TOKENS, now()).ok()?;
    let mut under_way = UnderWay { state, target: &target, check: Some(check) };
    let limit = snapshot.config.settings.health.timeout;
    let check::Talk { layer, said, tokens } =
        check::converse(upstream, &model, Code::new(state.draw()), &state.lessons, limit).await;
    let draw = state.draw();
    let check = under_way.check.take()?;
    let news = {
        let mut engine = state.engine();
        let news = engine.checked(check, &target, said, tokens, draw, now());
        state.probing.look(&mut engine);
        news
    };
    state.tell(upstream.name(), news);
    if !matches!(said, Said::Failed(_)) {
        // Half-open it may be asked too, which was no news for the log, but is for those who wait.
        state.back(upstream.id);
        state.reconsider();
    }
    record(state, upstream, ProbeKind::Conversation, &layer);
    Some(layer)
}

async fn model(state: &State, snapshot: &Snapshot, upstream: &Upstream) -> String {
    if let Some(named) = check::named_model(&snapshot.config, upstream) {
        return named;
    }
    let known = lock(&state.probing.lists).get(upstream.id);
    let listed = match known {
        Some(listed) => listed,
        None => {
            let listed = check::listed(upstream).await;
            lock(&state.probing.lists).put(upstream.id, listed.clone());
            listed
        }
    };
    check::cheapest_model(&snapshot.config, upstream, &listed)
}

/// Keeps what was found, and says so.
fn record(state: &State, upstream: &Upstream, kind: ProbeKind, layer: &Layer) {
    let health = state.engine().health(upstream.id, now());
    let before = state.probing.keep(upstream.id, kind, layer);
    let is_news = layer.ok != before.is_none_or(|before| before.ok);
    state.history.write(Row::HealthCheck(HealthCheckRow {
        at_ms: wall_clock(),
        provider: upstream.name().to_owned(),
        kind: layer.kind.clone().into(),
        ok: layer.ok,
        score: layer.score,
        class: Some(health.class.to_string().into()),
        took_ms: layer.ms,
        detail: Some(layer.detail.clone()),
    }));
    state.log.emit(Event::ProviderChecked {
        provider: upstream.name().to_owned(),
        kind: layer.kind.clone(),
        ok: layer.ok,
        score: layer.score,
        class: health.class.to_string(),
        took: Duration::from_millis(layer.ms),
        detail: layer.detail.clone(),
        is_news,
    });
}
