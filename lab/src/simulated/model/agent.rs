//! What a node does with a task that it was given: prepare, start, run, stop.
//!
//! | state | next, unless it is to stop | after |
//! |---|---|---|
//! | assigned | preparing | a moment |
//! | preparing | rejected (no image), ready, starting | the time to prepare |
//! | ready | starting, once it is to run | a moment |
//! | starting | failed (no secret), running | the time to start, and the first health check |
//! | running | complete, failed | as long as the program runs |
//!
//! On a node that is down nothing happens.

use std::collections::BTreeMap;

use super::Model;
use super::ailment::How;
use super::id::Id;
use super::object::Sort;
use super::program::{App, Program, Said, is_missing};
use super::queue::Due;
use super::task::{Line, Slot, State, Stream, Task};
use super::template::{File, Reference};

/// What takes a node no work.
const MOMENT_MS: i64 = 10;
/// The app needs so long to see that it will not run.
const REFUSAL_MS: i64 = 60;
/// What a shell needs to begin and end.
const SHELL_MS: i64 = 30;

/// What was asked of a service's tasks by hand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides {
    /// New tasks stay `preparing`; new are those made since then.
    pub(crate) stalled_since: Option<i64>,
    /// New tasks fail: at start, or so long after they run.
    pub(crate) failing_since: Option<i64>,
    pub(crate) fails_after_ms: Option<i64>,
    /// But for the task of slot 1, or on the first node.
    pub(crate) spares_one: bool,
    pub(crate) start_ms: Option<i64>,
    pub(crate) stop_ms: Option<i64>,
}

/// How a program ends.
#[derive(Debug)]
struct End {
    after_ms: i64,
    status: i32,
    log: Option<String>,
}

impl Model {
    /// Plans the next step of a task, as far as there is one.
    pub(crate) fn take_up(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id) else { return };
        let Some(node) = task.node.and_then(|node| self.nodes.get(&node)) else { return };
        if task.state < State::Assigned || task.state > State::Running || node.down {
            return;
        }
        let at = if task.is_to_end() {
            let running = task.state >= State::Starting;
            self.now + if running { self.stop_ms(task) } else { MOMENT_MS }
        } else {
            let Some(after) = self.next_after(task) else { return };
            let at = task.stamp + after;
            let by = task.report_by.filter(|_| task.state == State::Starting);
            by.map_or(at, |by| at.min(by)).max(self.now)
        };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.steps += 1;
            self.queue.put(at, Due::Task(id, task.steps));
        }
    }

    /// Returns how long the task stays in its state; none for ever.
    fn next_after(&self, task: &Task) -> Option<i64> {
        match task.state {
            State::Preparing if self.is_stalled(task) => None,
            State::Preparing if self.ailing(task) == Some(&How::Hangs) => None,
            State::Preparing => Some(self.timings.prepare_ms),
            State::Ready if task.desired == State::Ready => None,
            State::Starting => Some(self.start_ms(task) + self.health_ms(task)),
            State::Running => self.end(task).map(|end| end.after_ms),
            _ => Some(MOMENT_MS),
        }
    }

    /// Takes the step that was planned.
    pub(crate) fn step(&mut self, id: Id, planned: u32) {
        let Some(task) = self.tasks.get(&id).filter(|task| task.steps == planned) else { return };
        if task.node.and_then(|node| self.nodes.get(&node)).is_none_or(|node| node.down) {
            return;
        }
        if task.is_to_end() {
            self.observe(id, State::Shutdown, "shutdown", None);
            return;
        }
        match task.state {
            State::Assigned => self.observe(id, State::Preparing, "preparing", None),
            State::Preparing if is_missing(&task.template.image) => {
                let err = format!("No such image: {}", task.template.image);
                self.observe(id, State::Rejected, "preparing", Some(err));
            }
            State::Preparing if let Some(How::Rejected { err }) = self.ailing(task) => {
                let err = err.clone();
                self.observe(id, State::Rejected, "preparing", Some(err));
            }
            State::Preparing if task.desired == State::Ready => {
                self.observe(id, State::Ready, "prepared", None);
            }
            State::Preparing | State::Ready => {
                self.observe(id, State::Starting, "starting", None);
            }
            State::Starting => self.started(id),
            State::Running => self.ended(id),
            _ => {}
        }
        self.take_up(id);
    }

    fn started(&mut self, id: Id) {
        let Some(task) = self.tasks.get(&id) else { return };
        if let Some(err) = self.bad_reference(task) {
            if let Some(task) = self.tasks.get_mut(&id) {
                (task.contained, task.exit) = (true, 128);
            }
            self.observe(id, State::Failed, "starting", Some(err));
            return;
        }
        if let Some(How::NeverRuns { status, err }) = self.ailing(task) {
            let (status, err) = (*status, err.clone());
            self.never_runs(id, status, err);
            return;
        }
        let fails = self.failure(task).is_some_and(|after| after.is_none());
        // With a health check a task that ends early was never running.
        let waited = self.health_ms(task);
        let ends = self.end(task).is_some_and(|end| waited > 0 && end.after_ms <= waited);
        let hopeless = task.template.health.is_some_and(|health| health.hopeless);
        let app = matches!(task.template.program, Program::App(_));
        let now = self.now;
        if let Some(task) = self.tasks.get_mut(&id) {
            task.contained = true;
            if let Program::Ends { says, .. } = &task.template.program {
                let line = |said: &Said| Line {
                    at: now + said.after_ms,
                    stream: Stream::Output,
                    text: said.text.clone(),
                };
                task.log = says.iter().map(line).collect();
            }
        }
        match () {
            () if fails => self.exited(id, 1, None),
            () if ends => self.ended(id),
            // It is stopped for being unhealthy; the app then ends as if all were well.
            () if hopeless && app => self.exited(id, 0, None),
            () if hopeless => {
                let why = Some("task: non-zero exit (137): dockerexec: unhealthy container");
                self.exited(id, 137, why.map(str::to_owned));
            }
            () => self.observe(id, State::Running, "started", None),
        }
    }

    /// The program has ended by itself.
    fn ended(&mut self, id: Id) {
        let Some(end) = self.tasks.get(&id).and_then(|task| self.end(task)) else { return };
        let at = self.now;
        if let Some(task) = self.tasks.get_mut(&id) {
            task.log.extend(end.log.map(|text| Line { at, stream: Stream::Error, text }));
        }
        self.exited(id, end.status, None);
    }

    /// The container does not come up, as it did not in the swarm that was copied.
    fn never_runs(&mut self, id: Id, status: i32, err: String) {
        if let Some(task) = self.tasks.get_mut(&id) {
            (task.contained, task.exit) = (true, status);
        }
        match status {
            0 => self.observe(id, State::Complete, "finished", None),
            _ => self.observe(id, State::Failed, "starting", Some(err)),
        }
    }

    fn exited(&mut self, id: Id, status: i32, err: Option<String>) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.exit = status;
        }
        if status == 0 {
            self.observe(id, State::Complete, "finished", None);
        } else {
            let err = err.unwrap_or_else(|| format!("task: non-zero exit ({status})"));
            self.observe(id, State::Failed, "started", Some(err));
        }
    }

    /// Returns the error of a container that can't have its secrets and configs.
    fn bad_reference(&self, task: &Task) -> Option<String> {
        for sort in [Sort::Secret, Sort::Config] {
            for reference in task.template.references(sort) {
                if !self.store(sort).all.contains_key(&reference.id) {
                    let (word, id) = (sort.word(), reference.id);
                    return Some(format!(
                        "starting container failed: unable to get {word} from {word} store: \
                         {word} {id} not found"
                    ));
                }
                // Nobody checks this before: the daemon takes any text.
                let owners = reference.file.iter().flat_map(|file| [&file.uid, &file.gid]);
                if let Some(word) = owners.into_iter().find(|o| o.parse::<i64>().is_err()) {
                    return Some(format!(
                        "starting container failed: strconv.Atoi: parsing {word:?}: invalid syntax"
                    ));
                }
            }
        }
        None
    }

    /// Returns when and how the task's program ends by itself, counted from when it runs.
    fn end(&self, task: &Task) -> Option<End> {
        if let Some(Some(after_ms)) = self.failure(task) {
            return Some(End { after_ms, status: 1, log: None });
        }
        if let Some(How::Ends { after_ms, status }) = self.ailing(task) {
            return Some(End { after_ms: *after_ms, status: *status, log: None });
        }
        match &task.template.program {
            Program::Runs => None,
            Program::Ends { after_ms, status, .. } => {
                Some(End { after_ms: after_ms + SHELL_MS, status: *status, log: None })
            }
            Program::App(app) => {
                let (status, log) = self.complaint(task, app)?;
                Some(End { after_ms: REFUSAL_MS, status, log: Some(log) })
            }
        }
    }

    /// Returns with what status and words the app ends over its secrets; none if it likes them.
    fn complaint(&self, task: &Task, app: &App) -> Option<(i32, String)> {
        let files = self.files(task);
        // As the shell lists them.
        let own = files.keys().filter(|path| path.starts_with("/run/secrets/"));
        for path in own.chain(&app.files) {
            let readable = files.get(path).filter(|(file, _)| may_read(file, &app.user));
            let Some((_, value)) = readable else {
                let user = if is_root(&app.user) { "root" } else { "app" };
                return Some((4, format!("app: can't read the secret {path} as {user}")));
            };
            if !app.refuse.is_empty() && value.starts_with(app.refuse.as_bytes()) {
                let value = String::from_utf8_lossy(value);
                let shown = if app.leak { value.trim_end_matches('\n') } else { "(not shown)" };
                let text = format!(
                    "app: refused to start: {path} holds a value that is not accepted: {shown}"
                );
                return Some((3, text));
            }
        }
        None
    }

    /// Returns the secrets and configs of a container by path.
    fn files<'a>(&'a self, task: &'a Task) -> BTreeMap<String, (&'a File, &'a [u8])> {
        let mut files = BTreeMap::new();
        for (sort, root) in [(Sort::Secret, "/run/secrets/"), (Sort::Config, "/")] {
            for Reference { id, file, .. } in task.template.references(sort) {
                if let (Some(file), Some(object)) = (file, self.store(sort).all.get(id)) {
                    let root = if file.name.starts_with('/') { "" } else { root };
                    files.insert(format!("{root}{}", file.name), (file, &*object.data));
                }
            }
        }
        files
    }

    fn overrides(&self, task: &Task) -> Overrides {
        let service = self.services.get(&task.service);
        let overrides = service.and_then(|service| self.overrides.get(&service.spec.name));
        overrides.copied().unwrap_or_default()
    }

    fn is_stalled(&self, task: &Task) -> bool {
        self.overrides(task).stalled_since.is_some_and(|since| task.created >= since)
    }

    /// Returns after how long the task was told to fail; `Some(None)` is at start.
    fn failure(&self, task: &Task) -> Option<Option<i64>> {
        let overrides = self.overrides(task);
        let since = overrides.failing_since?;
        let first = match task.slot {
            Slot::Number(slot) => slot == 1,
            Slot::Node(node) => self.nodes.keys().next() == Some(&node),
        };
        if overrides.spares_one && first {
            return None;
        }
        (task.created >= since).then_some(overrides.fails_after_ms)
    }

    fn start_ms(&self, task: &Task) -> i64 {
        let (least, most) = self.timings.start_ms;
        let span = u64::try_from(most - least).unwrap_or(0) + 1;
        let between = i64::try_from(task.id.number(0) % span).unwrap_or(0);
        self.overrides(task).start_ms.unwrap_or(least + between)
    }

    fn stop_ms(&self, task: &Task) -> i64 {
        self.overrides(task).stop_ms.unwrap_or(self.timings.stop_ms)
    }

    /// Returns how long after its start a container is known to be healthy, or not to be.
    fn health_ms(&self, task: &Task) -> i64 {
        match task.template.health {
            None => 0,
            Some(health) if health.hopeless => {
                health.start_period_ms + health.interval_ms * health.retries
            }
            Some(health) => health.interval_ms,
        }
    }
}

fn is_root(user: &str) -> bool {
    ["", "0", "root"].contains(&user.split(':').next().unwrap_or_default())
}

fn may_read(file: &File, user: &str) -> bool {
    let (user, group) = user.split_once(':').unwrap_or((user, ""));
    let number = |name: &str| if name == "app" { "1000".to_owned() } else { name.to_owned() };
    let (user, group) = (number(user), if group.is_empty() { number(user) } else { number(group) });
    is_root(&user)
        || file.mode & 0o004 != 0
        || (file.uid == user && file.mode & 0o400 != 0)
        || (file.gid == group && file.mode & 0o040 != 0)
}
