//! What the whole-system tests share: groups of real servers, real sentinels and ours.
