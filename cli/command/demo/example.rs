//! The example of the demo: four services of different kinds that share one secret.

use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_lab::{Lab, ProgramError, image};

use crate::problem::Problem;
use crate::show;
use crate::show::style::{dim, green, yellow};
use crate::show::table::columns;

/// The secret that is rotated.
pub const SECRET: &str = "db_password";

/// A service: its name, how it is created, how many containers it has, where it sees the secret.
struct Service {
    name: &'static str,
    options: &'static [&'static str],
    containers: usize,
    path: &'static str,
}

const SERVICES: [Service; 4] = [
    Service {
        name: "web",
        options: &["--replicas", "2", "--update-order", "start-first", "--secret", SECRET],
        containers: 2,
        path: "/run/secrets/db_password",
    },
    Service {
        name: "agent",
        options: &["--mode", "global", "--secret", SECRET],
        containers: 3,
        path: "/run/secrets/db_password",
    },
    Service {
        name: "worker",
        options: &[
            "--replicas",
            "2",
            "--user",
            "1000",
            "--secret",
            "source=db_password,target=database,uid=1000,gid=1000,mode=0400",
        ],
        containers: 2,
        path: "/run/secrets/database",
    },
    Service {
        name: "report",
        options: &[
            "--replicas",
            "1",
            "--env",
            "SECRET_FILES=/etc/report/pw",
            "--secret",
            "source=db_password,target=/etc/report/pw",
        ],
        containers: 1,
        path: "/etc/report/pw",
    },
];

/// The example, deployed.
pub struct Example<'a> {
    lab: &'a Lab,
    /// The value before.
    pub old: String,
    /// The value after.
    pub new: String,
    /// The references of each service before, without the secret's ID.
    shapes: Vec<Vec<Value>>,
}

impl<'a> Example<'a> {
    /// Creates the secret and the services, and waits until they run.
    pub fn deploy(lab: &'a Lab) -> Result<Self, Problem> {
        let value = |which: &str| format!("the {which} password of demo {}", std::process::id());
        let (old, new) = (value("old"), value("new"));
        let create = ["secret", "create", SECRET, "-"];
        lab.run_with_input(0, &create, old.as_bytes()).map_err(|e| failed(&e))?;
        for service in &SERVICES {
            let mut words = vec!["service", "create", "--detach", "--name", service.name];
            words.extend(["--update-monitor", "2s"]);
            words.extend(service.options);
            words.push(image::APP);
            lab.run(0, &words).map_err(|e| failed(&e))?;
        }
        let mut example = Example { lab, old, new, shapes: Vec::new() };
        for service in &SERVICES {
            example.shapes.push(example.shape(service)?);
        }
        Ok(example)
    }

    /// Asks every container, until all serve this value; returns how many there are.
    pub fn prove(&self, value: &str) -> Result<usize, Problem> {
        let wanted = image::fingerprint(value.as_bytes());
        let mut count = 0;
        for service in &SERVICES {
            let began = Instant::now();
            loop {
                let answers = self.lab.served(service.name).unwrap_or_default();
                let right =
                    |answer: &&Value| answer[service.path]["fingerprint"] == wanted.as_str();
                if answers.len() == service.containers && answers.iter().all(|a| right(&a)) {
                    break;
                }
                if began.elapsed() > Duration::from_secs(60) {
                    let message = format!("{} does not serve the expected value", service.name);
                    return Err(Problem::bug(message));
                }
                // Containers have no event that says that they answer.
                std::thread::sleep(Duration::from_millis(100));
            }
            count += service.containers;
        }
        Ok(count)
    }

    /// Prints which secrets there are, and which service refers to which.
    pub fn show(&self) -> Result<(), Problem> {
        let secrets = self.lab.run(0, &["secret", "ls", "--format", "{{.Name}}"]);
        let secrets = secrets.map_err(|e| failed(&e))?.lines().collect::<Vec<_>>().join(", ");
        show::note(&format!("secrets: {secrets}"));
        let mut rows = Vec::new();
        for service in &SERVICES {
            let name = self.secret_of(service)?;
            let shown = if name == SECRET { green(&name) } else { yellow(&name) };
            let containers = format!("{} containers", service.containers);
            rows.push(vec![format!("  {}", service.name), shown, dim(&containers)]);
        }
        columns(&rows).iter().for_each(|row| show::note(row));
        Ok(())
    }

    /// Returns how many services are on the temporary secret.
    pub fn on_temporary(&self) -> Result<usize, Problem> {
        let mut count = 0;
        for service in &SERVICES {
            count += usize::from(self.secret_of(service)? != SECRET);
        }
        Ok(count)
    }

    /// Checks that the references have the shape that they had, and that nothing is left over.
    pub fn assert_whole(&self) -> Result<(), Problem> {
        for (service, before) in SERVICES.iter().zip(&self.shapes) {
            if self.shape(service)? != *before {
                return Err(Problem::bug(format!("the references of {} changed", service.name)));
            }
        }
        let secrets = self.lab.run(0, &["secret", "ls", "--format", "{{.Name}}"]);
        match secrets.map_err(|e| failed(&e))?.as_str() {
            SECRET => Ok(()),
            other => Err(Problem::bug(format!("secrets are left over: {other}"))),
        }
    }

    fn secret_of(&self, service: &Service) -> Result<String, Problem> {
        let refs = self.shape(service)?;
        let name = refs.first().and_then(|r| r["SecretName"].as_str()).unwrap_or_default();
        Ok(name.to_owned())
    }

    /// Returns the secret references of a service without the ID, which is what may change.
    fn shape(&self, service: &Service) -> Result<Vec<Value>, Problem> {
        let text = self.lab.run(0, &["service", "inspect", service.name]);
        let text = text.map_err(|e| failed(&e))?;
        let inspected: Value =
            serde_json::from_str(&text).map_err(|e| Problem::bug(e.to_string()))?;
        let refs = &inspected[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"];
        let without_id = |reference: &Value| serde_json::json!({ "File": reference["File"], "SecretName": reference["SecretName"] });
        Ok(refs.as_array().into_iter().flatten().map(without_id).collect())
    }
}

fn failed(error: &ProgramError) -> Problem {
    Problem::bug(format!("failed to {error}"))
}
