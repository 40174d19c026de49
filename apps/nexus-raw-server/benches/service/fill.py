"""Copies the registered assets of a SQLite catalogue until a scope has so many.

python3 fill.py CATALOGUE COUNT, while no server uses it. Each copy has an intent, a record, labels and
one event, under an id of its own; the texts of the events are those of what was copied.
"""

import sqlite3
import sys

catalogue, count = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect(catalogue, isolation_level=None)
run = connection.execute
connection.create_function(
    "asset_id", 1, lambda n: bytes.fromhex("019b0000000070008000%012x" % n), deterministic=True
)


def columns(table, **values):
    """The columns of a table, and what a copy has in each."""
    names = [row[1] for row in run(f"PRAGMA table_info({table})")]
    return ", ".join(names), ", ".join(values.get(name, f"t.{name}") for name in names)


def copy(table, template, **values):
    names, copies = columns(table, **values)
    run(
        f"""WITH RECURSIVE n (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last})
        INSERT INTO {table} ({names}) SELECT {copies}
        FROM n CROSS JOIN {template} t ON t.template = n.n % {templates}"""
    )


# nothing outlives the benchmark, so nothing is kept twice
run("PRAGMA synchronous = OFF")
run("PRAGMA journal_mode = OFF")
run("PRAGMA foreign_keys = OFF")
# a SQLite before 3.41 takes null for no JSON
run("PRAGMA ignore_check_constraints = ON")
run("PRAGMA cache_size = -262144")
run("BEGIN")
triggers = run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
for name, _ in triggers:
    run(f"DROP TRIGGER {name}")
run(
    """CREATE TEMP TABLE chosen AS SELECT tenant_id, env, asset_id, registered_sequence,
    row_number() OVER () - 1 AS template FROM asset"""
)
(templates,) = run("SELECT count(*) FROM chosen").fetchone()
((tenant_id, env, first),) = run("SELECT tenant_id, env, last_sequence + 1 FROM scope").fetchall()
last = first + count - templates - 1
by_asset = "SELECT t.*, c.template FROM {} t JOIN chosen c ON c.asset_id = t.asset_id"
for table in ["upload_intent", "asset", "asset_label"]:
    run(f"CREATE TEMP TABLE {table}_t AS {by_asset.format(table)}")
run(
    """CREATE TEMP TABLE event_t AS SELECT t.*, c.template FROM event t
    JOIN chosen c ON c.registered_sequence = t.sequence"""
)
own = {"asset_id": "asset_id(n.n)"}
copy("upload_intent", "upload_intent_t", **own)
copy("event", "event_t", sequence="n.n", event_id="randomblob(16)", **own)
copy("asset", "asset_t", registered_sequence="n.n", sha256="randomblob(32)", **own)
copy("asset_label", "asset_label_t", registered_sequence="n.n", **own)
run("UPDATE scope SET last_sequence = ?, registered_count = ?", (last, count))
run("UPDATE delivery SET cursor = ?", (last,))
for _, text in triggers:
    run(text)
run("COMMIT")
run("ANALYZE")
run("PRAGMA journal_mode = WAL")
connection.close()
print(first, last)
