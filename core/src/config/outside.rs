//! Decides what reading a configuration may ask of the world: other files, scripts, folders.
//!
//! The room itself never touches a file; whoever calls it brings an [`Outside`].

/// What the text of a configuration may refer to.
pub trait Outside {
    /// The text of the file, or the joined texts of all files that match the pattern in the order of their names.
    ///
    /// A pattern (with `*`, `?` or `[`) may match nothing, which is an empty text.
    ///
    /// # Errors
    /// Why the file cannot be read, in the operating system's words.
    fn include(&mut self, path: &str) -> Result<String, String>;

    /// Whether the file exists and may be executed.
    fn is_executable(&mut self, path: &str) -> bool;

    /// Takes the folder as the one that relative paths begin at from here on.
    ///
    /// # Errors
    /// Why it cannot be entered, in the operating system's words.
    fn enter(&mut self, folder: &str) -> Result<(), String>;
}

/// A world without files: no include is found, every script and folder is taken on trust.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOnly;

impl Outside for TextOnly {
    fn include(&mut self, _path: &str) -> Result<String, String> {
        Err("No such file or directory".to_owned())
    }

    fn is_executable(&mut self, _path: &str) -> bool {
        true
    }

    fn enter(&mut self, _folder: &str) -> Result<(), String> {
        Ok(())
    }
}
