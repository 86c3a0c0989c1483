//! Decides every random choice: one seeded generator, so that the same seed gives the same life.

use super::{Millis, RunId};

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub struct Chance(fastrand::Rng);

impl Chance {
    /// A generator that yields the same choices for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A span of at least `low` and at most `high`.
    pub fn between(&mut self, low: Millis, high: Millis) -> Millis {
        Millis::new(self.0.u64(low.as_ms()..=high.as_ms().max(low.as_ms())))
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound.max(1))
    }

    /// A fresh identity.
    pub fn run_id(&mut self) -> RunId {
        let mut bytes = [0; 20];
        self.0.fill(&mut bytes);
        RunId::from_bytes(bytes)
    }
}
