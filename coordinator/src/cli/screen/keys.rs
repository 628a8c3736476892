//! Which key of the keyboard means what.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// End the watching.
    Quit,
    /// Close what lies on top, else end the watching.
    Escape,
    /// Show the keys, or hide them.
    Help,
    /// To the next pane.
    Next,
    /// To the pane before.
    Previous,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One screenful up.
    PageUp,
    /// One screenful down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

/// Every key with what it does, as the help shows them.
pub(super) const HELP: &[(&str, &str)] = &[
    ("q  Esc  Ctrl-C", "stop watching; the sweep goes on"),
    ("Tab  →  l", "next pane"),
    ("Shift-Tab  ←  h", "previous pane"),
    ("↑ ↓  k j", "scroll by a line"),
    ("PageUp PageDown", "scroll by a screenful"),
    ("Home End  g G", "first line, last line"),
    ("?", "show or hide this help"),
];

/// What a key press asks for; `None` where nothing.
pub(super) fn meaning(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return (event.code == KeyCode::Char('c')).then_some(Key::Quit);
    }
    match event.code {
        KeyCode::Char('q') => Some(Key::Quit),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Char('?') => Some(Key::Help),
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => Some(Key::Next),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => Some(Key::Previous),
        KeyCode::Up | KeyCode::Char('k') => Some(Key::Up),
        KeyCode::Down | KeyCode::Char('j') => Some(Key::Down),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Key::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Some(Key::First),
        KeyCode::End | KeyCode::Char('G') => Some(Key::Last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_c_quits_and_other_control_keys_do_nothing() {
        let control = |letter| meaning(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
        assert_eq!(control('c'), Some(Key::Quit));
        assert_eq!(control('q'), None);
        assert_eq!(control('z'), None);
    }

    #[test]
    fn a_key_counts_when_it_goes_down_and_not_when_it_comes_up() {
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(meaning(released), None);
        assert_eq!(meaning(KeyEvent::from(KeyCode::Char('q'))), Some(Key::Quit));
    }
}
