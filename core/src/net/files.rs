//! Decides how many clients the process can afford: each costs a descriptor, and the rest of the work needs some too.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the process's limit of open files as far as `clients` clients need and the system allows.
///
/// For the executable alone: a library does not change its process.
pub fn raise_file_limit(clients: u32) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = u64::from(clients).saturating_add(RESERVED).min(hard);
    if wanted > soft {
        // Refused, the limit stays as it is, and fewer clients are admitted.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

/// How many clients can be admitted at once, at most `wanted`: links, files and scripts need descriptors too.
pub fn affordable_clients(wanted: u32) -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    affordable(u64::from(wanted), limit) as usize
}

fn affordable(wanted: u64, limit: u64) -> u64 {
    wanted.min(limit - RESERVED.min(limit / 2)).max(1)
}

const RESERVED: u64 = 256;

#[cfg(test)]
mod tests {
    use super::affordable;

    #[test]
    fn clients_leave_descriptors_for_the_rest() {
        for (wanted, limit, expected) in
            [(10_000, 1_048_576, 10_000), (10_000, 1024, 768), (10_000, 64, 32), (5, 1024, 5), (0, 1024, 1), (10, 0, 1)]
        {
            assert_eq!(affordable(wanted, limit), expected, "{wanted} of {limit}");
        }
    }
}
