use std::collections::BTreeMap;

use serde::Serialize;

/// A policy (AWS IAM User Guide, "IAM JSON policy elements reference").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    sid: &'static str,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'static str>,
    action: Vec<&'static str>,
    #[serde(flatten)]
    resources: Resources,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// What a statement applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum Resources {
    /// These.
    #[serde(rename = "Resource")]
    These(Vec<String>),
    /// All but these.
    #[serde(rename = "NotResource")]
    Others(Vec<String>),
}

impl PolicyDocument {
    pub(super) fn new(statement: Vec<Statement>) -> Self {
        Self {
            version: "2012-10-17",
            statement,
        }
    }
}

impl Statement {
    /// A refusal to everybody, for the policy of a bucket.
    pub(super) fn deny(sid: &'static str, actions: &[&'static str], resources: Resources) -> Self {
        Self {
            principal: Some("*"),
            ..Self::new(sid, Effect::Deny, actions, resources)
        }
    }

    /// A permission of the role to which the policy is attached.
    pub(super) fn allow(sid: &'static str, actions: &[&'static str], these: Vec<String>) -> Self {
        Self::new(sid, Effect::Allow, actions, Resources::These(these))
    }

    fn new(
        sid: &'static str,
        effect: Effect,
        actions: &[&'static str],
        resources: Resources,
    ) -> Self {
        Self {
            sid,
            effect,
            principal: None,
            action: actions.to_vec(),
            resources,
            condition: BTreeMap::new(),
        }
    }

    /// Adds a condition; all of them must hold.
    pub(super) fn only_if(
        mut self,
        operator: &'static str,
        key: &'static str,
        value: impl Into<String>,
    ) -> Self {
        let of_operator = self.condition.entry(operator).or_default();
        of_operator.insert(key, value.into());
        self
    }
}
