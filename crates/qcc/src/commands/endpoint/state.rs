//! `qcc endpoint remove | enable | disable PROFILE ID`.

use qcc_config::edit::{Document, Edit, Node, Step, WrittenEndpoint, WrittenProfile};
use qcc_store::{Kept, Row};
use serde_json::json;

use super::{endpoint, profile};
use crate::cli::setup::EndpointId;
use crate::context::Context;
use crate::edits;
use crate::failure::{Failure, OK, Outcome};
use crate::live::{self, Gateway};
use crate::output::harmless;

/// What is meant, once it is known.
#[derive(Debug, Default, Clone)]
struct Meant {
    profile: String,
    provider: String,
    /// Endpoints of the profile that could still be asked after the change.
    left: usize,
}

pub(super) fn remove(context: &Context, id: &EndpointId) -> Outcome {
    let meant = change(context, id, "remove", |path| Edit::Remove { path }, "is no longer in the profile")?;
    if meant.left == 0 {
        context.output.note(format_args!("nobody is left in the profile {}: it is skipped", harmless(&meant.profile)));
    }
    context.output.talk("undo: `qcc config rollback`");
    Ok(OK)
}

pub(super) fn disable(context: &Context, id: &EndpointId) -> Outcome {
    let edit = |mut path: Vec<Step>| {
        path.push("enabled".into());
        Edit::Set { path, value: Node::bool(false) }
    };
    let meant = change(context, id, "disable", edit, "is disabled in the profile")?;
    if meant.left == 0 {
        let profile = harmless(&meant.profile);
        context.output.note(format_args!("nobody who is enabled is left in the profile {profile}: it is skipped"));
    }
    Ok(OK)
}

/// Also the way to say that what was wrong is mended: the running gateway forgets cooldown and refused credential.
pub(super) fn enable(context: &Context, id: &EndpointId) -> Outcome {
    let document = edits::document(context)?;
    let target = profile(&document, &id.profile)?;
    let (_, target) = endpoint(&target, &id.id)?;
    let provider = document.providers().into_iter().find(|provider| provider.name == target.provider);
    // The file may say nothing of it, which means enabled; then it goes on saying nothing.
    let edit = |mut path: Vec<Step>| {
        path.push("enabled".into());
        Edit::Set { path, value: Node::bool(true) }
    };
    let meant = change(context, id, "enable", edit, "is enabled in the profile")?;
    if let Some(gateway) = Gateway::find(context) {
        match gateway.post(&format!("/api/providers/{}/reset", percent_encoded(&meant.provider)), &json!({})) {
            Ok(_) => context.output.talk("what the running gateway held against it is forgotten"),
            Err(failure) => context.output.note(format_args!("its cooldown was not cleared: {}", failure.message())),
        }
    } else if let Err(failure) = forget(context, &meant.provider) {
        context.output.note(format_args!("what was kept of it was not cleared: {}", failure.message()));
    }
    if provider.is_some_and(|provider| !provider.enabled) {
        let name = harmless(&meant.provider);
        context.output.note(format_args!(
            "the provider {name} itself is disabled: `qcc config set providers.{name}.enabled true`"
        ));
    }
    Ok(OK)
}

/// What the last gateway kept of a provider, so that the next one does not find it.
fn forget(context: &Context, name: &str) -> Result<(), Failure> {
    let config = context.load()?.config;
    let provider = config.providers.iter().find(|provider| provider.name == name);
    if let (Some(provider), Some(mut store)) = (provider, live::kept(context)?) {
        let kept = Kept { cleared: vec![qcc_server::identity_of(provider)], ..Kept::default() };
        store.record(Row::Kept(Box::new(kept))).map_err(|error| live::failed(&error))?;
    }
    Ok(())
}

fn change(
    context: &Context,
    id: &EndpointId,
    verb: &str,
    edit: impl Fn(Vec<Step>) -> Edit,
    done: &str,
) -> Result<Meant, Failure> {
    let mut meant = Meant::default();
    let changed = edits::change(context, &format!("endpoint {verb} {} {}", id.profile, id.id), |document| {
        let target = profile(document, &id.profile)?;
        let (place, chosen) = endpoint(&target, &id.id)?;
        meant = Meant {
            profile: target.name.clone(),
            provider: chosen.provider.clone(),
            left: left(document, &target, &chosen.provider),
        };
        let path = vec!["profiles".into(), target.name.as_str().into(), "endpoints".into(), place.into()];
        Ok(if is_so(verb, &chosen) { Vec::new() } else { vec![edit(path)] })
    })?;
    let (provider, profile) = (harmless(&meant.provider), harmless(&meant.profile));
    let about = json!({ "profile": meant.profile, "provider": meant.provider });
    edits::tell(context, &changed, &format!("{provider} {done} {profile}"), about)?;
    Ok(meant)
}

/// Whether the file says so already.
fn is_so(verb: &str, endpoint: &WrittenEndpoint) -> bool {
    (verb == "enable" && endpoint.enabled) || (verb == "disable" && !endpoint.enabled)
}

/// Endpoints without `provider` that could be asked.
fn left(document: &Document, profile: &WrittenProfile, provider: &str) -> usize {
    let providers = document.providers();
    let enabled = |name: &str| providers.iter().any(|provider| provider.name == name && provider.enabled);
    let others = profile.endpoints.iter().filter(|endpoint| endpoint.provider != provider && endpoint.enabled);
    others.filter(|endpoint| enabled(&endpoint.provider)).count()
}

/// A name as one segment of a path (RFC 3986, section 2.3: unreserved characters stay).
fn percent_encoded(name: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_text_fits_into_a_path() {
        assert_eq!(percent_encoded("my relay/工作"), "my%20relay%2F%E5%B7%A5%E4%BD%9C");
    }
}
