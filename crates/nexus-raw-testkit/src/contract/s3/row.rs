//! One rule of the table.

/// A tested server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// `nexus-raw-embedded-s3`.
    Embedded,
    /// SeaweedFS 4.48.
    SeaweedFs,
}

/// The outcome of a rule as AWS documents it, and those of servers that differ.
#[derive(Debug)]
pub struct Row {
    rule: &'static str,
    aws: &'static str,
    embedded: Option<&'static str>,
    seaweedfs: Option<&'static str>,
}

pub(super) const fn row(rule: &'static str, aws: &'static str) -> Row {
    Row {
        rule,
        aws,
        embedded: None,
        seaweedfs: None,
    }
}

impl Row {
    /// The rule's name.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    pub(super) const fn documented(&self) -> &'static str {
        self.aws
    }

    pub(super) fn outcome_on(&self, server: Server) -> &'static str {
        let differs = match server {
            Server::Embedded => self.embedded,
            Server::SeaweedFs => self.seaweedfs,
        };
        differs.unwrap_or(self.aws)
    }

    pub(super) fn markdown(&self) -> String {
        let rule = self.rule.replace('_', " ");
        let [embedded, seaweedfs] = [self.embedded, self.seaweedfs]
            .map(|differs| differs.map_or("same".to_owned(), |it| format!("**{it}**")));
        format!("| {rule} | {} | {embedded} | {seaweedfs} |\n", self.aws)
    }

    pub(super) const fn embedded(self, outcome: &'static str) -> Self {
        Self {
            embedded: Some(outcome),
            ..self
        }
    }

    pub(super) const fn seaweedfs(self, outcome: &'static str) -> Self {
        Self {
            seaweedfs: Some(outcome),
            ..self
        }
    }
}
