//! Changes that are asked for over the socket, with an entry of the audit for each.
//!
//! A command that owns the state itself is not audited: whoever can open the state directory can
//! write to it.

use tokio::sync::mpsc::{Sender, channel};
use windlass_desk::{Audit, Begun};
use windlass_engine::engine::Engine;
use windlass_engine::id::RunId;
use windlass_engine::journal::StoreError;

use super::asker::Asker;
use super::clerk;
use super::duty::DutyRequest;
use super::keeping::Keeping;
use super::protocol::{Reply, Request};
use super::tokens::TokenRequest;
use crate::problem::Problem;

/// Carries a request out if whoever asks may ask for it, and has the audit say so if it changes
/// something.
pub async fn serve(engine: &Engine, request: Request, asker: &Asker, replies: &Sender<Reply>) {
    let Some((what, run)) = change(&request) else {
        return carry_out(engine, request, asker, replies).await;
    };
    let run = run.and_then(|run| engine.find(&run).ok());
    let (audit, begun) = match begin(engine, asker, what, run.as_ref()) {
        Ok(begun) => begun,
        Err(error) => {
            let problem = error.into();
            let _ = replies.send(Reply::Problem { problem }).await;
            return;
        }
    };
    let (sender, mut parts) = channel(1);
    let serving = async {
        carry_out(engine, request, asker, &sender).await;
        drop(sender);
    };
    let passing = async {
        let mut begun = Some(begun);
        while let Some(part) = parts.recv().await {
            let mut part = part;
            if let Some(begun) = begun.take()
                && let Err(error) = end(&audit, begun, &part)
            {
                part = Reply::Problem { problem: error.into() };
            }
            if replies.send(part).await.is_err() {
                parts.close();
            }
        }
    };
    tokio::join!(serving, passing);
}

async fn carry_out(engine: &Engine, request: Request, asker: &Asker, replies: &Sender<Reply>) {
    match asker.may(&request) {
        Ok(()) => clerk::serve(engine, request, &asker.person, replies).await,
        Err(problem) => {
            // Whoever asked may have gone.
            let _ = replies.send(Reply::Problem { problem }).await;
        }
    }
}

fn begin(
    engine: &Engine,
    asker: &Asker,
    what: &str,
    run: Option<&RunId>,
) -> Result<(Audit, Begun), StoreError> {
    let audit = Audit::of(engine)?;
    let begun = audit.begin(&asker.actor(), what, run)?;
    Ok((audit, begun))
}

/// The first part of an answer says whether the request was carried out, or has begun to be.
fn end(audit: &Audit, begun: Begun, first: &Reply) -> Result<(), StoreError> {
    match first {
        Reply::Problem { problem: Problem { code, exit, .. } } => {
            audit.end(begun, exit.code().into(), Some(code), None)
        }
        Reply::Run { view, .. } => audit.end(begun, 0, None, Some(view.summary.run.clone())),
        _ => audit.end(begun, 0, None, None),
    }
}

/// Returns what a request changes, and the run that it names.
fn change(request: &Request) -> Option<(&'static str, Option<String>)> {
    let of = |what, run: &Option<String>| Some((what, run.clone()));
    match request {
        Request::Start(_) => Some(("run", None)),
        Request::Resume { run } => Some(("resume", run.clone())),
        Request::MoveHere { run, .. } => Some(("another swarm", run.clone())),
        Request::Undo { run, .. } => of("undo", run),
        Request::Cancel { run, .. } => of("cancel", run),
        Request::Decide { run, .. } => Some(("decide", Some(run.clone()))),
        Request::Answer { run, .. } => of("answer", run),
        Request::Duty(duty) => match duty {
            DutyRequest::Add { .. } => Some(("schedule add", None)),
            DutyRequest::Pause { .. } => Some(("schedule pause", None)),
            DutyRequest::Remove { .. } => Some(("schedule remove", None)),
            DutyRequest::Retry { .. } => Some(("notices retry", None)),
            DutyRequest::List | DutyRequest::Show { .. } | DutyRequest::Notices => None,
        },
        Request::Tokens(tokens) => match tokens {
            TokenRequest::Add { .. } => Some(("token add", None)),
            TokenRequest::Remove { .. } => Some(("token remove", None)),
            TokenRequest::List => None,
        },
        Request::Keep(Keeping::Prune { dry_run: false, .. }) => Some(("prune", None)),
        Request::Keep(Keeping::Backup { .. }) => Some(("backup", None)),
        Request::PlanResume { .. }
        | Request::Runs { .. }
        | Request::Show { .. }
        | Request::Log { .. }
        | Request::Keep(_) => None,
    }
}
