//! `qcc endpoint ...`: which providers are in a profile.

mod add;
mod list;
mod state;

use qcc_config::edit::{Document, WrittenEndpoint, WrittenProfile};

use crate::cli::setup::Endpoint;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::names::resolve;
use crate::output::harmless;

pub(super) fn run(context: &Context, command: &Endpoint) -> Outcome {
    match command {
        Endpoint::Add(add) => add::run(context, add),
        Endpoint::List { profile } => list::run(context, profile),
        Endpoint::Remove(id) => state::remove(context, id),
        Endpoint::Enable(id) => state::enable(context, id),
        Endpoint::Disable(id) => state::disable(context, id),
    }
}

/// The profile that was typed.
///
/// # Errors
/// When there is none, or several are meant.
pub(super) fn profile(document: &Document, typed: &str) -> Result<WrittenProfile, Failure> {
    let profiles = document.profiles();
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    if names.is_empty() {
        let message = format!("there is no profile `{}`, nor any other", harmless(typed));
        return Err(Failure::new(message, format!("make it: `qcc add {}`", harmless(typed))));
    }
    let name = resolve("profile", typed, &names, "qcc list")?.to_owned();
    profiles.into_iter().find(|profile| profile.name == name).ok_or_else(|| Failure::bare("the profile is gone"))
}

/// The place and the entry of the endpoint that was typed: a name, its beginning, or a number from the list.
fn endpoint(profile: &WrittenProfile, typed: &str) -> Result<(usize, WrittenEndpoint), Failure> {
    let shown = harmless(&profile.name);
    let names: Vec<&str> = profile.endpoints.iter().map(|endpoint| endpoint.provider.as_str()).collect();
    if names.is_empty() {
        let message = format!("the profile `{shown}` has no endpoints");
        return Err(Failure::new(message, format!("add one: `qcc endpoint add {shown}`")));
    }
    let numbered = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let by_number = numbered.filter(|place| *place < names.len() && !names.contains(&typed));
    let place = match by_number {
        Some(place) => place,
        None => {
            let name = resolve("endpoint", typed, &names, &format!("qcc endpoint list {shown}"))?;
            names.iter().position(|other| *other == name).unwrap_or_default()
        }
    };
    profile.endpoints.get(place).map(|endpoint| (place, endpoint.clone())).ok_or_else(|| Failure::bare("it is gone"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn document() -> Document {
        let text = "
providers:
  - {name: work, base_url: 'https://a.example', auth_value: k}
  - {name: '2', base_url: 'https://b.example', auth_value: k}
profiles:
  production: {endpoints: [{provider: work}, {provider: '2', weight: 7}]}
  empty: {}
";
        Document::parse(Path::new("config.yaml"), text).unwrap()
    }

    fn weight(typed: &str) -> Result<u32, String> {
        let profile = profile(&document(), "prod").unwrap();
        endpoint(&profile, typed).map(|(_, endpoint)| endpoint.weight).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_endpoint_is_meant_by_name_beginning_or_number() {
        assert_eq!((weight("work"), weight("wo"), weight("1")), (Ok(100), Ok(100), Ok(100)));
    }

    #[test]
    fn a_provider_whose_name_is_a_number_is_meant_by_its_name() {
        assert_eq!(weight("2"), Ok(7));
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert!(weight("3").unwrap_err().contains("there is no endpoint `3`"));
        let empty = profile(&document(), "empty").unwrap();
        assert!(endpoint(&empty, "work").unwrap_err().to_string().contains("has no endpoints"));
        assert!(profile(&document(), "prodution").unwrap_err().to_string().contains("did you mean `production`?"));
    }
}
