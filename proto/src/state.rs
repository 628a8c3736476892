//! The one list of the states of sweeps, trials, attempts and workers: names, words for people, tone, and what each means.
//!
//! Rows, messages, reports, terminals and pages take them from here; the Python client and the pages' style sheet are checked
//! against it by tests. Adding a state is one row here, and what the core decides of it.

use std::fmt;

use serde::{Serialize, Serializer};

/// How a state strikes people: the colour of its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to say.
    Plain,
    /// It goes well.
    Good,
    /// It happens now.
    Busy,
    /// Worth a look.
    Warning,
    /// It went wrong.
    Bad,
}

/// One of the lists of states.
pub trait State: Copy + Eq + fmt::Debug + 'static {
    /// Every state, in the order of the list.
    const ALL: &'static [Self];

    /// The name in rows, reports and messages.
    fn name(self) -> &'static str;

    /// What people read.
    fn words(self) -> &'static str;

    /// How it strikes people.
    fn tone(self) -> Tone;

    /// The state of that name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }

    /// The state that people read as these words.
    fn from_words(words: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.words() == words)
    }
}

/// A state as a message tells it. A later version may have states that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<S> {
    /// One of the list.
    Known(S),
    /// What a later version calls it.
    Other(String),
}

impl<S: State> Told<S> {
    /// From its name in a message.
    pub fn of(name: &str) -> Self {
        S::from_name(name).map_or_else(|| Self::Other(name.to_owned()), Self::Known)
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(state) => state.name(),
            Self::Other(name) => name,
        }
    }

    /// What people read. Of a later version's state this is a stranger's text.
    pub fn words(&self) -> &str {
        match self {
            Self::Known(state) => state.words(),
            Self::Other(name) => name,
        }
    }

    /// How it strikes people.
    pub fn tone(&self) -> Tone {
        self.known().map_or(Tone::Plain, State::tone)
    }

    /// The state, where this version knows it.
    pub fn known(&self) -> Option<S> {
        match self {
            Self::Known(state) => Some(*state),
            Self::Other(_) => None,
        }
    }
}

impl<S: State> Default for Told<S> {
    /// What a message says that does not tell it.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl<S: State> From<S> for Told<S> {
    fn from(state: S) -> Self {
        Self::Known(state)
    }
}

impl<S: State> PartialEq<S> for Told<S> {
    fn eq(&self, state: &S) -> bool {
        self.known() == Some(*state)
    }
}

impl<S: State> fmt::Display for Told<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words())
    }
}

impl<S: State> Serialize for Told<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_str(self.name())
    }
}

macro_rules! states {
    (
        $(#[doc = $about:literal])*
        $list:ident {
            $($variant:ident { $name:literal, $words:literal, $tone:ident, $doc:literal })*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $list {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl $list {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$variant,)*].len();

            /// Every state, in the order of the list.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];

            /// The name in rows, reports and messages.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What people read.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// How it strikes people.
            pub fn tone(self) -> Tone {
                match self { $(Self::$variant => Tone::$tone,)* }
            }
        }

        impl State for $list {
            const ALL: &'static [Self] = &$list::ALL;

            fn name(self) -> &'static str {
                $list::name(self)
            }

            fn words(self) -> &'static str {
                $list::words(self)
            }

            fn tone(self) -> Tone {
                $list::tone(self)
            }
        }
    };
}

states! {
    /// The states of a sweep.
    ///
    /// ```text
    /// Open ⇄ Paused          Open ── every trial terminal ──► Evaluating ── test split measured ──► Finished
    /// Open | Paused | Evaluating ── cancel ──► Cancelled
    /// Finished | Evaluating ── extend, retry ──► Open
    /// ```
    ///
    /// A sweep's row changes at once; many trials follow it a bounded number at a time (`decide/follow.rs` of the core): those
    /// of a launch are made, those of a paused sweep paused, those of a cancelled one cancelled.
    SweepState {
        Open { "open", "open", Good, "Trials are handed out." }
        Paused { "paused", "paused", Warning, "Nothing new is handed out; what ran was handed back." }
        Evaluating { "evaluating", "evaluating", Busy, "The chosen configuration's trials are measured on the test split." }
        Finished { "finished", "finished", Good, "Everything is done." }
        Cancelled { "cancelled", "cancelled", Bad, "The user stopped it." }
    }
}

states! {
    /// The states of a trial, in the order of the ledger; the last five are terminal.
    ///
    /// ```text
    ///            ┌────── lease lost, released, or a failure with tries left ──────┐
    ///            ▼                                                                │
    /// Pending ── granted ──► Leased ── trained ──► Completed                      │
    ///   ▲  │                   │ ├──── diverged ──► Diverged                      │
    ///   │  └─ pause ► Paused   │ └──── failed, no tries left ──► Failed           │
    ///   └──── resume ──┘       └─────────────────────────────────────────────────┘
    /// Leased ── trained as far as it may now ──► Paused ── promoted ──► Pending
    /// Leased | Paused ── pruned ──► Pruned
    /// Pending | Leased | Paused ── cancel ──► Cancelled ── a larger budget ──► Pending
    /// Pending | Paused ── its budget is spent ──► Cancelled  Pending ── same key finished before ──► Completed
    /// Failed | Diverged ── retry ──► Pending
    /// ```
    TrialState {
        Pending { "pending", "waiting", Plain, "Waits for a worker." }
        Leased { "leased", "running", Busy, "A worker has a live lease on it." }
        Paused { "paused", "paused", Warning, "Its sweep is paused, or it waits at a rung to be promoted." }
        Completed { "completed", "completed", Good, "Has a result." }
        Pruned { "pruned", "pruned", Plain, "Was stopped because it could not win." }
        Diverged { "diverged", "diverged", Warning, "Its loss left every bound." }
        Failed { "failed", "failed", Bad, "Its tries are spent." }
        Cancelled { "cancelled", "cancelled", Plain, "Its sweep was cancelled, or its budget spent, before it ended." }
    }
}

states! {
    /// The states of an attempt; all but the first are final.
    AttemptState {
        Running { "running", "running", Busy, "Under a live lease." }
        Succeeded { "succeeded", "succeeded", Good, "Brought a result." }
        Reached { "reached", "reached its rung", Good, "Trained as far as the trial may now; the trial waits with the checkpoint." }
        Pruned { "pruned", "pruned", Plain, "Ended by the answer to an epoch: the trial was pruned." }
        Diverged { "diverged", "diverged", Warning, "The loss left every bound." }
        Failed { "failed", "failed", Bad, "Failed." }
        Released { "released", "handed back", Plain, "Handed back by its worker." }
        Expired { "expired", "lease lost", Warning, "The lease was lost: it ran out without a word, or its worker left or began again without handing it back." }
        Revoked { "revoked", "revoked", Plain, "Ended by a command: a cancel, an extension, a worker that was shut out, a restored backup." }
    }
}

states! {
    /// The states of a worker's row.
    ///
    /// ```text
    /// Ready ── silent for too long ──► Lost ── heard again ──► Ready
    /// Ready ── drain ──► Draining ── silent for too long ──► Departed
    /// Ready | Draining | Lost ── deregister ──► Departed ── registers ──► Ready
    /// ```
    WorkerState {
        Ready { "ready", "ready", Good, "Gets work." }
        Draining { "draining", "draining", Warning, "Was told to hand back and leave." }
        Lost { "lost", "lost", Bad, "Was silent for longer than a lease lasts." }
        Departed { "departed", "departed", Plain, "Said good-bye." }
    }
}

states! {
    /// How a worker is, as messages and people tell it: the state of its row, with what is not durable.
    WorkerCondition {
        Ready { "ready", "ready", Good, "Gets work." }
        Resting { "resting", "resting", Warning, "Gets none for a while, because trials failed on it one after another." }
        Disconnected { "disconnected", "disconnected", Warning, "Has no connection; its leases live on." }
        Draining { "draining", "draining", Warning, "Was told to hand back and leave." }
        Lost { "lost", "lost", Bad, "Was silent for longer than a lease lasts." }
        Departed { "departed", "departed", Plain, "Said good-bye." }
    }
}

impl SweepState {
    /// Whether nothing more will happen unless the user extends the sweep.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }

    /// Whether workers have something to do for it.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Open | Self::Evaluating)
    }
}

impl TrialState {
    /// Whether the trial has ended for good.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Leased | Self::Paused)
    }

    /// Whether the trial ran to an end, in whatever way; one that was cancelled did not.
    pub fn ran_to_an_end(self) -> bool {
        self.is_terminal() && self != Self::Cancelled
    }

    /// Every state in the order in which people are told how many trials are in it: what has ended, what runs, what waits.
    pub fn as_told() -> impl Iterator<Item = Self> {
        let mut all = Self::ALL;
        all.sort_by_key(|state| (!state.is_terminal(), *state != Self::Leased));
        all.into_iter()
    }

    /// Its letter in maps of all trials: each state has one of its own.
    pub fn letter(self) -> char {
        match self {
            Self::Pending => 'w',
            Self::Leased => 'r',
            Self::Paused => 'h',
            Self::Completed => 'c',
            Self::Pruned => 'p',
            Self::Diverged => 'd',
            Self::Failed => 'f',
            Self::Cancelled => 'x',
        }
    }
}

impl From<WorkerState> for WorkerCondition {
    fn from(state: WorkerState) -> Self {
        match state {
            WorkerState::Ready => Self::Ready,
            WorkerState::Draining => Self::Draining,
            WorkerState::Lost => Self::Lost,
            WorkerState::Departed => Self::Departed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check<S: State + Serialize + serde::de::DeserializeOwned>() {
        for state in S::ALL {
            let json = serde_json::to_string(state).expect("JSON");
            assert_eq!(json, format!("\"{}\"", state.name()), "rows hold the name");
            assert_eq!(serde_json::from_str::<S>(&json).expect("the state"), *state);
            let told = Told::<S>::of(state.name());
            assert_eq!(told, Told::Known(*state));
            assert_eq!(serde_json::to_string(&told).expect("JSON"), json);
        }
        let names: BTreeSet<_> = S::ALL.iter().map(|state| state.name()).collect();
        assert_eq!(names.len(), S::ALL.len());
        let later = Told::<S>::of("frozen");
        assert_eq!((later.name(), later.words(), later.known()), ("frozen", "frozen", None));
        assert_eq!(serde_json::to_string(&later).expect("JSON"), "\"frozen\"");
    }

    #[test]
    fn states_are_found_by_their_names_and_those_of_later_versions_are_told_as_they_are() {
        check::<SweepState>();
        check::<TrialState>();
        check::<AttemptState>();
        check::<WorkerState>();
        check::<WorkerCondition>();
    }

    #[test]
    fn a_worker_is_in_the_condition_of_its_state_unless_more_is_known() {
        for state in WorkerState::ALL {
            let condition = WorkerCondition::from(state);
            assert_eq!((condition.name(), condition.tone()), (state.name(), state.tone()));
        }
    }

    #[test]
    fn trials_have_letters_of_their_own_and_are_told_in_one_order() {
        let letters: BTreeSet<_> = TrialState::ALL.map(TrialState::letter).into();
        assert_eq!(letters.len(), TrialState::COUNT);
        let told: Vec<_> = TrialState::as_told().map(TrialState::words).collect();
        let expected =
            ["completed", "pruned", "diverged", "failed", "cancelled", "running", "waiting", "paused"];
        assert_eq!(told, expected);
    }
}
