//! `windlass demo`: a lab, a rotation, a kill -9 in the second hop, a resume, and the proof.
//!
//! The run is a child process that kills itself with SIGKILL at a named point: what is shown is
//! what an operator would find after a power cut.

mod example;

use std::process::{Command, ExitStatus, Stdio};

use windlass_lab::LabSpec;

use super::lab::{problem, provide};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, dim, green, red};
use example::{Example, SECRET};

/// The lab's name; beside a lab that is up already.
const LAB: &str = "demo";

/// Right after the first service has been switched back in the second hop: the old secret is gone,
/// some services are on the temporary one, the outcome is not recorded.
const KILL_AT: &str = "after-effect:15.1.1";

/// Runs the demo.
pub async fn demo(settings: &Settings, install: bool, keep: bool) -> Result<Exit, Problem> {
    provide(install).await?;
    chapter("A real swarm of three Docker daemons on this machine");
    let lab = windlass_lab::up(&LabSpec::new(LAB, 3), &|text: &str| show::note(&dim(text))).await;
    let lab = lab.map_err(|e| problem(&e))?;
    let state = std::env::temp_dir().join(format!("windlass-demo-{}", std::process::id()));
    let told = tell(settings, &lab, &state);
    let _ = std::fs::remove_dir_all(&state);
    if keep {
        let down = bold(&format!("windlass lab down --name {LAB}"));
        show::note("");
        show::note(&format!("the lab stays up: {down}"));
    } else {
        lab.down().await.map_err(|e| problem(&e))?;
    }
    let summary = told?;
    chapter("What was shown");
    summary.iter().for_each(|text| show::line(&format!("{} {text}", green("✓"))));
    if !keep {
        show::line(&format!("{} the lab is down, and nothing of it is left", green("✓")));
    }
    Ok(Exit::Done)
}

fn chapter(title: &str) {
    show::note("");
    show::note(&bold(&format!("== {title}")));
}

/// Tells the story, and returns what it showed.
fn tell(
    settings: &Settings,
    lab: &windlass_lab::Lab,
    state: &std::path::Path,
) -> Result<Vec<String>, Problem> {
    let example = Example::deploy(lab)?;
    chapter("Four services share one secret");
    let before = example.prove(&example.old)?;
    example.show()?;

    chapter("windlass plan: what a rotation under the same name would do");
    let windlass = Child { host: lab.docker_host(), state, plain: settings.plain };
    expect(&windlass.run(&["plan", RUNBOOK, "-p", &named()], None, None)?, Some(0))?;

    chapter("windlass run, killed with SIGKILL in the second hop");
    let words = ["run", RUNBOOK, "-p", &named(), "-p", "parallel=2", "--secret", "value=-"];
    expect(&windlass.run(&words, Some(example.new.as_bytes()), Some(KILL_AT))?, None)?;
    show::note(&red("killed"));

    chapter("The half-way state: the old secret is gone, services are on the temporary one");
    let halfway = example.on_temporary()?;
    if halfway == 0 {
        return Err(Problem::bug("the run was killed too late to leave anything half-way"));
    }
    example.show()?;

    chapter("windlass resume --plan, and windlass resume");
    expect(&windlass.run(&["resume", "--plan"], None, None)?, Some(0))?;
    expect(&windlass.run(&["resume"], None, None)?, Some(0))?;

    chapter("The proof: every container is asked what it serves");
    let after = example.prove(&example.new)?;
    example.show()?;
    example.assert_whole()?;
    Ok(vec![
        format!("{before} containers of 4 services served the old value"),
        format!("the run was killed with SIGKILL, with {halfway} of 4 services on {SECRET}.tmp"),
        format!("one resume: {after} containers of 4 services serve the new value"),
        format!("{SECRET}.tmp is gone, file names, owners, modes and order are as they were"),
    ])
}

const RUNBOOK: &str = "rotate-secret-same-name";

fn named() -> String {
    format!("secret={SECRET}")
}

/// This program, as an operator at the lab.
struct Child<'a> {
    host: String,
    state: &'a std::path::Path,
    plain: bool,
}

impl Child<'_> {
    fn run(
        &self,
        words: &[&str],
        input: Option<&[u8]>,
        kill_at: Option<&str>,
    ) -> Result<ExitStatus, Problem> {
        use std::io::Write;
        let failed = |e: std::io::Error| Problem::bug(format!("start windlass itself: {e}"));
        let shown = words.join(" ");
        show::note(&dim(&format!("$ windlass {shown}")));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(words).env("DOCKER_HOST", &self.host).env("WINDLASS_STATE", self.state);
        command.env_remove("WINDLASS_KILL_AT").env_remove("DOCKER_CONTEXT");
        if let Some(at) = kill_at {
            command.env("WINDLASS_KILL_AT", at);
        }
        if self.plain {
            command.env("NO_COLOR", "1");
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().map_err(failed)?;
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), input) {
            pipe.write_all(bytes).map_err(failed)?;
        }
        child.wait().map_err(failed)
    }
}

/// Checks how a child ended: with an exit code, or by a signal.
fn expect(status: &ExitStatus, code: Option<i32>) -> Result<(), Problem> {
    if status.code() == code {
        return Ok(());
    }
    Err(Problem::bug(format!("the demo went another way: {status}")))
}
