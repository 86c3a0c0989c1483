//! Decides how many measured figures become the few that are shown.

use std::fmt;

/// Milliseconds measured in many rounds, in order of size.
pub(crate) struct Figures(Vec<i64>);

impl Figures {
    /// The figures of all rounds that have one.
    pub(crate) fn of(figures: impl IntoIterator<Item = Option<i64>>) -> Self {
        let mut figures: Vec<i64> = figures.into_iter().flatten().collect();
        figures.sort_unstable();
        Self(figures)
    }

    /// The figure that this share of all does not exceed; `None` when there are none.
    pub(crate) fn percentile(&self, percent: usize) -> Option<i64> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    /// The middle one, or the mean of the two in the middle.
    pub(crate) fn median(&self) -> Option<i64> {
        let half = self.0.len() / 2;
        match self.0.len() {
            0 => None,
            count if count % 2 == 0 => Some(i64::midpoint(self.0[half - 1], self.0[half])),
            _ => Some(self.0[half]),
        }
    }

    /// The largest; `None` when there are none.
    pub(crate) fn largest(&self) -> Option<i64> {
        self.0.last().copied()
    }

    /// Between the smallest and the largest.
    pub(crate) fn spread(&self) -> Option<i64> {
        Some(self.0.last()? - self.0.first()?)
    }
}

impl fmt::Display for Figures {
    /// The median, and the range that four fifths of the figures lie in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.median(), self.percentile(10), self.percentile(90)) {
            (Some(median), Some(low), Some(high)) => f.pad(&format!("{median} ({low}..{high})")),
            (_, _, _) => f.pad("-"),
        }
    }
}
