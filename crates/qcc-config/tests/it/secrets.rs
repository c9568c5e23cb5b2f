//! No secret is printed, whatever is wrong with the file.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use qcc_config::{Secret, permissions};

use crate::{config, fault, provider};

const SECRET: &str = "sk-ant-0123456789abcdef";

#[test]
fn a_secret_prints_and_serializes_redacted() {
    let secret = Secret::new(SECRET);
    assert_eq!(
        format!("{secret} {secret:?} {}", serde_json::to_string(&secret).unwrap()),
        "[redacted] [redacted] \"[redacted]\""
    );
    assert_eq!(secret.expose(), SECRET);
    let config = config(&provider(&format!("auth_value: {SECRET}\nheaders: {{x-k: {SECRET}}}")));
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn equal_secrets_have_equal_fingerprints() {
    assert_eq!(Secret::new("a"), Secret::new("a"));
    assert_ne!(Secret::new("a"), Secret::new("b"));
    assert_ne!(Secret::new("a"), Secret::new("ab"));
    // The start of SHA-256("abc"), FIPS 180-2 appendix B.1.
    assert_eq!(Secret::new("abc").fingerprint(), 0xba78_16bf_8f01_cfea);
}

#[test]
fn no_report_holds_a_secret() {
    let files = [
        // The faulty line is the one with the secret.
        format!("providers:\n  - name: a\n    auth_vlaue: {SECRET}\n"),
        format!("providers:\n  - name: a\n    api-key: {SECRET}\n"),
        format!("providers:\n  - name: a\n    token: {SECRET}\n"),
        format!("providers:\n  - name: a\n    auth_value: [{SECRET}]\n"),
        format!("providers:\n  - name: a\n    auth_value: \"{SECRET}\n"),
        format!("providers:\n  - name: a\n    auth_value: {SECRET}\n     base_url: x\n"),
        format!("providers:\n  - {{name: a, base_ulr: x, auth_value: {SECRET}}}\n"),
        format!("providers:\n  - {{auth_value: {SECRET}, name: a, base_ulr: x}}\n"),
        format!("providers:\n  - {{auth_value: {SECRET}, name: a, base_url: x}}\n"),
        format!("{{\"providers\":[{{\"auth_value\":\"{SECRET}\",\"name\":\"a\",\"base_ulr\":\"x\"}}]}}"),
        format!("providers: {SECRET}\n"),
        format!("providers:\n  - {SECRET}\n"),
        format!("{SECRET}\n"),
        format!("{SECRET}: x\n x\n"),
        provider(&format!("auth_value: '{SECRET} '")),
        provider(&format!("auth_value: |\n  {SECRET}\n  {SECRET}")),
        provider(&format!("auth_value:\n  {SECRET}\n  {SECRET} \u{e9}")),
        provider(&format!("auth_value: x\nheaders:\n  x-key: \"{SECRET}\\n\"")),
        provider(&format!("auth_value: x\nheaders:\n  x-key: {SECRET}\n  'x y': {SECRET}")),
        provider(&format!("auth_value: x\nheaders: {{'x y': {SECRET}}}")),
        provider(&format!("auth_value: x\nheaders: [{SECRET}]")),
        provider(&format!("auth_value: x\nproxy: ftp://user:{SECRET}@proxy.example")),
        provider(&format!("auth_type: passthrough\nauth_value: {SECRET}")),
        provider(&format!("auth_value: ${{NOPE}}{SECRET}")),
        provider(&format!("auth_value: x # was {SECRET}\ntype: zed # {SECRET}")),
        format!("proxy:\n  host: 0.0.0.0\n  client_keys: [' {SECRET}']\n"),
        format!("proxy:\n  client_keys:\n  - ' {SECRET}'\n"),
        format!("proxy:\n  client_keys:\n    - name: {SECRET}\n"),
        format!("proxy:\n  client_keys: {SECRET}\n"),
        format!("proxy:\n  client_keys: {{a: {SECRET}}}\n"),
        format!("settings:\n  auth:\n    api_key: [{SECRET}]\n"),
        format!("settings:\n  auth: {{enabled: true, api_key: ' {SECRET}'}}\n"),
        format!("providers:\n  - name: a\n    base_url: https://user:{SECRET}@relay.example\n    auth_value: x\n"),
        format!("providers:\n  - name: a\n    base_url: https://relay.example?key={SECRET}\n    auth_value: x\n"),
        format!("quux: &{SECRET} x\n"),
        format!("profiles:\n  p:\n    quux: {SECRET}\n"),
        format!("model_routes:\n  '*': {SECRET}\n"),
    ];
    for file in files {
        let report = fault(&file);
        assert!(!report.contains(SECRET), "{file}\n{report}");
        let Err(error) = crate::attempt(&file) else { panic!("{file}") };
        assert!(!error.to_json().to_string().contains(SECRET), "{file}");
        assert!(!format!("{error:?}").contains(SECRET), "{file}");
    }
}

#[test]
fn the_value_of_a_variable_is_in_no_report() {
    for more in ["auth_value: '${KEY} '", "auth_value: x\nproxy: '${KEY}'", "auth_value: x\nca_file: '${KEY}${NOPE}'"] {
        assert!(!fault(&provider(more)).contains("value-of-KEY"), "{more}");
    }
}

#[test]
fn a_line_with_a_secret_is_shown_up_to_it() {
    insta::assert_snapshot!(crate::reports(&[
        "providers:\n  - {name: a, auth_value: sk-1, base_ulr: x}\n",
        "providers:\n  - {name: a, base_ulr: x, auth_value: sk-1}\n",
        "proxy:\n  client_keys:\n    - ' sk-1'\n",
        "providers:\n  - name: a\n    base_url: https://u:sk-1@relay.example/v1?k=sk-2   # sk-3\n    auth_value: x\n",
    ]));
}

#[test]
fn a_readable_file_with_literal_secrets_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let check = |text: &str, mode: u32| {
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        permissions(&path)
    };
    let literal = provider("auth_value: sk-1");
    assert_eq!(check(&literal, 0o600), None);
    let notice = check(&literal, 0o644).unwrap();
    assert_eq!(notice.line, Some(4));
    assert!(notice.message.contains("has mode 0644") && notice.message.contains("chmod 600"), "{}", notice.message);
    assert_eq!(check(&provider("auth_value: ${KEY}"), 0o644), None);
    assert_eq!(check(&provider("auth_value: ${file:/run/key}"), 0o644), None);
    assert_eq!(check(&provider("auth_value: passthrough"), 0o644), None);
    for more in [
        "auth_value: a${KEY}",
        "auth_value: ${KEY}\nheaders: {x-k: literal}",
        "auth_value: ${KEY}\nproxy: http://u:p@proxy.example",
    ] {
        assert!(check(&provider(more), 0o640).is_some(), "{more}");
    }
    assert!(check("proxy: {client_keys: [k]}\n", 0o604).is_some());
    assert!(check("settings: {auth: {enabled: true, api_key: k}}\n", 0o604).is_some());
    assert_eq!(permissions(&folder.path().join("none.yaml")), None);
}
