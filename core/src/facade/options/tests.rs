//! Decides whether every option can be given, is refused by name, and is told of in the manual.

use super::{OPTIONS, OptionKind, Options, options_chapter, options_json};

#[test]
fn every_key_occurs_once_and_its_default_is_legal() {
    for row in OPTIONS {
        let same = OPTIONS.iter().filter(|other| other.key == row.key).count();
        assert_eq!(same, 1, "{}", row.key);
        if !row.default.is_empty() {
            assert!(Options::new().with(row.key, row.default).is_ok(), "{} = {}", row.key, row.default);
        }
        assert!(!row.scopes.is_empty() && row.text.ends_with('.'), "{}", row.key);
    }
}

#[test]
fn the_manual_tells_of_every_option() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/manual/options.md");
    let chapter = options_chapter();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &chapter).expect("the manual can be written");
    }

    let written = std::fs::read_to_string(path).unwrap_or_default();

    assert!(written == chapter, "{path} differs from the table; BLESS=1 writes it");
}

#[test]
fn the_schema_has_a_row_for_every_option() {
    let schema: serde_json::Value = serde_json::from_str(&options_json()).expect("it is JSON");

    let rows = schema.as_array().expect("it is a list");
    let hold = rows.iter().find(|row| row["key"] == "hold_max_ms").expect("it is an option");
    assert_eq!(rows.len(), OPTIONS.len());
    assert_eq!((&hold["unit"], &hold["default"], &hold["most"]), (&"ms".into(), &"2000".into(), &60_000.into()));
}

#[test]
fn a_url_becomes_options() {
    let url = "rediss+sentinel://app:secret@10.0.0.1,10.0.0.2:26380/cart/3?hold_max=1s&max=8&addr=10.0.0.3:1";

    let options = Options::from_url(url).expect("it is legal");

    let expected = [
        ("db", "3"),
        ("hold_max_ms", "1000"),
        ("master", "cart"),
        ("max", "8"),
        ("password", "secret"),
        ("sentinel_tls", "yes"),
        ("sentinels", "10.0.0.1:26379,10.0.0.2:26380,10.0.0.3:1"),
        ("tls", "yes"),
        ("username", "app"),
    ];
    assert_eq!(options.keys().map(|key| (key, options.get(key).unwrap_or_default())).collect::<Vec<_>>(), expected);
    assert!(!format!("{options:?}").contains("secret"));
}

#[test]
fn a_value_that_is_not_legal_is_refused_with_key_and_value() {
    for row in OPTIONS {
        let Some(bad) = illegal(row.kind) else { continue };

        let failure = Options::new().with(row.key, bad).expect_err(row.key);

        assert!(failure.message.contains(row.key) && failure.message.contains(bad), "{failure}");
    }
}

#[test]
fn a_secret_is_not_shown_when_it_is_refused() {
    let failure = Options::new().with("password", "hunter\n2").expect_err("it has a line break");

    assert!(!failure.message.contains("hunter"), "{failure}");
}

#[test]
fn a_key_may_be_written_with_hyphens() {
    let options = Options::new().with("hold-max-ms", "100").expect("it is legal");

    assert_eq!(options.get("hold_max_ms"), Some("100"));
}

#[test]
fn lines_add_up_and_other_options_are_replaced() {
    let pairs = [("server_option", "maxmemory 10mb"), ("server_option", "save x"), ("quorum", "1"), ("quorum", "2")];

    let options = Options::from_pairs(pairs).expect("all are legal");

    assert_eq!(options.lines("server_option"), ["maxmemory 10mb", "save x"]);
    assert_eq!(options.lines("quorum"), ["2"]);
}

fn illegal(kind: OptionKind) -> Option<&'static str> {
    match kind {
        OptionKind::Text | OptionKind::Secret | OptionKind::Path => None,
        OptionKind::Switch => Some("perhaps"),
        OptionKind::Millis(..) | OptionKind::Number(..) => Some("soon"),
        OptionKind::Choice(_) => Some("whatever"),
        OptionKind::Addresses | OptionKind::AddressMap => Some("nowhere"),
        OptionKind::Lines => Some("alone"),
    }
}
