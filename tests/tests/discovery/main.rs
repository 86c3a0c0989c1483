//! What a discovery finds among real servers and sentinels, whatever is wrong with some of them.

mod access;
mod encryption;
mod faults;
mod sharing;
mod stage;
mod switches;
