//! The report: a Markdown table per scenario, medians over the rounds, and the ratio of qcc to nginx as the median of
//! the ratios within each round, since the two ran next to each other there.

use crate::measure::{Measure, Sample, median};
use crate::scenario::Scenario;
use crate::target::{Kind, Setup};

/// All runs of one scenario.
#[derive(Default)]
pub(crate) struct Results(Vec<(usize, Kind, Sample)>);

impl Results {
    /// Adds a run.
    pub(crate) fn add(&mut self, round: usize, kind: Kind, sample: Sample) {
        self.0.push((round, kind, sample));
    }

    fn value(&self, round: usize, kind: Kind, measure: Measure) -> Option<f64> {
        let (.., sample) = self.0.iter().find(|(at, of, _)| (*at, *of) == (round, kind))?;
        sample.iter().find(|(of, _)| *of == measure).map(|(_, value)| *value)
    }

    fn rounds(&self) -> usize {
        self.0.iter().map(|(round, ..)| round + 1).max().unwrap_or_default()
    }

    /// Every measure that some run gave, in order.
    fn measures(&self) -> Vec<Measure> {
        let mut found = Vec::new();
        for (measure, _) in self.0.iter().flat_map(|(.., sample)| sample) {
            if !found.contains(measure) {
                found.push(*measure);
            }
        }
        // A run without a proxy has fewer measures, so that the last could come before others.
        found.sort_by_key(|measure| *measure == Measure::Errors);
        found
    }

    /// One value per round, where `of` gives one.
    fn each_round(&self, of: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
        (0..self.rounds()).filter_map(of).collect()
    }
}

/// What was measured, with what, on what.
pub(crate) fn heading(setup: &Setup, rounds: usize, quick: bool) -> String {
    let options = if quick { " --quick" } else { "" };
    let mut text = String::from("```sh\ncargo build --release\n");
    text.push_str(&format!("cargo run --release -p qcc-testkit --example bench --{options}\n```\n\n"));
    for version in setup.versions() {
        text.push_str(&format!("- {version}\n"));
    }
    text.push_str(&format!("- {}\n", machine()));
    text.push_str(&format!(
        "- {rounds} round(s) of direct, nginx, qcc in turn, each a fresh process; medians. The last column is the median \
         of the ratios within a round, with the least and the greatest. CPU is user and system time of the proxy's \
         processes; memory is their proportional set size.\n"
    ));
    text
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = format!("Linux {}", read("/proc/sys/kernel/osrelease").trim());
    format!("{cores} cores of {}, {system}; load, mock provider and proxy share them", model.unwrap_or("unknown make"))
}

/// The table of one scenario.
pub(crate) fn table(scenario: &Scenario, kinds: &[Kind], results: &Results) -> String {
    let compares = kinds.contains(&Kind::Nginx) && kinds.contains(&Kind::Qcc);
    let mut text = format!("\n### {} (`{}`)\n\n|", scenario.title, scenario.name);
    for kind in kinds {
        text.push_str(&format!(" | {}", kind.name()));
    }
    text.push_str(if compares { " | qcc / nginx |\n|---" } else { " |\n|---" });
    text.push_str(&"|---:".repeat(kinds.len() + usize::from(compares)));
    text.push_str("|\n");
    for measure in results.measures() {
        let of = |round, kind| results.value(round, kind, measure);
        row(&mut text, measure, measure.label(), kinds, results, of);
        if let Some(label) = measure.added().filter(|_| scenario.compares_with_direct()) {
            let added = |round, kind| match kind {
                Kind::Direct => None,
                Kind::Nginx | Kind::Qcc => Some(of(round, kind)? - of(round, Kind::Direct)?),
            };
            row(&mut text, measure, label, kinds, results, added);
        }
    }
    text
}

fn row(
    text: &mut String,
    measure: Measure,
    label: &str,
    kinds: &[Kind],
    results: &Results,
    of: impl Fn(usize, Kind) -> Option<f64>,
) {
    text.push_str(&format!("| {label} |"));
    for kind in kinds {
        let value = median(&results.each_round(|round| of(round, *kind)));
        text.push_str(&value.map_or_else(|| " |".to_owned(), |value| format!(" {} |", measure.show(value))));
    }
    if kinds.contains(&Kind::Nginx) && kinds.contains(&Kind::Qcc) {
        let ratio = |round| Some(of(round, Kind::Qcc)? / of(round, Kind::Nginx)?);
        let ratios: Vec<f64> = results.each_round(ratio).into_iter().filter(|ratio| ratio.is_finite()).collect();
        text.push_str(&spread(&ratios));
    }
    text.push('\n');
}

/// The median with the least and the greatest; an empty cell without values.
fn spread(ratios: &[f64]) -> String {
    let Some(middle) = median(ratios) else { return " |".to_owned() };
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if ratios.len() == 1 { format!(" {middle:.2} |") } else { format!(" {middle:.2} ({least:.2} to {greatest:.2}) |") }
}

/// A run on one line, for who watches.
pub(crate) fn in_short(sample: &Sample) -> String {
    let parts: Vec<String> =
        sample.iter().map(|(measure, value)| format!("{} {}", measure.label(), measure.show(*value))).collect();
    parts.join("; ")
}
