//! Carries requests out, next to the engine.

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::Sender;
use windlass_engine::engine::{Engine, Person, RunHandle};
use windlass_engine::event::{Summary, What};
use windlass_engine::id::{CallKey, RunId};
use windlass_engine::journal::Origin;
use windlass_engine::run::Outcome;
use windlass_engine::runbook::Runbook;
use windlass_evidence::report;

use super::duty;
use super::keeping::keep;
use super::protocol::{Ending, Given, Reply, Request, Start, Taken};
use super::tokens;
use super::which::{latest, listed, only};
use crate::exit::Exit;
use crate::problem::{Problem, elsewhere};

/// Carries a request out and sends the parts of the answer. Ends when the answer is complete, or
/// when nobody reads it any more: the run goes on all the same.
pub async fn serve(engine: &Engine, request: Request, by: &Person, replies: &Sender<Reply>) {
    let last = match carry_out(engine, request, by, replies).await {
        Ok(()) => Reply::End,
        Err(problem) => Reply::Problem { problem },
    };
    let _ = replies.send(last).await;
}

async fn carry_out(
    engine: &Engine,
    request: Request,
    person: &Person,
    replies: &Sender<Reply>,
) -> Result<(), Problem> {
    let by = person.by.clone();
    match request {
        Request::Start(start) => {
            let events = engine.subscribe();
            let handle = blocking(engine, move |engine| begin(engine, &start, &by)).await?;
            follow(engine, handle, events, replies).await
        }
        Request::Resume { run } => {
            let run = interrupted(engine, run.as_deref())?;
            let events = engine.subscribe();
            let handle = blocking(engine, move |engine| Ok(engine.resume(&run, &by)?)).await?;
            follow(engine, handle, events, replies).await
        }
        Request::Undo { run, reason } => {
            let could = |run: &Summary| !run.driven && !run.status.goes_back();
            let run = only(engine, run.as_deref(), "is interrupted or stuck", could)?;
            let events = engine.subscribe();
            let handle =
                blocking(engine, move |engine| Ok(engine.undo(&run, &by, &reason)?)).await?;
            follow(engine, handle, events, replies).await
        }
        Request::MoveHere { run, reason } => {
            let run = interrupted(engine, run.as_deref())?;
            let of = run.clone();
            let moved = move |engine: &Engine| Ok(engine.move_here(&of, &by, &reason)?);
            blocking(engine, moved).await?;
            let view = Box::new(engine.view(&run)?);
            send(replies, Reply::Run { view, services: Vec::new() }).await;
            Ok(())
        }
        Request::Cancel { run, reason } => {
            let could = |run: &Summary| run.driven && !run.status.goes_back();
            let run = only(engine, run.as_deref(), "goes on", could)?;
            let events = engine.subscribe();
            let of = run.clone();
            let cancelling = move |engine: &Engine| {
                if engine.is_driven(&of) {
                    return Ok(engine.cancel(&of, &by, &reason).map(|()| None)?);
                }
                Ok(engine.undo(&of, &by, &reason).map(Some)?)
            };
            match blocking(engine, cancelling).await? {
                Some(handle) => follow(engine, handle, events, replies).await,
                None => {
                    watch(engine, &run, events, replies).await;
                    end(engine, &run, None, replies).await
                }
            }
        }
        Request::Decide { run, decision, reason } => {
            let run = engine.find(&run)?;
            let of = run.clone();
            let deciding = move |engine: &Engine| Ok(engine.decide(&of, &by, decision, &reason)?);
            blocking(engine, deciding).await?;
            let view = Box::new(engine.view(&run)?);
            send(replies, Reply::Run { view, services: Vec::new() }).await;
            Ok(())
        }
        Request::Answer { run, call, answer } => {
            let asks = if matches!(answer, Given::Fields { .. }) { "ask" } else { "approve" };
            let could = |run: &Summary| run.waits.iter().any(|wait| wait.step == asks);
            let how = if asks == "ask" { "asks anything" } else { "asks for approval" };
            let run = only(engine, run.as_deref(), how, could)?;
            let taken = take(engine, &run, call.as_ref(), person, answer).await?;
            send(replies, Reply::Taken(Box::new(taken))).await;
            Ok(())
        }
        Request::PlanResume { run } => {
            let run = interrupted(engine, run.as_deref())?;
            let calls = engine.plan_resume(&run).await?;
            let view = Box::new(engine.view(&run)?);
            send(replies, Reply::OpenCalls { view, calls }).await;
            Ok(())
        }
        Request::Runs { which } => {
            let runs = listed(engine, &which)?;
            send(replies, Reply::Runs { runs }).await;
            Ok(())
        }
        Request::Show { run } => {
            let run = latest(engine, run.as_deref())?;
            let view = Box::new(engine.view(&run)?);
            send(replies, Reply::Run { view, services: services(engine, &run) }).await;
            Ok(())
        }
        Request::Duty(asked) => {
            let engine = engine.clone();
            let answered = tokio::task::spawn_blocking(move || duty::answer(&engine, asked)).await;
            let reply = answered.map_err(|e| Problem::bug(e.to_string()))??;
            send(replies, Reply::Duty(reply)).await;
            Ok(())
        }
        Request::Tokens(asked) => {
            let engine = engine.clone();
            let answered =
                tokio::task::spawn_blocking(move || tokens::answer(&engine, asked)).await;
            let reply = answered.map_err(|e| Problem::bug(e.to_string()))??;
            send(replies, Reply::Tokens(reply)).await;
            Ok(())
        }
        Request::Log { run, follow } => log(engine, run.as_deref(), follow, replies).await,
        Request::Keep(asked) => keep(engine, asked, &by, replies).await,
    }
}

/// Does what asks the swarm and reads journals on a thread where that is fine.
async fn blocking<T: Send + 'static>(
    engine: &Engine,
    work: impl FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let engine = engine.clone();
    let done = tokio::task::spawn_blocking(move || work(&engine)).await;
    done.map_err(|error| Problem::bug(error.to_string()))?
}

fn begin(engine: &Engine, start: &Start, by: &Origin) -> Result<RunHandle, Problem> {
    // The process that owns the state may act on another swarm than the one that is meant.
    if let Some(place) = start.place.as_ref().filter(|place| *place != engine.place()) {
        let message = format!(
            "the process that owns the state acts on {}, and the run is meant for {place}",
            engine.place()
        );
        return Err(Problem::new("WL0005", Exit::NotStarted, message).hint(
            "Leave --host and --context out, or keep the runs of that swarm apart with --state DIR.",
        ));
    }
    let runbook = Runbook::compile(&start.name, &start.text, engine.steps())
        .map_err(windlass_engine::engine::EngineError::from)?;
    let secrets = start.secrets.iter().map(|(name, v)| (name.clone(), v.secret())).collect();
    Ok(match start.allow_self {
        true => engine.start_anyway(&runbook, by, &start.params, secrets, None),
        false => engine.start(&runbook, by, &start.params, secrets),
    }?)
}

/// Takes an answer.
async fn take(
    engine: &Engine,
    run: &RunId,
    call: Option<&CallKey>,
    by: &Person,
    answer: Given,
) -> Result<Taken, Problem> {
    let mut approved = None;
    match answer {
        Given::Approve { reason } => {
            approved = Some(engine.approve(run, call, by, reason.as_deref()).await?);
        }
        Given::Deny { reason } => engine.deny(run, call, by, &reason).await?,
        Given::Fields { open, secrets } => {
            let secrets = secrets.iter().map(|(name, v)| (name.clone(), v.secret())).collect();
            engine.answer(run, call, by, &open, secrets).await?;
        }
    }
    Ok(Taken { approved, view: engine.view(run)? })
}

/// Returns the run that a resume is about.
fn interrupted(engine: &Engine, given: Option<&str>) -> Result<RunId, Problem> {
    only(engine, given, "is interrupted", |run| !run.driven)
}

/// Returns where services stand after a run, in lines; nothing if its journal can't be read.
fn services(engine: &Engine, run: &RunId) -> Vec<String> {
    report::of_run(engine, run).map(|report| report::standing(&report)).unwrap_or_default()
}

type Events = tokio::sync::broadcast::Receiver<windlass_engine::event::Event>;

/// Sends what happens in a run until it stops, and how it stopped.
async fn follow(
    engine: &Engine,
    handle: RunHandle,
    events: Events,
    replies: &Sender<Reply>,
) -> Result<(), Problem> {
    let run = handle.run.clone();
    let view = Box::new(engine.view(&run)?);
    send(replies, Reply::Run { view, services: Vec::new() }).await;
    let outcome = handle.outcome();
    tokio::pin!(outcome);
    let mut events = events;
    let outcome = loop {
        tokio::select! {
            outcome = &mut outcome => break outcome,
            event = events.recv() => match event {
                Ok(event) if event.run == run => send(replies, Reply::Event { event }).await,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break (&mut outcome).await,
            },
        }
    };
    while let Ok(event) = events.try_recv() {
        if event.run == run {
            send(replies, Reply::Event { event }).await;
        }
    }
    let unrecorded = match outcome {
        Outcome::Unrecorded(why) => Some(why),
        Outcome::Elsewhere(why) => return Err(elsewhere(format!("{run}: {why}"))),
        Outcome::Finished(_) | Outcome::Stuck | Outcome::Parked => None,
    };
    end(engine, &run, unrecorded, replies).await
}

async fn end(
    engine: &Engine,
    run: &RunId,
    unrecorded: Option<String>,
    replies: &Sender<Reply>,
) -> Result<(), Problem> {
    let (view, services) = (engine.view(run)?, services(engine, run));
    send(replies, Reply::Ending(Box::new(Ending { view, services, unrecorded }))).await;
    Ok(())
}

/// Sends what happens in a run that somebody else follows too, until it stops.
async fn watch(engine: &Engine, run: &RunId, mut events: Events, replies: &Sender<Reply>) {
    while engine.is_driven(run) && !replies.is_closed() {
        match events.recv().await {
            Ok(event) if event.run == *run => {
                let last = matches!(event.what, What::Finished { .. } | What::Stuck { .. });
                send(replies, Reply::Event { event }).await;
                if last {
                    return;
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn log(
    engine: &Engine,
    run: Option<&str>,
    follow: bool,
    replies: &Sender<Reply>,
) -> Result<(), Problem> {
    let run = latest(engine, run)?;
    let mut events = engine.subscribe();
    let mut sent = 0;
    loop {
        let entries = engine.entries(&run)?;
        let over = !engine.is_driven(&run);
        for entry in entries.into_iter().skip(sent) {
            sent += 1;
            send(replies, Reply::Entry { entry: Box::new(entry) }).await;
        }
        if !follow || over || replies.is_closed() {
            return Ok(());
        }
        // Wake at the next event of the run; what it tells is read from the journal.
        loop {
            match events.recv().await {
                Ok(event) if event.run != run => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

async fn send(replies: &Sender<Reply>, reply: Reply) {
    // Nobody reads any more: the run goes on all the same.
    let _ = replies.send(reply).await;
}
