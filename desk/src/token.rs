//! Tokens: how a program or a person shows who they are.
//!
//! ```text
//! wl_k3v7q2m9xa_5h2n...                     the token, shown once
//!    id         256 random bits, base32
//! token/k3v7q2m9xa      -> {name, person, roles, digest, made, expires}
//! token_used/k3v7q2m9xa -> when it was last used
//! ```
//!
//! The store has the SHA-256 of the token, and that is enough: a slow or salted hash protects words
//! that people choose, and nobody guesses 256 random bits, however fast the hash is.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use windlass_engine::clock::{Clock, Millis, millis};
use windlass_engine::engine::Engine;
use windlass_engine::journal::{JournalStore, StoreError};
use zeroize::Zeroizing;

use crate::people;
use crate::role::Role;

/// Under which names the store keeps them.
const PREFIX: &str = "token/";

/// Under which names the store keeps when they were last used. Beside them, so that a use at the
/// moment of its removal can't bring a token back.
const USED_PREFIX: &str = "token_used/";

/// When a token was last used is kept no finer than this, so that reading does not mean writing.
const USED_EVERY: Duration = Duration::from_secs(60);

/// A hundred years: a token that lives longer has no end, and should say so.
const SECONDS_MAX: u64 = 3_153_600_000;

const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Its id: the part of the token that is not secret.
    pub id: String,
    /// What it is for, such as `ci` or `laptop`.
    pub name: String,
    /// Who acts with it; journals and the audit name this person.
    pub person: String,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// Names that runbooks may ask of whoever approves, such as `dba`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// When it was made, in milliseconds since 1970, UTC.
    pub made: Millis,
    /// When it was last used, to the minute.
    #[serde(default)]
    pub used: Option<Millis>,
    /// From when on it is refused; never, if absent.
    pub expires: Option<Millis>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    token: Token,
    /// SHA-256 of the whole token.
    digest: String,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, such as `ci` or `laptop`.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// Who acts with it.
    #[schemars(length(min = 1, max = 100))]
    pub person: String,
    /// What it may be used for.
    #[schemars(length(min = 1, max = 5))]
    pub roles: Vec<Role>,
    /// Names that runbooks may ask of whoever approves, such as `dba`.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(min = 1, max = 100)))]
    pub groups: Vec<String>,
    /// After how many seconds it is refused; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = SECONDS_MAX))]
    pub expires_seconds: Option<u64>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The words don't fit.
    #[error("{0}")]
    Unfit(String),
    /// There is no token of this id.
    #[error("there is no token `{0}`")]
    NoSuchToken(String),
    /// What is kept can't be read.
    #[error("the stored token `{0}` can't be read: remove it and make another")]
    Damaged(String),
    /// The store can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whether the person is a user of this machine can't be found out.
    #[error(transparent)]
    Users(#[from] people::NoUsers),
    /// No randomness.
    #[error("the operating system gave no random bytes: {0}")]
    Machine(String),
}

/// Why a token is refused. It says no more than whoever sent it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not a token of this store.
    Unknown,
    /// It was one.
    Expired,
}

/// Wakes whoever goes on in the name of a token: one was removed. A store is open in one process at
/// a time, so this process sees all of it; the socket and HTTP have no other thing in common.
static REMOVED: Notify = Notify::const_new();

/// The tokens of a store. The methods block.
#[derive(Clone)]
pub struct Tokens {
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Returns the tokens that are kept beside the journals of an engine.
    pub fn of(engine: &Engine) -> Self {
        Tokens { store: engine.store().clone(), clock: engine.clock().clone() }
    }

    /// Makes a token, and returns its text: this is the only time that anybody sees it.
    ///
    /// # Errors
    /// If the words don't fit, or the store can't write.
    pub fn add(&self, new: &NewToken) -> Result<(Token, Zeroizing<String>), TokenError> {
        fits("name", &new.name)?;
        fits("person", &new.person)?;
        new.groups.iter().try_for_each(|group| fits("group", group))?;
        self.is_nobodys_double(&new.person)?;
        let lives = new.expires_seconds.unwrap_or(1);
        let roles = (1..=Role::ALL.len()).contains(&new.roles.len());
        if !roles || new.groups.len() > 20 || !(1..=SECONDS_MAX).contains(&lives) {
            let why = "a token has one to five roles, at most 20 groups, and at most 100 years";
            return Err(TokenError::Unfit(why.to_owned()));
        }
        let mut roles = new.roles.clone();
        roles.sort();
        roles.dedup();
        let made = self.clock.now();
        let lives = new.expires_seconds.map(|seconds| millis(Duration::from_secs(seconds)));
        let expires = lives.map(|lives| made.saturating_add(lives));
        let (id, text) = fresh()?;
        let (name, person, groups) = (new.name.clone(), new.person.clone(), new.groups.clone());
        let token = Token { id, name, person, roles, groups, made, used: None, expires };
        let kept = Kept { token, digest: digest(&text) };
        let damaged = |_| TokenError::Damaged(kept.token.id.clone());
        let bytes = serde_json::to_vec(&kept).map_err(damaged)?;
        self.store.sync(self.store.put_value(&format!("{PREFIX}{}", kept.token.id), &bytes)?)?;
        Ok((kept.token, text))
    }

    /// Returns all of them, by id.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        let kept = self.store.values(PREFIX, "", usize::MAX)?;
        kept.iter()
            .map(|(name, bytes)| {
                let token = read(name, bytes)?.token;
                Ok(Token { used: self.used(&token.id)?, ..token })
            })
            .collect()
    }

    /// Removes one: from now on it is refused.
    ///
    /// # Errors
    /// If there is none, or the store can't write.
    pub fn remove(&self, id: &str) -> Result<(), TokenError> {
        let name = format!("{PREFIX}{id}");
        if self.store.value(&name)?.is_none() {
            return Err(TokenError::NoSuchToken(id.to_owned()));
        }
        self.store.remove_value(&format!("{USED_PREFIX}{id}"))?;
        let removed = self.store.remove_value(&name)?;
        // Before it is durable: whoever looks finds it gone.
        REMOVED.notify_waiters();
        Ok(self.store.sync(removed)?)
    }

    /// Returns what is ready once a token is removed after this call, awaited or not.
    pub(crate) fn removed() -> Notified<'static> {
        REMOVED.notified()
    }

    /// Returns what is kept of a token; nothing, if it was removed.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Token>, TokenError> {
        let name = format!("{PREFIX}{id}");
        let kept = self.store.value(&name)?;
        kept.map(|bytes| Ok(read(&name, &bytes)?.token)).transpose()
    }

    /// Returns what is kept of a token that somebody shows, and notes that it was used.
    ///
    /// # Errors
    /// If the store can't be read; inside, if the token is refused.
    pub fn show(&self, text: &str) -> Result<Result<Token, Refused>, TokenError> {
        let Some(id) = id_of(text) else { return Ok(Err(Refused::Unknown)) };
        let name = format!("{PREFIX}{id}");
        let Some(bytes) = self.store.value(&name)? else { return Ok(Err(Refused::Unknown)) };
        let Kept { mut token, digest: kept } = read(&name, &bytes)?;
        // Takes as long for a digest that begins right as for one that does not.
        if !bool::from(kept.as_bytes().ct_eq(digest(text).as_bytes())) {
            return Ok(Err(Refused::Unknown));
        }
        let now = self.clock.now();
        if token.expires.is_some_and(|expires| expires <= now) {
            return Ok(Err(Refused::Expired));
        }
        token.used = self.used(&token.id)?;
        if token.used.is_none_or(|used| used + millis(USED_EVERY) <= now) {
            token.used = Some(now);
            // Not worth a flush of its own: it is durable with whatever is recorded next.
            self.store.put_value(&format!("{USED_PREFIX}{id}"), now.to_string().as_bytes())?;
        }
        Ok(Ok(token))
    }

    /// Refuses a person whose name differs from that of another only in case. To the system they
    /// are two people, and so they are here; but whoever has both names could approve twice.
    fn is_nobodys_double(&self, person: &str) -> Result<(), TokenError> {
        let lower = person.to_lowercase();
        let others = self.list()?.into_iter().map(|token| token.person);
        let others = others.chain(people::user_named(&lower)?);
        let alike: Vec<String> = others.filter(|other| other.to_lowercase() == lower).collect();
        match alike.first() {
            None => Ok(()),
            Some(_) if alike.iter().any(|other| other == person) => Ok(()),
            Some(other) => Err(TokenError::Unfit(format!(
                "`{person}` and `{other}` would be two people: give the name as it is, `{other}`"
            ))),
        }
    }

    fn used(&self, id: &str) -> Result<Option<Millis>, TokenError> {
        let bytes = self.store.value(&format!("{USED_PREFIX}{id}"))?;
        Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()))
    }
}

/// Names are shown in lists and journals: they are one line, and what they look like.
fn fits(what: &str, text: &str) -> Result<(), TokenError> {
    let short = (1..=100).contains(&text.chars().count());
    if short && !text.chars().any(char::is_control) && text.trim() == text {
        return Ok(());
    }
    Err(TokenError::Unfit(format!(
        "the {what} of a token has 1 to 100 characters, no line break, and no space at an end"
    )))
}

fn read(name: &str, bytes: &[u8]) -> Result<Kept, TokenError> {
    let id = name.strip_prefix(PREFIX).unwrap_or(name);
    serde_json::from_slice(bytes).map_err(|_| TokenError::Damaged(id.to_owned()))
}

/// Returns an id that nobody has, and a token.
fn fresh() -> Result<(String, Zeroizing<String>), TokenError> {
    let mut random = Zeroizing::new([0_u8; ID_BYTES + SECRET_BYTES]);
    getrandom::fill(random.as_mut()).map_err(|e| TokenError::Machine(e.to_string()))?;
    let (id, secret) = random.split_at(ID_BYTES);
    let (id, secret) = (base32(id), Zeroizing::new(base32(secret)));
    let text = Zeroizing::new(format!("wl_{id}_{}", secret.as_str()));
    Ok((id, text))
}

/// Returns the id in a token; nothing, if the text can't be one.
fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix("wl_")?.split_once('_')?;
    let is_base32 = |text: &str| text.bytes().all(|b| ALPHABET.contains(&b));
    let long = |bytes: usize| (bytes * 8).div_ceil(5);
    let whole = id.len() == long(ID_BYTES) && secret.len() == long(SECRET_BYTES);
    (whole && is_base32(id) && is_base32(secret)).then_some(id)
}

fn digest(text: &str) -> String {
    windlass_engine::journal::text_hash(text.as_bytes())
}

/// The alphabet of RFC 4648 in lower case: no letter that is easily taken for a digit.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
            bits &= (1 << held) - 1;
        }
    }
    if held > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, coded) in [("", ""), ("f", "my"), ("fo", "mzxq"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn only_what_has_the_form_of_a_token_is_looked_up() {
        let (id, text) = fresh().unwrap();
        assert_eq!(id_of(&text), Some(id.as_str()));
        for wrong in ["", "wl_", "wl__", "wl_../x_y", &text[..text.len() - 1], &text.to_uppercase()]
        {
            assert_eq!(id_of(wrong), None, "{wrong}");
        }
    }
}
