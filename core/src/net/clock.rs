//! Decides what time it is: the only file that reads a clock.
//!
//! The steady clock goes on while the machine sleeps where the system has such a clock (Linux): a sentinel that was
//! suspended has to notice that it was away.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use crate::types::{Now, Tick, UnixMs};

/// A steady clock that starts at zero, with the wall clock beside it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Duration,
    /// By how much the steady clock was put forward.
    ahead: Duration,
    /// By how many milliseconds the wall clock was put forward, or back.
    wall_shift: i64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { started: read(STEADY), ahead: Duration::ZERO, wall_shift: 0 }
    }

    /// Puts the wall clock forward by so many milliseconds, or back. Forward the steady clock goes along, as after a
    /// sleep of the machine; it never goes back.
    pub fn jump(&mut self, span_ms: i64) {
        self.wall_shift = self.wall_shift.saturating_add(span_ms);
        let forward = Duration::from_millis(u64::try_from(span_ms).unwrap_or(0));
        self.ahead = self.ahead.saturating_add(forward);
    }

    /// This moment on both clocks.
    pub fn now(&self) -> Now {
        let unix = (read(ClockId::CLOCK_REALTIME).as_millis() as u64).saturating_add_signed(self.wall_shift);
        Now { tick: Tick::from_ms(self.elapsed().as_millis() as u64), unix: UnixMs::from_ms(unix) }
    }

    /// This moment on the steady clock alone.
    pub fn tick(&self) -> Tick {
        Tick::from_ms(self.elapsed().as_millis() as u64)
    }

    /// Microseconds since the start, for measuring short spans.
    pub fn microseconds(&self) -> u64 {
        self.elapsed().as_micros() as u64
    }

    /// The moment at which this clock reaches `tick`, for waiting; at once when it has.
    ///
    /// Waiting stops while the machine sleeps, so a long wait has to be cut into short ones.
    pub fn instant(&self, tick: Tick) -> Instant {
        Instant::now() + Duration::from_millis(tick.as_ms()).saturating_sub(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        read(STEADY).saturating_sub(self.started).saturating_add(self.ahead)
    }
}

fn read(clock: ClockId) -> Duration {
    // Both clocks exist on every system this compiles for, so the call fails in no way that could be told apart
    // from a clock that stands still.
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const STEADY: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STEADY: ClockId = ClockId::CLOCK_MONOTONIC;

#[cfg(test)]
mod tests {
    use super::Clock;
    use crate::types::Millis;

    #[tokio::test]
    async fn the_moment_of_a_tick_is_when_the_clock_reaches_it() {
        let clock = Clock::start();
        let goal = clock.now().tick.after(Millis::new(20));

        tokio::time::sleep_until(clock.instant(goal)).await;

        let late = clock.now().tick.since(goal);
        assert!(clock.now().tick >= goal && late < Millis::new(1000), "{late} late");
    }

    #[test]
    fn a_jump_back_is_one_of_the_wall_clock_alone() {
        let mut clock = Clock::start();
        let before = clock.now();

        clock.jump(3_600_000);
        let ahead = clock.now();
        clock.jump(-7_200_000);
        let behind = clock.now();

        assert!(ahead.tick.since(before.tick) >= Millis::new(3_600_000));
        assert!(ahead.unix.since(before.unix) >= Millis::new(3_600_000));
        assert!(behind.tick >= ahead.tick && behind.unix < before.unix);
    }

    #[test]
    fn the_wall_clock_is_past_the_year_2025() {
        assert!(Clock::start().now().unix.as_ms() > 1_750_000_000_000);
    }
}
