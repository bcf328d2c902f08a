"""The tables of state.db."""

from agent.daemon.store import allowances, content_rows, limit_rules

MIGRATIONS = (
    """
CREATE TABLE persons(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, grp TEXT NOT NULL,
  birth_month TEXT);
CREATE TABLE devices(id INTEGER PRIMARY KEY AUTOINCREMENT, enrolment TEXT UNIQUE NOT NULL, label TEXT UNIQUE NOT NULL,
  mac BLOB UNIQUE, address TEXT UNIQUE, person INTEGER REFERENCES persons(id), shared INTEGER NOT NULL,
  slot INTEGER UNIQUE NOT NULL);
CREATE TABLE ledger(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, enrolment TEXT NOT NULL,
  feature TEXT NOT NULL, action TEXT NOT NULL, notice INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE rules(id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL, action TEXT NOT NULL, scope TEXT NOT NULL,
  owner INTEGER NOT NULL, until INTEGER, created INTEGER NOT NULL, UNIQUE(name, action, scope, owner));
CREATE TABLE removals(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, device INTEGER NOT NULL,
  ids TEXT NOT NULL, age INTEGER NOT NULL);
CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL, target TEXT, at INTEGER NOT NULL, state TEXT NOT NULL, answer TEXT, answered_at INTEGER);
CREATE TABLE boots(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, boot TEXT NOT NULL);
CREATE TABLE web(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER ledger_grows_only BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_all BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
""",
    """
CREATE TABLE reports(id INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL, period INTEGER NOT NULL,
  made INTEGER NOT NULL, epsilon INTEGER NOT NULL, notice INTEGER NOT NULL, state TEXT NOT NULL, plain TEXT, body TEXT,
  hash TEXT, send_age INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
  ended INTEGER);
""",
    # `change` is as in the ledger, `due` the household's age at which it takes effect, `at` that in wall time.
    """
ALTER TABLE ledger ADD COLUMN detail TEXT NOT NULL DEFAULT '';
CREATE TABLE holds(kind TEXT NOT NULL, key TEXT NOT NULL, change TEXT NOT NULL, due INTEGER NOT NULL,
  at INTEGER NOT NULL, proof INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
""",
    # The household's age when a rule for a time was made; NULL: it ends at a time of the wall clock.
    "ALTER TABLE rules ADD COLUMN made INTEGER;",
    # The word hold is taken by who is kept off the internet.
    """
ALTER TABLE holds RENAME TO delayed_changes;
UPDATE meta SET key='delayed change salt' WHERE key='hold salt';
""",
    content_rows.TABLE,
    limit_rules.SCHEMA,
    "ALTER TABLE devices ADD COLUMN never_off INTEGER NOT NULL DEFAULT 0;",
    # An operator's reports, and the household's own files.
    "ALTER TABLE reports ADD COLUMN kind TEXT NOT NULL DEFAULT 'statistics';",
    # Who asked: the device's person then (0: nobody's), and whether they shared it.
    """
ALTER TABLE requests ADD COLUMN person INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
UPDATE requests SET person=(SELECT IFNULL(MAX(person), 0) FROM devices WHERE devices.id=device),
  shared=(SELECT IFNULL(MAX(shared), 0) FROM devices WHERE devices.id=device);
""",
    allowances.SCHEMA,
    # The household's age at which nobody needs an answer any more; NULL: whenever it comes.
    "ALTER TABLE requests ADD COLUMN ends INTEGER;",
)
