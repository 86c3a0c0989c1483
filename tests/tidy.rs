//! The rules of this repository that can be counted: who uses whom, how files open, what may not be written.
//!
//! Each rule lists every place that breaks it, as `file:line`, so that one run is enough to mend them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Which rooms of `core/src` a room may use, besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("error", &["types"]),
    ("resp", &["types", "error"]),
    ("model", &["types"]),
    ("config", &["types", "error", "model"]),
    ("machine", &["types", "error", "resp", "model", "config"]),
    ("finder", &["types", "error", "resp"]),
    ("net", &["types", "error", "resp"]),
    ("driver", &["types", "error", "resp", "config", "machine", "net"]),
    ("discovery", &["types", "error", "resp", "finder", "net"]),
    ("pool", &["types", "error", "resp", "finder", "discovery", "net"]),
    (
        "testing",
        &["types", "error", "resp", "model", "config", "machine", "finder", "net", "driver", "discovery", "pool"],
    ),
    ("cli", &["types", "error", "resp", "config", "machine", "driver", "discovery", "pool", "testing"]),
    (
        "facade",
        &[
            "types",
            "error",
            "resp",
            "model",
            "config",
            "machine",
            "finder",
            "net",
            "driver",
            "discovery",
            "pool",
            "testing",
            "cli",
        ],
    ),
];

/// What may lie at the top of the repository.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".editorconfig",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "bindings-c",
    "bindings-node",
    "bindings-python",
    "core",
    "deny.toml",
    "examples",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
];

/// The most lines a source file may have.
const LONGEST: usize = 450;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[
    ("bindings-c/include/sentinelle.h", "written from the sources, for compilers"),
    ("bindings-c/include/sentinelle_ffi.h", "written from the sources, for readers without a preprocessor"),
];

/// What no source file may contain: the words, and why not. They are written in two parts so that this file may.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("#[ig", "nore", "a test that is not run proves nothing"),
    ("#[al", "low(", "write #[expect(.., reason = \"..\")], which tells when it is not needed"),
    ("#![al", "low(", "write #[expect(.., reason = \"..\")], which tells when it is not needed"),
    ("to", "do!(", "unfinished work does not merge"),
    ("unimpl", "emented!(", "unfinished work does not merge"),
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[(&str, &str)] = &[("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/"), ("/wo", "rk/")];

#[test]
fn a_room_uses_only_the_rooms_it_may() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut broken = Vec::new();

    for file in sources().iter().filter(|file| file.is_rust() && !file.is_test()) {
        let Some(room) = room_of(&file.path) else { continue };
        let Some(allowed) = arrows.get(room) else {
            broken.push(format!("{}: the room `{room}` is not in the table", file.path));
            continue;
        };
        for (line, used) in rooms_used(production_part(&file.text)) {
            let is_room = arrows.contains_key(used.as_str());
            if is_room && used != room && !allowed.contains(&used.as_str()) {
                broken.push(format!("{}:{line}: `{room}` may not use `{used}`", file.path));
            }
        }
    }

    assert_none(&broken);
}

#[test]
fn every_rust_file_opens_with_what_it_decides() {
    let rust = sources().into_iter().filter(SourceFile::is_rust);

    let broken: Vec<_> = rust.filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();

    assert_none(&broken);
}

#[test]
fn no_source_file_is_too_long() {
    let longest = |path: &str| LONG_FILES.iter().find(|(name, _)| *name == path).map_or(LONGEST, |_| usize::MAX);
    let lengths = sources().into_iter().map(|file| (file.text.lines().count(), file.path));

    let broken: Vec<_> = lengths
        .filter(|(lines, path)| *lines > longest(path))
        .map(|(lines, path)| format!("{path}:{LONGEST}: {lines} lines; is it really one room?"))
        .collect();

    assert_none(&broken);
}

#[test]
fn every_exception_for_a_long_file_is_needed() {
    let files = sources();
    let is_long = |path: &str| files.iter().any(|file| file.path == path && file.text.lines().count() > LONGEST);

    let broken: Vec<_> = LONG_FILES.iter().filter(|(path, _)| !is_long(path)).map(|(path, _)| *path).collect();

    assert_none(&broken);
}

#[test]
fn the_top_level_holds_what_it_may() {
    let allowed: BTreeSet<_> = TOP_LEVEL.iter().copied().collect();
    let present: BTreeSet<_> = files().into_iter().filter_map(|path| first_part(&path)).collect();

    let broken: Vec<_> = present.iter().filter(|name| !allowed.contains(name.as_str())).collect();

    assert_none(&broken);
}

#[test]
fn no_source_file_contains_what_hides_unfinished_work() {
    let mut broken = Vec::new();
    for file in sources() {
        for (first, second, why) in FORBIDDEN {
            let needle = format!("{first}{second}");
            broken.extend(lines_with(&file.text, &needle).map(|line| format!("{}:{line}: {needle}: {why}", file.path)));
        }
    }

    assert_none(&broken);
}

#[test]
fn no_test_waits_by_the_clock() {
    let needle = format!("{}{}", "sle", "ep(");
    let mut broken = Vec::new();
    for file in sources().into_iter().filter(SourceFile::is_rust) {
        let skipped = if file.is_test() { 0 } else { production_part(&file.text).lines().count() };
        let lines = lines_with(&file.text, &needle).filter(|line| *line > skipped);
        broken.extend(lines.map(|line| format!("{}:{line}: wait for a condition with a deadline", file.path)));
    }

    assert_none(&broken);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let mut broken = Vec::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (first, second) in MACHINE_PATHS {
            let needle = format!("{first}{second}");
            broken.extend(lines_with(&text, &needle).map(|line| format!("{path}:{line}: {needle}")));
        }
    }

    assert_none(&broken);
}

#[test]
fn uses_are_found_in_every_form() {
    let text = "use crate::{\n    error::Result,\n    types::{Millis, net::X},\n};\n// crate::driver\nfn f() -> crate::resp::Value {}\n";

    let used: Vec<_> = rooms_used(text);

    let expected = [(2, "error"), (3, "types"), (6, "resp")].map(|(line, room)| (line, room.to_owned()));
    assert_eq!(used, expected);
}

/// A file that people write code in.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        extension(&self.path) == Some("rs")
    }

    /// Whether all of it is test code.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// Every file that is, or would be, in the repository.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git lists no files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files: Vec<_> = names.lines().filter(|name| root().join(name).is_file()).map(str::to_owned).collect();
    assert!(!files.is_empty(), "the repository has files");
    files
}

fn sources() -> Vec<SourceFile> {
    let is_source = |path: &String| {
        matches!(extension(path), Some("rs" | "py" | "pyi" | "ts" | "mjs" | "c" | "h" | "java" | "php" | "sh"))
    };
    files()
        .into_iter()
        .filter(is_source)
        .map(|path| SourceFile { text: fs::read_to_string(root().join(&path)).expect("sources are UTF-8"), path })
        .collect()
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension().and_then(|extension| extension.to_str())
}

fn first_part(path: &str) -> Option<String> {
    path.split('/').next().map(str::to_owned)
}

/// The room a file of `core/src` belongs to; none for the crate's root, its programs and its manual.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("core/src/")?;
    let room = inside.split('/').next()?.trim_end_matches(".rs");
    (!matches!(room, "lib" | "bin" | "manual")).then_some(room)
}

/// The file without its test module, which stands last and may use any room.
fn production_part(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(end) => &text[..end],
        None => text,
    }
}

/// The first names behind each `crate::`, with the lines they stand in; comments do not count.
fn rooms_used(text: &str) -> Vec<(usize, String)> {
    let code: Vec<String> = text.lines().map(|line| line.split("//").next().unwrap_or("").to_owned()).collect();
    let code = code.join("\n");
    let mut used = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let begin = at + found.len();
        let rest = &code[begin..];
        let line_of = |offset: usize| code[..begin + offset].matches('\n').count() + 1;
        if !rest.starts_with('{') {
            used.push((line_of(0), first_name(rest)));
            continue;
        }
        let mut depth = 0;
        for (offset, character) in rest.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            let begins_item = depth == 1 && matches!(character, '{' | ',');
            if begins_item {
                let item = rest[offset + 1..].trim_start();
                let name = first_name(item);
                if !name.is_empty() {
                    used.push((line_of(rest.len() - item.len()), name));
                }
            }
            if depth == 0 {
                break;
            }
        }
    }
    used
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|&character| character.is_alphanumeric() || character == '_').collect()
}

fn lines_with<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter(move |(_, line)| line.contains(needle)).map(|(index, _)| index + 1)
}

#[track_caller]
fn assert_none<T: std::fmt::Display>(broken: &[T]) {
    let list: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} places:\n{}", list.len(), list.join("\n"));
}
