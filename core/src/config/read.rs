//! Decides what a configuration text means: lines to directives, directives to settings.
//!
//! Server directives take effect in the order of the lines; `sentinel` directives are queued and take effect
//! in three turns, so that their order does not matter. Mirrors spec 1.1, 1.4 and 1.5.

use std::collections::BTreeSet;

use super::{
    ConfigError, Outside, Settings, TextOnly,
    directive::{self, Turn},
    read_sentinel::Masters,
    read_server::Server,
    words,
};

/// What a configuration text says.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What the operator should know: directives that were read and have no effect.
    pub remarks: Vec<String>,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the text itself.
    Main,
    /// In a file that it includes.
    Included,
}

/// A `sentinel` directive that waits for its turn.
struct Queued {
    turn: Turn,
    origin: Origin,
    number: usize,
    text: String,
    words: Vec<String>,
}

/// A text being read.
struct Reader<'a> {
    outside: &'a mut dyn Outside,
    server: Server,
    queue: Vec<Queued>,
    includes: usize,
}

/// Reads the text of a configuration.
///
/// Relative paths, includes and scripts are looked up through `outside`.
///
/// A `monitor` line of an included file gives way to one of the same name in the text itself: this is how a
/// master that has moved since is remembered without a change to the included file.
///
/// # Errors
/// The first line that cannot be used, in the reference's order and words.
pub fn read(text: &str, outside: &mut dyn Outside) -> Result<Loaded, ConfigError> {
    let mut reader = Reader { outside, server: Server::default(), queue: Vec::new(), includes: 0 };
    reader.take_text(text.strip_prefix('\u{feff}').unwrap_or(text), Origin::Main, 0)?;
    reader.take_queue()
}

/// Reads the text of a configuration that refers to no other files.
///
/// # Errors
/// The first line that cannot be used.
///
/// # Example
/// ```
/// let settings = sentinelle::config::parse("port 26380\nsentinel monitor cart 10.0.0.1 6379 2\n")?;
///
/// assert_eq!(settings.server.port, 26380);
/// assert_eq!(settings.masters[0].quorum, 2);
/// # Ok::<(), sentinelle::config::ConfigError>(())
/// ```
pub fn parse(text: &str) -> Result<Settings, ConfigError> {
    read(text, &mut TextOnly).map(|loaded| loaded.settings)
}

/// Joins the pieces of a configuration into the one text that is read: the file's, standard input's, the command line's.
///
/// The last assignment wins, and lines are counted through all of it.
pub fn join_pieces(file: &str, stdin: &str, command_line: &str) -> String {
    let mut text = String::with_capacity(file.len() + stdin.len() + command_line.len() + 1);
    text.push_str(file);
    text.push_str(stdin);
    if !command_line.is_empty() {
        text.push('\n');
        text.push_str(command_line);
    }
    text
}

/// The line without the blanks around it; `None` when it says nothing.
pub(super) fn meaningful(line: &str) -> Option<&str> {
    let line = line.trim_matches([' ', '\t', '\r', '\n']);
    (!line.is_empty() && !line.starts_with('#')).then_some(line)
}

impl Reader<'_> {
    /// Takes a text line by line; `depth` counts the includes around it.
    fn take_text(&mut self, text: &str, origin: Origin, depth: usize) -> Result<(), ConfigError> {
        for (index, line) in text.split('\n').enumerate() {
            let number = index + 1;
            let Some(line) = meaningful(line) else { continue };
            let fault = |message: &str| ConfigError::at(number, line, message);
            let words = words::split(line).map_err(fault)?;
            match words.first().map(|word| word.to_ascii_lowercase()).as_deref() {
                None => {}
                Some("include") if words.len() == 2 => self.take_include(&words[1], depth, &fault)?,
                Some("sentinel") => self.enqueue(number, line, origin, words),
                Some(name) => self.server.take(name, &words, self.outside).map_err(|message| fault(&message))?,
            }
        }
        Ok(())
    }

    /// Takes an included file in the place of the line that names it.
    fn take_include(
        &mut self,
        path: &str,
        depth: usize,
        fault: &dyn Fn(&str) -> ConfigError,
    ) -> Result<(), ConfigError> {
        self.includes += 1;
        if depth >= MOST_NESTED || self.includes > MOST_INCLUDES {
            return Err(fault("Too many include directives, does a file include itself?"));
        }
        let text = self.outside.include(path).map_err(|reason| {
            ConfigError::general(format!("Fatal error, can't open config file '{path}': {reason}"))
        })?;
        self.take_text(&text, Origin::Included, depth + 1)
    }

    /// Puts a `sentinel` directive aside for its turn; the word alone says nothing.
    fn enqueue(&mut self, number: usize, line: &str, origin: Origin, mut words: Vec<String>) {
        words.remove(0);
        if let Some(name) = words.first() {
            let turn = directive::turn(name);
            self.queue.push(Queued { turn, origin, number, text: line.to_owned(), words });
        }
    }

    /// Lets the queued directives take effect.
    fn take_queue(self) -> Result<Loaded, ConfigError> {
        let Self { outside, server, mut queue, .. } = self;
        let overriding = overriding_masters(&queue);
        let mut masters = Masters::new(server.settings);
        queue.sort_by_key(|queued| queued.turn);
        for Queued { turn, origin, number, text, words } in queue {
            let is_overridden = turn == Turn::Masters
                && origin == Origin::Included
                && words.get(1).is_some_and(|name| overriding.contains(name));
            if !is_overridden {
                masters
                    .take(&words, origin, outside)
                    .map_err(|fault| ConfigError::at(number, &text, fault.message).remarking(fault.remark))?;
            }
        }
        Ok(Loaded { settings: masters.settings, remarks: server.remarks })
    }
}

/// The names of the masters that the text itself monitors.
fn overriding_masters(queue: &[Queued]) -> BTreeSet<String> {
    let own = queue.iter().filter(|queued| queued.turn == Turn::Masters && queued.origin == Origin::Main);
    own.filter_map(|queued| queued.words.get(1).cloned()).collect()
}

/// How deep includes may nest.
const MOST_NESTED: usize = 16;

/// How many includes one configuration may take.
const MOST_INCLUDES: usize = 256;

#[cfg(test)]
mod tests;
