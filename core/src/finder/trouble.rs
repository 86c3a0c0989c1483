//! Decides how a search that found no master is told: the kind, and what each sentinel said.

use crate::{
    error::{Error, ErrorKind},
    types::MasterName,
};

/// Why a search found no master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// [`ErrorKind::SentinelsUnreachable`], [`ErrorKind::MasterUnknown`], [`ErrorKind::MasterNotReady`],
    /// [`ErrorKind::NoAgreement`] or [`ErrorKind::Auth`].
    pub kind: ErrorKind,
    /// What each sentinel said, a line for each, and what became of the servers they named.
    pub evidence: Vec<String>,
}

impl Trouble {
    /// The failure of a search for `master`.
    pub fn to_error(&self, master: &MasterName) -> Error {
        Error::new(self.kind, "find the master", format!("\"{master}\"")).with_evidence(self.evidence.iter().cloned())
    }
}
