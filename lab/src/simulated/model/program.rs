//! What runs in a container. The model runs nothing; it knows how long a few programs run, with
//! what status they end, and when the lab's own image refuses its secrets.

use serde_json::Value;

/// The image of [`crate::image`], under any registry's name.
const APP: &str = "windlass/app";

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// `windlass/app`, as `lab/src/image/app.sh` does it.
    App(Box<App>),
    /// Ends by itself, and says so much until then.
    Ends { after_ms: i64, status: i32, says: Vec<Said> },
    /// Runs until it is stopped.
    Runs,
}

/// A line of output, so long after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) after_ms: i64,
    pub(crate) text: String,
}

/// The environment of the lab's app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct App {
    /// A value that begins so ends it.
    pub(crate) refuse: String,
    pub(crate) leak: bool,
    pub(crate) files: Vec<String>,
    pub(crate) user: String,
}

impl Program {
    /// Reads it from a container's spec.
    pub(crate) fn read(container: &Value) -> Self {
        let words = ["Command", "Args"].into_iter().filter_map(|key| container[key].as_array());
        let words: Vec<&str> = words.flatten().filter_map(Value::as_str).collect();
        let image = container["Image"].as_str().unwrap_or_default();
        if words.is_empty() || words == ["/app"] {
            return if is_app(image) {
                Program::App(Box::new(app(container)))
            } else {
                Program::Runs
            };
        }
        match ending(&words) {
            Some(Ending { after_ms, status, says }) => Program::Ends { after_ms, status, says },
            None => Program::Runs,
        }
    }
}

/// True if this is the lab's image, whatever its tag.
pub(crate) fn is_app(image: &str) -> bool {
    repository(image) == APP
}

/// True if nobody has this image: the lab's own has two tags, and all others exist.
pub(crate) fn is_missing(image: &str) -> bool {
    let tag = image.split('@').next().unwrap_or_default()[repository(image).len()..].to_owned();
    is_app(image) && !["", ":latest", ":2"].contains(&tag.as_str())
}

fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let slash = image.rfind('/').unwrap_or(0);
    image[slash..].find(':').map_or(image, |colon| &image[..slash + colon])
}

fn app(container: &Value) -> App {
    let mut app = App::default();
    for line in container["Env"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        match line.split_once('=') {
            Some(("REFUSE", text)) => text.clone_into(&mut app.refuse),
            Some(("LEAK", text)) => app.leak = text == "1",
            Some(("SECRET_FILES", text)) => {
                app.files = text.split_whitespace().map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    container["User"].as_str().unwrap_or_default().clone_into(&mut app.user);
    app
}

/// How a command line ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ending {
    after_ms: i64,
    status: i32,
    says: Vec<Said>,
}

/// Returns how a command line ends; none if it never does.
fn ending(words: &[&str]) -> Option<Ending> {
    let mut ending = Ending::default();
    let ["sh" | "/bin/sh" | "ash" | "/bin/ash" | "bash" | "/bin/bash", "-c", script] = words else {
        ending.goes_on(words)?;
        return Some(ending);
    };
    let parts = script.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty());
    for part in parts {
        let part = part.strip_prefix("exec ").unwrap_or(part);
        for words in part.split("&&").map(|part| part.split_whitespace().collect::<Vec<_>>()) {
            if let ["exit", code] = words[..] {
                ending.status = code.parse().ok()?;
                return Some(ending);
            }
            ending.goes_on(&words)?;
            if ending.status != 0 {
                break;
            }
        }
    }
    Some(ending)
}

impl Ending {
    /// Runs one more program; none if it never ends.
    fn goes_on(&mut self, words: &[&str]) -> Option<()> {
        let (after_ms, status) = simple(words)?;
        if let Some(text) = echoed(words) {
            self.says.push(Said { after_ms: self.after_ms, text });
        }
        (self.after_ms, self.status) = (self.after_ms + after_ms, status);
        Some(())
    }
}

/// Returns what `echo` prints, unless that needs a shell to know.
fn echoed(words: &[&str]) -> Option<String> {
    let ["echo", words @ ..] = words else { return None };
    let plain = |word: &&str| !word.contains(['>', '<', '|', '&', '$', '`', '*', '\\', '\'', '"']);
    let option = words.first().is_some_and(|word| word.starts_with('-'));
    (!option && words.iter().all(plain)).then(|| words.join(" "))
}

fn simple(words: &[&str]) -> Option<(i64, i32)> {
    match words {
        ["true" | "/bin/true" | ":"] | ["echo", ..] => Some((0, 0)),
        ["false" | "/bin/false"] => Some((0, 1)),
        ["sleep" | "/bin/sleep", time] => {
            let (digits, unit) = match time.chars().last()? {
                's' => (&time[..time.len() - 1], 1.0),
                'm' => (&time[..time.len() - 1], 60.0),
                'h' => (&time[..time.len() - 1], 3_600.0),
                'd' => (&time[..time.len() - 1], 86_400.0),
                _ => (*time, 1.0),
            };
            let seconds: f64 = digits.parse().ok().filter(|s: &f64| *s >= 0.0 && *s < 1e9)?;
            #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
            Some(((seconds * unit * 1_000.0) as i64, 0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_command_lines_are_known() {
        for (words, ends) in [
            (&["true"][..], Some((0, 0))),
            (&["false"], Some((0, 1))),
            (&["sleep", "1.5"], Some((1_500, 0))),
            (&["sleep", "2m"], Some((120_000, 0))),
            (&["sh", "-c", "exit 3"], Some((0, 3))),
            (&["sh", "-c", "sleep 2; exit 4"], Some((2_000, 4))),
            (&["sh", "-c", "sleep 1 && sleep 1"], Some((2_000, 0))),
            (&["sh", "-c", "sleep 1 && false"], Some((1_000, 1))),
            (&["sh", "-c", "while true; do sleep 1; done"], None),
            (&["sleep", "infinity"], None),
            (&["nginx", "-g", "daemon off;"], None),
        ] {
            let ending = ending(words).map(|ending| (ending.after_ms, ending.status));
            assert_eq!(ending, ends, "{words:?}");
        }
    }

    #[test]
    fn what_echo_prints_is_known_when_no_shell_has_a_say() {
        let says = |script: &str| ending(&["sh", "-c", script]).unwrap().says;
        let said = |after_ms, text: &str| Said { after_ms, text: text.to_owned() };
        assert_eq!(says("echo a b; sleep 1; echo c"), [said(0, "a b"), said(1_000, "c")]);
        assert_eq!(says("false && echo a; echo $HOME; echo x > /y; echo -n z"), []);
        assert_eq!(ending(&["echo", "hello"]).unwrap().says, [said(0, "hello")]);
    }

    #[test]
    fn the_labs_image_is_known_by_any_name_and_has_two_tags() {
        assert!(is_app("windlass/app") && is_app("windlass/app:2@sha256:0123"));
        assert!(!is_app("windlass/apple:2") && !is_app("nginx"));
        assert!(is_missing("windlass/app:9"));
        assert!(!is_missing("windlass/app:2") && !is_missing("reg:5000/nginx:9"));
    }
}
