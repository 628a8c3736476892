//! Bugs of the shell that a world can be given, to show that its oracle finds them.

use std::str::FromStr;

/// One bug. Each is planted where the shell meets its surroundings, with the effect that it would have inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The coordinator replies before its rows are durable: the store writes each commit with the next one.
    ReplyBeforeCommit,
    /// The session acknowledges an epoch whose command was refused.
    AcknowledgeRefused,
    /// The agent goes on training though its lease could not be renewed.
    NoFence,
    /// The agent starts from an older checkpoint than the one that it was granted.
    WrongCheckpoint,
    /// Step metrics are acknowledged and not appended.
    StepsNotAppended,
    /// The agent does not send unacknowledged epochs again in its next session.
    NothingSentAgain,
    /// The agent reports a member's epoch under the token of another one of its group.
    AnotherMembersToken,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Bug; 7] = [
        Bug::ReplyBeforeCommit,
        Bug::AcknowledgeRefused,
        Bug::NoFence,
        Bug::WrongCheckpoint,
        Bug::StepsNotAppended,
        Bug::NothingSentAgain,
        Bug::AnotherMembersToken,
    ];

    /// Its name in the environment variable `BUG`.
    pub fn name(self) -> &'static str {
        match self {
            Bug::ReplyBeforeCommit => "reply-before-commit",
            Bug::AcknowledgeRefused => "acknowledge-refused",
            Bug::NoFence => "no-fence",
            Bug::WrongCheckpoint => "wrong-checkpoint",
            Bug::StepsNotAppended => "steps-not-appended",
            Bug::NothingSentAgain => "nothing-sent-again",
            Bug::AnotherMembersToken => "another-members-token",
        }
    }
}

impl FromStr for Bug {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.into_iter().find(|bug| bug.name() == text);
        found.ok_or_else(|| anyhow::anyhow!("there is no planted bug \"{text}\""))
    }
}
