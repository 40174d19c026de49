//! The policy of the bucket, against the one that the server prints.

use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::checkup::Examined;
use serde_json::Value;

use super::{Configured, applied, configured, unreadable};
use crate::{failure::RequestFailure, store::Store};

const CHECK: &str = "bucket.policy";

pub(super) async fn examine(store: &Store) -> Vec<Examined> {
    let request = store
        .client
        .get_bucket_policy()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer = answer.map_err(|error| RequestFailure::sdk("GetBucketPolicy", &error));
    let text = match configured(answer, "NoSuchBucketPolicy") {
        Err(failure) => return vec![unreadable(CHECK, &failure, "s3:GetBucketPolicy")],
        Ok(Configured::Unsupported) => {
            return vec![Examined::note(
                CHECK,
                "not supported by this store: whoever has the service's keys can replace objects",
            )];
        }
        Ok(Configured::Absent) => None,
        Ok(Configured::As(found)) => found.policy.filter(|it| !it.is_empty()),
    };
    let there = text.map(|text| serde_json::from_str::<Value>(&text));
    let there = match there.transpose() {
        Ok(there) => there.map(|it| statements(&it)).unwrap_or_default(),
        Err(_) => {
            return vec![Examined::unknown(
                CHECK,
                "the store returned a policy that is no JSON",
                "look at it by `aws s3api get-bucket-policy`",
            )];
        }
    };
    let printed = serde_json::to_value(store.settings.bucket_policy()).unwrap_or_default();
    let needed = statements(&printed);
    let lacking: Vec<_> = needed
        .iter()
        .filter(|needed| !there.iter().any(|it| it.does(needed)))
        .map(|it| it.sid.as_str())
        .collect();
    let mut all = Vec::new();
    if !lacking.is_empty() {
        let put = applied(store, "bucket-policy", "put-bucket-policy", "--policy");
        let mend = if there.is_empty() {
            put
        } else {
            format!("{put}; add the statements of your own that are to stay")
        };
        let found = format!("lacks what refuses to everybody: {}", lacking.join(", "));
        all.push(Examined::fault(CHECK, found, mend));
    }
    for public in there.iter().filter(|it| it.is_public_grant()) {
        let actions: Vec<_> = public
            .actions
            .iter()
            .map(|it| it.escape_debug().to_string())
            .collect();
        all.push(Examined::fault(
            CHECK,
            format!("allows {} to everybody", actions.join(", ")),
            format!("remove the statement {:?} from the policy", public.sid),
        ));
    }
    if all.is_empty() {
        all.push(Examined::sound(
            CHECK,
            "refuses to everybody what the service never does",
        ));
    }
    all
}

/// A statement of a policy, for comparison (AWS IAM User Guide, "Grammar of the IAM JSON policy
/// language": a list of one may be written without brackets; names of actions have no case).
#[derive(Debug, PartialEq, Eq)]
struct Compared {
    sid: String,
    effect: String,
    is_for_everybody: bool,
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
    /// All resources but these.
    others: BTreeSet<String>,
    conditions: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

fn statements(policy: &Value) -> Vec<Compared> {
    let one_or_more = match &policy["Statement"] {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    one_or_more.into_iter().map(Compared::of).collect()
}

impl Compared {
    fn of(statement: &Value) -> Self {
        let text = |name: &str| statement[name].as_str().unwrap_or_default().to_owned();
        let principal = &statement["Principal"];
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        let conditions = conditions.map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            let keys = keys.map(|(key, values)| (key.to_ascii_lowercase(), texts(values)));
            (operator.to_ascii_lowercase(), keys.collect())
        });
        let actions = texts(&statement["Action"]);
        Self {
            sid: text("Sid"),
            effect: text("Effect"),
            is_for_everybody: principal == "*" || texts(&principal["AWS"]).contains("*"),
            actions: actions.iter().map(|it| it.to_ascii_lowercase()).collect(),
            resources: texts(&statement["Resource"]),
            others: texts(&statement["NotResource"]),
            conditions: conditions.collect(),
        }
    }

    /// Returns whether it does at least what a printed statement does. Conditions must be the same:
    /// which of two is stricter cannot be told in general.
    fn does(&self, needed: &Self) -> bool {
        let has_action = |it: &String| {
            self.actions.contains(it) || self.actions.contains("s3:*") || self.actions.contains("*")
        };
        let has_resource =
            |it: &String| self.resources.contains(it) || self.resources.contains("*");
        let same_kind = self.others.is_empty() == needed.others.is_empty();
        self.effect == needed.effect
            && self.is_for_everybody
            && needed.actions.iter().all(has_action)
            && needed.resources.iter().all(has_resource)
            && same_kind
            && self.others.is_subset(&needed.others)
            && self.conditions == needed.conditions
    }

    fn is_public_grant(&self) -> bool {
        self.effect == "Allow" && self.is_for_everybody && self.conditions.is_empty()
    }
}

/// The texts of a text, a list, a number or a truth value.
fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Null | Value::Object(_) => BTreeSet::new(),
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::String(text) => BTreeSet::from([text.clone()]),
        other => BTreeSet::from([other.to_string()]),
    }
}
