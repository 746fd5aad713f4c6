//! What a function returns if it does nothing.

use quote::ToTokens;
use syn::{Expr, ReturnType, parse_quote};

/// Returns values that a function could return at once; texts for people are not tried.
pub(crate) fn at_once(output: &ReturnType) -> Vec<Expr> {
    let text = match output {
        ReturnType::Default => return vec![parse_quote!(return)],
        ReturnType::Type(_, kind) => kind.to_token_stream().to_string().replace(' ', ""),
    };
    let result = text.strip_prefix("Result<");
    match text.as_str() {
        "bool" => vec![parse_quote!(return true), parse_quote!(return false)],
        "usize" | "u64" | "i64" | "Millis" => vec![parse_quote!(return 0), parse_quote!(return 1)],
        _ if text.starts_with("Option<") => vec![parse_quote!(return None)],
        _ if text.starts_with("Vec<") => vec![parse_quote!(return Vec::new())],
        _ => match result {
            Some(rest) if rest.starts_with("(),") => vec![parse_quote!(return Ok(()))],
            Some(rest) if rest.starts_with("bool,") => {
                vec![parse_quote!(return Ok(true)), parse_quote!(return Ok(false))]
            }
            Some(rest) if rest.starts_with("Option<") => vec![parse_quote!(return Ok(None))],
            Some(rest) if rest.starts_with("Vec<") => vec![parse_quote!(return Ok(Vec::new()))],
            Some(rest) if rest.starts_with("Probe<") => vec![
                parse_quote!(return Ok(Probe::NotApplied)),
                parse_quote!(return Ok(Probe::Unknown(String::new()))),
            ],
            _ => Vec::new(),
        },
    }
}
