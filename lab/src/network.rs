//! The lab's network: one bridge on the machine, and a network namespace for each node.
//!
//! | thing | name | why |
//! |---|---|---|
//! | bridge | `wl-LAB`, address 10.213.K.1/24 | nodes reach each other, the machine reaches them |
//! | namespace | `/run/netns/LAB-nI` | a daemon's ports, rules and forwarding stay in it |
//! | cable | `wl-LAB-nI` on the machine, `eth0` 10.213.K.(10+I) in the node | |
//! | rule | `FORWARD -i wl-LAB -o wl-LAB -j ACCEPT` | see [`allow`] |
//!
//! The bridge's alias is the lab's directory: with it the kernel is the register of the labs
//! that are up, wherever they keep their data.
//!
//! Nodes can't reach the world: nothing forwards or translates for them, on purpose.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::program::{ProgramError, run};

/// A network that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A program said no.
    #[error("set up the lab's network: {0}")]
    Program(#[from] ProgramError),
    /// The bridge of this name exists: another lab's.
    #[error("make the bridge {0}: it exists; `windlass lab list` shows the labs of this machine")]
    Taken(String),
    /// All 256 networks are taken.
    #[error("find a free network in 10.213.0.0/16: `windlass lab list` shows labs to take down")]
    NoneFree,
}

/// Returns the name of the lab's bridge.
pub(crate) fn bridge(lab: &str) -> String {
    format!("wl-{lab}")
}

/// Returns the machine's end of a node's cable.
fn cable(node: &str) -> String {
    format!("wl-{node}")
}

/// Returns the address of the node with this index (from 0) in the lab's network.
pub(crate) fn address(gateway: Ipv4Addr, index: usize) -> Ipv4Addr {
    let [a, b, c, _] = gateway.octets();
    // At most 32 nodes, which `LabSpec::validate` guarantees.
    Ipv4Addr::new(a, b, c, 11 + index as u8)
}

/// Makes the bridge in a free network; returns the machine's address in it.
pub(crate) async fn make_bridge(lab: &str, root: &Path) -> Result<Ipv4Addr, NetworkError> {
    let bridge = &bridge(lab);
    match run("ip", &["link", "add", bridge, "type", "bridge"]).await {
        Err(error) if error.message().contains("File exists") => {
            return Err(NetworkError::Taken(bridge.clone()));
        }
        made => made?,
    };
    run("ip", &["link", "set", bridge, "up", "alias", &root.to_string_lossy()]).await?;
    for third in 0..=255 {
        let gateway = Ipv4Addr::new(10, 213, third, 1);
        if claim(bridge, gateway).await? {
            allow(bridge).await?;
            return Ok(gateway);
        }
    }
    Err(NetworkError::NoneFree)
}

/// Takes a network if nobody has it. The kernel decides: of two labs that start at the same
/// moment only one can add the route, which is why the address comes without its own.
async fn claim(bridge: &str, gateway: Ipv4Addr) -> Result<bool, NetworkError> {
    let [a, b, c, _] = gateway.octets();
    let network = format!("{a}.{b}.{c}.0/24");
    let known = run("ip", &["-4", "route", "show", "to", "match", &network]).await?;
    if known.lines().any(|route| !route.starts_with("default")) {
        return Ok(false);
    }
    match run("ip", &["route", "add", &network, "dev", bridge]).await {
        Ok(_) => {}
        Err(error) if error.message().contains("File exists") => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let own = format!("{gateway}/24");
    run("ip", &["addr", "add", &own, "dev", bridge, "noprefixroute"]).await?;
    Ok(true)
}

/// Lets the nodes talk. A Docker daemon of the machine itself sets the policy of FORWARD to
/// DROP, and frames that only cross a bridge pass through that chain as well.
async fn allow(bridge: &str) -> Result<(), NetworkError> {
    run("iptables", &["-w", "-I", "FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"]).await?;
    Ok(())
}

/// Makes a node's namespace and plugs it into the bridge.
pub(crate) async fn plug(
    lab: &str,
    node: &str,
    address: Ipv4Addr,
    gateway: Ipv4Addr,
) -> Result<(), NetworkError> {
    let (cable, bridge) = (&cable(node), &bridge(lab));
    let (own, gateway) = (&format!("{address}/24"), &gateway.to_string());
    run("ip", &["netns", "add", node]).await?;
    run("ip", &["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", node])
        .await?;
    run("ip", &["link", "set", cable, "master", bridge, "up"]).await?;
    run("ip", &["-n", node, "link", "set", "lo", "up"]).await?;
    run("ip", &["-n", node, "addr", "add", own, "dev", "eth0"]).await?;
    run("ip", &["-n", node, "link", "set", "eth0", "up"]).await?;
    run("ip", &["-n", node, "route", "add", "default", "via", gateway]).await?;
    Ok(())
}

/// Returns the path of a node's network namespace.
pub(crate) fn namespace(node: &str) -> PathBuf {
    Path::new("/run/netns").join(node)
}

/// Removes a node's namespace and cable; neither has to exist.
pub(crate) async fn unplug(node: &str) -> Result<(), NetworkError> {
    if namespace(node).exists() {
        run("ip", &["netns", "del", node]).await?;
    }
    remove_link(&cable(node)).await
}

/// Removes the bridge, its rule and the mount under the namespaces; none has to exist.
pub(crate) async fn remove_bridge(lab: &str) -> Result<(), NetworkError> {
    let bridge = &bridge(lab);
    let rule = ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"];
    while run("iptables", &[&["-w", "-C"][..], &rule].concat()).await.is_ok() {
        run("iptables", &[&["-w", "-D"][..], &rule].concat()).await?;
    }
    remove_link(bridge).await?;
    // `ip netns add` mounts this directory and never takes it away. Neither call can hurt
    // somebody else's namespace: both fail while one is left.
    let directory = Path::new("/run/netns");
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none()) {
        let _ = rustix::mount::unmount(directory, rustix::mount::UnmountFlags::empty());
        let _ = fs::remove_dir(directory);
    }
    Ok(())
}

/// A link also goes by itself, some time after the namespace of its other end: gone is fine.
async fn remove_link(link: &str) -> Result<(), NetworkError> {
    match run("ip", &["link", "del", link]).await {
        Err(error) if link_exists(link) => Err(error.into()),
        _ => Ok(()),
    }
}

fn link_exists(link: &str) -> bool {
    Path::new("/sys/class/net").join(link).exists()
}

/// Returns the directories of the labs whose bridges exist.
pub(crate) fn roots() -> Vec<PathBuf> {
    let links = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    links
        .filter(|link| link.file_name().to_string_lossy().starts_with("wl-"))
        .filter_map(|link| fs::read_to_string(link.path().join("ifalias")).ok())
        .map(|alias| PathBuf::from(alias.trim()))
        .filter(|root| root.is_absolute())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_kernel() {
        assert!(bridge("eightchr").len() <= 15);
        assert!(cable("eightchr-n32").len() <= 15);
    }

    #[test]
    fn nodes_have_addresses_behind_the_gateway() {
        let gateway = Ipv4Addr::new(10, 213, 7, 1);
        assert_eq!(address(gateway, 0), Ipv4Addr::new(10, 213, 7, 11));
        assert_eq!(address(gateway, 31), Ipv4Addr::new(10, 213, 7, 42));
    }
}
