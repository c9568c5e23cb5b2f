//! Taking a new configuration into force: because the file changed, a signal came, or a request asked. A bad file keeps
//! the old configuration, and says why. Running requests keep the snapshot that they began with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use qcc_config::{Changes, Loaded};
use tokio::sync::Notify;

use crate::events::Event;
use crate::gateway::{Reloaded, Source, load};
use crate::state::State;

/// Editors write a file in several steps; only the last state of it counts.
const SETTLE: Duration = Duration::from_millis(150);

/// Keeps the file watched as long as it lives.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Loads again and swaps the snapshot, or says why not.
pub(crate) fn reload(state: &State, trigger: &'static str) -> Result<Reloaded, String> {
    apply(state, read(state), trigger)
}

/// Puts what was read into force, or says why not.
pub(crate) fn apply(state: &State, read: Result<Loaded, String>, trigger: &'static str) -> Result<Reloaded, String> {
    let result = read.and_then(|loaded| {
        let notices = loaded.notices.clone();
        let changes = qcc_config::diff(&state.snapshot().config, &loaded.config);
        let level = loaded.config.settings.logging.level;
        state.replace(loaded).map_err(|error| error.to_string())?;
        state.log.set_level(level);
        Ok(Reloaded { changes, notices, providers: state.snapshot().upstreams.len() })
    });
    match &result {
        Ok(done) => {
            state.log.emit(Event::ConfigReloaded {
                trigger,
                providers: done.providers,
                changes: summary(&done.changes),
            });
            for notice in &done.notices {
                state.log.emit(Event::ConfigNoticed { message: notice.message.clone(), line: notice.line });
            }
        }
        Err(error) => state.log.emit(Event::ConfigRefused { trigger, error: error.clone() }),
    }
    result
}

fn read(state: &State) -> Result<Loaded, String> {
    match &state.source {
        // Without a file the implicit provider would take over, which nobody means who moves a file away.
        Source::Path(path) if !path.exists() && state.snapshot().from_file => {
            Err(format!("{} is gone; what it said stays in force", path.display()))
        }
        source => load(source).map_err(|error| error.to_string()),
    }
}

/// A difference in one line.
fn summary(changes: &Changes) -> String {
    let sections: Vec<String> = changes.sections.iter().map(ToString::to_string).collect();
    let restart: Vec<String> = changes.needs_restart.iter().map(ToString::to_string).collect();
    let parts = [
        ("added", &changes.added),
        ("removed", &changes.removed),
        ("changed", &changes.changed),
        ("sections", &sections),
        ("only after a restart", &restart),
    ];
    let said: Vec<_> = parts
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", names.join(", ")))
        .collect();
    if said.is_empty() { "nothing".to_owned() } else { said.join("; ") }
}

/// Watches the folder of `path` (the file itself may be replaced, or come into being later) and reloads when the text
/// changed from `known`, which was read before the configuration in force: an edit since then counts too. `None` when
/// the system offers no watching; signal and request still work.
pub(crate) fn watch(path: &Path, known: Option<Vec<u8>>, state: &Arc<State>) -> Option<Watch> {
    let changed = Arc::new(Notify::new());
    let tell = Arc::clone(&changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            tell.notify_one();
        }
    })
    .ok()?;
    for folder in folders(path) {
        watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    }
    let task = tokio::spawn(follow(path.to_owned(), known, changed, Arc::downgrade(state)));
    Some(Watch { _watcher: watcher, task })
}

/// The folder of the file, and of the file behind it where it is a link.
fn folders(path: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut folders: Vec<PathBuf> = absolute.parent().map(Path::to_owned).into_iter().collect();
    let real = absolute.canonicalize().ok().and_then(|real| real.parent().map(Path::to_owned));
    folders.extend(real.filter(|real| !folders.contains(real)));
    folders.retain(|folder| folder.is_dir());
    folders
}

async fn follow(path: PathBuf, mut known: Option<Vec<u8>>, changed: Arc<Notify>, state: Weak<State>) {
    loop {
        let text = tokio::fs::read(&path).await.ok();
        let Some(state) = state.upgrade() else { return };
        if text != known {
            known = text;
            let _was_logged = reload(&state, "file");
        }
        drop(state);
        changed.notified().await;
        while tokio::time::timeout(SETTLE, changed.notified()).await.is_ok() {}
    }
}
