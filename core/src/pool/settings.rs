//! Decides what can be set on a pool, in which bounds, and what holds where nothing is said.

use super::{reads::ReadFrom, retry::RetryIdempotent};
use crate::{
    error::{Error, ErrorKind, Result},
    types::Millis,
};

/// What makes a write safe against a failover that was not planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteFence {
    /// The master's word. The default.
    #[default]
    None,
    /// Each write is followed by WAIT on its connection; too few acknowledgements are an error of outcome
    /// [`Unknown`](crate::error::Outcome::Unknown).
    ///
    /// No fence in the strict sense: with several replicas, the one that is promoted may be one that did not acknowledge.
    Wait {
        /// How many replicas have to acknowledge.
        replicas: u32,
        /// How long they may take.
        patience: Millis,
    },
    /// The master has to be set to `min-replicas-to-write` of at least 1, so that one that is cut off stops taking
    /// writes; else writes are refused with [`ErrorKind::Unsupported`].
    MinReplicas,
}

/// How a pool works.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PoolSettings {
    pub(super) database: u32,
    pub(super) max: usize,
    pub(super) min_idle: usize,
    pub(super) max_waiters: usize,
    pub(super) checkout_wait: Millis,
    pub(super) idle_ttl: Millis,
    pub(super) max_life: Millis,
    pub(super) ping_after: Millis,
    pub(super) multiplexed: usize,
    pub(super) deadline: Millis,
    pub(super) response_timeout: Millis,
    pub(super) drain_reads: Millis,
    pub(super) held_commands: usize,
    pub(super) held_bytes: usize,
    pub(super) read_from: ReadFrom,
    pub(super) max_lag: Option<u64>,
    pub(super) retry_idempotent: RetryIdempotent,
    pub(super) write_fence: WriteFence,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            database: 0,
            max: 16,
            min_idle: 1,
            max_waiters: 1_000,
            checkout_wait: Millis::new(1_000),
            idle_ttl: Millis::new(300_000),
            max_life: Millis::new(3_600_000),
            ping_after: Millis::new(15_000),
            multiplexed: 1,
            deadline: Millis::new(5_000),
            response_timeout: Millis::new(2_000),
            drain_reads: Millis::new(250),
            held_commands: 10_000,
            held_bytes: 16 << 20,
            read_from: ReadFrom::default(),
            max_lag: None,
            retry_idempotent: RetryIdempotent::default(),
            write_fence: WriteFence::default(),
        }
    }
}

impl PoolSettings {
    /// The settings, when they can be worked with.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the option and its value.
    pub(super) fn checked(self) -> Result<Self> {
        let limits = [
            ("max", self.max as u64, 1, 10_000),
            ("min_idle", self.min_idle as u64, 0, self.max as u64),
            ("max_waiters", self.max_waiters as u64, 0, 1_000_000),
            ("multiplexed", self.multiplexed as u64, 1, 64),
            ("timeout", self.deadline.as_ms(), 1, MOST_MS),
            ("response_timeout", self.response_timeout.as_ms(), 1, MOST_MS),
            ("checkout_wait", self.checkout_wait.as_ms(), 0, MOST_MS),
            ("idle_ttl", self.idle_ttl.as_ms(), 1, MOST_MS),
            ("max_life", self.max_life.as_ms(), 1, MOST_MS),
            ("ping_after", self.ping_after.as_ms(), 1, MOST_MS),
            ("drain_reads", self.drain_reads.as_ms(), 0, 60_000),
            ("held_commands", self.held_commands as u64, 0, 1_000_000),
            ("held_bytes", self.held_bytes as u64, 0, 1 << 30),
        ];
        for (option, value, least, most) in limits {
            if !(least..=most).contains(&value) {
                return Err(unusable(option, value, &format!("it is between {least} and {most}")));
            }
        }
        Ok(self)
    }

    /// Sets one option from a URL or a table, by its name; spans are in milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the option and its value.
    pub(super) fn set(&mut self, option: &str, value: &str) -> Result<()> {
        let span = || number(option, value).map(Millis::new);
        let size = || number(option, value).map(|number| number as usize);
        match option {
            "database" | "db" => self.database = number(option, value)?.min(u64::from(u32::MAX)) as u32,
            "max" | "pool_size" => self.max = size()?,
            "min_idle" => self.min_idle = size()?,
            "max_waiters" => self.max_waiters = size()?,
            "checkout_wait" => self.checkout_wait = span()?,
            "idle_ttl" => self.idle_ttl = span()?,
            "max_life" => self.max_life = span()?,
            "ping_after" => self.ping_after = span()?,
            "multiplexed" => self.multiplexed = size()?,
            "timeout" => self.deadline = span()?,
            "response_timeout" => self.response_timeout = span()?,
            "drain_reads" => self.drain_reads = span()?,
            "held_commands" => self.held_commands = size()?,
            "held_bytes" => self.held_bytes = size()?,
            "max_lag" => self.max_lag = Some(number(option, value)?),
            "read_from" => self.read_from = ReadFrom::parse(value).ok_or_else(|| unusable(option, value, READ_FROM))?,
            "retry_idempotent" => self.retry_idempotent = retry_idempotent(option, value)?,
            "write_fence" => self.write_fence = write_fence(option, value)?,
            _ => return Err(unusable(option, value, "a pool has no such option")),
        }
        Ok(())
    }
}

fn number(option: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| unusable(option, value, "it is a whole number"))
}

fn retry_idempotent(option: &str, value: &str) -> Result<RetryIdempotent> {
    match value {
        "yes" | "true" | "1" => Ok(RetryIdempotent::Yes),
        "no" | "false" | "0" => Ok(RetryIdempotent::No),
        _ => Err(unusable(option, value, "it is yes or no")),
    }
}

/// `none`, `min_replicas`, or `wait:<replicas>:<milliseconds>`.
fn write_fence(option: &str, value: &str) -> Result<WriteFence> {
    let parts: Vec<_> = value.split(':').collect();
    match parts.as_slice() {
        ["none"] => Ok(WriteFence::None),
        ["min_replicas"] => Ok(WriteFence::MinReplicas),
        ["wait", replicas, patience] => {
            let replicas = number(option, replicas)?.min(u64::from(u32::MAX)) as u32;
            Ok(WriteFence::Wait { replicas, patience: Millis::new(number(option, patience)?) })
        }
        _ => Err(unusable(option, value, "it is none, min_replicas or wait:<replicas>:<milliseconds>")),
    }
}

fn unusable(option: &str, value: impl std::fmt::Display, why: &str) -> Error {
    Error::new(ErrorKind::Config, "set up a pool", format!("{option} = {value}: {why}"))
}

const READ_FROM: &str = "it is master, master_preferred, replica, replica_preferred, any, nearest or zone:<name>";

/// A day: longer waits are mistakes of the unit.
const MOST_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::{PoolSettings, WriteFence};
    use crate::{error::ErrorKind, pool::ReadFrom, types::Millis};

    #[test]
    fn the_defaults_can_be_worked_with() {
        assert!(PoolSettings::default().checked().is_ok());
    }

    #[test]
    fn options_are_set_by_name() {
        let mut settings = PoolSettings::default();
        for (option, value) in
            [("max", "4"), ("read_from", "nearest"), ("write_fence", "wait:1:50"), ("timeout", "700"), ("db", "3")]
        {
            settings.set(option, value).expect("it is one of a pool's");
        }

        let fence = WriteFence::Wait { replicas: 1, patience: Millis::new(50) };
        assert_eq!((settings.max, settings.read_from, settings.write_fence), (4, ReadFrom::Nearest, fence));
        assert_eq!((settings.deadline, settings.database), (Millis::new(700), 3));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name_and_value() {
        for (option, value) in [("max", "many"), ("read_from", "moon"), ("write_fence", "wait"), ("moon", "1")] {
            let error = PoolSettings::default().set(option, value).expect_err("it cannot be");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.subject().contains(&format!("{option} = {value}")), "{error}");
        }
        let error = PoolSettings { max: 0, ..PoolSettings::default() }.checked().expect_err("none is too few");
        assert!(error.subject().starts_with("max = 0"), "{error}");
    }
}
