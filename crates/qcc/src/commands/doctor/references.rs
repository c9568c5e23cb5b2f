//! A configuration that only lacks something that it refers to. `${VAR}` and `${file:}` are resolved while the file is
//! read, so one variable that is not set in this shell makes the whole file invalid, and nothing else of it could be
//! looked at. Here it is read once more with a stand-in for everything that is missing; what has a stand-in in it is
//! then told apart by it.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use qcc_config::{Auth, ConfigError, Env, Loaded, Provider};

/// Bytes of the largest configuration that is read (as in qcc-config).
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Bytes of the largest file that a reference reads (as in qcc-config).
const MAX_FILE: usize = 64 * 1024;

/// How a reference to a file begins.
const FILE: &str = "${file:";

/// References to files are read under names like this, which nobody gives a variable of his own.
const NAME: &str = "qcc_doctor_file_";

/// Something that the file refers to and that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) to: Target,
    pub(super) fault: Fault,
    /// 1-based line of the file, where the fault names one.
    pub(super) line: Option<usize>,
}

/// What is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Variable(String),
    File(PathBuf),
}

/// Why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The variable is not set, or the file cannot be read for this reason.
    Missing(String),
    Empty,
    /// Blanks or line breaks around it, or control characters in it.
    Blanks,
}

/// The configuration with stand-ins, and what they stand for. `None` when the file has other faults as well.
pub(super) fn without(path: &Path, strict: &ConfigError, env: Env<'_>) -> Option<(Loaded, Vec<Reference>)> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_TEXT).read_to_string(&mut text).ok()?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let (text, files) = with_names(&text);
    let files: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    let found: RefCell<Vec<Reference>> = RefCell::default();
    let lenient = |name: &str| {
        let file = name.strip_prefix(NAME).and_then(|number| files.get(number.parse::<usize>().ok()?));
        let (to, value) = match file {
            Some(file) => (Target::File(file.clone()), file_text(file)),
            None => (Target::Variable(name.to_owned()), env(name).ok_or_else(|| "it is not set".to_owned())),
        };
        let fault = match value.map_err(Fault::Missing).and_then(usable) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let mut found = found.borrow_mut();
        let place = found.iter().position(|reference| reference.to == to).unwrap_or_else(|| {
            found.push(Reference { line: to.line(strict), to, fault });
            found.len() - 1
        });
        Some(stand_in(place))
    };
    let loaded = qcc_config::parse(&text, path, &lenient).ok()?;
    let found = found.into_inner();
    (!found.is_empty()).then_some((loaded, found))
}

/// Every file that `${file:...}` of this text names, also in a comment.
pub(super) fn files_of(text: &str) -> Vec<String> {
    with_names(text).1
}

/// The text with `${NAME0}` for the first `${file:...}` and so on, and the files in that order.
fn with_names(text: &str) -> (String, Vec<String>) {
    let (mut out, mut files, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(FILE) {
        let Some((file, behind)) = after.split_once('}') else { break };
        out.push_str(&format!("{before}${{{NAME}{}}}", files.len()));
        files.push(file.to_owned());
        rest = behind;
    }
    out.push_str(rest);
    (out, files)
}

fn file_text(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if bytes.len() > MAX_FILE {
        return Err("it is larger than 64 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn usable(value: String) -> Result<String, Fault> {
    if value.trim().is_empty() {
        return Err(Fault::Empty);
    }
    let sound = value.trim() == value && !value.contains(char::is_control);
    if sound { Ok(value) } else { Err(Fault::Blanks) }
}

/// A URL, so that it may stand wherever a reference may. The name exists nowhere (RFC 6761, section 6.4).
fn stand_in(place: usize) -> String {
    format!("http://qcc-stand-in-{place}-.invalid")
}

/// The references that a provider lacks, as places in the list.
pub(super) fn lacking(provider: &Provider, references: &[Reference]) -> Vec<usize> {
    let secret = match &provider.auth {
        Auth::ApiKey(secret) | Auth::Token(secret) => Some(secret.expose()),
        Auth::Passthrough => None,
    };
    let proxy = provider.proxy.as_ref().map(qcc_config::Secret::expose);
    let ca_file = provider.ca_file.as_ref().and_then(|path| path.to_str());
    let headers = provider.headers.iter().map(|(_, value)| value.expose());
    let texts: Vec<&str> =
        [secret, proxy, ca_file, Some(&*provider.base_url)].into_iter().flatten().chain(headers).collect();
    let named = |place: &usize| texts.iter().any(|text| text.contains(stand_in(*place).trim_start_matches("http:")));
    (0..references.len()).filter(named).collect()
}

// === impl Target ===

impl Target {
    /// The line at which the faults of the file name it.
    fn line(&self, strict: &ConfigError) -> Option<usize> {
        let name = match self {
            Self::Variable(name) => format!("`{name}`"),
            Self::File(path) => format!("`{}`", path.display()),
        };
        strict.problems.iter().find(|problem| problem.message.contains(&name)).and_then(|problem| problem.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
providers:
  - {name: a, base_url: 'https://a.example', auth_value: \"${SET}\"}
  - {name: b, base_url: 'https://b.example', auth_value: \"${UNSET}\"}
  - {name: c, base_url: \"${BASE}\", auth_value: \"${file:key}\", headers: {x-team: \"${UNSET}\"}}
  - {name: d, base_url: 'https://d.example', auth_value: \"${OTHER}\", enabled: false}
";

    fn env(name: &str) -> Option<String> {
        match name {
            "SET" => Some("k".to_owned()),
            "BASE" => Some("https://c.example ".to_owned()),
            _ => None,
        }
    }

    fn read(text: &str) -> Option<(Loaded, Vec<Reference>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        let strict = qcc_config::load(&path, &env).unwrap_err();
        without(&path, &strict, &env)
    }

    #[test]
    fn each_thing_that_is_missing_is_found_once_with_the_providers_that_lack_it() {
        let (loaded, references) = read(TEXT).unwrap();
        let faults: Vec<&Fault> = references.iter().map(|reference| &reference.fault).collect();
        assert!(matches!(faults[..], [Fault::Missing(_), Fault::Missing(_), Fault::Blanks]), "{references:?}");
        assert_eq!(references[0].to, Target::Variable("UNSET".to_owned()));
        assert_eq!(references[0].line, Some(4));
        let lacking: Vec<Vec<usize>> =
            loaded.config.providers.iter().map(|provider| lacking(provider, &references)).collect();
        assert_eq!(lacking, [vec![], vec![0], vec![0, 1, 2], vec![]]);
    }

    #[test]
    fn a_file_with_another_fault_is_not_read_with_stand_ins() {
        assert!(read(&format!("{TEXT}nonsense: 1\n")).is_none());
    }

    #[test]
    fn every_file_that_is_named_is_found() {
        assert_eq!(files_of("a: ${file:one} # ${file:/two}\nb: ${file:open"), ["one", "/two"]);
    }

    #[test]
    fn what_is_empty_or_has_blanks_around_it_is_told_apart() {
        assert_eq!(usable(" \n".to_owned()), Err(Fault::Empty));
        assert_eq!(usable("k\n".to_owned()), Err(Fault::Blanks));
        assert_eq!(usable("a\tb".to_owned()), Err(Fault::Blanks));
        assert_eq!(usable("a b".to_owned()), Ok("a b".to_owned()));
    }
}
