//! Decides how the table of options is told: the manual's chapter as text, the schema of bindings as JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    kind::OptionKind,
    table::{OPTIONS, OptionRow, Scope},
};

/// The table as a JSON array of `{key, kind, unit, default, choices, least, most, scopes, text}`.
pub fn options_json() -> String {
    serde_json::Value::from(OPTIONS.iter().map(row_json).collect::<Vec<_>>()).to_string()
}

fn row_json(row: &OptionRow) -> serde_json::Value {
    let (least, most) = match row.kind.range() {
        Some((least, most)) => (Some(least), Some(most)),
        None => (None, None),
    };
    let choices = if let OptionKind::Choice(words) = row.kind { words } else { &[] };
    let scopes: Vec<_> = row.scopes.iter().map(|scope| scope.name()).collect();
    json!({
        "key": row.key,
        "kind": row.kind.name(),
        "unit": row.unit(),
        "default": row.default,
        "choices": choices,
        "least": least,
        "most": most,
        "scopes": scopes,
        "text": row.text,
    })
}

/// The table as the manual's chapter.
pub fn options_chapter() -> String {
    let mut text = String::from(OPENING);
    for scope in Scope::ALL {
        let _ = write!(text, "\n## {}\n\n| key | value | default | |\n|---|---|---|---|\n", scope.title());
        for row in OPTIONS.iter().filter(|row| row.scopes.contains(&scope)) {
            let bounds = row.kind.bounds();
            let value =
                if bounds.is_empty() { row.kind.name().to_owned() } else { format!("{}: {bounds}", row.kind.name()) };
            let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
            let _ = writeln!(text, "| `{}` | {value} | {default} | {} |", row.key, row.text);
        }
    }
    text
}

const OPENING: &str = "# Options

What is given to the bindings: as keyword arguments in Python, as option objects in Node (`holdMaxMs`), as keys of
`snl_config_set` in C, and behind the `?` of a URL. Values are text; a binding turns numbers, booleans and lists into it.
An unknown key, or a value that is not legal, is refused with a failure of kind `config` that names both.
";
