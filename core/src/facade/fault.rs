//! Decides which faults a binding can inflict on a test group, and how each is named with its arguments.

use super::{options::refused, testing::parse_member};
use crate::{
    error::Result,
    testing::{HaGroup, Member},
    types::Millis,
};

/// A fault to be inflicted, or undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Kills a member like a power failure would.
    Kill {
        /// Who is killed.
        member: Member,
    },
    /// Starts a member again that was killed.
    Restart {
        /// Who is started.
        member: Member,
    },
    /// Stops a member in its tracks: its connections stay open, it answers nothing.
    Pause {
        /// Who is stopped.
        member: Member,
    },
    /// Lets a paused member go on.
    Resume {
        /// Who goes on.
        member: Member,
    },
    /// Lets every write of a sentinel's state fail, as on a full disk.
    FillDisk {
        /// Whose disk.
        member: Member,
    },
    /// Holds back all bytes between two sides, both ways.
    Partition {
        /// The one side.
        ones: Vec<Member>,
        /// The other side.
        others: Vec<Member>,
    },
    /// Cuts a member off from everybody, the clients too.
    Isolate {
        /// Who is cut off.
        member: Member,
    },
    /// Holds back bytes in one direction alone.
    Cut {
        /// Who sends them.
        from: Member,
        /// Who does not get them.
        to: Member,
    },
    /// Delays bytes in one direction.
    Slow {
        /// Who sends them.
        from: Member,
        /// Who gets them late.
        to: Member,
        /// By how many milliseconds.
        latency_ms: u64,
        /// By how many more each piece at most.
        jitter_ms: u64,
    },
    /// Lets only so many bytes a second pass in one direction.
    LimitBandwidth {
        /// Who sends them.
        from: Member,
        /// Who gets them.
        to: Member,
        /// How many a second.
        bytes_per_second: u64,
    },
    /// Resets all open connections to a member; new ones can be made at once.
    ResetConnections {
        /// Whose connections.
        member: Member,
    },
    /// Orders a failover from the first sentinel that runs.
    Failover,
    /// Makes a server follow another one behind the sentinels' back.
    Demote {
        /// Who follows.
        member: Member,
        /// Whom.
        to: Member,
    },
    /// Sets how readily a server is promoted: the lower the sooner, 0 never.
    Priority {
        /// Whose priority.
        member: Member,
        /// The priority; usually 100.
        priority: u32,
    },
    /// Sends a member bytes that are no request, and hangs up.
    Garbage {
        /// Who gets them.
        member: Member,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Undoes every fault.
    Heal,
}

/// Every fault by its name, with the names of its arguments; those in brackets may be left out.
///
/// A member is written `server-0`, `sentinel-1` or `client`; several have commas between them.
pub const FAULTS: &[(&str, &str)] = &[
    ("kill", "member"),
    ("restart", "member"),
    ("pause", "member"),
    ("resume", "member"),
    ("fill-disk", "member"),
    ("partition", "ones others"),
    ("isolate", "member"),
    ("cut", "from to"),
    ("slow", "from to latency_ms [jitter_ms]"),
    ("limit-bandwidth", "from to bytes_per_second"),
    ("reset-connections", "member"),
    ("failover", ""),
    ("demote", "member to"),
    ("priority", "member priority"),
    ("garbage", "member [bytes]"),
    ("heal", ""),
];

impl Fault {
    /// The fault of that name with these arguments, as [`FAULTS`] says.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Config`] naming the fault or the argument.
    pub fn parse(name: &str, arguments: &[(&str, &str)]) -> super::Result<Self> {
        let known = FAULTS.iter().find(|(known, _)| *known == name);
        let (_, names) = known.ok_or_else(|| refused(format!("unknown fault: \"{name}\"")))?;
        let is_known = |key: &str| names.split(' ').any(|known| known.trim_matches(['[', ']']) == key);
        if let Some((key, value)) = arguments.iter().find(|(key, _)| !is_known(key)) {
            return Err(refused(format!("unknown argument of {name}: \"{key}\" = \"{value}\"")));
        }
        let given = Arguments { fault: name, given: arguments };
        given.fault()
    }

    pub(super) fn inflict(self, group: &HaGroup) -> Result<()> {
        match self {
            Self::Kill { member } => return group.kill(member),
            Self::Restart { member } => return group.restart(member),
            Self::Pause { member } => return group.pause(member),
            Self::Resume { member } => return group.resume(member),
            Self::FillDisk { member } => return group.fill_disk(member),
            Self::ResetConnections { member } => return group.reset_connections(member),
            Self::Failover => return group.failover(),
            Self::Demote { member, to } => return group.demote(member, to),
            Self::Priority { member, priority } => return group.set_priority(member, priority),
            Self::Garbage { member, bytes } => return group.send_garbage(member, &bytes),
            Self::Heal => return group.heal(),
            Self::Partition { ones, others } => group.partition(&ones, &others),
            Self::Isolate { member } => group.isolate(member),
            Self::Cut { from, to } => group.cut(from, to),
            Self::Slow { from, to, latency_ms, jitter_ms } => {
                group.slow(from, to, Millis::new(latency_ms), Millis::new(jitter_ms));
            }
            Self::LimitBandwidth { from, to, bytes_per_second } => group.limit_bandwidth(from, to, bytes_per_second),
        }
        Ok(())
    }
}

/// The arguments that were given for a fault.
struct Arguments<'a> {
    fault: &'a str,
    given: &'a [(&'a str, &'a str)],
}

impl Arguments<'_> {
    fn fault(&self) -> super::Result<Fault> {
        Ok(match self.fault {
            "kill" => Fault::Kill { member: self.member("member")? },
            "restart" => Fault::Restart { member: self.member("member")? },
            "pause" => Fault::Pause { member: self.member("member")? },
            "resume" => Fault::Resume { member: self.member("member")? },
            "fill-disk" => Fault::FillDisk { member: self.member("member")? },
            "partition" => Fault::Partition { ones: self.members("ones")?, others: self.members("others")? },
            "isolate" => Fault::Isolate { member: self.member("member")? },
            "cut" => Fault::Cut { from: self.member("from")?, to: self.member("to")? },
            "slow" => Fault::Slow {
                from: self.member("from")?,
                to: self.member("to")?,
                latency_ms: self.number("latency_ms", None)?,
                jitter_ms: self.number("jitter_ms", Some(0))?,
            },
            "limit-bandwidth" => Fault::LimitBandwidth {
                from: self.member("from")?,
                to: self.member("to")?,
                bytes_per_second: self.number("bytes_per_second", None)?,
            },
            "reset-connections" => Fault::ResetConnections { member: self.member("member")? },
            "failover" => Fault::Failover,
            "demote" => Fault::Demote { member: self.member("member")?, to: self.member("to")? },
            "priority" => Fault::Priority {
                member: self.member("member")?,
                priority: u32::try_from(self.number("priority", None)?).unwrap_or(u32::MAX),
            },
            "garbage" => Fault::Garbage {
                member: self.member("member")?,
                bytes: self.text("bytes").unwrap_or("*1\r\n$-7\r\n").as_bytes().to_vec(),
            },
            "heal" => Fault::Heal,
            other => return Err(refused(format!("unknown fault: \"{other}\""))),
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn needed(&self, name: &str) -> super::Result<&str> {
        self.text(name).ok_or_else(|| refused(format!("{} needs the argument {name}", self.fault)))
    }

    fn member(&self, name: &str) -> super::Result<Member> {
        Ok(parse_member(self.needed(name)?)?)
    }

    fn members(&self, name: &str) -> super::Result<Vec<Member>> {
        self.needed(name)?.split(',').map(|part| Ok(parse_member(part.trim())?)).collect()
    }

    fn number(&self, name: &str, default: Option<u64>) -> super::Result<u64> {
        let Some(text) = self.text(name) else {
            return default.map_or_else(|| self.needed(name).map(|_| 0), Ok);
        };
        text.parse().map_err(|_| refused(format!("argument {name} of {}: not a whole number: \"{text}\"", self.fault)))
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Fault, Member};

    #[test]
    fn every_fault_of_the_list_can_be_named() {
        for (name, arguments) in FAULTS {
            let value = |argument: &str| {
                if argument.ends_with("_ms") || argument.ends_with("second") || argument == "priority" {
                    "7"
                } else {
                    "server-1"
                }
            };
            let given: Vec<_> = arguments
                .split_whitespace()
                .map(|argument| argument.trim_matches(['[', ']']))
                .map(|argument| (argument, value(argument)))
                .collect();

            assert!(Fault::parse(name, &given).is_ok(), "{name} {given:?}");
        }
    }

    #[test]
    fn a_fault_is_read_with_its_arguments() {
        let fault = Fault::parse("partition", &[("ones", "server-0, sentinel-1"), ("others", "client")]);

        let ones = vec![Member::Server(0), Member::Sentinel(1)];
        assert_eq!(fault, Ok(Fault::Partition { ones, others: vec![Member::Client] }));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, arguments, named) in [
            ("burn", &[][..], "burn"),
            ("kill", &[], "member"),
            ("kill", &[("member", "server-x")], "server-x"),
            ("kill", &[("whom", "server-0")], "whom"),
            ("slow", &[("from", "client"), ("to", "server-0"), ("latency_ms", "fast")], "fast"),
        ] {
            let failure = Fault::parse(name, arguments).expect_err("it is refused");

            assert!(failure.message.contains(named), "{named} in {failure}");
        }
    }
}
