//! What a person reads.

mod events;
mod failure;
mod feed;
mod record;
mod text;

use self::text::{Shown, with_thousands};
pub(crate) use self::{events::AssetEvents, failure::failure, feed::Feed, record::record};
