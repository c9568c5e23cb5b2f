//! A crash between any two steps: the settings are then as before or fully connected, and the next command knows which.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::claude::journal::BASE_URL;
use crate::claude::plan;
use crate::claude::settings::Settings;

const URL: &str = "http://127.0.0.1:7860";
const OTHER: &str = "http://127.0.0.1:9000";
const BEFORE: &str = "{\n  \"env\": {\n    \"ANTHROPIC_BASE_URL\": \"https://relay.example\"\n  }\n}\n";

/// A home with a settings file, or without one, and what qcc keeps.
struct Place {
    _home: TempDir,
    store: Store,
    settings: PathBuf,
}

impl Place {
    fn new(before: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let settings = home.path().join(".claude/settings.json");
        if let Some(text) = before {
            fs::create_dir(home.path().join(".claude")).unwrap();
            fs::write(&settings, text).unwrap();
        }
        Self { store: Store::new(&home.path().join("state")), settings, _home: home }
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(&self.settings).ok()
    }

    fn journal(&self) -> Journal {
        self.store.load().unwrap()
    }

    fn connection(&self) -> Option<Connection> {
        self.journal().entry(&self.settings).and_then(|entry| entry.now.clone())
    }

    fn perform(&self, steps: &[Step]) {
        let _lock = self.store.lock().unwrap();
        self.store.perform(steps).unwrap();
    }

    /// What every next command does first.
    fn heal(&self) -> Vec<String> {
        let lock = self.store.lock().unwrap();
        let (journal, notes) = self.store.settle(&lock).unwrap();
        assert!(!journal.is_unsettled());
        notes
    }

    fn backup(&self, connection: &Connection) -> Option<Vec<u8>> {
        fs::read(self.store.backup(&connection.backup.as_ref()?.name)).ok()
    }

    fn connect_to(&self, url: &str) -> Vec<Step> {
        let (journal, now) = (self.journal(), read(&self.settings).unwrap());
        let known = self.connection();
        let backup = known.as_ref().and_then(|known| self.backup(known));
        let known = known.as_ref().map(|known| (known, backup.as_deref()));
        let before = plan::without(now.as_deref(), known, url).unwrap();
        let made = known.map_or_else(Vec::new, |(known, _)| known.made_folders.clone());
        let made = [made, location::missing_folders(&self.settings)].concat();
        let keys = vec![(BASE_URL.to_owned(), Some(url.to_owned()))];
        let plan = plan::connect(before, url, keys, "name", made).unwrap_or_else(|fault| panic!("{fault:?}"));
        let written = (plan.after.as_slice(), &plan.connection);
        connecting(&journal, &self.settings, now.as_deref(), plan.before.as_deref(), written)
    }

    fn disconnect(&self) -> Vec<Step> {
        let (journal, now) = (self.journal(), read(&self.settings).unwrap());
        let connection = self.connection().unwrap();
        let undo =
            plan::undo(now.as_deref(), &connection, self.backup(&connection).as_deref()).unwrap_or_else(|_| panic!());
        disconnecting(&journal, journal.entry(&self.settings).unwrap(), now.as_deref(), undo.after.as_deref(), None)
    }

    /// Nothing of ours is left but what the journal names.
    fn is_clean(&self) -> bool {
        let journal = self.journal();
        let files = |folder: &Path| {
            let names = fs::read_dir(folder).into_iter().flatten().flatten();
            names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let stray = files(self.settings.parent().unwrap()).into_iter().filter(|name| name != "settings.json");
        let kept = files(&self.store.folder);
        stray.count() == 0 && kept.iter().all(|name| journal.backups().any(|needed| needed == name))
    }

    fn leads_to(&self) -> Option<String> {
        Some(Settings::read(self.text()?.as_bytes()).unwrap_or_else(|_| panic!()).get(BASE_URL)?.to_owned())
    }
}

/// Stops after each step of what `plan` gives, heals, and lets `check` look. `arrange` comes before.
fn at_every_crash(
    before: Option<&str>,
    arrange: impl Fn(&Place),
    plan: impl Fn(&Place) -> Vec<Step>,
    check: impl Fn(&Place, usize),
) {
    let count = {
        let place = Place::new(before);
        arrange(&place);
        plan(&place).len()
    };
    assert!(count >= 4);
    for (done, half) in (0..=count).flat_map(|done| [(done, false), (done, true)]) {
        let place = Place::new(before);
        arrange(&place);
        let steps = plan(&place);
        place.perform(&steps[..done]);
        // A crash within the replacement leaves a part of the new file beside the old one.
        if half && let Some(Step::Settings(..)) = steps.get(done) {
            fs::write(beside(&place.settings), "{ \"env").unwrap();
        }
        place.heal();
        check(&place, done);
        assert!(place.is_clean(), "after {done} of {count} steps");
        assert!(place.heal().is_empty(), "what was settled once is settled");
    }
}

/// Either as before, or connected in a way that gives exactly that back.
fn as_before_or_connected(place: &Place, before: Option<&str>, url: &str) {
    match place.connection() {
        None => assert_eq!(place.text().as_deref(), before),
        Some(connection) => {
            assert_eq!((connection.url.as_str(), place.leads_to().as_deref()), (url, Some(url)));
            place.perform(&place.disconnect());
            assert_eq!(place.text().as_deref(), before);
        }
    }
    if before.is_none() {
        assert!(!place.settings.parent().unwrap().exists(), "the folder was ours");
    }
}

#[test]
fn a_connect_that_is_interrupted_anywhere_is_undone_or_complete() {
    for before in [Some(BEFORE), Some(""), None] {
        at_every_crash(
            before,
            |_| {},
            |place| place.connect_to(URL),
            |place, _| {
                as_before_or_connected(place, before, URL);
            },
        );
    }
}

#[test]
fn a_change_of_address_that_is_interrupted_anywhere_leaves_the_old_or_the_new_one() {
    for before in [Some(BEFORE), None] {
        let arrange = |place: &Place| place.perform(&place.connect_to(URL));
        at_every_crash(
            before,
            arrange,
            |place| place.connect_to(OTHER),
            |place, _| {
                let url = place.leads_to().unwrap();
                assert!([URL, OTHER].contains(&url.as_str()));
                assert!(place.connection().is_some());
                as_before_or_connected(place, before, &url);
            },
        );
    }
}

#[test]
fn a_disconnect_that_is_interrupted_anywhere_is_undone_or_complete() {
    for before in [Some(BEFORE), Some(""), None] {
        let arrange = |place: &Place| place.perform(&place.connect_to(URL));
        at_every_crash(before, arrange, Place::disconnect, |place, _| as_before_or_connected(place, before, URL));
    }
}

#[test]
fn a_disconnect_after_an_edit_that_is_interrupted_anywhere_keeps_the_edit() {
    let arrange = |place: &Place| {
        place.perform(&place.connect_to(URL));
        let edited = place.text().unwrap().replacen('{', "{\n  \"model\": \"opus\",", 1);
        fs::write(&place.settings, edited).unwrap();
    };
    let wanted = BEFORE.replacen('{', "{\n  \"model\": \"opus\",", 1);
    at_every_crash(Some(BEFORE), arrange, Place::disconnect, |place, _| {
        as_before_or_connected(place, Some(&wanted), URL);
    });
}

#[test]
fn an_edit_after_the_crash_does_not_hide_how_far_the_change_came() {
    let place = Place::new(Some(BEFORE));
    let steps = place.connect_to(URL);
    let written = steps.iter().position(|step| matches!(step, Step::Settings(..))).unwrap();
    place.perform(&steps[..=written]);
    fs::write(&place.settings, format!("{}\n", place.text().unwrap())).unwrap();
    assert_eq!(place.heal().len(), 1);
    assert_eq!(place.connection().unwrap().url, URL);

    let place = Place::new(Some(BEFORE));
    place.perform(&place.connect_to(URL)[..written]);
    fs::write(&place.settings, format!("{BEFORE}\n")).unwrap();
    place.heal();
    assert!(place.connection().is_none() && !place.store.exists());
}

#[test]
fn settings_that_somebody_else_changed_just_now_are_not_overwritten() {
    let place = Place::new(Some(BEFORE));
    let steps = place.connect_to(URL);
    fs::write(&place.settings, "{\"model\": \"opus\"}").unwrap();
    let lock = place.store.lock().unwrap();
    let failure = place.store.perform(&steps).unwrap_err();
    assert!(failure.message().ends_with("was changed by another program just now"), "{}", failure.message());
    place.store.settle(&lock).unwrap();
    assert_eq!(place.text().as_deref(), Some("{\"model\": \"opus\"}"));
    assert!(!place.store.exists() && place.is_clean());
}

#[test]
fn a_link_stays_a_link_and_the_mode_stays_too() {
    let place = Place::new(Some(BEFORE));
    let target = place.settings.with_file_name("real.json");
    fs::rename(&place.settings, &target).unwrap();
    symlink("real.json", &place.settings).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    place.perform(&place.connect_to(URL));
    assert!(place.settings.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(place.leads_to().as_deref(), Some(URL));
    place.perform(&place.disconnect());
    assert_eq!(fs::read_to_string(&target).unwrap(), BEFORE);
}

#[test]
fn what_is_made_can_be_read_by_its_owner_alone() {
    let place = Place::new(None);
    place.perform(&place.connect_to(URL));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.settings), 0o600);
    assert_eq!(mode(&place.store.journal), 0o600);
    assert_eq!(mode(&place.store.folder), 0o700);
    let place = Place::new(Some(BEFORE));
    place.perform(&place.connect_to(URL));
    let name = place.connection().unwrap().backup.unwrap().name;
    assert_eq!(mode(&place.store.backup(&name)), 0o600);
}

#[test]
fn a_journal_that_cannot_be_understood_is_left_alone() {
    let place = Place::new(Some(BEFORE));
    let _lock = place.store.lock().unwrap();
    fs::write(&place.store.journal, "{\"version\": 2, \"entries\": {}}").unwrap();
    assert!(place.store.load().is_err_and(|failure| failure.message().ends_with("another version of qcc")));
    fs::write(&place.store.journal, "{").unwrap();
    assert!(place.store.load().is_err_and(|failure| failure.message().ends_with("is damaged")));
}

#[test]
fn whoever_holds_the_lock_is_not_disturbed() {
    let place = Place::new(Some(BEFORE));
    let lock = place.store.lock().unwrap();
    assert!(place.store.try_lock().is_none());
    drop(lock);
    assert!(place.store.try_lock().is_some());
}
