//! A sweep on the whole terminal: what happens is folded into a state, and the state is drawn.

mod changes;
mod columns;
mod curves;
mod draw;
mod keys;
mod layout;
mod log;
mod notices;
mod panes;
mod sources;
mod state;
mod style;
mod terminal;
mod text;

#[cfg(test)]
pub(crate) mod examples;
#[cfg(test)]
mod fold_tests;
#[cfg(test)]
mod tests;

use std::time::Instant;

use super::client::Client;
use super::exit::Failure;
use super::interrupt::Interrupt;
use coordinator::json::Sweep;
use sources::Sources;
use state::{Now, State};
use style::Looks;

pub(crate) use terminal::{Screen, give_back, is_available};

/// How the watching ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The sweep ended, and stands so.
    Ended(Box<Sweep>),
    /// The user has seen enough.
    Left,
}

/// Shows a sweep on the whole terminal until it ends or the user leaves; the terminal is given back before this returns.
///
/// # Errors
/// Where the coordinator refuses or stays away too long, or the terminal is gone.
pub(crate) async fn watch(mut screen: Screen, client: &Client, sweep: Sweep) -> Result<End, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut sources = Sources::start(client, sweep.id);
    let (start, zone) = (Instant::now(), jiff::tz::TimeZone::system());
    let now = || Now { since_start: start.elapsed(), time: zone.to_datetime(jiff::Timestamp::now()).time() };
    let gone = |error| Failure::failed(format!("cannot draw on the terminal: {error}"));
    let looks = Looks { colour: console::colors_enabled() };
    // The decision was made from `--color` and `NO_COLOR`; the terminal library looks at the latter alone.
    crossterm::style::force_color_output(looks.colour);
    let mut state = State::new(sweep, screen.size().map_err(gone)?, looks, now());
    loop {
        if state.sweep.has_ended() {
            return Ok(End::Ended(Box::new(state.sweep)));
        }
        if state.wants_to_leave() {
            return Ok(End::Left);
        }
        screen.draw(&state).map_err(gone)?;
        let happened = tokio::select! {
            happened = sources.next() => happened?,
            () = interrupt.requested() => return Ok(End::Left),
        };
        state.apply(happened, now());
    }
}
