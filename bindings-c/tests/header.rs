//! Holds the two headers against the source they are written from, and against each other. `BLESS=1` rewrites them.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, Language, Style};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What both headers have in common.
fn config() -> Config {
    Config {
        language: Language::C,
        style: Style::Type,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C99,
        enumeration: EnumConfig::default(),
        line_length: 120,
        ..Config::default()
    }
}

fn generate(config: Config) -> String {
    let sources = ["code", "error", "config", "event", "reply", "command", "sentinel", "discovery", "pool", "group", "library"];
    let files = sources.iter().map(|name| folder().join("src").join(format!("{name}.rs")));
    let builder = files.filter(|file| file.exists()).fold(Builder::new(), Builder::with_src);
    let mut text = Vec::new();
    builder.with_config(config).generate().expect("the source can be read").write(&mut text);
    String::from_utf8(text).expect("a header is text")
}

/// The header for C and C++.
fn c_header() -> String {
    generate(Config {
        header: Some("/* Redis Sentinel as a library. Link with -lsentinelle. */".into()),
        include_guard: Some("SENTINELLE_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        after_includes: Some("\n/* The length that stands for \"up to the first NUL\". */\n#define SNL_NTS ((size_t)-1)".into()),
        cpp_compat: true,
        ..config()
    })
}

/// The header for readers without a preprocessor: PHP's FFI, cffi.
fn ffi_header() -> String {
    let text = generate(Config { no_includes: true, cpp_compat: false, ..config() });
    format!("#define FFI_SCOPE \"SENTINELLE\"\n#define FFI_LIB \"libsentinelle.so.1\"\n\n{}", text.trim_start())
}

fn compare(name: &str, expected: &str) {
    let path = folder().join("include").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, expected).expect("the folder is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is not what the source says: run `make bless`", shown(&path));
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The functions a header declares.
fn functions(header: &str) -> BTreeSet<&str> {
    let words = header.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '('));
    words.filter_map(|word| word.strip_prefix('*').unwrap_or(word).split_once('(')).map(|(name, _)| name).filter(|name| name.starts_with("snl_")).collect()
}

#[test]
fn the_header_for_c_is_current() {
    compare("sentinelle.h", &c_header());
}

#[test]
fn the_header_without_preprocessor_is_current() {
    compare("sentinelle_ffi.h", &ffi_header());
}

#[test]
fn both_headers_declare_the_same_functions() {
    let (c, ffi) = (c_header(), ffi_header());

    assert_eq!(functions(&c), functions(&ffi));
    assert!(functions(&c).len() > 40, "{:?}", functions(&c));
    assert!(ffi.lines().skip(2).all(|line| !line.starts_with('#')));
}

#[test]
fn the_exported_symbols_are_those_of_the_golden_list() {
    let header = c_header();
    let declared: String = functions(&header).iter().map(|name| format!("{name}\n")).collect();

    compare("symbols.txt", &declared);
}
