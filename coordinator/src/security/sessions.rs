//! Browsers that have logged in: a random name in a cookie stands for the token that was shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE32_NOPAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use sweep_proto::{Digest, TokenId};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The cookie. The prefix makes browsers refuse it without TLS, from other hosts and for single paths.
const COOKIE_NAME: &str = "__Host-sweep";

/// How long a login lasts: a working day.
const LIFE: Duration = Duration::from_hours(12);

/// Logins at one time; the oldest makes room.
const SESSIONS_MAX: usize = 1_000;

/// Logins with one token at one time; the oldest of them makes room, so that nobody's logins end those of others.
const SESSIONS_OF_TOKEN_MAX: usize = 10;

/// Bytes of entropy in a session's name and in a form's key.
const SECRET_BYTES: usize = 32;

/// Every login of one coordinator. None outlives its process.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// By the digest of the name, so that neither memory nor timing tells a name.
    sessions: Mutex<BTreeMap<Digest, Session>>,
    /// In forms for the people of this machine, who need no login.
    local: FormKey,
}

#[derive(Debug)]
struct Session {
    token: TokenId,
    form_key: FormKey,
    ends_at: Instant,
    /// Cancelled when the session is dropped: by a logout, or to make room.
    ended: DropGuard,
}

/// How long a login lasts yet.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Cancelled when it ends before its time.
    pub(crate) ended: CancellationToken,
    /// Until its time is over.
    pub(crate) left: Duration,
}

/// What a form must bring back, so that no other page can send it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FormKey(Arc<str>);

impl fmt::Debug for FormKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FormKey(…)")
    }
}

impl FormKey {
    /// For the page that holds the form.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is what a form brought back.
    pub(crate) fn admits(&self, shown: &str) -> bool {
        // Digests are compared: how long that takes tells nothing of the key.
        Digest::of(self.0.as_bytes()) == Digest::of(shown.as_bytes())
    }
}

fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(BASE32_NOPAD.encode(&bytes))
}

impl Sessions {
    /// Without any login.
    ///
    /// # Errors
    /// The system's, where it has no entropy to give.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { sessions: Mutex::default(), local: FormKey(secret()?.into()) })
    }

    /// Logs the bearer of a token in; gives the cookie.
    ///
    /// # Errors
    /// The system's, where it has no entropy to give.
    pub(crate) fn begin(&self, token: TokenId) -> Result<HeaderValue, getrandom::Error> {
        let (name, form_key) = (secret()?, FormKey(secret()?.into()));
        let now = Instant::now();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.ends_at > now);
        make_room(&mut sessions, SESSIONS_OF_TOKEN_MAX, |session| session.token == token);
        make_room(&mut sessions, SESSIONS_MAX, |_| true);
        let ended = CancellationToken::new().drop_guard();
        sessions.insert(Digest::of(name.as_bytes()), Session { token, form_key, ends_at: now + LIFE, ended });
        Ok(cookie(&name, LIFE.as_secs()))
    }

    /// Whose request this is, by its cookie; `None` without one or where the login has ended.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<(TokenId, FormKey)> {
        let name = Digest::of(name(headers)?.as_bytes());
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(&name).filter(|session| session.ends_at > Instant::now())?;
        Some((session.token, session.form_key.clone()))
    }

    /// How long the login of a request lasts yet; `None` without one, or where it has ended.
    pub(crate) fn login(&self, headers: &HeaderMap) -> Option<Login> {
        let name = Digest::of(name(headers)?.as_bytes());
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(&name)?;
        let left = session.ends_at.checked_duration_since(Instant::now())?;
        // The guard's own token ends with it.
        Some(Login { ended: session.ended.token().clone(), left })
    }

    /// Logs out; gives the cookie that takes the cookie back.
    pub(crate) fn end(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(name) = name(headers) {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.remove(&Digest::of(name.as_bytes()));
        }
        cookie("", 0)
    }

    /// The key of forms on this machine.
    pub(crate) fn local(&self) -> FormKey {
        self.local.clone()
    }
}

/// Ends the oldest of some sessions until there are fewer of them than this.
fn make_room(sessions: &mut BTreeMap<Digest, Session>, most: usize, is_one: impl Fn(&Session) -> bool) {
    loop {
        let some = sessions.iter().filter(|(_, session)| is_one(session));
        let (count, oldest) = (some.clone().count(), some.min_by_key(|(_, session)| session.ends_at));
        match oldest.map(|(name, _)| *name) {
            Some(oldest) if count >= most => sessions.remove(&oldest),
            _ => return,
        };
    }
}

/// The name in a request's cookies, of which HTTP/2 may send each in a header of its own.
fn name(headers: &HeaderMap) -> Option<&str> {
    let texts = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

fn cookie(name: &str, seconds: u64) -> HeaderValue {
    let text = format!("{COOKIE_NAME}={name}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    // A name is of the base32 alphabet.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("theme=dark; other=1"));
        headers.append(COOKIE, HeaderValue::from_str(&pair).unwrap());
        headers
    }

    #[test]
    fn a_cookie_stands_for_its_token_until_it_is_ended() {
        let sessions = Sessions::new().unwrap();
        let (first, second) = (TokenId::from([1; 8]), TokenId::from([2; 8]));
        let cookies = [first, second].map(|token| sessions.begin(token).unwrap());
        let text = cookies[0].to_str().unwrap();
        assert!(["Secure", "HttpOnly", "SameSite=Lax"].iter().all(|word| text.contains(word)), "{text}");
        let found = |cookie| sessions.find(&shown(cookie)).map(|(token, _)| token);
        assert_eq!(found(&cookies[0]), Some(first));
        assert_eq!(found(&cookies[1]), Some(second));
        let login = |cookie| sessions.login(&shown(cookie)).expect("a login");
        let [first_login, second_login] = [login(&cookies[0]), login(&cookies[1])];
        sessions.end(&shown(&cookies[0]));
        assert!(first_login.ended.is_cancelled() && !second_login.ended.is_cancelled());
        assert!(sessions.login(&shown(&cookies[0])).is_none());
        assert_eq!(found(&cookies[0]), None);
        assert_eq!(found(&cookies[1]), Some(second));
        assert_eq!(sessions.find(&HeaderMap::new()), None);
        assert_eq!(sessions.find(&shown(&cookie("", 0))), None);
    }

    #[test]
    fn the_oldest_login_makes_room() {
        let sessions = Sessions::new().unwrap();
        let token = |number: usize| {
            let [.., third, second, last] = number.to_be_bytes();
            TokenId::from([0, 0, 0, 0, 0, third, second, last])
        };
        let first = sessions.begin(token(0)).unwrap();
        let second = sessions.begin(token(0)).unwrap();
        for _ in 2..=SESSIONS_OF_TOKEN_MAX {
            sessions.begin(token(0)).unwrap();
        }
        assert_eq!(sessions.find(&shown(&first)), None, "its own ones take its place");
        assert!(sessions.find(&shown(&second)).is_some());
        for number in 1..=SESSIONS_MAX - SESSIONS_OF_TOKEN_MAX {
            sessions.begin(token(number)).unwrap();
        }
        assert!(sessions.find(&shown(&second)).is_some(), "there is room for so many");
        sessions.begin(token(SESSIONS_MAX)).unwrap();
        assert_eq!(sessions.find(&shown(&second)), None);
    }

    #[test]
    fn a_form_key_admits_itself_alone() {
        let sessions = Sessions::new().unwrap();
        let key = sessions.local();
        assert!(key.admits(key.reveal()));
        assert!(!key.admits("") && !key.admits(&key.reveal()[1..]));
        assert!(!format!("{sessions:?}").contains(key.reveal()));
    }
}
