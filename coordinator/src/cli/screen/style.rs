//! How things look: only the terminal's own sixteen colours, which its owner has made readable on the ground at hand.

use ratatui::style::{Color, Modifier, Style};

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

    /// A state of a sweep or worker.
    pub(super) fn of_state(self, state: &str) -> Style {
        match state {
            "open" | "ready" | "finished" => self.good(),
            "evaluating" => self.accent(),
            "paused" | "draining" | "resting" | "disconnected" => self.warning(),
            "lost" | "cancelled" => self.bad(),
            _ => Style::new(),
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
