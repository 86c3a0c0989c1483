//! Decides what the command line orders, word by word as the reference reads it.
//!
//! Mirrors spec 1.1. The grammar (options without end, values that look like options) is no common one, so no
//! argument parser expresses it.

use crate::config::{quote, split};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Run a sentinel.
    Run(Launch),
    /// Say which version this is.
    Version,
    /// Say how it is used.
    Help,
    /// Show a failover.
    Demo,
}

/// Under which name the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guise {
    /// Its own.
    Own,
    /// That of the reference, which it then imitates in its answers.
    Reference,
}

/// The pieces of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Launch {
    /// The configuration file.
    pub(super) file: Option<String>,
    /// Whether more configuration is read from standard input.
    pub(super) stdin: Stdin,
    /// Lines made of the options.
    pub(super) lines: String,
}

/// What standard input is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stdin {
    /// Nothing.
    #[default]
    Unused,
    /// More configuration.
    Configuration,
}

impl Guise {
    /// The guise of a program started under that path.
    pub(super) fn of(program: &str) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        let is_reference = ["redis-sentinel", "valkey-sentinel"].iter().any(|known| name.contains(known));
        if is_reference { Self::Reference } else { Self::Own }
    }
}

/// What the arguments behind the program's name order.
pub(super) fn read(guise: Guise, arguments: &[String]) -> Verb {
    match arguments.first().map(String::as_str) {
        Some("-v" | "--version") => Verb::Version,
        Some("-h" | "--help") => Verb::Help,
        Some("demo") if guise == Guise::Own && arguments.len() == 1 => Verb::Demo,
        _ => Verb::Run(read_launch(arguments)),
    }
}

/// The pieces of the configuration that the arguments name.
fn read_launch(arguments: &[String]) -> Launch {
    let mut launch = Launch::default();
    let mut rest = arguments;
    if let Some((file, tail)) = arguments.split_first()
        && !file.starts_with('-')
    {
        launch.file = Some(file.clone());
        rest = tail;
    }
    let mut wants_value = false;
    for (index, argument) in rest.iter().enumerate() {
        let is_at_an_end = index + 1 == rest.len() || (index == 0 && launch.file.is_none());
        if argument == "-" && is_at_an_end {
            launch.stdin = Stdin::Configuration;
        } else if let Some(name) = argument.strip_prefix("--")
            && !wants_value
        {
            if !launch.lines.is_empty() {
                launch.lines.push('\n');
            }
            launch.lines.push_str(name);
            launch.lines.push(' ');
            wants_value = take_name(&mut launch.lines, argument, rest.get(index + 1));
        } else {
            launch.lines.push_str(&quote(argument));
            launch.lines.push(' ');
            wants_value = false;
        }
    }
    launch
}

/// Whether the next argument is this option's value, whatever it looks like.
///
/// Two options stand alone before another option or at the end: `--sentinel`, and `--save`, which then means none.
fn take_name(lines: &mut String, argument: &str, next: Option<&String>) -> bool {
    let has_its_value_within = split(argument).map_or(true, |words| words.len() != 1);
    let stands_alone = next.is_none_or(|next| next.starts_with("--"));
    let is = |name: &str| argument.eq_ignore_ascii_case(name);
    if stands_alone && is("--save") {
        lines.push_str("\"\"");
    }
    !(has_its_value_within || stands_alone && (is("--save") || is("--sentinel")))
}

#[cfg(test)]
mod tests {
    use super::{Guise, Launch, Stdin, Verb, read};

    fn launched(line: &[&str]) -> Launch {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        match read(Guise::Own, &words) {
            Verb::Run(launch) => launch,
            other @ (Verb::Version | Verb::Help | Verb::Demo) => panic!("{line:?} means {other:?}"),
        }
    }

    #[test]
    fn options_become_lines_as_in_the_reference() {
        for (line, file, lines) in [
            (&["a.conf"][..], Some("a.conf"), ""),
            (&["a.conf", "--sentinel"], Some("a.conf"), "sentinel "),
            (&["a.conf", "--sentinel", "--port", "1"], Some("a.conf"), "sentinel \nport \"1\" "),
            (&["a.conf", "--port", "1", "--loglevel", "debug"], Some("a.conf"), "port \"1\" \nloglevel \"debug\" "),
            (&["a.conf", "--port 1", "--sentinel"], Some("a.conf"), "port 1 \nsentinel "),
            (&["a.conf", "--port", "--loglevel", "x"], Some("a.conf"), "port \"--loglevel\" \"x\" "),
            (&["--sentinel", "a.conf"], None, "sentinel \"a.conf\" "),
            (&["a.conf", "port", "3"], Some("a.conf"), "\"port\" \"3\" "),
            (&["a.conf", "--save", "--port", "1"], Some("a.conf"), "save \"\"\nport \"1\" "),
            (
                &["a.conf", "--sentinel", "auth-pass", "m", "a b"],
                Some("a.conf"),
                "sentinel \"auth-pass\" \"m\" \"a b\" ",
            ),
            (&[], None, ""),
        ] {
            let launch = launched(line);

            assert_eq!((launch.file.as_deref(), launch.lines.as_str()), (file, lines), "{line:?}");
            assert_eq!(launch.stdin, Stdin::Unused);
        }
    }

    #[test]
    fn a_lone_dash_at_either_end_means_standard_input() {
        for line in [&["-"][..], &["a.conf", "-"], &["a.conf", "--port", "1", "-"], &["-", "--port", "1"]] {
            assert_eq!(launched(line).stdin, Stdin::Configuration, "{line:?}");
        }
        assert_eq!(launched(&["a.conf", "-", "--port", "1"]).stdin, Stdin::Unused);
    }

    #[test]
    fn a_link_named_as_the_reference_runs_no_verbs_of_our_own() {
        let demo = ["demo".to_owned()];

        assert_eq!(Guise::of("/usr/bin/redis-sentinel"), Guise::Reference);
        assert_eq!(Guise::of("/usr/bin/sentinelle"), Guise::Own);
        assert_eq!(read(Guise::Own, &demo), Verb::Demo);
        assert!(matches!(read(Guise::Reference, &demo), Verb::Run(_)));
    }
}
