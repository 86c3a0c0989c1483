//! Decides how a configuration that cannot be used is told: which line, what it says, what is wrong.
//!
//! Mirrors spec 1.5; the block's text is what start scripts and log watchers know.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// The version of the reference implementation whose behaviour this crate follows.
///
/// Source: the banner of spec 1.5, `redis_version` of INFO.
pub const COMPATIBLE_VERSION: &str = "7.0.15";

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: Option<Place>,
    message: String,
    remark: Option<String>,
}

/// The line at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    number: usize,
    text: String,
}

impl ConfigError {
    /// A fault in one line, counted from 1.
    pub(super) fn at(number: usize, text: &str, message: impl Into<String>) -> Self {
        Self { place: Some(Place { number, text: text.to_owned() }), message: message.into(), remark: None }
    }

    /// A fault of no single line, such as a file that cannot be opened.
    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), remark: None }
    }

    /// The same fault with a line for the log that is written before the block.
    #[must_use]
    pub(super) fn remarking(mut self, remark: Option<String>) -> Self {
        self.remark = remark;
        self
    }

    /// The number of the line at fault, counted from 1 in its own file.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.number)
    }

    /// What is wrong, in the reference's words where it has some.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A line for the log that goes before the block.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The block for standard error; `None` when the reference writes the message to its log alone.
    pub fn block(&self) -> Option<String> {
        let place = self.place.as_ref()?;
        Some(format!(
            "\n*** FATAL CONFIG FILE ERROR (Redis {COMPATIBLE_VERSION}) ***\n\
             Reading the configuration file, at line {}\n>>> '{}'\n{}\n",
            place.number, place.text, self.message
        ))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            // The line itself may hold a password.
            Some(place) => write!(f, "config line {}: {}", place.number, self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Error {
    fn from(fault: ConfigError) -> Self {
        Self::new(ErrorKind::Config, "read configuration", fault.to_string())
    }
}
