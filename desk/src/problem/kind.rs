//! The kinds of problems: a code, how a command ends with it, its HTTP status, and its title.

use crate::exit::Exit;

/// A kind of problem: a code, an exit code, an HTTP status, and a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(&'static str, Exit, u16, &'static str);

macro_rules! kinds {
    ($($name:ident = $code:literal, $exit:ident, $status:literal, $title:literal;)*) => {
        #[expect(missing_docs, reason = "the titles say it")]
        impl Kind {
            $(pub const $name: Kind = Kind($code, Exit::$exit, $status, $title);)*

            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];
        }
    };
}

kinds! {
    NO_RUNBOOK = "WL0001", Usage, 404, "There is no such runbook";
    PARAMETERS = "WL0002", Usage, 422, "Invalid parameters";
    DOES_NOT_COMPILE = "WL0003", Usage, 422, "The runbook does not compile";
    LOCKED = "WL0004", NotStarted, 409, "A lock is held";
    IN_USE = "WL0005", NotStarted, 409, "The run is in use";
    NO_RUN = "WL0006", Usage, 404, "There is no such run";
    OVER = "WL0007", Usage, 409, "The run is over";
    STUCK = "WL0008", Stuck, 409, "The run is stuck";
    PAST_PIVOT = "WL0009", Usage, 409, "The run is past its pivot";
    NOT_NOW = "WL0010", Usage, 409, "The decision is not possible now";
    STORE = "WL0011", OutOfReach, 503, "The store is damaged or can't be used";
    KEY = "WL0012", OutOfReach, 503, "The master key is missing or the wrong one";
    NO_USER = "WL0013", OutOfReach, 503, "The state directory is not yours";
    NO_SWARM = "WL0014", OutOfReach, 503, "The swarm does not answer";
    NOT_MANAGER = "WL0015", OutOfReach, 503, "The endpoint is not a manager";
    ANOTHER_SWARM = "WL0025", OutOfReach, 409, "Another swarm answers";
    NOT_COUNTED = "WL0018", Usage, 403, "This person may not answer";
    OWN_GROUND = "WL0019", NotStarted, 409, "The run would stop the daemon itself";
    NO_SCHEDULE = "WL0020", Usage, 404, "The schedule is missing or invalid";
    FIXED_SCHEDULE = "WL0020", Usage, 409, "The schedule is missing or invalid";
    NO_NOTICE = "WL0022", Usage, 404, "There is no such notice";
    PRUNED = "WL0034", Usage, 410, "The run was pruned";
    WOULD_FAIL = "WL0016", Undone, 422, "The run would fail";
    NO_TOKEN = "WL0040", OutOfReach, 401, "The token is missing or refused";
    NOT_ALLOWED = "WL0041", OutOfReach, 403, "The role is missing";
    UNREADABLE = "WL0042", Usage, 400, "The request can't be read";
    TOO_LARGE = "WL0042", Usage, 413, "The request can't be read";
    URI_TOO_LONG = "WL0042", Usage, 414, "The request can't be read";
    NOT_JSON = "WL0042", Usage, 415, "The request can't be read";
    NO_ENDPOINT = "WL0043", Usage, 404, "There is nothing at this address";
    NO_METHOD = "WL0043", Usage, 405, "There is nothing at this address";
    TOO_MANY = "WL0044", OutOfReach, 429, "Too many at once, or too many refused";
    IN_THE_OPEN = "WL0045", Usage, 403, "A secret would be sent unencrypted";
    OTHER_REQUEST = "WL0046", Usage, 422, "The key belongs to another request";
    NO_SUCH_TOKEN = "WL0047", Usage, 404, "There is no such token";
    BUSY = "WL0048", OutOfReach, 503, "The daemon is busy or stopping";
    BUG = "WL0070", Bug, 500, "Internal error";
}

impl Kind {
    /// Returns the kind with a code and an HTTP status, if this version knows it.
    pub fn of(code: &str, status: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.0 == code && kind.2 == status)
    }

    /// Returns the code.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Returns how a command ends with it.
    pub fn exit(self) -> Exit {
        self.1
    }

    /// Returns the HTTP status.
    pub fn status(self) -> u16 {
        self.2
    }

    /// Returns the title.
    pub fn title(self) -> &'static str {
        self.3
    }
}
