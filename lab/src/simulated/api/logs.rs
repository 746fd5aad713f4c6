//! Logs: what `echo` prints, and what the lab's app writes when it refuses its secrets.

use super::render;
use super::route::{Answer, Ask, Content};
use crate::simulated::model::Model;
use crate::simulated::model::id::Id;
use crate::simulated::model::object::find;
use crate::simulated::model::refusal::Refusal;
use crate::simulated::model::task::{Line, Stream, Task};

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
    let mut lines: Vec<(&Task, &Line)> =
        tasks.flat_map(|task| task.written(model.now).map(move |line| (task, line))).collect();
    lines.retain(|(_, line)| {
        let wanted = if line.stream == Stream::Output { out } else { err };
        wanted && line.at >= since
    });
    lines.sort_by_key(|(task, line)| (line.at, task.id));
    if let Ok(tail) = ask.query.get("tail").parse::<usize>() {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut body = Vec::new();
    for (task, Line { at, stream, text }) in lines {
        let mut line = String::new();
        if ask.query.is_set("timestamps") {
            line.push_str(&format!("{} ", render::stamp(*at)));
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
        body.extend([*stream as u8, 0, 0, 0]);
        body.extend(length.to_be_bytes());
        body.extend(line.into_bytes());
    }
    Ok(Answer { status: 200, content: Content::Streams, body })
}
