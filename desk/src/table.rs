//! The one list of what can be asked.
//!
//! The router, the check of roles, the document and the tests of all of them are made from it: what
//! is not here can't be asked for, by whatever way somebody comes.

use crate::operation::Endpoint;
use crate::operations::{keeping, machine, notices, runbooks, runs, schedules, tokens};

/// Returns the operations.
pub fn table() -> Vec<Endpoint> {
    vec![
        Endpoint::of::<runs::List>(),
        Endpoint::of::<runs::Start>(),
        Endpoint::of::<runs::Show>(),
        Endpoint::of::<runs::Journal>(),
        Endpoint::of::<runs::Report>(),
        Endpoint::of::<runs::PlanResume>(),
        Endpoint::of::<runs::Events>(),
        Endpoint::of::<runs::Resume>(),
        Endpoint::of::<runs::Undo>(),
        Endpoint::of::<runs::Cancel>(),
        Endpoint::of::<runs::Retry>(),
        Endpoint::of::<runs::Skip>(),
        Endpoint::of::<runs::MarkDone>(),
        Endpoint::of::<runs::MoveHere>(),
        Endpoint::of::<runs::Approve>(),
        Endpoint::of::<runs::Deny>(),
        Endpoint::of::<runs::AnswerRun>(),
        Endpoint::of::<machine::AllEvents>(),
        Endpoint::of::<runbooks::List>(),
        Endpoint::of::<runbooks::Show>(),
        Endpoint::of::<runbooks::PlanRun>(),
        Endpoint::of::<runbooks::Check>(),
        Endpoint::of::<runbooks::StepsList>(),
        Endpoint::of::<schedules::List>(),
        Endpoint::of::<schedules::Add>(),
        Endpoint::of::<schedules::Show>(),
        Endpoint::of::<schedules::Remove>(),
        Endpoint::of::<schedules::Pause>(),
        Endpoint::of::<schedules::Resume>(),
        Endpoint::of::<notices::List>(),
        Endpoint::of::<notices::Retry>(),
        Endpoint::of::<keeping::Evidence>(),
        Endpoint::of::<keeping::Key>(),
        Endpoint::of::<keeping::Prunable>(),
        Endpoint::of::<keeping::Prune>(),
        Endpoint::of::<keeping::Tombstones>(),
        Endpoint::of::<keeping::Backup>(),
        Endpoint::of::<tokens::List>(),
        Endpoint::of::<tokens::Add>(),
        Endpoint::of::<tokens::Remove>(),
        Endpoint::of::<tokens::AuditLog>(),
        Endpoint::of::<machine::Document>(),
        Endpoint::of::<machine::Alive>(),
        Endpoint::of::<machine::Ready>(),
        Endpoint::of::<machine::Metrics>(),
    ]
}
