//! The statements of lists, the same for both databases but for how a value is written.
//!
//! One filter leads: the index that begins with it gives the assets in the order of the list. The
//! others are checked row by row, and then a floor bounds how far down a page looks.

use std::{fmt::Write, sync::Arc};

use nexus_raw::{
    asset::AssetId,
    ports::{AssetFilter, AssetPage, AssetQuery, ContentTypeFilter, Downloadable, ListItem},
    tenancy::Scope,
    time::Timestamp,
};

use crate::{
    error::CorruptColumn,
    rows::{Columns, decode},
};

/// A value of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Bytes(Vec<u8>),
    Id(AssetId),
}

/// A piece of SQL with a `?` for each value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Sql {
    /// A statement about a scope, whose two values are the first.
    pub(crate) fn of(text: &str, scope: &Scope) -> Self {
        let of_scope = [scope.tenant.as_str(), scope.environment.as_str()];
        Self::condition(text, of_scope.map(|it| Value::Text(it.to_owned())))
    }

    pub(crate) fn push(
        &mut self,
        text: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        self.text.push_str(text);
        self.values.extend(values);
        self
    }

    /// Adds a list of ids in parentheses, of at least one.
    pub(crate) fn push_ids(&mut self, ids: impl IntoIterator<Item = AssetId>) {
        let mut separator = "(";
        for id in ids {
            self.push(separator, []).push("?", [Value::Id(id)]);
            separator = ", ";
        }
        self.push(")", []);
    }

    fn condition(text: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let mut sql = Self::default();
        sql.push(text, values);
        sql
    }
}

/// What the two databases say in their own ways.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Select<'s> {
    /// The columns of `asset a`.
    pub(crate) columns: &'s str,
    /// How a table is joined to the one before, which is read first.
    pub(crate) join: &'s str,
    /// What is written before and after a condition that no index is to be chosen by.
    pub(crate) unindexed: [&'s str; 2],
    /// Whether `asset a` and all its ancestors allow training.
    pub(crate) effective: &'s str,
}

/// A filter of a list as SQL: where its rows come from, in order, and what must hold of each.
pub(crate) struct Listing {
    /// The table that the order comes from, by its alias.
    from: &'static str,
    order: char,
    /// Conditions that its index answers.
    leading: Vec<Sql>,
    /// Conditions that are checked row by row.
    checked: Vec<Sql>,
    /// Whether it and all its ancestors must allow training, or must not. It is checked last.
    effective: Option<bool>,
}

const ASSET: &str = "asset a";
const LABELS: &str = "asset_label w";
const EDGES: &str = "lineage_edge w";
const OF_LABEL: &str = "(SELECT l.value FROM asset_label l
    WHERE (l.tenant_id, l.env) = (a.tenant_id, a.env) AND l.asset_id = a.asset_id
        AND l.label = ? AND l.in_force) = ?";
/// The offset keeps PostgreSQL from a join, which would read all children of the parent first.
const OF_PARENT: &str = "EXISTS (SELECT 1 FROM lineage_edge e
    WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id
        AND e.parent_id = ? LIMIT 1 OFFSET 0)";

impl Listing {
    pub(crate) fn of(scope: &Scope, filter: &AssetFilter) -> Self {
        let mut candidates = Vec::new();
        if let Some(sha256) = filter.sha256 {
            candidates.push(Sql::condition(
                "a.sha256 = ?",
                [Value::Bytes(sha256.as_bytes().to_vec())],
            ));
        }
        if let Some(name) = &filter.filename {
            candidates.push(Sql::condition(
                "a.filename = ?",
                [Value::Text(name.clone())],
            ));
        }
        if let Some(size) = filter.size_bytes {
            let size = i64::try_from(size.get()).unwrap_or(i64::MAX);
            candidates.push(Sql::condition("a.size_bytes = ?", [Value::Integer(size)]));
        }
        if let Some(user) = &filter.registered_by {
            candidates.push(Sql::condition(
                "a.registered_by = ?",
                [Value::Text(user.to_string())],
            ));
        }
        if let Some(ContentTypeFilter::Whole(whole)) = &filter.content_type {
            candidates.push(Sql::condition(
                "a.content_type = ?",
                [Value::Text(whole.to_string())],
            ));
        }
        if filter.train_ok_effective == Some(true) {
            candidates.push(Sql::condition("a.train_ok_effective", []));
        }
        let mut checked = row_by_row(filter);
        let mut labels = filter
            .labels
            .iter()
            .map(|(label, value)| [label, value].map(|it| Value::Text(it.clone())));
        // what finds the fewest leads, as far as that can be known
        let leads_by_content = filter.sha256.is_some() || filter.filename.is_some();
        let (from, order, mut leading) =
            if let (Some(parent), false) = (filter.derived_from, filter.sha256.is_some()) {
                checked.append(&mut candidates);
                (
                    EDGES,
                    'w',
                    vec![Sql::condition("w.parent_id = ?", [Value::Id(parent)])],
                )
            } else if !leads_by_content && let Some(first) = labels.next() {
                checked.append(&mut candidates);
                (
                    LABELS,
                    'w',
                    vec![Sql::condition(
                        "w.label = ? AND w.value = ? AND w.in_force",
                        first,
                    )],
                )
            } else {
                let rest = candidates.split_off(candidates.len().min(1));
                checked.extend(rest);
                (ASSET, 'a', candidates)
            };
        checked.extend(labels.map(|label| Sql::condition(OF_LABEL, label)));
        if from != EDGES
            && let Some(parent) = filter.derived_from
        {
            checked.push(Sql::condition(OF_PARENT, [Value::Id(parent)]));
        }
        leading.insert(
            0,
            Sql::of(&format!("({order}.tenant_id, {order}.env) = (?, ?)"), scope),
        );
        Self {
            from,
            order,
            leading,
            checked,
            effective: filter.train_ok_effective,
        }
    }

    /// Whether rows are looked at that the page does not have.
    pub(crate) fn is_checked(&self) -> bool {
        !self.checked.is_empty() || self.effective.is_some()
    }

    /// The sequence of the last row that a page may look at: one column, and one row where there
    /// are more rows than that.
    pub(crate) fn floor(&self, before: i64) -> Sql {
        let order = self.order;
        let mut sql = Sql::default();
        sql.push(
            &format!(
                "SELECT {order}.registered_sequence FROM {} WHERE ",
                self.from
            ),
            [],
        );
        self.push_leading(&mut sql, before);
        let _ = write!(
            sql.text,
            " ORDER BY {order}.registered_sequence DESC LIMIT 1 OFFSET {}",
            AssetQuery::MAX_ROWS - 1
        );
        sql
    }

    /// The rows of `asset a`, as `columns`, newest first.
    pub(crate) fn rows(&self, select: Select<'_>, before: i64, floor: i64, limit: u32) -> Sql {
        let Select {
            columns,
            join,
            unindexed,
            effective,
        } = select;
        let order = self.order;
        let mut sql = Sql::default();
        sql.push(&format!("SELECT {columns} FROM {}", self.from), []);
        if self.from != ASSET {
            let id = if self.from == EDGES {
                "child_id"
            } else {
                "asset_id"
            };
            let _ = write!(
                sql.text,
                " {join} asset a ON (a.tenant_id, a.env, a.asset_id) = (w.tenant_id, w.env, w.{id})"
            );
        }
        sql.push(" WHERE ", []);
        self.push_leading(&mut sql, before);
        if self.is_checked() {
            sql.push(
                &format!(" AND {order}.registered_sequence >= ?"),
                [Value::Integer(floor)],
            );
        }
        for Sql { text, values } in &self.checked {
            // the floor counts the rows of the index that leads, so no other may be taken
            let [before, after] = if text.starts_with("a.") {
                unindexed
            } else {
                ["", ""]
            };
            sql.push(" AND ", []).push(before, []);
            sql.push(text, values.iter().cloned()).push(after, []);
        }
        if let Some(allowed) = self.effective {
            let not = if allowed { "" } else { "NOT " };
            sql.push(&format!(" AND {not}{effective}"), []);
        }
        let _ = write!(
            sql.text,
            " ORDER BY {order}.registered_sequence DESC LIMIT {limit}"
        );
        sql
    }

    fn push_leading(&self, sql: &mut Sql, before: i64) {
        for Sql { text, values } in &self.leading {
            sql.push(text, values.iter().cloned()).push(" AND ", []);
        }
        sql.push(
            &format!("{}.registered_sequence < ?", self.order),
            [Value::Integer(before)],
        );
    }
}

/// The filters that no index leads by.
fn row_by_row(filter: &AssetFilter) -> Vec<Sql> {
    let starts_with = |column: &str, start: &str| {
        let length = start.chars().count();
        Sql::condition(
            &format!("substr({column}, 1, {length}) = ?"),
            [Value::Text(start.to_owned())],
        )
    };
    let mut checked = Vec::new();
    if let Some(ContentTypeFilter::Type(kind)) = &filter.content_type {
        checked.push(starts_with("a.content_type", &format!("{kind}/")));
    }
    if let Some(start) = &filter.filename_prefix {
        checked.push(starts_with("a.filename", start));
    }
    for (text, at) in [
        ("a.captured_at >= ?", filter.captured_from),
        ("a.captured_at < ?", filter.captured_to),
        ("a.imported_at >= ?", filter.imported_from),
        ("a.imported_at < ?", filter.imported_to),
    ] {
        checked.extend(at.map(|at| Sql::condition(text, [Value::Integer(at.as_micros())])));
    }
    if let Some(allowed) = filter.train_ok {
        let not = if allowed { "" } else { "NOT " };
        let text = format!("{not}coalesce(a.stated_train_ok, a.train_ok)");
        checked.push(Sql::condition(&text, []));
    }
    if let Some(flag) = filter.pii_flag {
        checked.push(Sql::condition(
            "CAST(coalesce(a.stated_pii_flags, a.pii_flags) AS text) LIKE ?",
            [Value::Text(format!("%\"{}\"%", flag.as_str()))],
        ));
    }
    checked
}

/// The page that these rows are, one of which is beyond it where there are more.
pub(crate) fn page<A: ListItem>(
    mut assets: Vec<A>,
    query: &AssetQuery,
    floor: Option<i64>,
) -> Result<AssetPage<A>, CorruptColumn> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let next = if assets.len() > limit {
        assets.truncate(limit);
        assets.last().map(A::sequence)
    } else {
        let floor = floor.map(u64::try_from).transpose();
        floor.map_err(|_| CorruptColumn("asset.registered_sequence"))?
    };
    Ok(AssetPage { assets, next })
}

/// A row of `asset`, with what is in force of it and the end of its `download_grant`.
pub(crate) fn downloadable(row: &Columns<'_>) -> Result<Downloadable, CorruptColumn> {
    const END: &str = "download_grant.ends_at";
    let end: Option<i64> = row.optional(END)?;
    let end = end.map(Timestamp::from_micros).transpose();
    Ok(Downloadable {
        listed: Arc::new(decode::listed(row)?),
        granted_until: end.map_err(|_| CorruptColumn(END))?,
    })
}

/// The place that a query begins before: beyond every registration that is committed by now where
/// it names none.
pub(crate) fn before(query: &AssetQuery, last_sequence: i64) -> i64 {
    let beyond = last_sequence.saturating_add(1);
    query.before.map_or(beyond, |before| {
        i64::try_from(before).unwrap_or(i64::MAX).min(beyond)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use nexus_raw::{
        asset::{ByteSize, PiiFlag, Sha256Digest},
        tenancy::UserId,
        time::Timestamp,
    };
    use nexus_raw_testkit::sample;

    use super::*;

    /// Every filter alone and all of them, each with the index that leads.
    pub(crate) fn filters() -> Vec<(AssetFilter, &'static str)> {
        type Set = fn(&mut AssetFilter);
        let each: [(Set, &str); 17] = [
            (
                |it| it.sha256 = Some(Sha256Digest::of(b"a")),
                "asset_by_sha256",
            ),
            (|it| it.filename = Some("a".to_owned()), "asset_by_filename"),
            (
                |it| it.derived_from = Some(sample::asset_id(1)),
                "lineage_edge_by_parent",
            ),
            (
                |it| it.labels = [("a".to_owned(), "b".to_owned())].into(),
                "asset_by_label",
            ),
            (
                |it| it.size_bytes = ByteSize::parse(1).ok(),
                "asset_by_size_bytes",
            ),
            (
                |it| it.registered_by = UserId::parse("u").ok(),
                "asset_by_registered_by",
            ),
            (
                |it| it.content_type = ContentTypeFilter::parse("image/png").ok(),
                "asset_by_content_type",
            ),
            (
                |it| it.content_type = ContentTypeFilter::parse("image/*").ok(),
                IN_ORDER,
            ),
            (|it| it.filename_prefix = Some("a".to_owned()), IN_ORDER),
            (
                |it| it.captured_from = Some(Timestamp::UNIX_EPOCH),
                IN_ORDER,
            ),
            (|it| it.captured_to = Some(Timestamp::UNIX_EPOCH), IN_ORDER),
            (
                |it| it.imported_from = Some(Timestamp::UNIX_EPOCH),
                IN_ORDER,
            ),
            (|it| it.imported_to = Some(Timestamp::UNIX_EPOCH), IN_ORDER),
            (|it| it.pii_flag = Some(PiiFlag::Face), IN_ORDER),
            (|it| it.train_ok = Some(false), IN_ORDER),
            (|it| it.train_ok_effective = Some(false), IN_ORDER),
            (
                |it| it.train_ok_effective = Some(true),
                "asset_for_training",
            ),
        ];
        let mut all = AssetFilter::default();
        let mut filters = vec![(AssetFilter::default(), IN_ORDER)];
        for (set, index) in each {
            let mut filter = AssetFilter::default();
            set(&mut filter);
            set(&mut all);
            filters.push((filter, index));
        }
        filters.push((all, "asset_by_sha256"));
        filters
    }

    /// The index of the order of registration.
    const IN_ORDER: &str = "registered_sequence";
}
