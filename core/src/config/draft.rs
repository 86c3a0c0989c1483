//! Decides where a written line goes: the text as it stands, line by line, and what becomes of each line.
//!
//! Mirrors spec 1.8, "How". Lines of included files stay where they are: what they say is not repeated here, and what
//! they say wrongly is overruled by a line behind them.

use std::collections::BTreeMap;

use super::{Outside, directive, read::meaningful, words};

/// A text while it is being rewritten.
pub(super) struct Draft {
    slots: Vec<Slot>,
    own: BTreeMap<Key, Vec<usize>>,
    foreign: BTreeMap<Key, Vec<Foreign>>,
    appended: Vec<String>,
}

/// What a line is about: the directive, and the master or class it names.
pub(super) type Key = (&'static str, String);

/// One line of the text.
struct Slot {
    text: String,
    words: Vec<String>,
    fate: Fate,
}

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Dropped,
}

/// A line that says something and is not ours to change; it counts as standing at a line of the text.
struct Foreign {
    at: usize,
    words: Vec<String>,
}

/// What a line is to the rewrite.
enum Meaning {
    /// It is kept as it is.
    Kept,
    /// It says something about this.
    Keyed(Key),
    /// It says something about several keys at once, each in these words, and is kept.
    Several(Vec<(Key, Vec<String>)>),
    /// It includes another file.
    Include(String),
    /// It would not be read.
    Unreadable,
}

impl Draft {
    /// The text as it stands, with what its included files say.
    pub(super) fn new(text: &str, outside: &mut dyn Outside) -> Self {
        let mut draft =
            Self { slots: Vec::new(), own: BTreeMap::new(), foreign: BTreeMap::new(), appended: Vec::new() };
        let mut includes = MOST_INCLUDES;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.lines() {
            draft.take_line(line.trim_matches([' ', '\t', '\r', '\n']), &mut includes, outside);
        }
        draft
    }

    /// Takes one line of the text itself.
    fn take_line(&mut self, line: &str, includes: &mut usize, outside: &mut dyn Outside) {
        let at = self.slots.len();
        let mut slot = Slot { text: line.to_owned(), words: Vec::new(), fate: Fate::Kept };
        match meaning(line, &mut slot.words) {
            Meaning::Kept => {}
            Meaning::Keyed(key) => {
                follow_folder(&slot.words, outside);
                self.own.entry(key).or_default().push(at);
                slot.fate = Fate::Dropped;
            }
            Meaning::Several(said) => self.note_foreign(at, said),
            Meaning::Include(path) => self.take_include(&path, at, includes, outside),
            Meaning::Unreadable => slot.text = format!("# ??? {line}"),
        }
        self.slots.push(slot);
    }

    /// Notes what an included file says; one that cannot be read says nothing.
    fn take_include(&mut self, path: &str, at: usize, left: &mut usize, outside: &mut dyn Outside) {
        let mut waiting = vec![path.to_owned()];
        while let Some(path) = waiting.pop() {
            if *left == 0 {
                return;
            }
            *left -= 1;
            let text = outside.include(&path).unwrap_or_default();
            for line in text.lines() {
                let mut words = Vec::new();
                match meaning(line, &mut words) {
                    Meaning::Keyed(key) => {
                        follow_folder(&words, outside);
                        self.note_foreign(at, vec![(key, words)]);
                    }
                    Meaning::Several(said) => self.note_foreign(at, said),
                    Meaning::Include(path) => waiting.push(path),
                    Meaning::Kept | Meaning::Unreadable => {}
                }
            }
        }
    }

    /// Notes something said in words that are not ours to change.
    fn note_foreign(&mut self, at: usize, said: Vec<(Key, Vec<String>)>) {
        for (key, words) in said {
            self.foreign.entry(key).or_default().push(Foreign { at, words });
        }
    }

    /// Whether anything is said about the key.
    pub(super) fn mentions(&self, key: &Key) -> bool {
        self.own.contains_key(key) || self.foreign.contains_key(key)
    }

    /// The words said about the key in lines that are not ours to change.
    pub(super) fn foreign(&self, key: &Key) -> impl Iterator<Item = &[String]> {
        self.foreign.get(key).into_iter().flatten().map(|foreign| foreign.words.as_slice())
    }

    /// Makes this line the last word about its key.
    pub(super) fn put(&mut self, key: &Key, line: Vec<String>) {
        let own = self.own.get(key).and_then(|own| own.last()).copied();
        let foreign = self.foreign.get(key).and_then(|foreign| foreign.last());
        match (own, foreign) {
            (Some(own), Some(foreign)) if foreign.at > own && is_same(&foreign.words, &line) => {
                self.slots[own].fate = Fate::Kept;
            }
            (None, Some(foreign)) if is_same(&foreign.words, &line) => {}
            (Some(own), Some(foreign)) if foreign.at > own => self.append(&line),
            (Some(own), _) => self.set(own, line),
            (None, _) => self.append(&line),
        }
    }

    /// Says this once about its key, in the text itself or in an included file.
    pub(super) fn put_once(&mut self, key: &Key, line: Vec<String>) {
        let is_said = self.foreign(key).any(|said| is_same(said, &line));
        match self.own.get(key).and_then(|own| own.last()).copied() {
            _ if is_said => {}
            Some(own) => self.set(own, line),
            None => self.append(&line),
        }
    }

    /// Says all this about the key: one old line for each new one, the rest behind the text.
    pub(super) fn put_all(&mut self, key: &Key, lines: impl IntoIterator<Item = Vec<String>>) {
        let mut own = self.own.get(key).cloned().unwrap_or_default().into_iter();
        for line in lines {
            if self.foreign(key).any(|said| is_same(said, &line)) {
                continue;
            }
            match own.next() {
                Some(at) => self.set(at, line),
                None => self.append(&line),
            }
        }
    }

    /// Makes a line of the text say this; a line that says so already keeps its letters.
    fn set(&mut self, at: usize, line: Vec<String>) {
        let slot = &mut self.slots[at];
        slot.fate = Fate::Kept;
        if !is_same(&slot.words, &line) {
            slot.text = written(&line);
            slot.words = line;
        }
    }

    /// Adds a line behind the text.
    fn append(&mut self, line: &[String]) {
        self.appended.push(written(line));
    }

    /// The text: no runs of blank lines, one line break at the end.
    pub(super) fn finish(self) -> String {
        let is_signed = self.slots.iter().any(|slot| slot.text == SIGNATURE);
        let signature = (!is_signed && !self.appended.is_empty()).then(|| SIGNATURE.to_owned());
        let kept = self.slots.into_iter().filter(|slot| slot.fate == Fate::Kept).map(|slot| slot.text);
        let mut text = String::new();
        let mut after_blank = false;
        for line in kept.chain(signature).chain(self.appended) {
            if !(line.is_empty() && after_blank) {
                text.push_str(&line);
                text.push('\n');
            }
            after_blank = line.is_empty();
        }
        text
    }
}

/// Follows a `dir` line, so that includes behind it are found as they were at the start.
fn follow_folder(words: &[String], outside: &mut dyn Outside) {
    if let [name, folder] = words
        && name.eq_ignore_ascii_case("dir")
    {
        // A folder that is gone takes the includes in it along, which then say nothing.
        let _ = outside.enter(folder);
    }
}

/// What a line is to the rewrite; its words go to `line_words`.
fn meaning(line: &str, line_words: &mut Vec<String>) -> Meaning {
    let Some(line) = meaningful(line) else { return Meaning::Kept };
    match words::split(line) {
        Ok(split) => *line_words = split,
        Err(_) => return Meaning::Unreadable,
    }
    let Some((name, values)) = line_words.split_first() else { return Meaning::Kept };
    match name.to_ascii_lowercase().as_str() {
        "sentinel" => sentinel_meaning(values),
        "include" if values.len() == 1 => Meaning::Include(values[0].clone()),
        name => server_meaning(name, values),
    }
}

/// What a `sentinel` line is to the rewrite.
fn sentinel_meaning(values: &[String]) -> Meaning {
    let Some((name, rest)) = values.split_first() else { return Meaning::Kept };
    match directive::sentinel(name).filter(|known| known.words.fit(rest.len())) {
        Some(known) if known.is_about_a_master() => Meaning::Keyed((known.name, rest[0].clone())),
        Some(known) => Meaning::Keyed((known.name, String::new())),
        None => Meaning::Unreadable,
    }
}

/// What a server directive is to the rewrite.
fn server_meaning(name: &str, values: &[String]) -> Meaning {
    let Some(known) = directive::server(name) else {
        return if name.contains('.') && !values.is_empty() { Meaning::Kept } else { Meaning::Unreadable };
    };
    match known.name {
        _ if !known.words.fit(values.len()) => Meaning::Unreadable,
        "client-output-buffer-limit" => output_limit_meaning(values),
        "rename-command" => Meaning::Keyed((directive::OWN_RENAME, String::new())),
        name if directive::WRITTEN.contains(&name) => Meaning::Keyed((name, String::new())),
        _ => Meaning::Kept,
    }
}

/// What an output limit is to the rewrite: a line for one class is ours, one for several is not.
fn output_limit_meaning(values: &[String]) -> Meaning {
    let said = values.chunks_exact(4).filter_map(|limit| {
        let class = limit[0].to_ascii_lowercase();
        let key = (directive::OUTPUT_LIMIT, class.clone());
        let words = [directive::OUTPUT_LIMIT.to_owned(), class].into_iter().chain(limit[1..].iter().cloned());
        matches!(key.1.as_str(), "normal" | "pubsub").then(|| (key, words.collect()))
    });
    match said.collect::<Vec<_>>() {
        _ if !values.len().is_multiple_of(4) => Meaning::Unreadable,
        mut said if values.len() == 4 && said.len() == 1 => Meaning::Keyed(said.remove(0).0),
        said => Meaning::Several(said),
    }
}

/// Whether two lines say the same in the same words; directives compare without case.
fn is_same(old: &[String], new: &[String]) -> bool {
    let is_sentinel = new.first().is_some_and(|name| name == "sentinel");
    let names = if is_sentinel { 2 } else { 1 };
    old.len() == new.len()
        && old.iter().zip(new).enumerate().all(
            |(index, (old, new))| {
                if index < names { old.eq_ignore_ascii_case(new) } else { old == new }
            },
        )
}

/// The line in the form in which the reference writes it.
fn written(line: &[String]) -> String {
    match line {
        [dir, folder] if dir == "dir" => format!("dir {}", words::quote(folder)),
        [sentinel, name, host] if name == "announce-ip" => format!("{sentinel} {name} {}", words::quote(host)),
        _ => words::join(line),
    }
}

/// The comment that goes before the first line added.
const SIGNATURE: &str = "# Generated by CONFIG REWRITE";

/// How many included files are taken into account.
const MOST_INCLUDES: usize = 256;
