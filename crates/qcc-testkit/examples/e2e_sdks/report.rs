//! What came of it: a line for each pair of a client and a dialect, and for each failure a file with the exchange that
//! shows it.

use std::path::Path;

use qcc_testkit::replies::Dialect;

use crate::client::Client;
use crate::scenario::Actor;
use crate::stage::Stage;

/// What came of one scenario.
pub(crate) struct Outcome {
    pub(crate) scenario: &'static str,
    /// What was expected and what came instead.
    pub(crate) broken: Option<String>,
    /// What the client saw, what the providers were asked, and what the gateway logged.
    pub(crate) exchange: String,
}

/// What came of a client with one dialect.
pub(crate) struct Row {
    pub(crate) client: Client,
    pub(crate) dialect: Dialect,
    /// Why nothing was played, or the outcomes.
    pub(crate) result: Result<Vec<Outcome>, Why>,
}

/// Why a row has no outcomes.
pub(crate) enum Why {
    /// It cannot be played here.
    Skipped(String),
    /// Something broke before a scenario could be judged.
    Broken(String),
}

/// What there is to be read about a scenario.
pub(crate) fn exchange(seen: &str, actors: &[Actor], stage: &Stage<'_>) -> String {
    let mut text = format!("# What the client saw\n{seen}\n");
    for actor in actors {
        for post in actor.upstream.posts() {
            let body = String::from_utf8_lossy(&post.body);
            text += &format!("\n# To {} ({})\n{} {}\n", actor.name, actor.dialect.name(), post.method, post.path);
            for (name, value) in &post.headers {
                text += &format!("{name}: {value}\n");
            }
            text += &format!("\n{body}\n");
        }
    }
    text + "\n# The gateway's log\n" + &stage.log()
}

impl Row {
    /// Whether nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        match &self.result {
            Ok(outcomes) => outcomes.iter().all(|outcome| outcome.broken.is_none()),
            Err(why) => matches!(why, Why::Skipped(_)),
        }
    }

    /// Its lines in the table. The exchanges of failures go into `folder`.
    pub(crate) fn text(&self, folder: &Path) -> String {
        let name = format!("{} {}", self.client.name, self.client.package.version);
        let head = format!("{name:<28}{:<11}", self.dialect.name());
        let outcomes = match &self.result {
            Ok(outcomes) => outcomes,
            Err(Why::Skipped(why)) => return format!("{head}skipped: {why}\n"),
            Err(Why::Broken(why)) => return format!("{head}✗ failed: {why}\n"),
        };
        let good = outcomes.iter().filter(|outcome| outcome.broken.is_none()).count();
        let mark = if good == outcomes.len() { '✓' } else { '✗' };
        let mut text = format!("{head}{mark} {good} of {} passed\n", outcomes.len());
        for outcome in outcomes {
            let Some(broken) = &outcome.broken else { continue };
            text += &format!("    {}: {}\n", outcome.scenario, broken.replace('\n', "\n        "));
            let file = format!("{}.{}.{}.txt", self.client.name, self.dialect.name(), outcome.scenario);
            let kept =
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(&file), &outcome.exchange));
            text += &match kept {
                Ok(()) => format!("        exchange: {}\n", folder.join(file).display()),
                Err(error) => format!("        the exchange could not be kept: {error}\n"),
            };
        }
        text
    }
}

/// The closing line.
pub(crate) fn closing(rows: &[Row]) -> String {
    let played = rows.iter().filter_map(|row| row.result.as_ref().ok()).flatten();
    let good = played.clone().filter(|outcome| outcome.broken.is_none()).count();
    let skipped = rows.iter().filter(|row| matches!(row.result, Err(Why::Skipped(_)))).count();
    let broken = rows.iter().filter(|row| matches!(row.result, Err(Why::Broken(_)))).count();
    let mut text = format!("\n{good} of {} scenarios passed", played.count());
    for (count, what) in [(broken, "could not be played"), (skipped, "were skipped")] {
        if count > 0 {
            text += &format!("; {count} of {} pairs {what}", rows.len());
        }
    }
    text + "\n"
}
