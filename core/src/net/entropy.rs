//! Decides what is left to chance outside the machine: the only file that reads the system's randomness.

use crate::{
    error::{Error, ErrorKind, Result},
    types::RunId,
};

/// A seed for a machine's chance.
///
/// # Errors
/// [`ErrorKind::File`] when the system gives no randomness.
pub fn seed() -> Result<u64> {
    Ok(u64::from_le_bytes(random()?))
}

/// An identity that no other sentinel has.
///
/// # Errors
/// [`ErrorKind::File`] when the system gives no randomness.
pub fn run_id() -> Result<RunId> {
    Ok(RunId::from_bytes(random()?))
}

#[expect(clippy::disallowed_methods, reason = "this is the file that reads the system's randomness")]
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::File, "read random bytes", "the system's generator").because(error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{run_id, seed};

    #[test]
    fn no_two_identities_and_seeds_are_the_same() {
        let of_ids = (run_id().expect("there is randomness"), run_id().expect("there is randomness"));
        let of_seeds = (seed().expect("there is randomness"), seed().expect("there is randomness"));

        assert_ne!(of_ids.0, of_ids.1);
        assert_ne!(of_seeds.0, of_seeds.1);
    }
}
