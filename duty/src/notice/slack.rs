//! Messages to Slack, and to what understands the same: Mattermost, Rocket.Chat, Discord (`/slack`).

use serde_json::json;

use super::config::Slack;
use super::http;
use super::message::{Kind, Notice};
use super::send::{Refusal, read_secret};

pub(super) async fn send(to: &Slack, notice: &Notice) -> Result<String, Refusal> {
    let url = read_secret(&to.url_file)?;
    let url = std::str::from_utf8(url.expose());
    let url = url.map_err(|_| Refusal::refused("`url_file` holds no text"))?;
    let body = json!({ "text": text(notice) }).to_string().into_bytes();
    // Slack ignores the key; what stands between may not.
    let headers = [("webhook-id", notice.key.clone())];
    http::post(url, &headers, body, to.ca_file.as_deref()).await
}

/// Returns the notice in Slack's own markup, in which three characters must be written otherwise.
fn text(notice: &Notice) -> String {
    let mark = match notice.kind {
        Kind::Finished | Kind::Recovered | Kind::Test => "",
        Kind::Failed | Kind::Stuck | Kind::Waiting | Kind::Missed | Kind::Overdue => "*",
    };
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut lines = vec![format!("{mark}{}{mark}", escaped(&notice.title))];
    lines.extend(notice.lines.iter().map(|line| escaped(line)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_notice_stays_text() {
        let mut notice = Notice::test("chat", 0);
        notice.title = "a <!channel> & b".to_owned();
        assert_eq!(text(&notice), "a &lt;!channel&gt; &amp; b");
        notice.kind = Kind::Stuck;
        assert_eq!(text(&notice), "*a &lt;!channel&gt; &amp; b*");
    }
}
