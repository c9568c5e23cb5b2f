//! Files on disk that are changed, and what happens to them when that fails.

use std::cell::Cell;
use std::fs::{self, Permissions, set_permissions, write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::edit::{Node, Step};

const FILE: &str = "\
# ours
providers:
  - name: relay   # the cheap one
    base_url: https://relay.example
    auth_value: sk-relay-1
proxy:
  port: 7860
";

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn with(text: &str) -> Self {
        let home = Self::new();
        fs::create_dir(home.path("etc")).unwrap();
        write(home.config(), text).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("etc/config.yaml")
    }

    fn editor(&self) -> Editor {
        Editor::new(&self.config(), &self.path("state"))
    }

    fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    fn set(&self, key: &str, value: &str) -> Result<Changed, ConfigError> {
        change(&self.editor(), key, value)
    }

    fn mode(&self) -> u32 {
        fs::metadata(self.config()).unwrap().mode() & 0o777
    }

    /// The names in the folder of the configuration.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path("etc"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn history(&self) -> PathBuf {
        let folders = fs::read_dir(self.path("state/history")).unwrap();
        folders.map(|entry| entry.unwrap().path()).next().unwrap()
    }

    fn versions(&self) -> String {
        let line = |version: Version| {
            let Version { number, time, what, added, removed, current } = version;
            let time = if what == "as found" || what.ends_with("by hand") { 0 } else { time };
            format!("{number} {time} {what} +{added} -{removed}{}", if current { " *" } else { "" })
        };
        self.editor().versions().unwrap().into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn unset(_: &str) -> Option<String> {
    None
}

fn change(editor: &Editor, key: &str, value: &str) -> Result<Changed, ConfigError> {
    editor.change(&format!("config set {key}"), 100, &unset, |document| {
        let key = crate::key(key, document).unwrap();
        Ok(key.edits(document, value).unwrap())
    })
}

fn shown(diff: &Diff) -> String {
    let line = |line: &DiffLine| match line.sign {
        Sign::Same => format!("  {:2} {}", line.number, line.text),
        Sign::Removed => format!("- {:2} {}", line.number, line.text),
        Sign::Added => format!("+ {:2} {}", line.number, line.text),
        Sign::Gap => "  ...".to_owned(),
    };
    diff.lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn replace(home: &Home, text: &str) -> Result<Changed, ConfigError> {
    home.editor().replace("config import", text, true, false, 200, &unset)
}

#[test]
fn a_change_writes_the_file_and_keeps_the_rest_of_it() {
    let home = Home::with(FILE);
    let changed = home.set("proxy.port", "7861").unwrap();
    assert_eq!(home.text(), FILE.replace("7860", "7861"));
    assert_eq!((changed.version, changed.created), (Some(2), false));
    assert_eq!(changed.loaded.unwrap().config.settings.proxy.port, 7861);
    assert_eq!(home.names(), ["config.yaml"]);
    insta::assert_snapshot!(shown(&changed.diff), @r"
       5     auth_value: [redacted]
       6 proxy:
    -  7   port: 7860
    +  7   port: 7861
    ");
}

#[test]
fn a_file_that_is_missing_is_made_for_its_owner_alone() {
    let home = Home::new();
    let changed = home.set("proxy.port", "7861").unwrap();
    assert_eq!((changed.version, changed.created), (Some(1), true));
    assert_eq!(home.mode(), 0o600);
    assert_eq!(fs::metadata(home.path("etc")).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(home.history()).unwrap().mode() & 0o777, 0o700);
    let version = home.history().join("000001.json");
    assert_eq!(fs::metadata(version).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    let home = Home::with(FILE);
    let before = fs::metadata(home.config()).unwrap();
    let changed = home.set("proxy.port", "7860").unwrap();
    assert_eq!(changed.version, None);
    assert!(changed.diff.lines.is_empty() && changed.loaded.is_some());
    assert_eq!(fs::metadata(home.config()).unwrap().ino(), before.ino());
    assert!(!home.path("state").exists());
    let empty = Home::new();
    let changed = empty.editor().change::<ConfigError>("x", 1, &unset, |_| Ok(vec![])).unwrap();
    assert!(changed.version.is_none() && !empty.config().exists());
}

#[test]
fn the_mode_of_the_file_stays() {
    let home = Home::with(FILE);
    set_permissions(home.config(), Permissions::from_mode(0o640)).unwrap();
    home.set("proxy.port", "7861").unwrap();
    assert_eq!(home.mode(), 0o640);
}

#[test]
fn a_link_stays_a_link_and_the_file_behind_it_changes() {
    let home = Home::with(FILE);
    let link = home.path("link.yaml");
    symlink("etc/config.yaml", &link).unwrap();
    let editor = Editor::new(&link, &home.path("state"));
    change(&editor, "proxy.port", "7861").unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("etc/config.yaml"));
    assert_eq!(home.text(), FILE.replace("7860", "7861"));
    assert_eq!(home.versions().lines().count(), 2, "both names have one history");
}

#[test]
fn a_read_only_file_is_left_alone() {
    let home = Home::with(FILE);
    set_permissions(home.config(), Permissions::from_mode(0o444)).unwrap();
    let error = home.set("proxy.port", "7861").unwrap_err();
    assert_eq!(error.problems[0].message, "the file is read-only, and was not changed");
    assert!(error.problems[0].hint.as_ref().unwrap().contains("chmod u+w "));
    assert_eq!((home.text().as_str(), home.names().len()), (FILE, 1));
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let home = Home::with(FILE);
    let folder = Editor::new(&home.path("etc"), &home.path("state"));
    assert!(change(&folder, "proxy.port", "1").unwrap_err().to_string().contains("directory"));
    let below = Editor::new(&home.path("etc/config.yaml/config.yaml"), &home.path("state"));
    let message = change(&below, "proxy.port", "1").unwrap_err().to_string();
    assert!(message.contains("cannot be made"), "{message}");
    symlink("nowhere.yaml", home.path("dangling.yaml")).unwrap();
    let dangling = Editor::new(&home.path("dangling.yaml"), &home.path("state"));
    assert!(change(&dangling, "proxy.port", "1").is_err());
    assert_eq!(home.names(), ["config.yaml"]);
    assert!(!home.path("nowhere.yaml").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_nothing_is_lost() {
    let home = Home::with(FILE);
    // The superuser may write everywhere but into a file system that has no such thing as files of ours.
    let proc = Editor::new(Path::new("/proc/self/qcc/config.yaml"), &home.path("state"));
    let message = change(&proc, "proxy.port", "1").unwrap_err().to_string();
    assert!(message.contains("the folder /proc/self/qcc cannot be made"), "{message}");
    let proc = Editor::new(Path::new("/proc/self/config.yaml"), &home.path("state"));
    let message = change(&proc, "proxy.port", "1").unwrap_err().to_string();
    assert!(message.contains("the configuration cannot be written") && !message.contains(".qcc-"), "{message}");
    assert!(!home.path("state").exists());
}

#[test]
fn a_change_that_cannot_be_kept_in_the_history_is_not_made() {
    let home = Home::with(FILE);
    write(home.path("state"), "a file where the folder should be").unwrap();
    let error = home.set("proxy.port", "7861").unwrap_err();
    assert!(error.problems[0].message.contains("the history cannot be written"), "{error}");
    assert_eq!((home.text().as_str(), home.names()), (FILE, vec!["config.yaml".to_owned()]));
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let home = Home::with(FILE);
    let other_state = home.path("other");
    std::thread::scope(|scope| {
        let ours = scope.spawn(|| {
            for round in 1..=50 {
                home.set("proxy.port", &round.to_string()).unwrap();
                home.set(&format!("providers.relay.models.a{round}"), "x").unwrap();
            }
        });
        let theirs = scope.spawn(|| {
            let editor = Editor::new(&home.config(), &other_state);
            for round in 1..=50 {
                change(&editor, "pool.max_per_host", &round.to_string()).unwrap();
                change(&editor, &format!("providers.relay.headers.x-{round}"), "y").unwrap();
            }
        });
        ours.join().unwrap();
        theirs.join().unwrap();
    });
    let document = Document::open(&home.config()).unwrap();
    let text = |path: &[Step]| document.get(path).and_then(Node::as_text).unwrap().to_owned();
    assert_eq!(text(&["proxy".into(), "port".into()]), "50");
    assert_eq!(text(&["pool".into(), "max_per_host".into()]), "50");
    for round in 1..=50 {
        let provider = |map: &str, key: String| text(&["providers".into(), 0.into(), map.into(), key.into()]);
        assert_eq!(provider("models", format!("a{round}")), "x");
        assert_eq!(provider("headers", format!("x-{round}")), "y");
    }
    assert_eq!(home.names(), ["config.yaml"]);
    assert!(home.text().contains("# the cheap one"));
}

#[test]
fn what_an_editor_saves_meanwhile_is_kept() {
    let home = Home::with(FILE);
    let saves = Cell::new(0);
    let changed = home.editor().change::<ConfigError>("config set", 1, &unset, |document| {
        saves.set(saves.get() + 1);
        if saves.get() == 1 {
            write(home.config(), FILE.replace("# ours", "# theirs")).unwrap();
        }
        Ok(crate::key("proxy.port", document).unwrap().edits(document, "7861").unwrap())
    });
    assert!(changed.unwrap().version.is_some());
    assert_eq!((saves.get(), home.text()), (2, FILE.replace("# ours", "# theirs").replace("7860", "7861")));
}

#[test]
fn a_file_that_others_keep_on_writing_is_given_up() {
    let home = Home::with(FILE);
    let saves = Cell::new(0);
    let error = home.editor().change::<ConfigError>("config set", 1, &unset, |document| {
        saves.set(saves.get() + 1);
        write(home.config(), format!("{FILE}# {}\n", saves.get())).unwrap();
        Ok(crate::key("proxy.port", document).unwrap().edits(document, "7861").unwrap())
    });
    assert!(error.unwrap_err().to_string().contains("somebody else"));
    assert_eq!((home.text(), home.names()), (format!("{FILE}# 3\n"), vec!["config.yaml".to_owned()]));
}

#[test]
fn an_edit_that_adds_a_fault_is_not_made() {
    let home = Home::with(FILE);
    let error = home.set("providers.relay.base_url", "relay.example").unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(home.config().to_str().unwrap(), "FILE"), @r"
    error: base_url has no scheme, in `base_url: relay.example`; the file was not changed
     --> FILE
    hint: write a URL such as `https://api.anthropic.com`
    ");
    let error = home.set("providers.relay.auth_value", "${GONE}").unwrap_err();
    assert!(error.to_string().contains("`GONE` is not set"), "{error}");
    assert_eq!(home.text(), FILE);
    assert!(!home.path("state").exists());
}

#[test]
fn faults_that_are_there_already_are_not_in_the_way() {
    let faulty = FILE.replace("sk-relay-1", "${GONE}").replace("7860", "x");
    let home = Home::with(&faulty);
    let changed = home.set("logging.level", "debug").unwrap();
    assert!(changed.loaded.is_none());
    assert!(home.set("proxy.drain", "1s").unwrap().loaded.is_none(), "also when the lines have moved");
    assert!(home.set("proxy.port", "1").unwrap().loaded.is_none(), "one fault is mended");
    assert!(home.set("providers.relay.auth_value", "sk-1").unwrap().loaded.is_some(), "and then the other");
    assert!(home.set("providers.relay.base_url", "relay").is_err());
}

#[test]
fn the_first_change_keeps_what_was_found_and_later_ones_what_was_edited_by_hand() {
    let home = Home::with(FILE);
    home.set("proxy.port", "1").unwrap();
    write(home.config(), home.text().replace("# ours", "# by hand")).unwrap();
    home.set("proxy.port", "2").unwrap();
    insta::assert_snapshot!(home.versions(), @r"
    4 100 config set proxy.port +1 -1 *
    3 0 edited by hand +1 -1
    2 100 config set proxy.port +1 -1
    1 0 as found +7 -0
    ");
    insta::assert_snapshot!(shown(&home.editor().diff(3).unwrap()), @r"
    -  1 # ours
    +  1 # by hand
       2 providers:
       3   - name: relay   # the cheap one
    ");
    fs::remove_file(home.config()).unwrap();
    assert!(!home.versions().contains('*'));
    home.set("proxy.port", "3").unwrap();
    assert!(home.versions().contains("5 0 removed by hand +0 -7"), "{}", home.versions());
}

#[test]
fn a_rollback_takes_back_the_newest_change_and_is_a_change_itself() {
    let home = Home::with(FILE);
    home.set("proxy.port", "1").unwrap();
    home.set("proxy.port", "2").unwrap();
    let roll = |number: Option<u64>| home.editor().rollback(number, 300, &unset);
    let port = || home.text().lines().last().unwrap().trim().to_owned();
    let changed = roll(None).unwrap();
    assert_eq!((changed.version, port()), (Some(4), "port: 1".to_owned()));
    assert!(changed.loaded.is_some());
    roll(None).unwrap();
    assert_eq!(port(), "port: 2", "the newest change was the rollback");
    roll(Some(1)).unwrap();
    assert_eq!(home.text(), FILE);
    assert_eq!(roll(Some(1)).unwrap().version, None, "it is so already");
    assert_eq!(home.versions().lines().next(), Some("6 300 config rollback 1 +1 -1 *"));
}

#[test]
fn a_rollback_takes_back_an_edit_by_hand_and_keeps_it() {
    let home = Home::with(FILE);
    home.set("proxy.port", "1").unwrap();
    let by_hand = home.text().replace("# ours", "# by hand");
    write(home.config(), &by_hand).unwrap();
    home.editor().rollback(None, 300, &unset).unwrap();
    assert!(home.text().starts_with("# ours"));
    home.editor().rollback(None, 301, &unset).unwrap();
    assert_eq!(home.text(), by_hand);
}

#[test]
fn a_file_that_was_broken_by_hand_can_be_rolled_back() {
    let home = Home::with(FILE);
    home.set("proxy.port", "1").unwrap();
    let good = home.text();
    write(home.config(), "providers: [\n  auth_value: sk-secret-1\n").unwrap();
    assert!(home.set("proxy.port", "2").is_err());
    let changed = home.editor().rollback(None, 300, &unset).unwrap();
    assert_eq!(home.text(), good);
    assert!(!shown(&changed.diff).contains("sk-"), "{}", shown(&changed.diff));
    assert!(!shown(&home.editor().diff(3).unwrap()).contains("sk-"));
}

#[test]
fn there_is_no_way_back_to_where_no_file_was() {
    let home = Home::new();
    assert!(home.editor().rollback(None, 1, &unset).unwrap_err().to_string().contains("no version"));
    home.set("proxy.port", "1").unwrap();
    let error = home.editor().rollback(None, 1, &unset).unwrap_err().to_string();
    assert!(error.contains("nothing is kept from before version 1") && error.contains("rm "), "{error}");
    let error = home.editor().rollback(Some(9), 1, &unset).unwrap_err().to_string();
    assert!(error.contains("no version 9") && error.contains("versions 1 to 1"), "{error}");
    fs::remove_file(home.config()).unwrap();
    home.set("proxy.port", "2").unwrap();
    let error = home.editor().rollback(None, 1, &unset).unwrap_err().to_string();
    assert!(error.contains("there was no file at version 2"), "{error}");
    assert!(home.text().contains("port: 2"));
}

#[test]
fn a_hundred_versions_are_kept_and_numbers_go_on() {
    let home = Home::with(FILE);
    for port in 1..=105 {
        replace(&home, &FILE.replace("7860", &port.to_string())).unwrap();
    }
    let versions = home.editor().versions().unwrap();
    assert_eq!((versions.len(), versions[0].number, versions[99].number), (100, 106, 7));
}

#[test]
fn a_damaged_version_costs_only_itself() {
    let home = Home::with(FILE);
    home.set("proxy.port", "1").unwrap();
    home.set("proxy.port", "2").unwrap();
    write(home.history().join("000002.json"), "{").unwrap();
    write(home.history().join("000003.json"), "").unwrap();
    assert!(home.editor().diff(2).unwrap_err().to_string().contains("version 2 cannot be read"));
    assert!(home.editor().rollback(Some(3), 1, &unset).is_err());
    home.set("proxy.port", "3").unwrap();
    insta::assert_snapshot!(home.versions(), @r"
    5 100 config set proxy.port +1 -1 *
    4 0 edited by hand +1 -1
    1 0 as found +7 -0
    ");
}

#[test]
fn a_whole_text_is_put_in_place_when_it_is_valid() {
    let home = Home::with(FILE);
    let new = "providers:\n  - {name: other, base_url: 'https://other.example', auth_value: sk-2}\n";
    let dry = home.editor().replace("config import", new, true, true, 1, &unset).unwrap();
    assert_eq!((dry.version, home.text().as_str(), home.path("state").exists()), (None, FILE, false));
    let changed = replace(&home, new).unwrap();
    assert_eq!(changed.diff, dry.diff);
    assert_eq!((home.text().as_str(), changed.version), (new, Some(2)));
    for bad in
        ["quux: 1\n", "proxy: {port: x}\n", "providers: [{name: a, base_url: 'https://a', auth_value: '${NO}'}]\n"]
    {
        assert!(replace(&home, bad).is_err(), "{bad}");
    }
    assert_eq!(home.text(), new);
}

#[test]
fn an_export_can_be_imported_over_its_file_and_nowhere_else() {
    let home = Home::with(FILE);
    let exported = crate::redacted(&Document::open(&home.config()).unwrap());
    assert!(!exported.contains("sk-"));
    replace(&home, &exported.replace("7860", "7")).unwrap();
    assert_eq!(home.text(), FILE.replace("7860", "7"));
    let elsewhere = Home::new();
    let error = replace(&elsewhere, &exported).unwrap_err().to_string();
    assert!(error.contains("auth_value of the provider `relay`"), "{error}");
    assert!(!elsewhere.config().exists());
}
