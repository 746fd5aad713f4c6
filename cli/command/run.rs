//! `windlass run`, `resume`, `undo`, `cancel`, `retry`, `skip`, `mark-done`: what moves a run.

use windlass_desk::operations::Because;
use windlass_desk::operations::runs::{
    About, Begin, ByHand, MarkDone, MoveHere, Resume, Retry, Skip, Start, Which,
};
use windlass_desk::{Client, Ending, Followed, Following, ONLY, Operation, SecretValue};
use windlass_engine::engine::{Engine, EngineError};
use windlass_engine::event::{Status, What};
use windlass_engine::journal::Decision;
use windlass_engine::runbook::Runbook;
use windlass_engine::step::StepError;

use super::plan::{self, Prepared};
use super::runs::listed;
use crate::args::{BeginArgs, DecideArgs};
use crate::door::{self, Door, Stay};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::secret_input;
use crate::settings::Settings;
use crate::show;
use crate::show::course::Course;
use crate::show::progress::Progress;
use crate::show::run::verdict;
use crate::show::style::bold;

/// Begins a run, and follows it or lets go of it.
pub async fn run(settings: &Settings, begin: &BeginArgs) -> Result<Exit, Problem> {
    if begin.dry_run {
        return plan::plan(settings, &begin.run).await;
    }
    // Everything that can be known before is found before anybody is asked for anything, and before
    // the state is touched.
    let mut prepared = plan::prepare(settings, &begin.run, secret_input::can_ask()).await?;
    // A user who may not ask Docker may ask the daemon that does.
    let by_others = home::is_owned(settings) && !settings.names_daemon;
    let planned = match &prepared.plan {
        Ok(plan) => Some(plan),
        Err(_) if by_others => None,
        Err(problem) => return Err(problem.clone()),
    };
    let ask = !begin.yes && !settings.json && secret_input::can_ask();
    if ask || !matches!(planned, Some(Ok(_))) || !prepared.to_ask.is_empty() {
        check_locks(settings, &prepared.locks).await?;
    }
    if let Some(Err(error)) = planned
        && error.is_certain()
    {
        show::plan::before(&error.before).iter().for_each(|text| show::note(text));
        return Err(plan::would_fail(error, "the run is not started: it "));
    }
    if ask && !consent(&prepared)? {
        show::note("not started");
        return Ok(Exit::NotStarted);
    }
    for name in &prepared.to_ask {
        let help = prepared.runbook.header().param(name).map_or("", |p| p.help.as_str());
        prepared.values.push((name.clone(), secret_input::ask(name, help)?));
    }
    prepared.sources.hand_out(&prepared.values)?;
    let started = start(settings, begin, &prepared).await;
    if let Err(Problem { exit: Exit::Usage | Exit::NotStarted, .. }) = &started {
        prepared.sources.take_back();
    }
    started
}

async fn start(
    settings: &Settings,
    begin: &BeginArgs,
    prepared: &Prepared,
) -> Result<Exit, Problem> {
    let values = prepared.values.iter();
    let run = Begin {
        runbook: prepared.runbook.name().to_owned(),
        text: Some(prepared.runbook.text().to_owned()),
        params: prepared.params.iter().cloned().collect(),
        secrets: values.map(|(name, value)| (name.clone(), SecretValue::of(value))).collect(),
        allow_self: begin.allow_self,
        place: prepared.place.clone().filter(|_| settings.names_daemon),
    };
    if begin.detach {
        return hand_over(settings, run).await;
    }
    let course = prepared.plan.as_ref().ok().and_then(|plan| plan.as_ref().ok()).map(Course::of);
    let door = Door::open(settings, Stay::Long).await?;
    let set_going = async |client: &Client| client.follow::<Start>("", run).await;
    follow(settings, door, set_going, course).await
}

/// Shows what would be done in short, and asks whether to begin.
fn consent(prepared: &Prepared) -> Result<bool, Problem> {
    show::note(&bold(&prepared.runbook.header().title));
    match &prepared.plan {
        Ok(Ok(plan)) => show::plan::brief(plan).iter().for_each(|text| show::note(text)),
        Err(_) => show::note("  only the process that owns the state can reach the swarm"),
        Ok(Err(error)) => show::note(&format!("  as far as is known now, it {}", error.says())),
    }
    let command = format!("windlass plan {} ...", prepared.runbook.name());
    show::note(&format!("  {} tells all of it", bold(&command)));
    let answer = show::question("Start? [y/N] ");
    let answer = answer.map_err(|e| {
        Problem::new("WL0002", Exit::Usage, format!("no answer: {e}"))
            .hint("`--yes` starts without a question.")
    })?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Looks whether a run that has not finished holds a lock that is needed.
async fn check_locks(settings: &Settings, locks: &[String]) -> Result<(), Problem> {
    // Without a run that has not finished there is no need to open the store.
    if !home::is_owned(settings) && home::unfinished(settings).is_empty() {
        return Ok(());
    }
    let open = Which { open: Some(true), ..Which::default() };
    let door = Door::open(settings, Stay::Short).await?;
    let runs = listed(door.client(), open, &[], usize::MAX).await;
    door.close().await;
    for run in runs? {
        if let Some(lock) = locks.iter().find(|lock| run.locks.contains(lock)) {
            return Err(EngineError::Locked { lock: lock.clone(), by: run.run }.into());
        }
    }
    Ok(())
}

/// Starts a run, and lets go of it as soon as it is recorded.
async fn hand_over(settings: &Settings, run: Begin) -> Result<Exit, Problem> {
    let door = Door::open(settings, Stay::Short).await?;
    if door.here().is_some() {
        door.close().await;
        let message = "no daemon is running; nothing was started";
        return Err(Problem::new("WL0024", Exit::NotStarted, message)
            .hint("Start `windlass serve`, or run without `--detach`."));
    }
    let view = door.client().ask::<Start>("", (), run).await?;
    if settings.json {
        show::json(&view);
        return Ok(Exit::Done);
    }
    show::line(view.summary.run.as_str());
    let log = bold(&format!("windlass log {} -f", view.summary.run));
    show::note(&format!("started; it continues by itself, and {log} follows it"));
    Ok(Exit::Done)
}

/// Goes on with a run, and follows it.
pub async fn resume(settings: &Settings, run: Option<String>) -> Result<Exit, Problem> {
    let door = Door::open(settings, Stay::Long).await?;
    let run = run.as_deref().unwrap_or(ONLY);
    follow(settings, door, async |client: &Client| client.follow::<Resume>(run, ()).await, None)
        .await
}

/// Undoes or cancels a run, as the operation says, and follows it.
pub async fn take_back<O>(
    settings: &Settings,
    run: Option<String>,
    reason: String,
) -> Result<Exit, Problem>
where
    O: Operation<Query = (), Body = Because>,
{
    let door = Door::open(settings, Stay::Long).await?;
    let (run, body) = (run.as_deref().unwrap_or(ONLY), Because { reason });
    let set_going = async |client: &Client| client.follow::<O>(run, body).await;
    gone_back(follow(settings, door, set_going, None).await?)
}

/// Sets a run going, and follows it until it stops.
async fn follow(
    settings: &Settings,
    door: Door,
    set_going: impl AsyncFnOnce(&Client) -> Result<Following, windlass_desk::Problem>,
    course: Option<Course>,
) -> Result<Exit, Problem> {
    let following = async {
        let following = set_going(door.client()).await?;
        watch(settings, following, course).await
    };
    let result = tokio::select! {
        result = following => result,
        () = asked_to_stop() => stop(settings, &door).await,
    };
    wait_for_others(&door).await;
    door.close().await;
    result
}

/// Returns how a command ends that asked to undo a run: that it did is what was asked for.
fn gone_back(exit: Exit) -> Result<Exit, Problem> {
    match exit {
        Exit::Cancelled | Exit::Undone => Ok(Exit::Done),
        Exit::Done => {
            let message = "the run finished before it could be stopped; nothing was undone";
            Err(Problem::new("WL0007", Exit::Usage, message))
        }
        other => Ok(other),
    }
}

/// Records a decision, and goes on with the run.
pub async fn decide(
    settings: &Settings,
    args: DecideArgs,
    decision: Decision,
) -> Result<Exit, Problem> {
    let door = Door::open(settings, Stay::Long).await?;
    let DecideArgs { run, reason, .. } = args;
    let (client, run) = (door.client(), run.as_str());
    match decision {
        Decision::Skip { key: call } => {
            client.ask::<Skip>(run, (), About { call, reason }).await?;
        }
        Decision::MarkDone { key: call, output } => {
            client.ask::<MarkDone>(run, (), ByHand { call, reason, output }).await?;
        }
        Decision::Retry { key: call } => {
            client.ask::<Retry>(run, (), About { call, reason }).await?;
        }
        Decision::Cancel | Decision::GoOn => {
            return Err(Problem::bug("this decision has a command of its own"));
        }
    }
    show::note("recorded; continuing the run");
    follow(settings, door, async |client: &Client| client.follow::<Resume>(run, ()).await, None)
        .await
}

/// Takes the swarm that answers now for the one where a run began, if a reason is given.
pub async fn move_here(
    settings: &Settings,
    run: Option<String>,
    reason: Option<String>,
) -> Result<(), Problem> {
    let Some(reason) = reason else { return Ok(()) };
    let run = run.as_deref().unwrap_or(ONLY);
    let view = door::ask::<MoveHere>(settings, run, (), Because { reason }).await?;
    let identity = view.summary.identity.as_ref();
    let name = identity.map(|identity| identity.name.as_str()).unwrap_or_default();
    show::note(&format!("recorded: the run now acts on the {name}"));
    Ok(())
}

/// Splits `NAME=VALUE`.
///
/// # Errors
/// If one has no value, or is given twice.
pub fn params(given: &[String]) -> Result<Vec<(String, String)>, Problem> {
    let mut params: Vec<(String, String)> = Vec::new();
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Problem::new("WL0002", Exit::Usage, format!("`-p {text}` has no value"))
                .hint(format!("Write -p {text}=VALUE."))
        })?;
        if params.iter().any(|(other, _)| other == name) {
            let message = format!("`-p {name}=...` is given twice");
            return Err(Problem::new("WL0002", Exit::Usage, message));
        }
        params.push((name.to_owned(), value.to_owned()));
    }
    Ok(params)
}

/// Looks whether a run of a runbook can begin, before anything is recorded: the place where it would
/// act must answer. One that acts nowhere needs nothing.
pub async fn reach(engine: &Engine, runbook: &Runbook) -> Result<(), Problem> {
    engine.ready(runbook).await.map_err(out_of_reach)
}

/// Returns the problem that a place does not answer as it should.
pub fn out_of_reach(error: StepError) -> Problem {
    let code = if error.code == "not_manager" { "WL0015" } else { "WL0014" };
    let problem = Problem::new(code, Exit::OutOfReach, error.message);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

async fn watch(
    settings: &Settings,
    mut following: Following,
    mut course: Option<Course>,
) -> Result<Exit, Problem> {
    let mut progress = None;
    let mut said_why = false;
    loop {
        match following.next().await? {
            Followed::Run(view) => progress = Some(Progress::of(&view, course.take())),
            Followed::Event(event) => {
                said_why |= matches!(event.what, What::Unwinding { .. });
                if let Some(progress) = &mut progress {
                    progress.show(&event);
                }
            }
            Followed::Stopped(ending) => {
                if let Some(progress) = &mut progress {
                    progress.finish();
                }
                return Ok(end(settings, &ending, said_why));
            }
        }
    }
}

/// Tells how a run stopped, and what to do next; `said_why` if it has been told why it went back.
fn end(settings: &Settings, ending: &Ending, said_why: bool) -> Exit {
    let view = &ending.view;
    let exit = Exit::of(view.summary.status);
    if settings.json {
        show::json(view);
    }
    if let Some(why) = &ending.unrecorded {
        let hint =
            format!("`windlass resume {}` continues from what is recorded.", view.summary.run);
        show::problem(&Problem::new("WL0011", Exit::OutOfReach, why.clone()).hint(hint));
        return Exit::OutOfReach;
    }
    show::note(&format!("{} {}", verdict(view), view.summary.run));
    // The verdict has said how it ended, and the events why.
    let said = match view.summary.status {
        Status::Undone | Status::Cancelled if said_why => 2,
        Status::Done | Status::Undone | Status::Cancelled => 1,
        _ => 0,
    };
    let next = show::run::next(view);
    next.iter().skip(said).chain(&ending.services).for_each(|text| show::note(text));
    exit
}

/// Heeds Ctrl-C, SIGTERM and SIGHUP from now on, and returns at the first. SIGHUP comes when the
/// terminal goes away; under `nohup` it is ignored, and stays so.
pub fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let hangup = (!ignores_hangup()).then(|| signal(SignalKind::hangup()).ok()).flatten();
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            return std::future::pending().await;
        };
        let hung_up = async {
            match hangup {
                Some(mut hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    }
}

/// True if this process was started with SIGHUP ignored. Once it is heeded, that can't be told any
/// more: the first answer stays.
fn ignores_hangup() -> bool {
    static IGNORES: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *IGNORES.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        // SIGHUP is 1: the lowest bit.
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|m| m & 1 == 1)
    })
}

/// Parks what is driven here, or lets go of what is driven elsewhere.
async fn stop(settings: &Settings, door: &Door) -> Result<Exit, Problem> {
    let Some(engine) = door.here() else {
        show::note("detached: the run continues in the process that owns the state");
        show::note(&format!("  {} lists it", bold("windlass runs --open")));
        return Ok(Exit::Waiting);
    };
    show::note("stopping after the current call; Ctrl-C again stops at once, which is safe too");
    let driven = engine.driven();
    engine.park_all();
    tokio::select! {
        () = engine.idle() => {}
        () = asked_to_stop() => return Ok(Exit::Waiting),
    }
    let mut exit = Exit::Waiting;
    for run in driven {
        let view = engine.view(&run)?;
        exit = Exit::of(view.summary.status);
        if settings.json {
            show::json(&view);
        }
        show::note(&format!("{} {run}", verdict(&view)));
        if view.summary.is_open() {
            show::note(&format!("  {} continues it", bold(&format!("windlass resume {run}"))));
        }
    }
    Ok(exit)
}

/// Other terminals may have handed runs to this process: it stays until they are through.
pub async fn wait_for_others(door: &Door) {
    let Some(engine) = door.here() else { return };
    let count = engine.driven().len();
    if count > 0 {
        show::note(&format!(
            "{count} run(s) of other terminals are still running here; Ctrl-C parks them"
        ));
    }
    tokio::select! {
        () = engine.idle() => {}
        () = asked_to_stop() => {}
    }
}
