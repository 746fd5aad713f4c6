//! The daemon's objects, as raw JSON.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use windlass_engine::clock::Millis;
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{Connection, encoded, parsed};
use super::endpoint::{Endpoint, Environment};
use super::error::DockerError;
use super::events::Events;
use super::handed::Handed;
use super::listing::Listing;
use super::within::Daemon;

/// A swarm, reached through one of its managers. Cheap to clone; connects at the first request.
#[derive(Clone)]
pub struct Swarm {
    inner: Arc<Inner>,
}

/// A swarm that others may let go of.
pub(super) struct WeakSwarm(Weak<Inner>);

impl WeakSwarm {
    pub(super) fn upgrade(&self) -> Option<Swarm> {
        self.0.upgrade().map(|inner| Swarm { inner })
    }
}

struct Inner {
    from: From,
    connected: OnceCell<Connection>,
    events: Events,
    handed: Handed,
    nodes: Mutex<Option<(Millis, Arc<Nodes>)>>,
}

/// Nodes by ID, as the daemon returns them.
pub type Nodes = BTreeMap<String, Value>;

/// Nodes change seldom, and their events make those who wait read them anew: many services that
/// converge share one reading of them.
const NODES_KEEP: Millis = 15_000;

enum From {
    Within(Arc<dyn Daemon>),
    Endpoint(Endpoint),
    Environment(Environment),
}

impl Swarm {
    /// Returns the swarm behind an endpoint. No connection is made before the first request.
    pub fn connect(endpoint: &Endpoint) -> Self {
        Self::new(From::Endpoint(endpoint.clone()))
    }

    /// Returns the swarm of a daemon within this process.
    pub fn within(daemon: Arc<dyn Daemon>) -> Self {
        Self::new(From::Within(daemon))
    }

    /// Returns the swarm that the environment points to; it is worked out at the first request, so
    /// that commands that need no daemon don't stumble over a damaged Docker configuration.
    pub fn from_environment(environment: Environment) -> Self {
        Self::new(From::Environment(environment))
    }

    fn new(from: From) -> Self {
        Swarm {
            inner: Arc::new(Inner {
                from,
                connected: OnceCell::new(),
                events: Events::default(),
                handed: Handed::default(),
                nodes: Mutex::default(),
            }),
        }
    }

    /// Returns the API version spoken, such as `1.41`: the daemon's own.
    ///
    /// # Errors
    /// If the daemon can't be reached or is too old.
    pub async fn api(&self) -> Result<String, DockerError> {
        Ok(self.connected().await?.api.clone())
    }

    /// Returns the daemon's `GET /info`.
    ///
    /// # Errors
    /// As all requests: [`DockerError`] tells what happened.
    pub async fn info(&self) -> Result<Value, DockerError> {
        self.get("/info", &[]).await
    }

    /// Returns all nodes.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn nodes(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/nodes", &[]).await?)
    }

    /// Returns the nodes as they were some seconds ago at most, or as they are now if nothing older
    /// is `good_enough`.
    pub(crate) async fn nodes_lately(
        &self,
        now: Millis,
        good_enough: bool,
    ) -> Result<Arc<Nodes>, DockerError> {
        let kept = self.kept_nodes().clone();
        if let Some((_, nodes)) = kept.filter(|(at, _)| good_enough && now - at < NODES_KEEP) {
            return Ok(nodes);
        }
        let nodes = self.nodes_by_id().await?;
        *self.kept_nodes() = Some((now, nodes.clone()));
        Ok(nodes)
    }

    /// Returns the nodes as they are now, by ID.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub(crate) async fn nodes_by_id(&self) -> Result<Arc<Nodes>, DockerError> {
        let nodes = self.nodes().await?.into_iter();
        Ok(Arc::new(nodes.filter_map(|n| Some((n["ID"].as_str()?.to_owned(), n))).collect()))
    }

    fn kept_nodes(&self) -> MutexGuard<'_, Option<(Millis, Arc<Nodes>)>> {
        self.inner.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all secrets, without their values: the daemon never gives those.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn secrets(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/secrets", &[]).await?)
    }

    /// Returns the secret with this ID, if there is one.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn secret(&self, id: &str) -> Result<Option<Value>, DockerError> {
        let found = self.find(&format!("/secrets/{}", encoded(id))).await?;
        // The daemon falls back to names and to beginnings of IDs.
        Ok(found.filter(|secret| secret["ID"] == id))
    }

    /// Returns the secret with exactly this name, if there is one.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn secret_named(&self, name: &str) -> Result<Option<Value>, DockerError> {
        let filters = json!({ "name": [name] }).to_string();
        let found = list(self.get("/secrets", &[("filters", filters)]).await?)?;
        // The filter matches beginnings too.
        Ok(found.into_iter().find(|s| s["Spec"]["Name"] == name))
    }

    /// Creates a secret from a request body, which is wiped after sending, and returns its ID.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn create_secret(&self, body: Zeroizing<Vec<u8>>) -> Result<String, DockerError> {
        let body = Bytes::from_owner(body);
        let answer = self.send("POST", "/secrets/create", &[], body).await?;
        let answer = parsed(&answer)?;
        let id = answer["ID"].as_str().map(str::to_owned);
        id.ok_or_else(|| DockerError::Malformed { reason: "it names no ID".to_owned() })
    }

    /// Removes a secret. Returns false if there was none.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn remove_secret(&self, id: &str) -> Result<bool, DockerError> {
        let path = format!("/secrets/{}", encoded(id));
        match self.send("DELETE", &path, &[], Bytes::new()).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns all configs, with their data: the daemon gives those.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn configs(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/configs", &[]).await?)
    }

    /// Returns all networks that the manager knows, also those of itself.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn networks(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/networks", &[]).await?)
    }

    /// Returns the network of the swarm with this ID, if there is one.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn network(&self, id: &str) -> Result<Option<Value>, DockerError> {
        let found = self.find(&format!("/networks/{}?scope=swarm", encoded(id))).await?;
        Ok(found.filter(|network| network["Id"] == id))
    }

    /// Returns all services.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn services(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/services", &[]).await?)
    }

    /// Returns all services as texts: the trees of ten thousand at once would take hundreds of
    /// megabytes.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub(crate) async fn listing(&self) -> Result<Listing, DockerError> {
        Listing::of(&self.send("GET", "/services", &[], Bytes::new()).await?)
    }

    /// Returns the service with this ID, if there is one.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn service(&self, id: &str) -> Result<Option<Value>, DockerError> {
        let found = self.find(&format!("/services/{}", encoded(id))).await?;
        Ok(found.filter(|service| service["ID"] == id))
    }

    /// Returns those of the services with these IDs that exist.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn services_of(&self, ids: &[&str]) -> Result<Vec<Value>, DockerError> {
        let filters = json!({ "id": ids }).to_string();
        let found = list(self.get("/services", &[("filters", filters)]).await?)?;
        let asked = |service: &Value| ids.iter().any(|id| service["ID"] == *id);
        Ok(found.into_iter().filter(asked).collect())
    }

    /// Replaces the spec of a service, if it still has the version that was read.
    ///
    /// No registry login is sent: the one in the spec stays.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn update_service(
        &self,
        id: &str,
        version: u64,
        spec: &Value,
    ) -> Result<(), DockerError> {
        let path = format!("/services/{}/update", encoded(id));
        let query = [("version", version.to_string())];
        let body = Bytes::from(spec.to_string());
        self.send("POST", &path, &query, body).await.map(drop)
    }

    /// Returns all tasks of these services that the swarm remembers, running and past. A service
    /// that is gone has none.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn tasks_of(&self, services: &[&str]) -> Result<Vec<Value>, DockerError> {
        let mut services = services.to_vec();
        loop {
            let filters = json!({ "service": services }).to_string();
            match self.get("/tasks", &[("filters", filters)]).await {
                // The daemon answers so if one of them is gone, whatever becomes of the others.
                Err(error) if error.is_not_found() => {
                    let there = self.services_of(&services).await?;
                    let asked = services.len();
                    services.retain(|id| there.iter().any(|service| service["ID"] == *id));
                    if services.len() == asked {
                        return Err(error);
                    }
                    if services.is_empty() {
                        return Ok(Vec::new());
                    }
                }
                answer => return list(answer?),
            }
        }
    }

    /// Returns all tasks that the swarm remembers, running and past.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn tasks(&self) -> Result<Vec<Value>, DockerError> {
        list(self.get("/tasks", &[]).await?)
    }

    /// Returns those of all tasks that are made from the present spec of their service.
    ///
    /// # Errors
    /// As [`Swarm::info`].
    pub async fn tasks_up_to_date(&self) -> Result<Vec<Value>, DockerError> {
        let filters = json!({ "_up-to-date": ["true"] }).to_string();
        list(self.get("/tasks", &[("filters", filters)]).await?)
    }

    pub(super) fn downgrade(&self) -> WeakSwarm {
        WeakSwarm(Arc::downgrade(&self.inner))
    }

    /// Returns the events of services, secrets and nodes, shared by all who watch.
    pub(super) fn events(&self) -> &Events {
        &self.inner.events
    }

    /// Returns what calls leave for those that follow.
    pub(super) fn handed(&self) -> &Handed {
        &self.inner.handed
    }

    async fn connected(&self) -> Result<&Connection, DockerError> {
        let connect = || async {
            match &self.inner.from {
                From::Within(daemon) => Connection::over(Client::Within(daemon.clone())).await,
                From::Endpoint(endpoint) => Connection::open(endpoint).await,
                From::Environment(environment) => {
                    Connection::open(&Endpoint::resolve(environment)?).await
                }
            }
        };
        let connected = self.inner.connected.get_or_try_init(connect).await;
        connected.map_err(|error| DockerError::Unasked(Box::new(error)))
    }

    /// Sends a request and returns the answer as it comes.
    pub(super) async fn stream(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<impl Stream<Item = Result<Bytes, DockerError>> + Send + Unpin + use<>, DockerError>
    {
        Ok(self.connected().await?.stream(method, path, query))
    }

    async fn send(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, String)],
        body: Bytes,
    ) -> Result<Bytes, DockerError> {
        self.connected().await?.send(method, path, query, body).await
    }

    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, DockerError> {
        parsed(&self.send("GET", path, query, Bytes::new()).await?)
    }

    async fn find(&self, path: &str) -> Result<Option<Value>, DockerError> {
        match self.get(path, &[]).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn list(value: Value) -> Result<Vec<Value>, DockerError> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        _ => Err(DockerError::Malformed { reason: "it is not a list".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_socket_is_named_with_who_pointed_at_it() {
        let endpoint = Endpoint::new("unix:///nowhere/docker.sock", None, "DOCKER_HOST").unwrap();
        let error = Swarm::connect(&endpoint).info().await.unwrap_err();
        let DockerError::Unasked(error) = error else { panic!("{error}") };
        assert!(matches!(*error, DockerError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("unix:///nowhere/docker.sock (DOCKER_HOST)"), "{error}");
    }
}
