use figment::Figment;
use figment::value::Value;

use crate::faults::Faults;
use crate::keys;
use crate::layers::origin;

/// Reads leaves of the merged tree by their type, one by one, so that each bad one is told.
pub(crate) struct Leaves<'a> {
    figment: &'a Figment,
    faults: &'a mut Faults,
}

impl<'a> Leaves<'a> {
    pub(crate) fn new(figment: &'a Figment, faults: &'a mut Faults) -> Self {
        Self { figment, faults }
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.read(name, Value::into_string)?;
        if text.is_empty() {
            self.refuse(
                name,
                "must not be empty; leave the key out instead".to_owned(),
            );
            return None;
        }
        Some(text)
    }

    /// An integer, saturated: what does not fit is out of every key's range anyway.
    pub(crate) fn integer(&mut self, name: &str) -> Option<i64> {
        self.read(name, |value| {
            let number = value.to_i128()?;
            Some(i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX }))
        })
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read(name, |value| value.to_bool())
    }

    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, |value| {
            value
                .into_array()?
                .into_iter()
                .map(Value::into_string)
                .collect()
        })
    }

    fn read<T>(&mut self, name: &str, take: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        let value = self.figment.find_value(name).ok()?;
        let taken = take(value);
        if taken.is_none() {
            let rule = keys::find(name).map_or("another type", |key| key.rule);
            self.refuse(name, format!("must be {rule}"));
        }
        taken
    }

    fn refuse(&mut self, name: &str, reason: String) {
        self.faults.add(name, reason, origin(self.figment, name));
    }
}
