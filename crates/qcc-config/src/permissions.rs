//! Who else can read the secrets of the file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::env::is_reference;
use crate::file::File;
use crate::source::{self, Source};
use crate::value::At;
use crate::{Notice, yaml};

/// A message when the file at `path` can be read by others than its owner and holds secrets itself, not only
/// references such as `${VAR}`. `None` also when it cannot be read or is not valid: then `load` says so.
#[must_use]
pub fn permissions(path: &Path) -> Option<Notice> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return None;
    }
    let text = source::read(path).ok()?;
    let file = yaml::read(&Source::new(path, &text).ok()?).ok()?;
    let line = literal_secret(&file)?.place.line;
    let path = path.display();
    let message = format!("{path} holds secrets and has mode {mode:04o}: others may read them; run `chmod 600 {path}`");
    Some(Notice { message, line: Some(line) })
}

/// The first secret that stands in the file as it is.
fn literal_secret(file: &File) -> Option<&At<String>> {
    let providers = file.providers.iter().flatten();
    let of_providers = providers.flat_map(|provider| {
        let headers = provider.headers.iter().flat_map(|headers| headers.0.iter().map(|(_, value)| value));
        let proxy = provider.proxy.iter().filter(|proxy| proxy.text().contains('@'));
        provider.auth_value.iter().chain(headers).chain(proxy)
    });
    let keys = file.proxy.iter().filter_map(|proxy| proxy.client_keys.as_ref()).flatten();
    let old_key = file.settings.iter().filter_map(|settings| settings.auth.as_ref()?.api_key.as_ref());
    of_providers.chain(keys).chain(old_key).find(|value| !is_reference(value.text()) && value.text() != "passthrough")
}
