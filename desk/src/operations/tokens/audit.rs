//! Read who asked for changes, oldest first.

use super::super::prelude::*;
use super::super::{ADMIN, limit};
use crate::audit::Entry;

/// Which part of the audit.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditPart {
    /// Only what comes behind this entry: `next` of the part before.
    pub after: Option<String>,
    /// How many; 50, if omitted.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u16>,
}

/// A part of the audit, oldest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// `after` of the next part. It is there at the end too: later changes come behind it.
    pub next: Option<String>,
}

/// Read who asked for changes, oldest first.
pub struct AuditLog;

impl Operation for AuditLog {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/audit";
    const NEED: Need = ADMIN;
    const ABOUT: &'static str = "Read who asked for changes, oldest first";
    type Query = AuditPart;
    type Body = ();
    type Answer = AuditPage;

    async fn carry_out(
        desk: Desk,
        call: Call<AuditPart, ()>,
    ) -> Result<Answer<AuditPage>, Problem> {
        let AuditPart { after, limit: given } = call.query;
        let (limit, from) = (limit(given, 1000)?, after.clone().unwrap_or_default());
        let entries = blocking(move || desk.audit.list(&from, limit)).await??;
        let next = entries.last().map(|last| last.id.clone()).or(after);
        Ok(AuditPage { entries, next }.into())
    }
}
