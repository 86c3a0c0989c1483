//! Decides who is who in a group: its members, and how a connection tells which of them opened it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

/// A party of a group: one of its processes, or the test with its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// The data server of that index; the first one is the master at the start.
    Server(usize),
    /// The sentinel of that index.
    Sentinel(usize),
    /// Everybody who is not of the group: the test, and the programs it tests.
    Client,
}

/// The most servers, and the most sentinels, of a group: each has a loopback address of its own.
pub(in crate::testing) const MOST_OF_A_KIND: usize = 100;

/// Where the connections of the group's own processes begin. Groups may share the addresses: each has its own proxy.
const SERVERS: [u8; 3] = [127, 64, 1];
const SENTINELS: [u8; 3] = [127, 64, 2];

impl Member {
    /// The address its connections begin at, on systems where all of 127.0.0.0/8 is loopback.
    pub(in crate::testing) fn source(self) -> Option<Ipv4Addr> {
        let (net, index) = match self {
            Self::Server(index) => (SERVERS, index),
            Self::Sentinel(index) => (SENTINELS, index),
            Self::Client => return None,
        };
        let last = u8::try_from(index + 1).ok().filter(|_| cfg!(target_os = "linux"))?;
        Some(Ipv4Addr::new(net[0], net[1], net[2], last))
    }

    /// Whose connection it is that begins at that address.
    pub(in crate::testing) fn of_source(address: IpAddr) -> Self {
        let IpAddr::V4(address) = address.to_canonical() else { return Self::Client };
        let [first, second, third, last] = address.octets();
        match ([first, second, third], usize::from(last).checked_sub(1)) {
            (SERVERS, Some(index)) => Self::Server(index),
            (SENTINELS, Some(index)) => Self::Sentinel(index),
            (_, _) => Self::Client,
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(index) => write!(f, "server-{index}"),
            Self::Sentinel(index) => write!(f, "sentinel-{index}"),
            Self::Client => f.write_str("client"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::Member;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_tells_whose_it_is() {
        for member in [Member::Server(0), Member::Server(99), Member::Sentinel(0), Member::Sentinel(2)] {
            let source = member.source().expect("members have addresses of their own");

            assert_eq!(Member::of_source(IpAddr::V4(source)), member);
        }
    }

    #[test]
    fn a_connection_from_elsewhere_is_a_clients() {
        assert_eq!(Member::of_source(IpAddr::V4(Ipv4Addr::LOCALHOST)), Member::Client);
        assert_eq!(Member::of_source(IpAddr::V4(Ipv4Addr::new(127, 64, 1, 0))), Member::Client);
    }
}
