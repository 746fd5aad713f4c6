//! What has to be so after a run, whatever happened to it.

use serde_json::Value;
use windlass_lab::image::fingerprint;

use crate::rig::{Operator, Rig};

/// The shape of a service's references before a run: everything but which secret it is.
pub struct Before {
    service: String,
    refs: Vec<Value>,
}

impl Before {
    pub fn of(rig: &Rig, service: &str) -> Self {
        Before { service: service.to_owned(), refs: rig.refs(service) }
    }

    /// All references name `name` again, with `File` and place as they were.
    pub fn assert_same_shape(&self, rig: &Rig, old: &str, name: &str) {
        let now = rig.refs(&self.service);
        assert_eq!(now.len(), self.refs.len(), "{}", self.service);
        for (before, now) in self.refs.iter().zip(&now) {
            assert_eq!(now["File"], before["File"], "{}", self.service);
            let expected = if before["SecretName"] == old {
                name
            } else {
                before["SecretName"].as_str().unwrap()
            };
            assert_eq!(now["SecretName"], expected, "{}", self.service);
        }
    }
}

/// Every running container of the service serves this value, and there are as many as wanted.
pub fn assert_serves(rig: &Rig, service: &str, path: &str, value: &str, count: usize) {
    let wanted = fingerprint(value.as_bytes());
    let mut answers = Vec::new();
    rig.wait_until(&format!("{count} containers of {service} answer"), || {
        answers = rig.served(service);
        answers.len() == count
    });
    for answer in answers {
        assert_eq!(answer[path]["fingerprint"], wanted.as_str(), "{service} {path}: {answer}");
    }
}

/// The run is over, holds no lock and keeps no key.
pub fn assert_over(operator: &Operator) {
    let open = operator.json("runs --open");
    assert_eq!(open.as_array().map(Vec::len), Some(0), "{open}");
    let keys = std::fs::read_dir(operator.state().join("keys")).unwrap().count();
    assert_eq!(keys, 0, "a key is left over");
}

/// The text is nowhere in what the program wrote: its state, byte for byte, and what it printed.
pub fn assert_nowhere(canary: &str, operator: &Operator, printed: &str) {
    assert!(!printed.contains(canary), "printed: {printed}");
    let mut directories = vec![operator.state().to_owned()];
    while let Some(directory) = directories.pop() {
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
                assert!(!found, "the canary is in {}", path.display());
            }
        }
    }
}
