//! `windlass schedule`: runs that start at their times.

use std::path::Path;

use serde_json::{Map, Value, json};
use windlass_duty::schedule::{Config, Expression, Kept, Occurrence, Zone, check, upcoming};
use windlass_engine::clock::{Clock, Millis, SystemClock};

use super::run::params;
use crate::args::{NextArgs, ScheduleAction, ScheduleArgs};
use crate::desk::{DutyReply, DutyRequest, Reply, Request, ask_once, throwaway_engine};
use crate::exit::Exit;
use crate::home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::supplies::Files;

/// The most times that are told at once.
const TOLD_MAX: usize = 1000;

/// Does what is asked about schedules.
pub async fn schedule(settings: &Settings, action: ScheduleAction) -> Result<Exit, Problem> {
    match action {
        ScheduleAction::Add(args) => add(settings, *args).await,
        ScheduleAction::List => {
            let (schedules, _) = asked(settings, DutyRequest::List).await?;
            let now = SystemClock.now();
            if settings.json {
                show::json(&schedules.iter().map(|kept| described(kept, now)).collect::<Vec<_>>());
            } else {
                show::schedule::list(&schedules, now);
            }
            Ok(Exit::Done)
        }
        ScheduleAction::Show { name } => {
            let (schedules, occurrences) = asked(settings, DutyRequest::Show { name }).await?;
            tell(settings, &schedules, &occurrences);
            Ok(Exit::Done)
        }
        ScheduleAction::Next(args) => when(settings, args).await,
        ScheduleAction::Pause { name, reason } => {
            pause(settings, DutyRequest::Pause { name, reason: Some(reason) }).await
        }
        ScheduleAction::Resume { name } => {
            pause(settings, DutyRequest::Pause { name, reason: None }).await
        }
        ScheduleAction::Remove { name } => {
            asked(settings, DutyRequest::Remove { name: name.clone() }).await?;
            show::note(&format!("{name} is removed; its runs stay"));
            Ok(Exit::Done)
        }
    }
}

async fn add(settings: &Settings, args: ScheduleArgs) -> Result<Exit, Problem> {
    let config = config(args)?;
    // What can be wrong is found before the state is touched, and not in the night.
    let checking = throwaway_engine(settings)?;
    check(&checking, &Files, &config).map_err(|why| {
        let message = format!("{} could not start a run: {why}", config.name);
        Problem::new("WL0020", Exit::Usage, message)
            .hint(format!("`windlass describe {}` lists its parameters.", config.runbook.as_str()))
    })?;
    let on_duty = home::is_owned(settings);
    let request = DutyRequest::Add { config: Box::new(config) };
    let (schedules, _) = asked(settings, request).await?;
    tell(settings, &schedules, &[]);
    if !on_duty {
        show::note("nobody is on duty: schedules come while `windlass serve` runs");
    }
    Ok(Exit::Done)
}

/// Returns the schedule that the words describe; they mean what they mean in `windlass.toml`.
fn config(args: ScheduleArgs) -> Result<Config, Problem> {
    let runbook = if args.runbook.contains('/') || args.runbook.ends_with(".rhai") {
        let path = Path::new(&args.runbook).canonicalize().map_err(|e| {
            let message = format!("the runbook {} can't be read: {e}", args.runbook);
            Problem::new("WL0001", Exit::Usage, message)
        })?;
        path.display().to_string()
    } else {
        args.runbook
    };
    let mut told = json!({
        "name": args.name,
        "runbook": runbook,
        "cron": args.cron,
        "zone": args.zone,
        "params": object(params(&args.params)?),
        "secrets": object(sources(&args.secrets)?),
        "newline": args.newline,
        "missed": args.missed,
        "missed_window": args.missed_window,
        "overlap": args.overlap,
        "jitter": args.jitter,
        "paused": args.paused,
    });
    if let Some(after) = args.alarm_after {
        told["alarm_after"] = Value::String(after);
    }
    serde_json::from_value(told).map_err(|e| wrong(e.to_string()))
}

fn object(pairs: Vec<(String, String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

fn sources(given: &[String]) -> Result<Vec<(String, String)>, Problem> {
    let split = |text: &String| {
        let (name, source) = text.split_once('=').ok_or_else(|| {
            // The text may be the secret itself: it is not repeated.
            wrong("a `--secret` has no source: expected NAME=@/FILE or NAME=generate".to_owned())
        })?;
        Ok((name.to_owned(), source.to_owned()))
    };
    given.iter().map(split).collect()
}

async fn pause(settings: &Settings, request: DutyRequest) -> Result<Exit, Problem> {
    let (schedules, _) = asked(settings, request).await?;
    tell(settings, &schedules, &[]);
    Ok(Exit::Done)
}

/// Says when schedules come, or when a cron expression would.
async fn when(settings: &Settings, args: NextArgs) -> Result<Exit, Problem> {
    let number = args.number.min(TOLD_MAX);
    let now = SystemClock.now();
    let mut rows: Vec<(String, Zone, Vec<Millis>)> = Vec::new();
    if let (Some(cron), Some(zone)) = (&args.cron, &args.zone) {
        let expression: Expression = cron.parse().map_err(wrong)?;
        let zone: Zone = zone.parse().map_err(wrong)?;
        let from = match &args.from {
            // The day's first moment counts too.
            Some(date) => zone.midnight(date).map_err(wrong)? - 1,
            None => now,
        };
        let times = upcoming(&expression, &zone, from).take(number).collect();
        rows.push((cron.clone(), zone, times));
    } else {
        let request = match args.name {
            Some(name) => DutyRequest::Show { name },
            None => DutyRequest::List,
        };
        for Kept { config, .. } in asked(settings, request).await?.0 {
            let times = upcoming(&config.cron, &config.zone, now).take(number).collect();
            rows.push((config.name.to_string(), config.zone, times));
        }
    }
    if settings.json {
        let described = rows.iter().map(|(name, zone, times)| {
            let local: Vec<String> = times.iter().map(|at| zone.show(*at)).collect();
            json!({ "name": name, "zone": zone, "times": times, "local": local })
        });
        show::json(&described.collect::<Vec<_>>());
    } else {
        show::schedule::times(&rows);
    }
    Ok(Exit::Done)
}

fn tell(settings: &Settings, schedules: &[Kept], occurrences: &[Occurrence]) {
    let now = SystemClock.now();
    for kept in schedules {
        if settings.json {
            let mut described = described(kept, now);
            described["occurrences"] = json!(occurrences);
            show::json(&described);
        } else {
            show::schedule::show(kept, occurrences, now);
        }
    }
}

fn described(kept: &Kept, now: Millis) -> Value {
    let mut described = json!(kept);
    described["next"] = json!(kept.next(now));
    described
}

/// Asks, and returns the schedules and occurrences that were answered.
async fn asked(
    settings: &Settings,
    request: DutyRequest,
) -> Result<(Vec<Kept>, Vec<Occurrence>), Problem> {
    match ask(settings, request).await? {
        DutyReply::Schedules { schedules, occurrences } => Ok((schedules, occurrences)),
        DutyReply::Notices { .. } => Err(Problem::bug("the answer is about something else")),
    }
}

/// Asks whoever owns the state.
pub async fn ask(settings: &Settings, request: DutyRequest) -> Result<DutyReply, Problem> {
    ask_once(settings, Request::Duty(request), |reply| match reply {
        Reply::Duty(reply) => Some(reply),
        _ => None,
    })
    .await
}

fn wrong(message: String) -> Problem {
    Problem::new("WL0020", Exit::Usage, message)
}
