//! Decides what a handle has in this process: a forked child has values of its own and leaves its parent's alone.

use std::{mem, sync::OnceLock};

/// One value for each process that the handle comes to live in by forks.
///
/// A child can neither use nor drop what its parent made: threads that it needs, and locks that they held, are not there.
/// So the child makes a value of its own, and the parent's stays where it is for ever. No lock is needed to find out.
#[derive(Debug)]
pub(super) struct PerProcess<T> {
    first: OnceLock<Box<Node<T>>>,
}

#[derive(Debug)]
struct Node<T> {
    pid: u32,
    value: Option<T>,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> PerProcess<T> {
    /// No process has a value yet.
    pub(super) const fn new() -> Self {
        Self { first: OnceLock::new() }
    }
}

impl<T: Default> PerProcess<T> {
    /// This process's value, made on the first use.
    pub(super) fn here(&self) -> &T {
        let pid = std::process::id();
        let mut place = &self.first;
        loop {
            let node = place.get_or_init(|| Box::new(Node { pid, value: Some(T::default()), next: OnceLock::new() }));
            if let Some(value) = node.value.as_ref().filter(|_| node.pid == pid) {
                return value;
            }
            place = &node.next;
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let pid = std::process::id();
        let mut node = self.first.take();
        while let Some(mut found) = node {
            node = found.next.take();
            if found.pid != pid {
                // It stays in memory: its threads are in the parent.
                mem::forget(found.value.take());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::PerProcess;

    #[test]
    fn a_process_has_one_value() {
        let numbers = PerProcess::<AtomicU32>::new();

        numbers.here().fetch_add(1, Ordering::Relaxed);
        numbers.here().fetch_add(1, Ordering::Relaxed);

        assert_eq!(numbers.here().load(Ordering::Relaxed), 2);
    }
}
