//! Decides how much of the replication stream can be had again: its last bytes, up to a limit.

use std::collections::VecDeque;

/// The end of a stream.
#[derive(Debug)]
pub(super) struct Backlog {
    bytes: VecDeque<u8>,
    limit: usize,
    end: u64,
}

impl Backlog {
    /// One that begins behind `offset` bytes of the stream.
    pub(super) fn starting_at(offset: u64, limit: usize) -> Self {
        Self { bytes: VecDeque::new(), limit, end: offset }
    }

    /// How many bytes the stream has had.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// How many of them can be had.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.end += bytes.len() as u64;
        let surplus = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..surplus);
    }

    /// At most `most` bytes from behind the first `offset` of the stream; `None` when they cannot be had.
    pub(super) fn since(&self, offset: u64, most: usize) -> Option<Vec<u8>> {
        let begin = self.end - self.bytes.len() as u64;
        let skipped =
            usize::try_from(offset.checked_sub(begin)?).ok().filter(|skipped| *skipped <= self.bytes.len())?;
        let end = self.bytes.len().min(skipped + most);
        Some(self.bytes.range(skipped..end).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Backlog;

    #[test]
    fn only_the_end_of_a_stream_can_be_had_again() {
        let mut backlog = Backlog::starting_at(10, 4);

        backlog.append(b"abcdef");

        assert_eq!((backlog.end(), backlog.len()), (16, 4));
        assert_eq!(backlog.since(11, 9), None);
        assert_eq!(backlog.since(12, 9), Some(b"cdef".to_vec()));
        assert_eq!(backlog.since(13, 2), Some(b"de".to_vec()));
        assert_eq!(backlog.since(16, 9), Some(Vec::new()));
        assert_eq!(backlog.since(17, 9), None);
    }
}
