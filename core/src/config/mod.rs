//! What a sentinel is told to do: its settings as data, and the text of `sentinel.conf` they come from and go to.

mod settings;

pub use settings::{LogLevel, MasterSettings, OutputLimit, Periods, ServerSettings, Settings, UserSettings};
