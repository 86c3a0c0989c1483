//! Decides how many voices are enough, and what the votes of one epoch come to.

use std::collections::BTreeMap;

use crate::types::RunId;

/// The votes a leader needs: a majority of all known sentinels, and at least the quorum.
///
/// ```
/// use sentinelle::model::votes_needed;
/// assert_eq!(votes_needed(3, 2), 2);
/// assert_eq!(votes_needed(5, 2), 3);
/// assert_eq!(votes_needed(3, 3), 3);
/// ```
pub fn votes_needed(voters: usize, quorum: u32) -> usize {
    (voters / 2 + 1).max(quorum as usize)
}

/// What the votes of one epoch come to, from one candidate's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This candidate has the votes it needs.
    Won,
    /// Another candidate has them.
    Lost,
    /// Nobody has them, and everybody who can be asked has voted.
    Split,
    /// Votes are missing.
    Open,
}

/// Counts the votes of one epoch: `votes` of all sentinels heard, this one included; `missing` of those that may still vote.
pub fn count_votes(candidate: &RunId, votes: &[RunId], missing: usize, needed: usize) -> Outcome {
    let mut tally: BTreeMap<&RunId, usize> = BTreeMap::new();
    for vote in votes {
        *tally.entry(vote).or_default() += 1;
    }
    let mine = tally.remove(candidate).unwrap_or(0);
    let best_other = tally.values().copied().max().unwrap_or(0);
    if mine >= needed {
        Outcome::Won
    } else if best_other >= needed {
        Outcome::Lost
    } else if mine + missing < needed {
        Outcome::Split
    } else {
        Outcome::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: &str) -> RunId {
        RunId::parse(&letter.repeat(40)).expect("forty letters are a run id")
    }

    #[test]
    fn a_majority_wins_and_a_rival_with_a_majority_is_a_loss() {
        let (me, rival) = (id("a"), id("b"));

        assert_eq!(count_votes(&me, &[me.clone(), me.clone(), rival.clone()], 0, 2), Outcome::Won);
        assert_eq!(count_votes(&me, &[me.clone(), rival.clone(), rival.clone()], 0, 2), Outcome::Lost);
    }

    #[test]
    fn nobody_can_win_once_too_few_votes_are_missing() {
        let (me, rival, third) = (id("a"), id("b"), id("c"));

        assert_eq!(count_votes(&me, &[me.clone(), rival.clone(), third], 0, 2), Outcome::Split);
        assert_eq!(count_votes(&me, &[me.clone(), rival], 1, 2), Outcome::Open);
    }
}
