//! `windlass evidence`: signed journals.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use windlass_desk::operations::keeping::{Evidence, Key, Runs};
use windlass_evidence::PublicKey;
use windlass_evidence::file::{Verified, VerifyError, verify};
use windlass_evidence::report::verdict;

use super::run::wait_for_others;
use super::snapshot;
use crate::args::EvidenceAction;
use crate::door::{self, Door, Stay};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green};

/// Does what is asked about evidence.
pub async fn evidence(settings: &Settings, action: EvidenceAction) -> Result<Exit, Problem> {
    match action {
        EvidenceAction::Export { runs, output } => export(settings, runs, output.as_deref()).await,
        EvidenceAction::Verify { file, keys, heads } => check(settings, &file, &keys, &heads),
        EvidenceAction::Key => key(settings).await,
    }
}

async fn export(
    settings: &Settings,
    runs: Vec<String>,
    output: Option<&Path>,
) -> Result<Exit, Problem> {
    let door = Door::open(settings, Stay::Long).await?;
    let text = signed(&door, runs).await;
    wait_for_others(&door).await;
    door.close().await;
    let text = text?;
    let Some(file) = output else {
        show::page(&text);
        return Ok(Exit::Done);
    };
    snapshot::write(file, &text)?;
    show::note(&format!(
        "{} {} is signed; {} checks it anywhere, with the key of {}",
        green("✓"),
        file.display(),
        bold(&format!("windlass evidence verify {} --key KEY", file.display())),
        bold("windlass evidence key"),
    ));
    Ok(Exit::Done)
}

async fn signed(door: &Door, runs: Vec<String>) -> Result<String, Problem> {
    let mut lines = door.client().read::<Evidence>("", (), Runs { runs }).await?;
    let mut text = String::new();
    while let Some(line) = lines.next().await? {
        let line = std::str::from_utf8(&line);
        text += line.map_err(|_| Problem::bug("a journal holds what is not text"))?;
        text.push('\n');
    }
    Ok(text)
}

async fn key(settings: &Settings) -> Result<Exit, Problem> {
    let key = door::ask::<Key>(settings, "", (), ()).await?;
    if settings.json {
        show::json(&serde_json::json!({ "key": key.key, "id": key.id }));
    } else {
        show::line(&key.key);
    }
    Ok(Exit::Done)
}

/// Verifies a file. Touches no state: it is for other machines.
fn check(
    settings: &Settings,
    file: &Path,
    keys: &[String],
    heads: &[String],
) -> Result<Exit, Problem> {
    let keys = keys.iter().map(|key| public_key(key)).collect::<Result<Vec<_>, _>>()?;
    for head in heads {
        if head.len() != 64 || !head.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            let message = format!("`{head}` is not a head: expected 64 hexadecimal digits");
            return Err(Problem::new("WL0031", Exit::Usage, message));
        }
    }
    let input = File::open(file).map_err(|e| unusable(file, &e.to_string()))?;
    let verified = verify(BufReader::new(input), &keys, heads).map_err(|error| match error {
        VerifyError::Io(error) => unusable(file, &error.to_string()),
        VerifyError::Refused(_) => {
            let message = format!("{} is refused: {error}", file.display());
            Problem::new("WL0030", Exit::Found, message)
                .hint("Don't rely on anything in it. Get the file again, and the key over another channel.")
        }
    })?;
    tell(settings, &verified);
    Ok(Exit::Done)
}

fn tell(settings: &Settings, verified: &Verified) {
    if settings.json {
        let run = |run: &windlass_evidence::file::VerifiedRun| {
            serde_json::json!({
                "run": run.run, "runbook": run.runbook, "title": run.title, "status": run.status,
                "entries": run.entries, "head": run.head,
            })
        };
        show::json(&serde_json::json!({
            "made": verified.made, "key": verified.key.to_string(),
            "runs": verified.runs.iter().map(run).collect::<Vec<_>>(),
            "heads": verified.heads.iter().map(|head| &head.head).collect::<Vec<_>>(),
        }));
        return;
    }
    for run in &verified.runs {
        show::line(&format!(
            "{} {}: {}, {}, {} entries, head {}",
            green("✓"),
            run.run,
            run.title,
            verdict(run.status),
            run.entries,
            run.head
        ));
    }
    for head in &verified.heads {
        show::line(&format!(
            "{} the published head is entry {} of {}",
            green("✓"),
            head.seq,
            head.run
        ));
    }
    let made = &verified.made;
    show::note(&format!(
        "signed {} by {} on {} with the key {}",
        windlass_engine::clock::utc(made.at),
        made.by.who(),
        made.by.host,
        verified.key.id()
    ));
}

/// A key as text, or the file that holds it.
fn public_key(given: &str) -> Result<PublicKey, Problem> {
    let text = match std::fs::read_to_string(given) {
        Ok(text) => text,
        Err(_) => given.to_owned(),
    };
    text.parse().map_err(|error: windlass_evidence::BadKey| {
        Problem::new("WL0031", Exit::Usage, error.to_string())
            .hint("Give the digits themselves, or a file that holds nothing else.")
    })
}

fn unusable(file: &Path, why: &str) -> Problem {
    let message = format!("{} can't be read: {why}", file.display());
    Problem::new("WL0031", Exit::Usage, message)
        .hint("Name a file that exists and that you can read.")
}
