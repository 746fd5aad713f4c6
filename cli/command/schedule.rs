//! `windlass schedule`: runs that start at their times.

use std::path::Path;

use serde_json::{Map, Value, json};
use windlass_desk::operations::Because;
use windlass_desk::operations::schedules::{
    Add, HowMuch, List, NewSchedule, Pause, Remove, Resume, ScheduleInFull, Show,
};
use windlass_duty::schedule::{Config, Expression, Kept, Occurrence, Zone, check, upcoming};
use windlass_engine::clock::{Clock, Millis, SystemClock};

use super::run::params;
use crate::args::{NextArgs, ScheduleAction, ScheduleArgs};
use crate::door::{self, throwaway_engine};
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
            let schedules = all(settings).await?;
            let now = SystemClock.now();
            if settings.json {
                show::json(&schedules.iter().map(|kept| described(kept, now)).collect::<Vec<_>>());
            } else {
                show::schedule::list(&schedules, now);
            }
            Ok(Exit::Done)
        }
        ScheduleAction::Show { name } => {
            let (kept, came) = one(settings, &name).await?;
            tell(settings, &kept, &came);
            Ok(Exit::Done)
        }
        ScheduleAction::Next(args) => when(settings, args).await,
        ScheduleAction::Pause { name, reason } => {
            let shown = door::ask::<Pause>(settings, &name, (), Because { reason }).await?;
            tell(settings, &in_full(shown)?.0, &[]);
            Ok(Exit::Done)
        }
        ScheduleAction::Resume { name } => {
            let shown = door::ask::<Resume>(settings, &name, (), ()).await?;
            tell(settings, &in_full(shown)?.0, &[]);
            Ok(Exit::Done)
        }
        ScheduleAction::Remove { name } => {
            door::ask::<Remove>(settings, &name, (), ()).await?;
            show::note(&format!("{name} is removed; its runs stay"));
            Ok(Exit::Done)
        }
    }
}

async fn add(settings: &Settings, args: ScheduleArgs) -> Result<Exit, Problem> {
    let asked_for_zone = args.zone.is_some();
    let config = config(args)?;
    if !asked_for_zone {
        show::note(&format!(
            "the time zone is {}, this machine's; `--zone` names another one",
            config.zone
        ));
    }
    // What can be wrong is found before the state is touched, and not in the night.
    let checking = throwaway_engine(settings)?;
    check(&checking, &Files, &config).map_err(|why| {
        let message = format!("{} could not start a run: {why}", config.name);
        Problem::new("WL0020", Exit::Usage, message)
            .hint(format!("`windlass describe {}` lists its parameters.", config.runbook.as_str()))
    })?;
    let on_duty = home::is_owned(settings);
    let new = NewSchedule { config: Box::new(config) };
    let shown = door::ask::<Add>(settings, "", (), new).await?;
    tell(settings, &in_full(shown)?.0, &[]);
    if !on_duty {
        show::note("no daemon is running: schedules start runs only while `windlass serve` runs");
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
        "zone": args.zone.unwrap_or_else(this_machines_zone),
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

/// Returns the name of the time zone in which this machine is; UTC if it has none.
fn this_machines_zone() -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
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
        let schedules = match args.name {
            Some(name) => vec![one(settings, &name).await?.0],
            None => all(settings).await?,
        };
        for Kept { config, .. } in schedules {
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

fn tell(settings: &Settings, kept: &Kept, occurrences: &[Occurrence]) {
    let now = SystemClock.now();
    if settings.json {
        let mut described = described(kept, now);
        described["occurrences"] = json!(occurrences);
        show::json(&described);
    } else {
        show::schedule::show(kept, occurrences, now);
    }
}

fn described(kept: &Kept, now: Millis) -> Value {
    let mut described = json!(kept);
    described["next"] = json!(kept.next(now));
    described
}

async fn all(settings: &Settings) -> Result<Vec<Kept>, Problem> {
    let list = door::ask::<List>(settings, "", (), ()).await?;
    list.schedules.into_iter().map(|schedule| kept(schedule.kept)).collect()
}

async fn one(settings: &Settings, name: &str) -> Result<(Kept, Vec<Occurrence>), Problem> {
    in_full(door::ask::<Show>(settings, name, HowMuch::default(), ()).await?)
}

fn in_full(shown: ScheduleInFull) -> Result<(Kept, Vec<Occurrence>), Problem> {
    Ok((kept(shown.schedule.kept)?, shown.came.unwrap_or_default()))
}

/// At the machine all that is kept is told.
fn kept(kept: Option<Box<Kept>>) -> Result<Kept, Problem> {
    kept.map(|kept| *kept).ok_or_else(|| Problem::bug("not all of a schedule was told"))
}

fn wrong(message: String) -> Problem {
    Problem::new("WL0020", Exit::Usage, message)
}
