use std::fmt::Display;

/// A fault of an option.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OptionFault {
    pub(crate) option: String,
    pub(crate) rule: String,
}

/// The faults of all options, reported together.
#[derive(Debug, Default)]
pub(crate) struct OptionFaults(Vec<OptionFault>);

impl OptionFaults {
    /// Returns the value, or notes why there is none.
    pub(crate) fn check<T>(
        &mut self,
        option: impl Display,
        value: Result<T, impl Display>,
    ) -> Option<T> {
        value
            .map_err(|rule| {
                self.0.push(OptionFault {
                    option: option.to_string(),
                    rule: rule.to_string(),
                });
            })
            .ok()
    }

    /// Returns the result, which is there unless an option has a fault.
    pub(crate) fn finish<T>(self, result: Option<T>) -> Result<T, Vec<OptionFault>> {
        match result {
            Some(result) if self.0.is_empty() => Ok(result),
            _ => Err(self.0),
        }
    }
}
