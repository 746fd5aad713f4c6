//! Whether a service answered all the time, as its own update rules promise.

use windlass_lab::simulated::{Edit, Fault, ServiceNow, What, World};

use crate::variant::{Strike, Variant};

/// Returns the services that answered nobody for a time since `began`, although they start new
/// tasks before they stop old ones: somebody wrote to them a second time while a task was starting.
pub(crate) fn outages(world: &World, began: i64) -> Vec<String> {
    let of = |service: &ServiceNow| {
        let since = service.serving.outages.iter().filter(|outage| outage.from >= began);
        let longest = since.map(|o| o.until.unwrap_or(world.now) - o.from).max()?;
        Some(format!(
            "{} starts new tasks first, and did not answer for {longest} ms",
            service.name
        ))
    };
    world.services.iter().filter(|service| starts_first(service)).filter_map(of).collect()
}

fn starts_first(service: &ServiceNow) -> bool {
    service.spec["UpdateConfig"]["Order"] == "start-first"
}

/// True if nothing that happens in a pass is a reason for a service not to answer: no task fails,
/// no node or leader is lost, and nobody else writes to a service.
pub(crate) fn must_answer(variant: &Variant) -> bool {
    variant.strikes.iter().all(|strike| match strike {
        Strike::Die { .. } | Strike::StoreFull(_) | Strike::Cancel(_) => true,
        Strike::Request(Fault { what, .. }) => match what {
            What::Edit(edit) | What::EditAfter(edit) => matches!(edit, Edit::SlowStart { .. }),
            _ => true,
        },
        Strike::Meanwhile(_) | Strike::Remedy(_) => false,
    })
}
