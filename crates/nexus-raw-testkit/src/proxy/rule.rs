use std::{fmt, ops::RangeBounds, sync::Arc};

use super::Fault;

/// Called with the number of the request among those of its rule, from 1.
type Hook = Arc<dyn Fn(usize) + Send + Sync>;

/// Which requests a proxy breaks, and how.
///
/// Without any restriction it applies to every request, and without a fault the request is
/// forwarded: then only its hook is called.
#[derive(Clone, Default)]
pub struct FaultRule {
    method: Option<&'static str>,
    contained: Option<String>,
    first: usize,
    last: Option<usize>,
    fault: Option<Fault>,
    hook: Option<Hook>,
    matched: usize,
}

impl fmt::Debug for FaultRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FaultRule")
            .field("method", &self.method)
            .field("contained", &self.contained)
            .field("first", &self.first)
            .field("last", &self.last)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

impl FaultRule {
    /// Returns a rule for every request.
    #[must_use]
    pub fn every() -> Self {
        Self {
            first: 1,
            ..Self::default()
        }
    }

    /// Returns a rule for every request of this method.
    #[must_use]
    pub fn on(method: &'static str) -> Self {
        Self {
            method: Some(method),
            ..Self::every()
        }
    }

    /// Restricts it to requests whose head, that is target and headers, contains this text.
    #[must_use]
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.contained = Some(text.into());
        self
    }

    /// Restricts it to these of the requests that match otherwise, counted from 1.
    #[must_use]
    pub fn only(mut self, numbers: impl RangeBounds<usize>) -> Self {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        self.first = match numbers.start_bound() {
            Included(first) => *first,
            Excluded(before) => before + 1,
            Unbounded => 1,
        };
        self.last = match numbers.end_bound() {
            Included(last) => Some(*last),
            Excluded(after) => Some(after - 1),
            Unbounded => None,
        };
        self
    }

    /// Sets the treatment of these requests.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Sets what is called when the head of such a request has arrived, before anything else
    /// happens to it.
    #[must_use]
    pub fn calling(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Counts a request, and returns the rule's treatment of it, if it applies.
    pub(super) fn apply(&mut self, method: &str, head: &str) -> Option<Applied> {
        let is_other = self.method.is_some_and(|only| only != method)
            || self.contained.as_ref().is_some_and(|it| !head.contains(it));
        if is_other {
            return None;
        }
        self.matched += 1;
        let applies = self.matched >= self.first && self.last.is_none_or(|it| self.matched <= it);
        applies.then(|| Applied {
            number: self.matched,
            fault: self.fault.clone(),
            hook: self.hook.clone(),
        })
    }
}

/// What a rule makes of a request.
pub(super) struct Applied {
    number: usize,
    pub(super) fault: Option<Fault>,
    hook: Option<Hook>,
}

impl Applied {
    pub(super) fn call(&self) {
        if let Some(hook) = &self.hook {
            hook(self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_counts_the_requests_that_match_and_applies_to_those_in_range() {
        let mut rule = FaultRule::on("PUT")
            .containing("partNumber=7&")
            .only(2..=3)
            .fault(Fault::Close);
        let mut applied = |method, head| rule.apply(method, head).and_then(|it| it.fault);
        let head = "PUT /key?partNumber=7&x HTTP/1.1\r\n\r\n";
        assert_eq!(applied("PUT", head), None);
        assert_eq!(applied("GET", head), None);
        assert_eq!(applied("PUT", "PUT /key?partNumber=8&x"), None);
        assert_eq!(applied("PUT", head), Some(Fault::Close));
        assert_eq!(applied("PUT", head), Some(Fault::Close));
        assert_eq!(applied("PUT", head), None);
    }
}
