//! Who is let in.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::console::{Console, blocking};
use crate::problem::{Kind, Problem};
use crate::role::{Need, Role};
use crate::token::{Refused, Token, Tokens};

/// From where a request comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// True if nobody on the way can read it.
    pub(crate) tls: bool,
}

impl Peer {
    /// True if a secret may come this way.
    pub(crate) fn is_private(self) -> bool {
        self.tls || self.address.ip().to_canonical().is_loopback()
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) token: String,
    pub(crate) person: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) groups: Vec<String>,
}

impl Who {
    /// Returns what the audit says of them.
    pub(crate) fn actor(&self, peer: Peer) -> Actor {
        let (person, token) = (self.person.clone(), Some(self.token.clone()));
        Actor { person, token, from: peer.address.to_string() }
    }

    /// Returns what runbooks may ask of them: groups, and roles with those that they cover.
    pub(crate) fn known_as(&self) -> Vec<String> {
        let covered =
            Role::ALL.into_iter().filter(|role| self.roles.iter().any(|r| r.covers(*role)));
        covered.map(|role| role.name().to_owned()).chain(self.groups.iter().cloned()).collect()
    }

    /// Lets them do what needs one of these roles.
    ///
    /// # Errors
    /// If they have none of them.
    pub(crate) fn must(&self, need: Need) -> Result<(), Problem> {
        if need.met_by(&self.roles) {
            return Ok(());
        }
        let has: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let detail =
            format!("this needs the role {need}, and {} is {}", self.person, has.join(", "));
        let hint = "An admin makes tokens: POST /api/v1/tokens, or `windlass token add`.";
        Err(Kind::NOT_ALLOWED.because(detail).hint(hint))
    }

    /// Returns once they may not go on with what needs one of these roles, and says why: the token
    /// was removed, has expired, or has lost the role.
    pub(crate) async fn until_refused(self, console: Console, need: Need) -> Problem {
        let clock = console.engine.clock().clone();
        loop {
            let removed = Tokens::removed();
            let (tokens, id) = (console.tokens.clone(), self.token.clone());
            let token = match blocking(move || tokens.get(&id)).await {
                Ok(Ok(Some(token))) => token,
                Ok(Ok(None)) => return Kind::NO_TOKEN.because("the token was removed").hint(HOW),
                Ok(Err(error)) => return error.into(),
                Err(problem) => return problem,
            };
            if token.expires.is_some_and(|expires| expires <= clock.now()) {
                return Kind::NO_TOKEN.because("the token has expired").hint(HOW);
            }
            if let Err(problem) = (Who { roles: token.roles, ..self.clone() }).must(need) {
                return problem;
            }
            let expires = async {
                match token.expires {
                    Some(expires) => clock.sleep_until(expires).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = removed => {}
                () = expires => {}
            }
        }
    }
}

/// Finds out whose token comes with a request.
///
/// # Errors
/// If there is none, or it is refused.
pub(crate) async fn who(
    console: &Console,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<Who, Problem> {
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        // Nobody's token: it is neither looked up nor logged, and not counted against anybody.
        console.metrics.token_refused("missing");
        return Err(Kind::NO_TOKEN.because("no token came with the request").hint(HOW));
    };
    let text = given.to_str().ok().and_then(|text| text.split_once(' '));
    let bearer = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else {
        return Err(refuse(console, peer, "malformed", "the Authorization header is not `Bearer`"));
    };
    let (tokens, token) = (console.tokens.clone(), Zeroizing::new(token.trim().to_owned()));
    match blocking(move || tokens.show(&token)).await?? {
        Ok(token) => {
            let Token { id, person, roles, groups, .. } = token;
            Ok(Who { token: id, person, roles, groups })
        }
        Err(Refused::Unknown) => Err(refuse(console, peer, "unknown", "the token is not known")),
        Err(Refused::Expired) => Err(refuse(console, peer, "expired", "the token has expired")),
    }
}

fn refuse(console: &Console, peer: Peer, why: &'static str, detail: &str) -> Problem {
    console.metrics.token_refused(why);
    if console.failures.is_one_too_many(peer.address.ip(), Instant::now()) {
        return Kind::TOO_MANY
            .because(format!("{FAILURES_MAX} tokens were refused within a minute"))
            .hint("Wait a minute. A token that is good is taken all the same.");
    }
    tracing::warn!(from = %peer.address, why, "a token was refused");
    Kind::NO_TOKEN.because(detail).hint(HOW)
}

/// What to do without a token.
const HOW: &str = "Send `Authorization: Bearer wl_...`; `windlass token add` makes one.";

/// Refusals of one address within [`WINDOW`] that are answered and logged one by one.
const FAILURES_MAX: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered at the same time.
const ADDRESSES_MAX: usize = 4096;

/// Counts refusals by address. Nobody guesses a token; this keeps a client that tries from filling
/// the log, and tells one that loops by mistake to stop. Good tokens are taken all the same, or
/// anybody behind the same address could lock the operators out.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Failures {
    fn is_one_too_many(&self, from: IpAddr, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES_MAX {
            counts.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        if counts.len() >= ADDRESSES_MAX {
            counts.clear();
        }
        let (since, count) = counts.entry(whole(from)).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count > FAILURES_MAX
    }
}

/// Returns what one client has to itself: an IPv4 address, or a /64 of IPv6.
fn whole(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            std::net::Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_client_and_forgotten_after_a_minute() {
        let (failures, now) = (Failures::default(), Instant::now());
        let (one, other): (IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "10.0.0.1".parse().unwrap());
        for _ in 0..FAILURES_MAX {
            assert!(!failures.is_one_too_many(one, now));
        }
        assert!(failures.is_one_too_many("2001:db8::ffff".parse().unwrap(), now));
        assert!(!failures.is_one_too_many(other, now));
        assert!(!failures.is_one_too_many(one, now + WINDOW));
    }

    #[test]
    fn a_secret_may_come_over_tls_or_from_this_machine() {
        let peer = |address: &str, tls| Peer { address: address.parse().unwrap(), tls };
        assert!(peer("127.0.0.1:1", false).is_private());
        assert!(peer("[::ffff:127.0.0.1]:1", false).is_private());
        assert!(!peer("10.0.0.1:1", false).is_private());
        assert!(peer("10.0.0.1:1", true).is_private());
    }
}
