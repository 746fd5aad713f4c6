//! Windlass over HTTP: the API, its roles, its numbers.
