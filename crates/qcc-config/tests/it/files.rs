//! Files on disk: the configuration itself, files that it refers to, and where everything lies.

use std::collections::BTreeMap;
use std::fs::write;
use std::path::{Path, PathBuf};

use qcc_config::{Auth, env_of, load, locate};

use crate::provider;

#[test]
fn a_file_is_loaded_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    write(&path, "proxy: {port: 1}\n").unwrap();
    let loaded = load(&path, &|_| None).unwrap();
    assert_eq!(loaded.config.settings.proxy.port, 1);
    assert_eq!(loaded.path, Some(path));
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_path_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let report = |path: &Path| {
        load(path, &|_| None).unwrap_err().to_string().replace(&*folder.path().to_string_lossy(), "/home")
    };
    let mut reports = vec![report(&path), report(folder.path())];
    write(&path, b"proxy: \xff\n").unwrap();
    reports.push(report(&path));
    write(&path, "# filler\n".repeat(500_000)).unwrap();
    reports.push(report(&path));
    insta::assert_snapshot!(reports.join("\n\n"));
}

#[test]
fn secrets_come_from_files_relative_to_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("key"), "from-file\r\n").unwrap();
    write(folder.path().join("ca.pem"), "").unwrap();
    let path = folder.path().join("config.yaml");
    for reference in ["key", "./key", &folder.path().join("key").to_string_lossy()] {
        write(&path, provider(&format!("auth_value: ${{file:{reference}}}\nca_file: ca.pem"))).unwrap();
        let config = load(&path, &|_| None).unwrap().config;
        assert!(matches!(&config.providers[0].auth, Auth::ApiKey(key) if key.expose() == "from-file"), "{reference}");
        assert_eq!(config.providers[0].ca_file, Some(folder.path().join("ca.pem")));
    }
}

#[test]
fn references_that_lead_nowhere_are_told_at_their_place() {
    let faults = ["${NOPE}", "${file:nowhere}", "${file:}", "${}", "${NOPE:-x}", "${1A}", "${KEY", "a ${ b }"];
    let report = |value: &str| format!("{}\n\n", crate::fault(&provider(&format!("auth_value: '{value}'"))));
    insta::assert_snapshot!(faults.iter().map(|value| report(value)).collect::<String>());
}

#[test]
fn a_referenced_file_must_be_small_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    write(&path, provider("auth_value: ${file:key}")).unwrap();
    for content in [vec![b'a'; 70_000], vec![0xff, 0xfe], b"two\nlines\n".to_vec(), b"\n".to_vec()] {
        write(folder.path().join("key"), &content).unwrap();
        assert!(load(&path, &|_| None).is_err(), "{} bytes", content.len());
    }
}

fn located(flag: Option<&str>, variables: &[(&str, &str)]) -> [PathBuf; 4] {
    let map: BTreeMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let found = locate(flag.map(Path::new), &env_of(&map));
    [found.config, found.state_dir, found.log, found.pid]
}

fn paths(paths: [&str; 4]) -> [PathBuf; 4] {
    paths.map(PathBuf::from)
}

#[test]
fn files_lie_where_xdg_says() {
    let home = ("HOME", "/home/u");
    let default = paths([
        "/home/u/.config/qcc/config.yaml",
        "/home/u/.local/state/qcc",
        "/home/u/.local/state/qcc/qcc.log",
        "/home/u/.local/state/qcc/qcc.pid",
    ]);
    assert_eq!(located(None, &[home]), default);
    assert_eq!(
        located(None, &[home, ("XDG_CONFIG_HOME", ""), ("XDG_STATE_HOME", "relative"), ("QCC_HOME", "")]),
        default
    );
    let xdg = [home, ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")];
    assert_eq!(located(None, &xdg), paths(["/c/qcc/config.yaml", "/s/qcc", "/s/qcc/qcc.log", "/s/qcc/qcc.pid"]));
}

#[test]
fn qcc_home_holds_everything_and_the_flag_chooses_the_file() {
    let home = [("HOME", "/home/u"), ("QCC_HOME", "/q"), ("XDG_STATE_HOME", "/s")];
    assert_eq!(located(None, &home), paths(["/q/config.yaml", "/q", "/q/qcc.log", "/q/qcc.pid"]));
    let chosen = [home[0], home[1], ("QCC_CONFIG", "/e.yaml")];
    assert_eq!(located(None, &chosen)[0], Path::new("/e.yaml"));
    assert_eq!(located(Some("/f.yaml"), &chosen), paths(["/f.yaml", "/q", "/q/qcc.log", "/q/qcc.pid"]));
    assert_eq!(located(Some("f.yaml"), &chosen)[0], std::env::current_dir().unwrap().join("f.yaml"));
}
