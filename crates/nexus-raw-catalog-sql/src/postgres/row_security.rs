//! Checks of row-level security: tables and policies are as the migrations create them, and no
//! setting bypasses them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{FromRow, PgConnection, Row};

use super::{made::TABLES, statement::read};

/// The policies of the tables with a tenant, as PostgreSQL formats them.
const POLICIES: &str = "
    SELECT c.relname::text AS table, p.polname::text AS name,
        format('AS %s FOR %s TO %s USING (%s)%s',
            CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
            CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
            CASE WHEN p.polroles = '{0}' THEN 'PUBLIC' ELSE array_to_string(ARRAY(
                SELECT coalesce(quote_ident(r.rolname), 'PUBLIC') FROM unnest(p.polroles) m (role)
                LEFT JOIN pg_roles r ON r.oid = m.role), ', ') END,
            pg_get_expr(p.polqual, p.polrelid),
            ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS rule
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('scope'))";

/// The tables with a tenant, and whether row-level security is enabled and forced, so that it
/// applies to their owner too. Includes the tables of a later version.
const SECURED: &str = "
    SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_secured
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
    WHERE c.relkind IN ('r', 'p')
        AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('scope'))
    ORDER BY c.relname";

/// Settings of the catalogue's names that come from outside its functions: a statement without a
/// selected scope would see the rows of the preset one. `''` is the value after a reset.
const PRESETS: &str = "
    SELECT DISTINCT name FROM (
        SELECT lower(split_part(preset, '=', 1)) AS name
        FROM pg_db_role_setting s, unnest(s.setconfig) preset
        WHERE s.setrole IN (0, current_user::regrole, session_user::regrole)
            AND s.setdatabase IN
                (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
        UNION ALL
        SELECT name FROM unnest(ARRAY[
            'nexus_raw.tenant_id', 'nexus_raw.env', 'nexus_raw.relay']) name
        WHERE current_setting(name, true) <> ''
    ) preset
    WHERE name LIKE 'nexus\\_raw.%' ORDER BY name";

const OWN_SCOPE: &str = "AS PERMISSIVE FOR ALL TO PUBLIC USING \
    (((tenant_id = current_setting('nexus_raw.tenant_id'::text, true)) \
    AND (env = current_setting('nexus_raw.env'::text, true))))";
const RELAY_READS: &str = "AS PERMISSIVE FOR SELECT TO PUBLIC USING \
    ((current_setting('nexus_raw.relay'::text, true) = 'on'::text))";
const RELAY_NOTES: &str = "AS PERMISSIVE FOR ALL TO PUBLIC USING \
    ((current_setting('nexus_raw.relay'::text, true) = 'on'::text))";

/// What the relay may read and write across all scopes.
const OF_THE_RELAY: [(&str, &str, &str); 4] = [
    ("scope", "relay_reads", RELAY_READS),
    ("event", "relay_reads", RELAY_READS),
    ("delivery", "relay_notes", RELAY_NOTES),
    ("parked_event", "relay_notes", RELAY_NOTES),
];

#[derive(FromRow)]
struct Policy {
    table: String,
    name: String,
    rule: String,
}

#[derive(FromRow)]
struct Table {
    name: String,
    is_secured: bool,
}

/// A fault of row-level security, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct RowSecurityFault(String);

/// Returns the first fault found, if any.
pub(super) async fn fault(
    connection: &mut PgConnection,
) -> Result<Option<RowSecurityFault>, sqlx::Error> {
    let tables = read(connection, SECURED).await?;
    let tables: Vec<Table> = tables
        .iter()
        .map(Table::from_row)
        .collect::<Result<_, _>>()?;
    let policies = read(connection, POLICIES).await?;
    let policies: Vec<Policy> = policies
        .iter()
        .map(Policy::from_row)
        .collect::<Result<_, _>>()?;
    let presets = read(connection, PRESETS).await?;
    let presets: Vec<String> = presets
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let found = unsecured(&tables)
        .or_else(|| other_policies(&policies))
        .or_else(|| preset(&presets));
    Ok(found.map(RowSecurityFault))
}

fn unsecured(tables: &[Table]) -> Option<String> {
    let there: BTreeSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let missing: Vec<&str> = TABLES
        .iter()
        .copied()
        .filter(|name| !there.contains(name))
        .collect();
    if !missing.is_empty() {
        return Some(format!(
            "the catalogue lacks the tables {}: restore it from a backup",
            missing.join(", ")
        ));
    }
    let open: Vec<&str> = tables
        .iter()
        .filter(|table| !table.is_secured)
        .map(|table| table.name.as_str())
        .collect();
    (!open.is_empty()).then(|| {
        format!(
            "row-level security must be enabled and forced for {}",
            open.join(", ")
        )
    })
}

fn other_policies(policies: &[Policy]) -> Option<String> {
    let own = TABLES.iter().map(|table| (*table, "own_scope", OWN_SCOPE));
    let made: BTreeMap<(&str, &str), &str> = own
        .chain(OF_THE_RELAY)
        .map(|(table, name, rule)| ((table, name), rule))
        .collect();
    // the policies of a later version's tables are unknown
    let found: BTreeMap<(&str, &str), &str> = policies
        .iter()
        .filter(|policy| TABLES.contains(&policy.table.as_str()))
        .map(|policy| {
            (
                (policy.table.as_str(), policy.name.as_str()),
                policy.rule.as_str(),
            )
        })
        .collect();
    let extra = found.keys().find(|policy| !made.contains_key(*policy));
    if let Some((table, name)) = extra {
        return Some(format!(
            "the policy {name} on {table} is not the catalogue's, and may show a tenant the rows \
             of another: DROP POLICY {name} ON {table}"
        ));
    }
    let changed = made
        .iter()
        .find(|(policy, rule)| found.get(*policy) != Some(rule));
    changed.map(|((table, name), rule)| {
        format!(
            "the policy {name} on {table} is not the one that `nexus-raw-server migrate` makes: \
             DROP POLICY IF EXISTS {name} ON {table}; CREATE POLICY {name} ON {table} {rule}"
        )
    })
}

fn preset(presets: &[String]) -> Option<String> {
    (!presets.is_empty()).then(|| {
        format!(
            "{} must not be preset, since it selects the visible rows: remove it from the role's, \
             the database's and the server's settings (ALTER ROLE … RESET, ALTER DATABASE … RESET, \
             ALTER SYSTEM RESET)",
            presets.join(", ")
        )
    })
}
