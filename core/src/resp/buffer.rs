//! Decides how received bytes are kept until they make a whole: appended at the end, taken from the front, in linear time.

/// Bytes received and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
    /// How many of the waiting bytes were searched in vain for the end of a line.
    searched: usize,
}

impl Buffer {
    /// Appends what was received.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes that wait.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Where `mark` first stands among the waiting bytes; what was searched in vain is not searched again.
    pub(super) fn find(&mut self, mark: u8) -> Option<usize> {
        let from = self.searched;
        let found = self.waiting()[from..].iter().position(|&byte| byte == mark);
        if found.is_none() {
            self.searched = self.waiting().len();
        }
        found.map(|at| from + at)
    }

    /// Takes `count` bytes from the front; a search begins anew behind them.
    pub(super) fn take(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.bytes.len());
        self.searched = 0;
    }

    /// Frees what was taken, and the room of a large message that is through.
    pub(super) fn tidy(&mut self) {
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
            if self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
        } else if self.taken > self.bytes.len() / 2 {
            // Moving the shorter half costs no more than receiving the longer one did.
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// The room that is held.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

const KEPT_CAPACITY: usize = 64 << 10;
