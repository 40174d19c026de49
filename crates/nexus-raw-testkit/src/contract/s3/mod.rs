//! What S3 promises, rule by rule, asked of a store over the wire.
