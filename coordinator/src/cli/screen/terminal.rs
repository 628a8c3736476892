//! Takes the whole terminal, and gives it back on every way out: at the end, on an error, on a panic, on a signal.

use std::io::{self, IsTerminal, Stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Size;

use super::draw::draw;
use super::state::State;
use crate::cli::output::is_dumb;
use crate::telemetry;

/// Whether the terminal is taken. One program has one terminal, and a panic hook is handed nothing.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether there is a terminal that can be taken: one that people look at and type on, not a pipe, and not a dumb one.
pub(crate) fn is_available() -> bool {
    !is_dumb() && io::stdin().is_terminal() && io::stdout().is_terminal() && is_in_foreground()
}

/// Whether the terminal is this program's to change: the system stops one in the background that tries.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    nix::unistd::tcgetpgrp(io::stdin()).is_ok_and(|group| group == nix::unistd::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground() -> bool {
    true
}

/// The whole terminal, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Where the terminal does not let itself be taken; it is then as it was.
    pub(crate) fn take() -> io::Result<Self> {
        give_back_on_panic();
        telemetry::hold_back();
        TAKEN.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, Hide))
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Its size.
    pub(super) fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Draws what is known.
    ///
    /// # Errors
    /// Where the terminal has gone, or was given back because something panicked.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Err(io::Error::other("a part of the program has panicked"));
        }
        self.terminal.draw(|frame| draw(state, frame))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was before it was taken; does nothing where it is not taken.
pub(crate) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that takes no bytes has gone, and there is nothing left to make good.
    let _gone = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _gone = disable_raw_mode();
    telemetry::let_go();
}

/// Whatever panics: the message is to be read where the user's other text is.
fn give_back_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            hook(info);
        }));
    });
}
