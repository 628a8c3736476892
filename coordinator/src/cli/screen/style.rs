//! How things look: only the terminal's own sixteen colours, which its owner has made readable on the ground at hand.

use ratatui::style::{Color, Modifier, Style};
use sweep_proto::state;

use super::log::Tone;

/// The looks, with colour or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looks {
    /// Whether there is colour; without it only weight and brightness tell things apart.
    pub(super) colour: bool,
}

impl Looks {
    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// What has the user's attention.
    pub(super) fn accent(self) -> Style {
        self.coloured(Color::Cyan)
    }

    /// What went well.
    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// What went wrong.
    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red)
    }

    /// What is worth a look.
    pub(super) fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// A state, by how it strikes people.
    pub(super) fn of_state(self, tone: state::Tone) -> Style {
        match tone {
            state::Tone::Plain => Style::new(),
            state::Tone::Good => self.good(),
            state::Tone::Busy => self.accent(),
            state::Tone::Warning => self.warning(),
            state::Tone::Bad => self.bad(),
        }
    }

    /// The mark of a line of the log.
    pub(super) fn mark(self, tone: Tone) -> (&'static str, Style) {
        match tone {
            Tone::Good => ("✓", self.good()),
            Tone::Bad => ("✗", self.bad()),
            Tone::Warning => ("!", self.warning()),
            Tone::Best => ("★", self.accent()),
            Tone::Note => ("·", faint()),
        }
    }
}

/// What matters most.
pub(super) fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// What explains the rest.
pub(super) fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}
