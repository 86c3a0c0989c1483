//! Decides whether a write may leave at this very moment: asked right before a socket is written to, it never waits.

use std::{fmt, sync::Arc};

use super::hubs::Hub;
use crate::{discovery, finder::Phase, types::Generation};

/// Tells at any moment whether writes may leave for one master.
///
/// A picture that is told takes its time through a language's event loop, and a program that slept meanwhile would write first
/// and be told afterwards that it should not have. A gate is looked at instead. While it lives the master is looked after.
pub struct Gate {
    watch: discovery::Watch,
    hub: Arc<Hub>,
}

impl Gate {
    pub(super) fn new(watch: discovery::Watch, hub: Arc<Hub>) -> Self {
        Self { watch, hub }
    }

    /// Whether a write may leave for the master of that generation: it is in place, and writes are not held.
    pub fn may_write(&self, generation: u64) -> bool {
        let topology = self.watch.current();
        topology.generation == Generation::new(generation) && !matches!(topology.phase, Phase::Hold { .. })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({:?})", self.hub)
    }
}
