//! Who is let in.
//!
//! | comes | is | may |
//! |---|---|---|
//! | with a token | the person of the token | what its roles may |
//! | in the process that owns the state | the user who runs it | everything |
//! | over the socket, the owner's user or root | that user | everything |
//! | over the socket, a member of its group | that user, with the names of their groups | what needs no admin |
//!
//! At the machine, the kernel says which user asks. What they say of themselves is not taken, but
//! for root's `SUDO_USER`: root by sudo is whoever used sudo, with root's rights.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use windlass_engine::engine::Person;
use windlass_engine::journal::Origin;
use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::desk::{Desk, blocking};
use crate::people::{self, NoUsers};
use crate::problem::{Kind, Problem};
use crate::role::{Need, Role};
use crate::token::{Refused, Token, Tokens};

/// The header that says for whom sudo runs the command that asks. It is heeded of root alone, at
/// the machine.
pub(crate) const SUDO_USER: &str = "windlass-sudo-user";

/// What a member of the socket's group has: everything but admin.
const MEMBER: [Role; 4] = [Role::Viewer, Role::Operator, Role::Approver, Role::Author];

/// From where a request comes.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    /// Over the network.
    Network {
        /// From there.
        address: SocketAddr,
        /// True if nobody on the way can read it.
        tls: bool,
    },
    /// Over the socket of the state directory, from a process of this user.
    Socket {
        /// Whose.
        uid: u32,
        /// Which; 0 if the kernel does not say.
        pid: u32,
    },
    /// From this very process, which owns the state.
    Process,
}

impl Peer {
    /// True if a secret may come this way.
    pub(crate) fn is_private(self) -> bool {
        match self {
            Peer::Network { address, tls } => tls || address.ip().to_canonical().is_loopback(),
            Peer::Socket { .. } | Peer::Process => true,
        }
    }

    /// True if whoever asks is at the machine.
    pub(crate) fn is_here(self) -> bool {
        !matches!(self, Peer::Network { .. })
    }
}

/// How somebody shows who they are.
#[derive(Debug, Clone)]
enum Proof {
    /// By a token of this id.
    Token(String),
    /// The kernel says so.
    User { uid: u32, owns: bool },
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) person: String,
    pub(crate) roles: Vec<Role>,
    groups: Vec<String>,
    /// Whose rights they use, if not their own.
    as_user: Option<String>,
    proof: Proof,
}

impl Who {
    /// Returns who a user of this machine is. Blocks.
    ///
    /// # Errors
    /// If the users can't be looked up: nobody is let in without a name.
    fn of_user(uid: u32, sudo_user: Option<&str>) -> Result<Self, NoUsers> {
        let (person, as_user) = people::person(uid, sudo_user)?;
        let owns = uid == rustix::process::geteuid().as_raw() || uid == 0;
        let (roles, groups) = if owns {
            (vec![Role::Admin], Vec::new())
        } else {
            // A group that is called like a role gives nobody that role.
            let groups = people::groups_of(uid)?.into_iter();
            (MEMBER.to_vec(), groups.filter(|name| name.parse::<Role>().is_err()).collect())
        };
        Ok(Who { person, roles, groups, as_user, proof: Proof::User { uid, owns } })
    }

    /// Returns what their requests are counted by.
    pub(crate) fn key(&self) -> String {
        match &self.proof {
            Proof::Token(id) => id.clone(),
            Proof::User { uid, .. } => format!("user {uid}"),
        }
    }

    /// Returns what the audit says of them.
    pub(crate) fn actor(&self, peer: Peer) -> Actor {
        let token = match &self.proof {
            Proof::Token(id) => Some(id.clone()),
            Proof::User { .. } => None,
        };
        let rights = self.as_user.as_ref().map(|user| format!(", as {user} by sudo"));
        let from = match peer {
            Peer::Network { address, .. } => address.to_string(),
            Peer::Socket { pid, .. } => format!("socket, pid {pid}{}", rights.unwrap_or_default()),
            Peer::Process => "the owner itself".to_owned(),
        };
        Actor { person: self.person.clone(), token, from }
    }

    /// Returns who and from where, as journals tell it.
    pub(crate) fn origin(&self, peer: Peer, here: &Origin) -> Origin {
        let (host, pid) = match peer {
            Peer::Network { address, .. } => (address.ip().to_string(), 0),
            Peer::Socket { pid, .. } => (here.host.clone(), pid),
            Peer::Process => (here.host.clone(), here.pid),
        };
        Origin { user: self.person.clone(), host, pid, as_user: self.as_user.clone() }
    }

    /// Returns them as the engine weighs their answers.
    pub(crate) fn weighed(&self, by: Origin) -> Person {
        let owns = matches!(self.proof, Proof::User { owns: true, .. });
        Person { by, roles: (!owns).then(|| self.known_as()) }
    }

    /// Returns what runbooks may ask of them: groups, and roles with those that they cover.
    fn known_as(&self) -> Vec<String> {
        let covered =
            Role::ALL.into_iter().filter(|role| self.roles.iter().any(|r| r.covers(*role)));
        covered.map(|role| role.name().to_owned()).chain(self.groups.iter().cloned()).collect()
    }

    /// Lets them do what needs one of these roles.
    ///
    /// # Errors
    /// If they have none of them, or it is not done from where they are.
    pub(crate) fn must(&self, need: Need) -> Result<(), Problem> {
        let by_token = matches!(self.proof, Proof::Token(_));
        if by_token && matches!(need, Need::Here(_)) {
            let detail = "this can be asked on the machine of the daemon only, not over HTTP";
            return Err(Kind::NOT_ALLOWED.because(detail).hint("The command line asks it there."));
        }
        if need.met_by(&self.roles) {
            return Ok(());
        }
        let has: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let needed = match need {
            Need::Here(roles) => Need::OneOf(roles),
            need => need,
        };
        let detail =
            format!("this needs the role {needed}, and {} is {}", self.person, has.join(", "));
        let hint = if by_token {
            "An admin makes tokens: POST /api/v1/tokens, or `windlass token add`."
        } else {
            "Run it as the user that owns the state, or by sudo."
        };
        Err(Kind::NOT_ALLOWED.because(detail).hint(hint))
    }

    /// Returns once they may not go on with what needs one of these roles, and says why: the token
    /// was removed, has expired, or has lost the role.
    pub(crate) async fn until_refused(self, desk: Desk, need: Need) -> Problem {
        let Proof::Token(id) = self.proof.clone() else { return std::future::pending().await };
        let clock = desk.engine.clock().clone();
        loop {
            let removed = Tokens::removed();
            let (tokens, id) = (desk.tokens.clone(), id.clone());
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

/// Finds out who asks.
///
/// # Errors
/// If nobody can be told, or their token is refused.
pub(crate) async fn who(desk: &Desk, headers: &HeaderMap, peer: Peer) -> Result<Who, Problem> {
    let uid = match peer {
        Peer::Network { address, .. } => return by_token(desk, headers, address).await,
        Peer::Socket { uid, .. } => uid,
        Peer::Process => rustix::process::getuid().as_raw(),
    };
    let said = headers.get(SUDO_USER).map(|name| String::from_utf8_lossy(name.as_bytes()));
    let said = said.map(std::borrow::Cow::into_owned);
    Ok(blocking(move || Who::of_user(uid, said.as_deref())).await??)
}

/// Finds out whose token comes with a request.
async fn by_token(desk: &Desk, headers: &HeaderMap, from: SocketAddr) -> Result<Who, Problem> {
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        // Nobody's token: it is neither looked up nor logged, and not counted against anybody.
        desk.metrics.token_refused("missing");
        return Err(Kind::NO_TOKEN.because("no token came with the request").hint(HOW));
    };
    let text = given.to_str().ok().and_then(|text| text.split_once(' '));
    let bearer = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else {
        return Err(refuse(desk, from, "malformed", "the Authorization header is not `Bearer`"));
    };
    let (tokens, token) = (desk.tokens.clone(), Zeroizing::new(token.trim().to_owned()));
    match blocking(move || tokens.show(&token)).await?? {
        Ok(token) => {
            let Token { id, person, roles, groups, .. } = token;
            Ok(Who { person, roles, groups, as_user: None, proof: Proof::Token(id) })
        }
        Err(Refused::Unknown) => Err(refuse(desk, from, "unknown", "the token is not known")),
        Err(Refused::Expired) => Err(refuse(desk, from, "expired", "the token has expired")),
    }
}

fn refuse(desk: &Desk, from: SocketAddr, why: &'static str, detail: &str) -> Problem {
    desk.metrics.token_refused(why);
    if desk.failures.is_one_too_many(from.ip(), Instant::now()) {
        return Kind::TOO_MANY
            .because(format!("{FAILURES_MAX} tokens were refused within a minute"))
            .hint("Wait a minute. A token that is good is taken all the same.");
    }
    tracing::warn!(%from, why, "a token was refused");
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
        let peer = |address: &str, tls| Peer::Network { address: address.parse().unwrap(), tls };
        assert!(peer("127.0.0.1:1", false).is_private());
        assert!(peer("[::ffff:127.0.0.1]:1", false).is_private());
        assert!(!peer("10.0.0.1:1", false).is_private());
        assert!(peer("10.0.0.1:1", true).is_private());
    }
}
