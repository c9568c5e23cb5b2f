//! What is written is what is read, and what nobody of this version wrote is told.

use super::*;

fn everything() -> KeptProvider {
    let saved = Saved { open_for: time(50_001), term: time(120_000), trips: 2 };
    let cooldown = |reason| KeptCooldown { reason, model: None, fingerprint: None, since: time(7), left: time(90_000) };
    let of_model = KeptCooldown { model: Some("模型 \"x\"".to_owned()), ..cooldown(Reason::ModelMissing) };
    let of_client = KeptCooldown { fingerprint: Some(u64::MAX), ..cooldown(Reason::ClientCredential) };
    let mut cooldowns: Vec<KeptCooldown> = Reason::ALL.into_iter().map(cooldown).collect();
    cooldowns.extend([of_model, of_client]);
    KeptProvider {
        breaker: Some(saved),
        models: vec![("sonnet".into(), saved)],
        cooldowns,
        lanes: vec![KeptLane { lane: u64::MAX, left: [time(0), time(1), time(2), time(3), time(4)] }],
        absence: Some(KeptAbsence { began: time(9), end: KeptEnd::Open }),
        load: Some(Remembered { latency: Some(0.25), debt: 1.5 }),
        health: Some(SavedHealth {
            points: 42.125,
            points_weight: 9.5,
            success: 0.5,
            success_weight: 1.0,
            response_secs: 3.0,
            response_weight: 2.0,
            factor: 0.4,
            lowered: true,
            consecutive_failures: 3,
            conversation_failed: true,
            checks: 77,
            last_check: Some(time(12)),
        }),
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    for end in [KeptEnd::Open, KeptEnd::In(time(5)), KeptEnd::Ago(time(6))] {
        let kept = KeptProvider { absence: Some(KeptAbsence { began: time(9), end }), ..everything() };
        assert_eq!(provider(&text(&kept)), Ok(kept));
    }
    let nothing = KeptProvider::default();
    assert_eq!((text(&nothing).as_str(), provider(r#"{"v":1}"#)), (r#"{"v":1}"#, Ok(nothing)));
}

#[test]
fn a_session_that_is_written_is_what_is_read() {
    let kept = KeptBinding {
        key: SessionKey { session: u64::MAX, model: 1 << 63 },
        provider: ProviderId(4),
        cache_tokens: 90_000,
        cached_for: time(1),
        latest_tokens: 5,
        warm_for: time(2),
        idle: time(3),
    };
    assert_eq!(session(&session_text(&kept), ProviderId(4)), Ok(kept));
    assert_ne!(row_of(kept.key), row_of(SessionKey { session: kept.key.model, model: kept.key.session }));
}

#[test]
fn what_another_version_or_nobody_wrote_is_told_and_not_guessed_at() {
    let newer = text(&everything()).replace(r#""v":1"#, r#""v":2"#);
    let said = provider(&newer).unwrap_err();
    assert!(said.starts_with("it cannot be read: it has version 2, and this qcc knows 1"), "{said}");
    for wrong in ["", "null", "[]", "{}", r#"{"v":1,"breaker":7}"#, r#"{"v":1,"health":{"factor":1}}"#, "\u{0}\u{1}"] {
        let said = provider(wrong).unwrap_err();
        assert!(said.starts_with("it cannot be read: "), "{wrong}: {said}");
    }
    let unknown = text(&everything()).replace("\"throttled\"", "\"bored\"");
    assert_eq!(provider(&unknown).unwrap_err(), "it names the unknown reason `bored`");
    assert!(session(r#"{"v":1,"session":-1}"#, ProviderId(0)).is_err());
}
