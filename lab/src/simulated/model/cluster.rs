//! The swarm as a whole: its own settings, and that a node may leave it and make a new one.

use serde_json::{Value, json};

use super::Model;
use super::node::Node;
use super::refusal::Refusal;

const NO_SWARM: &str = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker \
    swarm join\" to connect this node to swarm and try again.";

const ALREADY: &str = "This node is already part of a swarm. Use \"docker swarm leave\" to leave \
    this swarm and join another one.";

const NO_PART: &str = "This node is not part of a swarm";

const LAST: &str = "You are attempting to leave the swarm on a node that is participating as a \
    manager. Removing the last manager erases all current state of the swarm. Use `--force` to \
    ignore this message. ";

/// What the swarm says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) version: u64,
    pub(crate) updated: i64,
    pub(crate) spec: Value,
    pub(crate) addresses: Addresses,
    /// How often the tokens of workers and managers and the key were made anew.
    pub(crate) rotated: [u32; 3],
    /// False after the node has left: then there is no swarm.
    pub(crate) active: bool,
}

/// Where a swarm's networks get their addresses, and the port of what goes between nodes: said
/// once, when the swarm is made.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) pools: Vec<String>,
    pub(crate) subnet_size: u64,
    pub(crate) data_port: u64,
}

impl Addresses {
    /// Reads them from the body of `POST /swarm/init`.
    fn read(body: &Value) -> Result<Self, Refusal> {
        let number = |key: &str| body[key].as_u64().filter(|number| *number != 0);
        let data_port = number("DataPathPort").unwrap_or(4_789);
        if !(1_024..=49_151).contains(&data_port) {
            return Err(Refusal::bad(format!(
                "Datapath port number is not in valid range (1024-49151) : {data_port}"
            )));
        }
        let pools = body["DefaultAddrPool"].as_array().into_iter().flatten();
        let pools: Vec<String> = pools.filter_map(Value::as_str).map(str::to_owned).collect();
        if pools.is_empty() {
            // The daemon forgets a size without a pool.
            return Ok(Addresses { data_port, ..Self::default() });
        }
        let subnet_size = number("SubnetSize").unwrap_or(24);
        for pool in &pools {
            let bits = prefix(pool).ok_or_else(|| {
                let what = format!("invalid base pool {pool}: invalid CIDR address: {pool}");
                Refusal::bad(what)
            })?;
            if bits > subnet_size {
                return Err(Refusal::bad(format!(
                    "invalid CIDR: {pool:?}. Subnet size is too small for pool: {subnet_size}"
                )));
            }
        }
        Ok(Addresses { pools, subnet_size, data_port })
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Addresses { pools: vec!["10.0.0.0/8".to_owned()], subnet_size: 24, data_port: 4_789 }
    }
}

/// Returns how many bits of an address like `10.0.0.0/8` are the network's.
fn prefix(pool: &str) -> Option<u64> {
    let (address, bits) = pool.split_once('/')?;
    let address: std::net::IpAddr = address.parse().ok()?;
    let bits: u64 = bits.parse().ok()?;
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(bits)
}

impl Cluster {
    /// Returns what `docker swarm init` makes.
    pub(crate) fn new(now: i64) -> Self {
        let spec = json!({
            "Name": "default",
            "Labels": {},
            "Orchestration": { "TaskHistoryRetentionLimit": 5 },
            "Raft": {
                "SnapshotInterval": 10_000, "KeepOldSnapshots": 0,
                "LogEntriesForSlowFollowers": 500, "ElectionTick": 10, "HeartbeatTick": 1,
            },
            "Dispatcher": { "HeartbeatPeriod": 5_000_000_000_i64 },
            "CAConfig": { "NodeCertExpiry": 7_776_000_000_000_000_i64 },
            "TaskDefaults": {},
            "EncryptionConfig": { "AutoLockManagers": false },
        });
        Cluster {
            version: 10,
            updated: now,
            spec,
            addresses: Addresses::default(),
            rotated: [0; 3],
            active: true,
        }
    }

    /// Returns the key that unlocks managers; empty unless they are locked.
    pub(crate) fn unlock_key(&self) -> String {
        match self.spec["EncryptionConfig"]["AutoLockManagers"].as_bool() {
            Some(true) => format!("SWMKEY-1-simulated{}", self.rotated[2]),
            _ => String::new(),
        }
    }
}

impl Model {
    /// Refuses everything about the swarm if there is none.
    pub(crate) fn check_active(&self) -> Result<(), Refusal> {
        if self.swarm.active { Ok(()) } else { Err(Refusal::new(503, NO_SWARM)) }
    }

    /// Replaces the swarm's settings, and makes tokens and key anew where that is asked for.
    pub(crate) fn update_cluster(
        &mut self,
        version: u64,
        spec: Value,
        rotate: [bool; 3],
    ) -> Result<(), Refusal> {
        if spec["Name"].as_str().is_some_and(|name| !["", "default"].contains(&name)) {
            return Err(Refusal::bad("swarm spec must be named \"default\""));
        }
        if self.swarm.version != version {
            return Err(Refusal::out_of_sequence());
        }
        let mut whole = json!({
            "Name": "default", "Labels": {}, "Orchestration": {},
            "Raft": { "KeepOldSnapshots": 0, "ElectionTick": 0, "HeartbeatTick": 0 },
            "Dispatcher": {}, "CAConfig": {}, "TaskDefaults": {},
            "EncryptionConfig": { "AutoLockManagers": false },
        });
        overlay(&mut whole, played(spec));
        let history = whole["Orchestration"]["TaskHistoryRetentionLimit"].as_u64();
        self.history_max = history.and_then(|kept| usize::try_from(kept).ok()).unwrap_or(0);
        (self.swarm.version, self.swarm.updated) = (self.write(), self.now);
        self.swarm.spec = whole;
        for (rotated, rotate) in self.swarm.rotated.iter_mut().zip(rotate) {
            *rotated += u32::from(rotate);
        }
        Ok(())
    }

    /// The node leaves: nothing of the swarm is left to it.
    pub(crate) fn leave(&mut self, force: bool) -> Result<(), Refusal> {
        if !self.swarm.active {
            return Err(Refusal::new(503, NO_PART));
        }
        if !force {
            return Err(Refusal::new(503, LAST));
        }
        let seed = self.ids.number();
        let mut alone = Model::empty(seed, self.now, self.timings);
        alone.swarm.active = false;
        alone.bus = std::mem::take(&mut self.bus);
        *self = alone;
        Ok(())
    }

    /// The node makes a swarm of its own.
    pub(crate) fn init(&mut self, mut body: Value) -> Result<(), Refusal> {
        if self.swarm.active {
            return Err(Refusal::new(503, ALREADY));
        }
        let addresses = Addresses::read(&body)?;
        self.swarm = Cluster { addresses, ..Cluster::new(self.now) };
        let mut spec = played(body["Spec"].take());
        // A new swarm takes zero for "as you like".
        for group in spec.as_object_mut().into_iter().flat_map(|spec| spec.values_mut()) {
            if let Value::Object(group) = group {
                group.retain(|_, value| value.as_u64() != Some(0));
            }
        }
        overlay(&mut self.swarm.spec, spec);
        let mut node = Node::blank(self.own_node, "node001".to_owned(), self.now);
        node.version = self.write();
        node.set_spec(json!({ "Labels": {}, "Role": "manager", "Availability": "active" }))?;
        self.nodes.insert(self.own_node, node);
        Ok(())
    }

    /// What another swarm's manager says to one who wants to join and is in a swarm already.
    pub(crate) fn join(&self) -> Refusal {
        let away = "rpc error: code = Unavailable desc = connection error: desc = \"transport: \
            error while dialing: the nodes of a simulated swarm join nobody\"";
        if self.swarm.active { Refusal::new(503, ALREADY) } else { Refusal::new(500, away) }
    }
}

/// Returns a spec without what the daemon reads and forgets.
fn played(mut spec: Value) -> Value {
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("TaskDefaults");
    }
    spec
}

/// Puts what is said over what is there; null says nothing.
fn overlay(there: &mut Value, said: Value) {
    match (there, said) {
        (_, Value::Null) => {}
        (Value::Object(there), Value::Object(said)) => {
            for (key, value) in said {
                overlay(there.entry(key).or_insert(Value::Null), value);
            }
        }
        (there, said) => *there = said,
    }
}
