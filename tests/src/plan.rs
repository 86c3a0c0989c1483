//! Decides what a group consists of.

use sentinelle::{
    testing::{Flavour, ServerPlan},
    types::Millis,
};

/// What a group is started with.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// The master's name; default `mymaster`.
    pub name: String,
    /// The number of replicas; default 2.
    pub replicas: usize,
    /// The sentinels, in order; default three of ours.
    pub sentinels: Vec<Seat>,
    /// How many sentinels must call the master down; default 2.
    pub quorum: u32,
    /// Silence that makes an instance down; default 500 ms.
    pub down_after: Millis,
    /// Patience with a failover; default 10 s.
    pub failover_timeout: Millis,
    /// Further options of the master in each sentinel's file, as `("parallel-syncs", "2")`.
    pub options: Vec<(String, String)>,
    /// How the data servers are started.
    pub servers: ServerPlan,
    /// How fast the sentinels find each other.
    pub discovery: Discovery,
}

/// One sentinel of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Whose sentinel it is.
    pub flavour: Flavour,
    /// Further lines of its file.
    pub lines: Vec<String>,
}

/// How fast sentinels find each other when a group starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Hellos and INFO are sent often until all know each other, then at their usual pace (`SENTINEL DEBUG`).
    Hurried,
    /// At the usual pace: two to three seconds for the stock sentinels.
    Usual,
}

impl Default for GroupPlan {
    fn default() -> Self {
        Self {
            name: "mymaster".into(),
            replicas: 2,
            sentinels: Self::seats(&[Flavour::Sentinelle; 3]),
            quorum: 2,
            down_after: Millis::new(500),
            failover_timeout: Millis::new(10_000),
            options: Vec::new(),
            servers: ServerPlan::default(),
            discovery: Discovery::Hurried,
        }
    }
}

impl GroupPlan {
    /// The usual group with these sentinels.
    pub fn with(flavours: &[Flavour]) -> Self {
        Self { sentinels: Self::seats(flavours), ..Self::default() }
    }

    /// Plain seats of these flavours.
    pub fn seats(flavours: &[Flavour]) -> Vec<Seat> {
        flavours.iter().map(|&flavour| Seat { flavour, lines: Vec::new() }).collect()
    }
}
