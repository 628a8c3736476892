//! Text of strangers made inert: nothing in it steers a terminal, breaks a line, hides, or turns the order of what stands
//! beside it.

use std::fmt::Write as _;

/// What stands for a character that was taken out.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether a character is obeyed and not shown: controls (C0, DEL and C1, which terminals take for commands), marks and
/// overrides of direction, separators of lines, invisible operators and tags, and what XML cannot hold.
///
/// The joiners U+200C and U+200D stay: Persian, Hindi and emoji are written with them.
pub fn is_steering(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(one, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(one, '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// One line of inert text; one character for one.
pub fn inert_line(text: &str) -> String {
    text.chars().map(|one| if is_steering(one) { REPLACEMENT } else { one }).collect()
}

/// Inert text that keeps its lines and tabs; one character for one.
pub fn inert_lines(text: &str) -> String {
    let is_kept = |one: char| matches!(one, '\n' | '\t') || !is_steering(one);
    text.chars().map(|one| if is_kept(one) { one } else { REPLACEMENT }).collect()
}

/// JSON whose strings steer no terminal: what JSON may leave as it is, is escaped, too. It means the same.
pub fn inert_json(json: &str) -> String {
    let mut inert = String::with_capacity(json.len());
    for one in json.chars() {
        if one == '\n' || !is_steering(one) {
            inert.push(one);
        } else {
            let mut units = [0; 2];
            for unit in one.encode_utf16(&mut units) {
                // Writing to a text does not fail.
                _ = write!(inert, "\\u{unit:04x}");
            }
        }
    }
    inert
}

/// Longest name of a folder, in bytes: file systems take 255, and a number may follow.
const FOLDER_BYTES_MAX: usize = 200;

/// A name as that of one folder: letters and digits of every language stay.
pub fn folder_name(name: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || matches!(one, '-' | '_' | '.');
    let plain: String = name.chars().map(|one| if is_plain(one) { one } else { '-' }).collect();
    let mut plain = plain.trim_start_matches('.').to_owned();
    while plain.len() > FOLDER_BYTES_MAX {
        plain.pop();
    }
    if plain.is_empty() { "sweep".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_replaced_and_what_is_written_stays() {
        for steering in
            ["\u{1b}[2J", "\u{9b}31m", "\u{7f}", "\u{202e}", "\u{2066}", "\u{e0041}", "\u{ffff}", "\r"]
        {
            assert!(inert_line(steering).starts_with(REPLACEMENT), "{steering:?}");
            assert!(inert_lines(steering).starts_with(REPLACEMENT), "{steering:?}");
        }
        for written in ["감성 분석 👩\u{200d}💻", "naïve", "می\u{200c}خواهم", "=1+1", "a-b"] {
            assert_eq!(inert_line(written), written);
        }
        assert_eq!(inert_line("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(inert_lines("a\nb\tc\u{0}"), "a\nb\tc\u{fffd}");
    }
}
