//! This document.

use axum::http::header;
use axum::response::IntoResponse;

use super::super::ANYBODY;
use super::super::prelude::*;
use crate::openapi;
use crate::table::table;

/// This document.
pub struct Document;

impl Operation for Document {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/openapi.json";
    const NEED: Need = ANYBODY;
    const ABOUT: &'static str = "This document";
    const CONTENT: &'static str = "application/json";
    type Query = ();
    type Body = ();
    type Answer = ();

    async fn carry_out(_: Desk, _: Call<(), ()>) -> Result<Answer<()>, Problem> {
        let document = openapi::document(&table()).to_string();
        let json = [(header::CONTENT_TYPE, "application/json")];
        Ok(Answer::other((json, document).into_response()))
    }
}
