//! Logs: the lines that the lab's app writes when it refuses its secrets. Nothing else is said.

use super::render;
use super::route::{Answer, Ask, Content};
use crate::simulated::model::Model;
use crate::simulated::model::id::Id;
use crate::simulated::model::object::find;
use crate::simulated::model::refusal::Refusal;
use crate::simulated::model::task::Task;

/// The number of the error output in the daemon's format.
const STDERR: u8 = 2;

pub(crate) fn of_service(model: &Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let id = model.find_service(text)?;
    logs(model, &model.services[&id].tasks, ask)
}

pub(crate) fn of_task(model: &Model, text: &str, ask: &Ask) -> Result<Answer, Refusal> {
    let id = find(&model.tasks, || None, "task", text)?;
    logs(model, &[id], ask)
}

fn logs(model: &Model, tasks: &[Id], ask: &Ask) -> Result<Answer, Refusal> {
    let (out, err) = (ask.query.is_set("stdout"), ask.query.is_set("stderr"));
    if !out && !err {
        let message = "Bad parameters: you must choose at least one stream";
        return Err(Refusal::new(500, message));
    }
    let since = super::events::moment(ask.query.get("since")).unwrap_or(i64::MIN);
    let tasks = tasks.iter().filter_map(|id| model.tasks.get(id));
    let mut lines: Vec<(&Task, i64, &str)> =
        tasks.filter_map(|t| t.log.as_ref().map(|log| (t, log.at, log.text.as_str()))).collect();
    lines.retain(|(_, at, _)| err && *at >= since);
    lines.sort_by_key(|(task, at, _)| (*at, task.id));
    if let Ok(tail) = ask.query.get("tail").parse::<usize>() {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut body = Vec::new();
    for (task, at, text) in lines {
        let mut line = String::new();
        if ask.query.is_set("timestamps") {
            line.push_str(&format!("{} ", render::stamp(at)));
        }
        if ask.query.is_set("details") {
            let node = task.node.map(|node| node.to_string()).unwrap_or_default();
            line.push_str(&format!(
                "com.docker.swarm.node.id={node},com.docker.swarm.service.id={},\
                 com.docker.swarm.task.id={} ",
                task.service, task.id
            ));
        }
        line.push_str(text);
        line.push('\n');
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        body.extend([STDERR, 0, 0, 0]);
        body.extend(length.to_be_bytes());
        body.extend(line.into_bytes());
    }
    Ok(Answer { status: 200, content: Content::Streams, body })
}
