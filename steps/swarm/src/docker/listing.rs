//! All services of one answer, each as the text in which it came.
//!
//! Most services of a large swarm don't use the secret that a rotation is about. Trees of all of them
//! would take hundreds of megabytes for ten thousand, and making them was most of the time of a
//! plan; so trees are made of those only that somebody asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Deserializer, Value};

use super::connection::parsed;
use super::error::DockerError;

/// The services, by ID. The texts are parts of the one answer.
#[derive(Debug)]
pub(crate) struct Listing(BTreeMap<String, Bytes>);

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "ID", borrow)]
    id: Cow<'a, str>,
}

impl Listing {
    /// Takes the answer to `GET /services` apart.
    pub(super) fn of(answer: &Bytes) -> Result<Self, DockerError> {
        let malformed = |reason: String| DockerError::Malformed { reason };
        let no_list = || malformed("it is not a list of services".to_owned());
        let text = std::str::from_utf8(answer).map_err(|error| malformed(error.to_string()))?;
        let mut services = BTreeMap::new();
        if text.trim() == "null" {
            return Ok(Listing(services));
        }
        let mut rest = text.trim_start().strip_prefix('[').ok_or_else(no_list)?.trim_start();
        while !rest.starts_with(']') {
            let mut item = Deserializer::from_str(rest).into_iter::<Named<'_>>();
            let named = item.next().ok_or_else(no_list)?;
            let named = named.map_err(|error| malformed(error.to_string()))?;
            let (service, after) = rest.split_at(item.byte_offset());
            services.insert(named.id.into_owned(), answer.slice_ref(service.as_bytes()));
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.starts_with(']') => after,
                None => return Err(no_list()),
            };
        }
        Ok(Listing(services))
    }

    /// Returns the service with this ID, if there is one.
    ///
    /// # Errors
    /// If its text can't be read.
    pub(crate) fn service(&self, id: &str) -> Result<Option<Value>, DockerError> {
        self.0.get(id).map(|text| parsed(text)).transpose()
    }

    /// Calls `each` for every service in whose text the ID of an object occurs, and for those that
    /// `also` takes by their ID, one after another.
    ///
    /// # Errors
    /// If the text of one can't be read.
    pub(crate) fn each_that_names(
        &self,
        object: &str,
        also: impl Fn(&str) -> bool,
        mut each: impl FnMut(Value),
    ) -> Result<(), DockerError> {
        for (id, text) in &self.0 {
            // IDs are letters and digits: no spelling in JSON hides them.
            let names = std::str::from_utf8(text).is_ok_and(|text| text.contains(object));
            if names || also(id) {
                each(parsed(text)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(text: &'static str) -> Result<Listing, DockerError> {
        Listing::of(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn services_are_found_by_id_and_by_what_they_name() {
        let listing = listing(
            r#" [ {"ID":"s1","Spec":{"Name":"a]b","Secret":"old"}} ,{"Spec":{"Name":"\"},{"},"ID":"s2"}, {"ID":"s3"} ] "#,
        );
        let listing = listing.unwrap();
        assert_eq!(listing.service("s2").unwrap().unwrap()["Spec"]["Name"], "\"},{");
        assert_eq!(listing.service("s4").unwrap(), None);
        let mut found = Vec::new();
        let each = |service: Value| found.push(service["ID"].clone());
        listing.each_that_names("old", |id| id == "s3", each).unwrap();
        assert_eq!(found, ["s1", "s3"]);
    }

    #[test]
    fn an_answer_that_is_no_list_of_services_is_refused() {
        for none in ["null", "[]", " [ ] "] {
            assert!(listing(none).unwrap().0.is_empty(), "{none}");
        }
        for wrong in ["", "{}", "[", "[1]", "[{}]", r#"[{"ID":"a"}"#, r#"[{"ID":"a"} {"ID":"b"}]"#]
        {
            assert!(listing(wrong).is_err(), "{wrong}");
        }
    }
}
