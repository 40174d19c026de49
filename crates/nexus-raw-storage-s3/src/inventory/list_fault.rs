use nexus_raw::ports::InventoryError;

/// A list that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListFault {
    #[error("an item lacks its key or id")]
    Item,
    #[error("an item lacks its entity tag, length or time")]
    Pin,
    #[error("a key is no UTF-8")]
    Key,
    #[error("a list that goes on does not say where")]
    Next,
    #[error("the place of a page is none of this store")]
    Token,
}

impl From<ListFault> for InventoryError {
    fn from(fault: ListFault) -> Self {
        Self::Unusable(Box::new(fault))
    }
}
