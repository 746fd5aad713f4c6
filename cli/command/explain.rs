//! `windlass explain`: the pages about error codes, which are also in the book.

use serde_json::json;

use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::table::columns;

macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        [$(($code, include_str!(concat!("../../book/src/errors/", $code, ".md")))),*]
    };
}

/// The pages by code.
pub const PAGES: [(&str, &str); 42] = pages![
    "WL0001", "WL0002", "WL0003", "WL0004", "WL0005", "WL0006", "WL0007", "WL0008", "WL0009",
    "WL0010", "WL0011", "WL0012", "WL0013", "WL0014", "WL0015", "WL0016", "WL0017", "WL0018",
    "WL0019", "WL0020", "WL0021", "WL0022", "WL0023", "WL0024", "WL0025", "WL0030", "WL0031",
    "WL0032", "WL0033", "WL0034", "WL0040", "WL0041", "WL0042", "WL0043", "WL0044", "WL0045",
    "WL0046", "WL0047", "WL0048", "WL0049", "WL0050", "WL0070",
];

/// Prints the page about a code, or lists the codes.
pub fn explain(settings: &Settings, code: Option<&str>) -> Result<Exit, Problem> {
    let Some(code) = code else {
        if settings.json {
            let all = PAGES.map(|(code, page)| json!({ "code": code, "title": title(page) }));
            show::json(&all.to_vec());
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = PAGES
            .iter()
            .map(|(code, page)| vec![(*code).to_owned(), title(page).to_owned()])
            .collect();
        columns(&rows).iter().for_each(|row| show::line(row));
        return Ok(Exit::Done);
    };
    let page = PAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
    let Some((code, page)) = page else {
        let message = format!("there is no error code `{code}`");
        return Err(Problem::new("WL0002", Exit::Usage, message)
            .hint("`windlass explain` lists the codes."));
    };
    if settings.json {
        show::json(&json!({ "code": code, "page": page }));
    } else {
        show::page(page);
    }
    Ok(Exit::Done)
}

fn title(page: &str) -> &str {
    page.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, title)| title)
}
