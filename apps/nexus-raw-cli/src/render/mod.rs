//! Output for people.

mod events;
mod failure;
mod feed;
mod record;
mod text;

use self::text::{Escaped, with_thousands};
pub(crate) use self::{events::AssetEvents, failure::failure, feed::Feed, record::record};
