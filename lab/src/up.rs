//! Making a lab.
//!
//! The order is: record, network, nodes with their daemons (all at once), swarm and image (at
//! the same time), ready. The record comes first, so that whatever happens afterwards `down`
//! knows what there may be.

use futures_util::future::{try_join, try_join_all};

use crate::lab::{self, Lab, LabError, Node};
use crate::network::NetworkError;
use crate::spec::LabSpec;
use crate::{daemon, image, network, packages, registry, swarm};

/// Makes a lab and returns when all of its nodes are ready for tasks; about three seconds.
///
/// Remains of a crashed lab of the same name are removed first. `progress` gets a sentence for
/// each phase. If the lab can't be made, what was made of it is removed again; if the future is
/// dropped, it stays until [`Lab::down`] or the next `up`.
///
/// # Errors
/// [`LabError::NotRoot`], [`LabError::Packages`] and [`LabError::Spec`] before anything is made;
/// [`LabError::AlreadyUp`] if a lab of this name runs; else what failed, with the log of the
/// daemon that it happened to.
pub async fn up(spec: &LabSpec, progress: &(dyn Fn(&str) + Sync)) -> Result<Lab, LabError> {
    spec.validate()?;
    if !lab::is_root() {
        return Err(LabError::NotRoot);
    }
    packages::check()?;
    remove_remains(spec, progress).await?;
    let mut lab = Lab::planned(spec);
    let _claim = lab.claim()?;
    match make(&mut lab, progress).await {
        Ok(()) => Ok(lab),
        // Another lab of this name, in another directory: nothing of it is ours to remove.
        Err(LabError::Network(NetworkError::Taken(_))) => {
            lab.forget();
            Err(LabError::AlreadyUp(lab.name))
        }
        Err(error) => {
            progress("removing what was made");
            if let Err(left) = lab.down().await {
                tracing::warn!(%left, "the failed lab could not be removed");
            }
            Err(error)
        }
    }
}

/// Removes what is left of a lab of this name or in this directory, unless it is in use: up, or
/// being made by a process that still runs.
async fn remove_remains(spec: &LabSpec, progress: &(dyn Fn(&str) + Sync)) -> Result<(), LabError> {
    let placed = Lab::open(&spec.root).ok();
    let named = registry::find(&spec.name).ok().filter(|named| named.root != spec.root);
    for old in named.into_iter().chain(placed) {
        let runs = old.nodes.iter().any(|node| daemon::pid(&node.directory).is_some());
        if old.complete && runs {
            return Err(LabError::AlreadyUp(old.name));
        }
        let _claim = old.claim()?;
        progress(&format!("removing the remains of the lab {}", old.name));
        old.down().await?;
    }
    Ok(())
}

async fn make(lab: &mut Lab, progress: &(dyn Fn(&str) + Sync)) -> Result<(), LabError> {
    lab.save()?;
    progress("making the network");
    let gateway = network::make_bridge(&lab.name, &lab.root).await?;
    lab.gateway = Some(gateway);
    for (index, node) in lab.nodes.iter_mut().enumerate() {
        node.address = network::address(gateway, index);
    }
    lab.save()?;
    progress(&format!("starting {} Docker daemons", lab.nodes.len()));
    let planned = &*lab;
    let start = async |node: &Node| -> Result<(), LabError> {
        network::plug(&planned.name, &node.name, node.address, gateway).await?;
        Ok(daemon::start(planned, node).await?)
    };
    // The archive is made while the daemons start.
    let archive = tokio::task::spawn_blocking(image::archive);
    try_join_all(lab.nodes.iter().map(start)).await?;
    progress("joining them to a swarm");
    let archive = archive.await.map_err(image::ImageError::from)??;
    let form = async { Ok(swarm::form(&lab.nodes).await?) };
    try_join(form, lab.load(&archive)).await?;
    progress("waiting until all nodes are ready");
    swarm::ready(&lab.nodes).await?;
    lab.complete = true;
    lab.save()
}
