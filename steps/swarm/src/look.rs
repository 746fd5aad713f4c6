//! What calls read of the services and nodes: in a run as they are now, in a plan as they were when
//! the plan first asked.
//!
//! A plan changes nothing, and it is made within moments: one look at the swarm serves all its
//! calls, through the notes of what the earlier ones would have done ([`crate::planned`]). Probes
//! and writes belong to runs, and always read.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OnceCell;
use windlass_engine::step::Context;

use crate::docker::{DockerError, Listing, Nodes, Swarm};
use crate::planned;

/// What a plan has read.
#[derive(Debug, Default)]
struct Look {
    services: OnceCell<Listing>,
    nodes: OnceCell<Arc<Nodes>>,
}

fn shared(cx: &Context) -> Option<Arc<Look>> {
    cx.assumed().map(|assumed| assumed.look())
}

impl Look {
    async fn services(&self, swarm: &Swarm) -> Result<&Listing, DockerError> {
        self.services.get_or_try_init(|| swarm.listing()).await
    }
}

/// Calls `each` for every service that names a secret now or in its previous spec, one after
/// another, each as it would be by then.
///
/// # Errors
/// As [`Swarm::info`].
pub(crate) async fn each_that_names(
    cx: &Context,
    swarm: &Swarm,
    secret: &str,
    mut each: impl FnMut(Value),
) -> Result<(), DockerError> {
    let Some(look) = shared(cx) else {
        return swarm.listing().await?.each_that_names(secret, |_| false, each);
    };
    let changed = |id: &str| planned::is_changed(cx, id);
    look.services(swarm).await?.each_that_names(secret, changed, |mut service| {
        planned::service(cx, &mut service);
        each(service);
    })
}

/// Returns the service with this ID to prepare an update of it, if there is one: in a run as
/// [`Swarm::service_for_update`], in a plan from what it listed, without the changes noted.
///
/// # Errors
/// As [`Swarm::info`].
pub(crate) async fn service_for_update(
    cx: &Context,
    swarm: &Swarm,
    id: &str,
    as_it_should: impl Fn(&Value) -> bool,
) -> Result<Option<Value>, DockerError> {
    let Some(look) = shared(cx) else {
        return swarm.service_for_update(id, as_it_should).await;
    };
    match look.services.get() {
        Some(listing) => listing.service(id),
        None => swarm.service(id).await,
    }
}

/// Returns those of the services with these IDs that exist.
///
/// # Errors
/// As [`Swarm::info`].
pub(crate) async fn services_of(
    cx: &Context,
    swarm: &Swarm,
    ids: &[&str],
) -> Result<Vec<Value>, DockerError> {
    let look = shared(cx);
    match look.as_ref().and_then(|look| look.services.get()) {
        Some(listing) => ids.iter().filter_map(|id| listing.service(id).transpose()).collect(),
        None => swarm.services_of(ids).await,
    }
}

/// Returns the nodes; in a run as [`Swarm::nodes_lately`].
///
/// # Errors
/// As [`Swarm::info`].
pub(crate) async fn nodes(
    cx: &Context,
    swarm: &Swarm,
    good_enough: bool,
) -> Result<Arc<Nodes>, DockerError> {
    let Some(look) = shared(cx) else {
        return swarm.nodes_lately(cx.now(), good_enough).await;
    };
    look.nodes.get_or_try_init(|| swarm.nodes_lately(cx.now(), false)).await.cloned()
}
