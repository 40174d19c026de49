//! The one table of keys: what is known, defaults, secrets, documentation.

mod markdown;
mod table;

pub use markdown::markdown_table;
pub use table::secret_keys;
pub(crate) use table::{all, find, find_by_file_form, is_section, place, unknown};
