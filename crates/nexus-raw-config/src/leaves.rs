//! Reads the leaves of the merged tree one by one, so that each invalid one is reported.

use std::time::Duration;

use figment::{Figment, Profile};
use nexus_raw::asset::ByteSize;
use validator::Validate;

use crate::faults::Faults;
use crate::form::Form;
use crate::key::Key;

/// A reader of the merged tree that collects faults.
pub(crate) struct Leaves<'a> {
    figment: &'a Figment,
    faults: &'a mut Faults,
}

impl<'a> Leaves<'a> {
    pub(crate) fn new(figment: &'a Figment, faults: &'a mut Faults) -> Self {
        Self { figment, faults }
    }

    /// Returns the value of a key, or `None` if it is missing or invalid; the latter adds a fault.
    pub(crate) fn read<T>(&mut self, name: &str, form: &Form<T>) -> Option<T> {
        let value = self.figment.find_value(name).ok()?;
        match form.read(value) {
            Ok(read) => Some(read),
            Err(reason) => {
                self.refuse(name, reason);
                None
            }
        }
    }

    /// Checks the ranges of a section's numbers. Only the field names of the validator's errors are
    /// used, since their messages contain values.
    pub(crate) fn check(&mut self, keys: &[Key], section: &impl Validate) {
        let Err(errors) = section.validate() else {
            return;
        };
        for key in keys {
            if errors.errors().contains_key(key.parts().1) {
                self.refuse(key.name, format!("must be {}", key.rule));
            }
        }
    }

    fn refuse(&mut self, name: &str, reason: String) {
        self.faults.add(name, reason, origin(self.figment, name));
    }
}

/// Returns where the value of a key came from, for faults and the printed configuration.
pub(crate) fn origin(figment: &Figment, key: &str) -> Option<String> {
    let metadata = figment.find_metadata(key)?;
    let path: Vec<&str> = key.split('.').collect();
    Some(metadata.interpolate(&Profile::Default, &path))
}

/// A setting made from one key, whose value is read as `T`.
pub(crate) trait Setting<T>: Sized {
    /// Returns the setting; `None`, with a fault, if a required value is missing.
    fn of(name: &str, value: Option<T>, faults: &mut Faults) -> Option<Self>;
}

impl<T> Setting<T> for T {
    fn of(name: &str, value: Option<T>, faults: &mut Faults) -> Option<Self> {
        faults.need(name, value)
    }
}

impl<T> Setting<T> for Option<T> {
    fn of(_: &str, value: Option<T>, _: &mut Faults) -> Option<Self> {
        Some(value)
    }
}

impl Setting<i64> for Duration {
    fn of(name: &str, seconds: Option<i64>, faults: &mut Faults) -> Option<Self> {
        let seconds = faults.need(name, seconds)?;
        Some(Self::from_secs(seconds.unsigned_abs()))
    }
}

impl Setting<i64> for ByteSize {
    fn of(name: &str, bytes: Option<i64>, faults: &mut Faults) -> Option<Self> {
        let size = bytes.and_then(|bytes| Self::parse(u64::try_from(bytes).ok()?).ok());
        faults.need(name, size)
    }
}

impl Setting<i64> for u32 {
    fn of(name: &str, count: Option<i64>, faults: &mut Faults) -> Option<Self> {
        faults.need(name, count.and_then(|count| count.try_into().ok()))
    }
}
