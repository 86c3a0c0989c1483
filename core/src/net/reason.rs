//! Decides how a failure of the operating system is worded: as `strerror` words it, without the number.

use std::io;

/// The words of the failure, such as `Connection refused`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::reason;

    #[test]
    fn the_number_is_left_out() {
        assert_eq!(reason(&io::Error::from_raw_os_error(13)), "Permission denied");
        assert_eq!(reason(&io::Error::other("no such (thing)")), "no such (thing)");
    }
}
