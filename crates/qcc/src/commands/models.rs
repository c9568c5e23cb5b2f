//! `qcc models`: what maps to what. Without a name the rules as they are asked, and what they make of the models that
//! Claude Code asks for; with names only what becomes of these. From the file and the pin: the order that a request meets
//! also depends on health, weights and its session.

use owo_colors::Style;
use qcc_config::{Route, RouteCandidate, RouteTarget};
use qcc_server::{Asked, Candidate, Mapping, Way};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, OK, Outcome};
use crate::live;
use crate::output::{Output, harmless};
use crate::table::{Cell, Table};

/// What Claude Code 2.1 asks for when it is told opus, sonnet or haiku.
const USUAL: [&str; 3] = ["claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5-20251001"];

pub(super) fn run(context: &Context, models: &[String]) -> Outcome {
    let config = context.load()?.config;
    let pinned = live::pinned(context);
    let mapping = Mapping::new(&config, pinned.as_deref());
    let wanted: Vec<&str> =
        if models.is_empty() { USUAL.to_vec() } else { models.iter().map(String::as_str).collect() };
    let output = context.output;
    if output.json {
        output.document(&document(&mapping, &wanted, pinned.as_deref()))?;
        return Ok(OK);
    }
    if models.is_empty() {
        rules(output, &mapping)?;
    }
    for (place, model) in wanted.iter().enumerate() {
        if place > 0 || models.is_empty() {
            output.data("")?;
        }
        asked(output, model, &mapping.of(model))?;
    }
    for out in mapping.left_out() {
        output.note(format_args!("{} is disabled, so it takes no part", harmless(out)));
    }
    if let Some(name) = pinned.filter(|name| config.profiles.iter().any(|profile| profile.name == *name)) {
        output.note(format_args!("{} is pinned and comes before all tiers: `qcc use auto` ends that", harmless(&name)));
    }
    output.talk("this is the order of the file; health, weights and sessions change it from request to request");
    Ok(OK)
}

fn rules(output: Output, mapping: &Mapping<'_>) -> Result<(), Failure> {
    let mut routes = Table::new(&["ROUTE", "PRIORITY", "ASKED", "MODEL"]).shrink(0).shrink(2).shrink(3);
    for route in mapping.routes() {
        for line in lines(mapping, route) {
            routes.row(vec![
                Cell::new(&route.glob),
                Cell::new(line.priority),
                Cell::new(target(&line.target)),
                Cell::new(line.model.as_deref().unwrap_or("as asked")),
            ]);
        }
    }
    output.table(&routes)?;
    // With a route for every name there are no others.
    if mapping.routes().all(|route| route.glob != "*") {
        let others = if mapping.routes().next().is_some() { "any other model" } else { "no routes: every model" };
        output.data(Cell::new(format_args!("{others} goes to {}", way(&mapping.without_route()))))?;
    }
    let mut names = Table::new(&["PROVIDER", "MODELS", "SENT AS"]).shrink(0).shrink(1).shrink(2);
    for provider in mapping.providers() {
        for (glob, name) in &provider.models {
            let sent = if name == "passthrough" { "as asked" } else { name };
            names.row(vec![Cell::new(&provider.name), Cell::new(glob), Cell::new(sent)]);
        }
    }
    if mapping.providers().any(|provider| !provider.models.is_empty()) {
        output.data("")?;
        output.table(&names)?;
    }
    Ok(())
}

fn asked(output: Output, model: &str, asked: &Asked<'_>) -> Result<(), Failure> {
    let found = match &asked.way {
        Way::Route(glob) => format!("the route {glob}"),
        other => format!("no route, so {}", way(other)),
    };
    output.data(format_args!("{}: {}", Cell::styled(model, Style::new().bold()), harmless(&found)))?;
    if asked.candidates.is_empty() {
        return output.data("nobody can be asked");
    }
    let headings = ["#", "PROVIDER", "PROFILE", "TYPE", "SENT AS", "NAMED BY"];
    let mut table = Table::new(&headings).shrink(1).shrink(2).shrink(4).shrink(5);
    for (place, candidate) in asked.candidates.iter().enumerate() {
        table.row(vec![
            Cell::new(place + 1),
            Cell::new(candidate.provider),
            Cell::new(candidate.profile.unwrap_or_default()),
            Cell::new(candidate.dialect),
            Cell::new(&candidate.sent),
            Cell::styled(named_by(candidate), Style::new().dimmed()),
        ]);
    }
    output.table(&table)
}

/// The lines of a route that take part, in the order in which they are asked.
fn lines<'a>(mapping: &Mapping<'_>, route: &'a Route) -> Vec<&'a RouteCandidate> {
    let out: Vec<&str> = mapping.left_out().collect();
    let takes_part = |line: &&RouteCandidate| match &line.target {
        RouteTarget::Provider(name) => !out.contains(&name.as_str()),
        RouteTarget::Profile(_) => true,
    };
    let mut lines: Vec<_> = route.candidates.iter().filter(takes_part).collect();
    lines.sort_by_key(|line| line.priority);
    lines
}

fn target(target: &RouteTarget) -> String {
    match target {
        RouteTarget::Provider(name) => name.clone(),
        RouteTarget::Profile(name) => format!("profile {name}"),
    }
}

fn way(way: &Way<'_>) -> String {
    match way {
        Way::Route(glob) => format!("the route {glob}"),
        Way::StandIn(glob) => format!("the route {glob}, which stands in"),
        Way::Profiles(names) => match names.as_slice() {
            [] => "all providers in the order of the file".to_owned(),
            [one] => format!("the profile {one}"),
            several => format!("the profiles {}", several.join(", then ")),
        },
    }
}

fn named_by(candidate: &Candidate<'_>) -> String {
    match (candidate.routed, candidate.entry) {
        (false, None) => "as asked".to_owned(),
        (true, None) => "the route".to_owned(),
        (false, Some(glob)) => format!("models {glob}"),
        (true, Some(glob)) => format!("the route, models {glob}"),
    }
}

fn document(mapping: &Mapping<'_>, models: &[&str], pinned: Option<&str>) -> Value {
    let line = |line: &RouteCandidate| match &line.target {
        RouteTarget::Provider(name) => json!({ "provider": name, "model": line.model, "priority": line.priority }),
        RouteTarget::Profile(name) => json!({ "profile": name, "model": line.model, "priority": line.priority }),
    };
    let route = |route: &Route| {
        let candidates: Vec<Value> = lines(mapping, route).into_iter().map(line).collect();
        json!({ "glob": route.glob, "candidates": candidates })
    };
    let names = mapping.providers().flat_map(|provider| {
        let entry = |(glob, name): &(String, String)| json!({ "provider": provider.name, "glob": glob, "model": name });
        provider.models.iter().map(entry).collect::<Vec<_>>()
    });
    json!({
        "pinned": pinned,
        "routes": mapping.routes().map(route).collect::<Vec<_>>(),
        "without_route": way_document(&mapping.without_route()),
        "names": names.collect::<Vec<_>>(),
        "models": models.iter().map(|model| asked_document(model, &mapping.of(model))).collect::<Vec<_>>(),
        "left_out": mapping.left_out().collect::<Vec<_>>(),
    })
}

fn way_document(way: &Way<'_>) -> Value {
    match way {
        Way::Route(glob) => json!({ "route": glob, "stands_in": false, "profiles": null }),
        Way::StandIn(glob) => json!({ "route": glob, "stands_in": true, "profiles": null }),
        Way::Profiles(names) => json!({ "route": null, "stands_in": false, "profiles": names }),
    }
}

fn asked_document(model: &str, asked: &Asked<'_>) -> Value {
    let candidate = |candidate: &Candidate<'_>| {
        json!({
            "provider": candidate.provider,
            "profile": candidate.profile,
            "type": candidate.dialect,
            "sent": candidate.sent,
            "by_route": candidate.routed,
            "by_models": candidate.entry,
        })
    };
    json!({
        "model": model,
        "way": way_document(&asked.way),
        "candidates": asked.candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}
