//! What was done, for those who must believe it later: reports, signed journals.
