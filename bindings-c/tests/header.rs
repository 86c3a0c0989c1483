//! Holds the two headers against the source they are written from, and against each other. `BLESS=1` rewrites them.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a reader of the header has to know first.
const HEAD: &str = "\
/* Redis Sentinel as a library: an embedded sentinel, discovery, pools, test groups. Link with -lsentinelle.
 *
 * Functions that can fail return 0 (SNL_OK), a positive code when there was nothing to do, or a negative one; see snl_code.
 * An output is written only when the call returns 0 or says so. The last argument of most, `err`, may be NULL; else it gets
 * an error to be freed with snl_error_free. A pointer is NULL where that is allowed, a handle of this library, or leads to
 * memory of the type and length that is told, for the time of the call. A freed or foreign handle is SNL_E_HANDLE.
 * Everything may be called from any thread; a snl_cmd, snl_pipe and snl_conn by one thread at a time.
 */";

/// The constants, by the enums that hold them.
const ENUMS: [&str; 6] = ["snl_code", "snl_outcome", "snl_format", "snl_type", "snl_role", "snl_change"];

/// What both headers have in common.
fn config() -> Config {
    Config {
        language: Language::C,
        style: Style::Type,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C99,
        // Functions take and give them as numbers, so nothing else calls for them.
        export: ExportConfig { include: ENUMS.map(String::from).to_vec(), ..ExportConfig::default() },
        line_length: 120,
        ..Config::default()
    }
}

fn generate(config: Config) -> String {
    let sources = [
        "code",
        "error",
        "config",
        "event",
        "reply",
        "command",
        "sentinel",
        "discovery",
        "pool",
        "direct",
        "subscription",
        "completion",
        "group",
        "library",
    ];
    let files = sources.iter().map(|name| folder().join("src").join(format!("{name}.rs")));
    let builder = files.filter(|file| file.exists()).fold(Builder::new(), Builder::with_src);
    let mut text = Vec::new();
    builder.with_config(config).generate().expect("the source can be read").write(&mut text);
    String::from_utf8(text).expect("a header is text")
}

/// The header for C and C++.
fn c_header() -> String {
    generate(Config {
        header: Some(HEAD.into()),
        include_guard: Some("SENTINELLE_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        after_includes: Some(
            "\n/* The length that stands for \"up to the first NUL\". */\n#define SNL_NTS ((size_t)-1)".into(),
        ),
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
    words
        .filter_map(|word| word.strip_prefix('*').unwrap_or(word).split_once('('))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("snl_"))
        .collect()
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

/// The declarations of a header, each on one line: functions as C has them, constants with their numbers.
fn declarations(header: &str) -> BTreeSet<String> {
    let code = header.lines().filter(|line| !line.trim_start().starts_with(['/', '#']));
    let squeezed = code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let (mut found, mut rest) = (BTreeSet::new(), squeezed.as_str());
    while let Some((statement, behind)) = rest.split_once(';') {
        let (before, constants) = statement.split_once('{').unwrap_or((statement, ""));
        if let (true, Some((constants, after))) = (before.contains("enum"), constants.split_once('}')) {
            let named = constants.split(',').map(str::trim).filter(|constant| !constant.is_empty());
            found.extend(named.map(str::to_owned));
            found.insert(format!("{before}{{..}}{after}").trim().to_owned());
        } else {
            found.insert(statement.trim().to_owned());
        }
        rest = behind;
    }
    found
}

/// A program that was built with a library of this number goes on with each later one: nothing of it is taken away, nothing
/// gets another signature or number. `BLESS=1` adds what is new and never takes a line out.
#[test]
fn everything_that_was_promised_is_still_there() {
    let declared = declarations(&ffi_header());
    let path = folder().join("include/abi-1.txt");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let promised: BTreeSet<_> = text.lines().map(str::to_owned).collect();

    let broken: Vec<_> = promised.difference(&declared).collect();
    let fresh: Vec<_> = declared.difference(&promised).collect();

    assert!(broken.is_empty(), "programs break that were built against these: {broken:#?}");
    if env::var_os("BLESS").is_some() && !fresh.is_empty() {
        let all: Vec<_> = declared.iter().map(String::as_str).chain([""]).collect();
        fs::write(&path, all.join("\n")).expect("the folder is writable");
    } else {
        assert!(fresh.is_empty(), "abi-1.txt does not promise these yet: {fresh:#?}; run `make bless`");
    }
    assert!(declared.len() > 150, "{declared:#?}");
}

#[test]
fn every_symbol_has_a_version() {
    let header = c_header();
    let symbols: Vec<_> = functions(&header).into_iter().map(|name| format!("        {name};")).collect();

    let symbols = symbols.join("\n");
    compare("sentinelle.map", &format!("SENTINELLE_1 {{\n    global:\n{symbols}\n    local:\n        *;\n}};\n"));
}

#[test]
fn the_exported_symbols_are_those_of_the_golden_list() {
    let header = c_header();
    let mut declared: Vec<_> = functions(&header).into_iter().collect();
    declared.push("");

    compare("symbols.txt", &declared.join("\n"));
}
