"""The tables of history.db, and the triggers by which it refuses rows outside consent."""

from agent.core.features import FEATURES

# Table → the feature whose records it holds.
TABLES = {feature.records: name for name, feature in FEATURES.items() if feature.records}

# `batch` numbers the write that touched a row last; an epoch remembers the batch that closed it. That is what the audit
# compares: sequence numbers, no clock. Disputing (status) and deleting stay possible after an epoch has closed.
MIGRATIONS = (
    """
CREATE TABLE epochs(epoch INTEGER PRIMARY KEY, device INTEGER NOT NULL, feature TEXT NOT NULL,
  opened INTEGER NOT NULL, closed INTEGER);
CREATE TABLE visits(id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, epoch INTEGER NOT NULL,
  batch INTEGER NOT NULL, site TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, age INTEGER NOT NULL,
  hits INTEGER NOT NULL, hosts TEXT NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL DEFAULT '');
CREATE INDEX visits_by_age ON visits(age);
CREATE INDEX visits_by_device ON visits(device, id);
CREATE TABLE attempts(id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, epoch INTEGER NOT NULL,
  batch INTEGER NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL, age INTEGER NOT NULL, hits INTEGER NOT NULL,
  source TEXT NOT NULL, rule TEXT NOT NULL, scope TEXT NOT NULL, list TEXT NOT NULL, list_name TEXT NOT NULL,
  list_version TEXT NOT NULL, category TEXT NOT NULL);
CREATE INDEX attempts_by_age ON attempts(age);
CREATE INDEX attempts_by_device ON attempts(device, id);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER visits_in_consent BEFORE INSERT ON visits WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND device = NEW.device AND feature = 'history' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
CREATE TRIGGER visits_stay_in_consent BEFORE UPDATE OF device, epoch, batch, site, first, last, age, hits, hosts, source
  ON visits WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch AND epoch = OLD.epoch
  AND device = NEW.device AND feature = 'history' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
CREATE TRIGGER attempts_in_consent BEFORE INSERT ON attempts WHEN NOT EXISTS (SELECT 1 FROM epochs
  WHERE epoch = NEW.epoch AND device = NEW.device AND feature = 'protection' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
CREATE TRIGGER attempts_stay_in_consent BEFORE UPDATE ON attempts WHEN NOT EXISTS (SELECT 1 FROM epochs
  WHERE epoch = NEW.epoch AND epoch = OLD.epoch AND device = NEW.device AND feature = 'protection' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
""",
    # `cause` is the row that pulled this one in; one that was deleted means nothing, since no id is used twice. The
    # recorder writes neither without `batch`, so the triggers hold for both; correcting (`corrected`) stays possible.
    """
ALTER TABLE visits ADD COLUMN background INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN cause INTEGER;
ALTER TABLE visits ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0;
CREATE INDEX visits_by_cause ON visits(cause) WHERE cause IS NOT NULL;
""",
    # Whom an epoch's rows are about and the terms they were recorded under, as the ledger has them; NULL where it is
    # older than that. Judged by these, not by whose the device is today.
    """
ALTER TABLE epochs ADD COLUMN person INTEGER;
ALTER TABLE epochs ADD COLUMN shared INTEGER;
ALTER TABLE epochs ADD COLUMN days INTEGER;
ALTER TABLE epochs ADD COLUMN kept TEXT;
ALTER TABLE epochs ADD COLUMN reader TEXT;
CREATE INDEX visits_by_epoch ON visits(epoch);
CREATE INDEX attempts_by_epoch ON attempts(epoch);
""",
    # When the clock is set, the times of rows are set right, also of an epoch that has closed: without `batch`.
    """
DROP TRIGGER visits_stay_in_consent;
DROP TRIGGER attempts_stay_in_consent;
CREATE TRIGGER visits_stay_in_consent BEFORE UPDATE OF device, epoch, batch, site, hits, hosts, source
  ON visits WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch AND epoch = OLD.epoch
  AND device = NEW.device AND feature = 'history' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
CREATE TRIGGER attempts_stay_in_consent BEFORE UPDATE OF device, epoch, batch, target, hits, source, rule, scope, list,
  list_name, list_version, category ON attempts WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND epoch = OLD.epoch AND device = NEW.device AND feature = 'protection' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
""",
    # Minutes of use: a row for each device, epoch and day. `day` counts local days since 1970, `at` and `age` are of
    # its midnight; `alone` are the minutes in which no other of the same person's devices was counted already.
    """
CREATE TABLE usage(id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, epoch INTEGER NOT NULL,
  batch INTEGER NOT NULL, day INTEGER NOT NULL, minutes INTEGER NOT NULL, alone INTEGER NOT NULL, at INTEGER NOT NULL,
  age INTEGER NOT NULL, UNIQUE(epoch, day));
CREATE INDEX usage_by_age ON usage(age);
CREATE INDEX usage_by_device ON usage(device, id);
CREATE TRIGGER usage_in_consent BEFORE INSERT ON usage WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND device = NEW.device AND feature = 'usage' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
CREATE TRIGGER usage_stay_in_consent BEFORE UPDATE OF device, epoch, batch, day, minutes, alone ON usage
  WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch AND epoch = OLD.epoch AND device = NEW.device
  AND feature = 'usage' AND closed IS NULL)
  BEGIN SELECT RAISE(ABORT, 'outside consent'); END;
""",
    # The same six, with FAIL instead of ABORT: what a statement changed before the refused row is not undone by SQLite,
    # which then needs no journal of its own for each row (two fifths of an insert). Each row is refused as before.
    """
DROP TRIGGER visits_in_consent;
DROP TRIGGER visits_stay_in_consent;
DROP TRIGGER attempts_in_consent;
DROP TRIGGER attempts_stay_in_consent;
DROP TRIGGER usage_in_consent;
DROP TRIGGER usage_stay_in_consent;
CREATE TRIGGER visits_in_consent BEFORE INSERT ON visits WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND device = NEW.device AND feature = 'history' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
CREATE TRIGGER visits_stay_in_consent BEFORE UPDATE OF device, epoch, batch, site, hits, hosts, source
  ON visits WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch AND epoch = OLD.epoch
  AND device = NEW.device AND feature = 'history' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
CREATE TRIGGER attempts_in_consent BEFORE INSERT ON attempts WHEN NOT EXISTS (SELECT 1 FROM epochs
  WHERE epoch = NEW.epoch AND device = NEW.device AND feature = 'protection' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
CREATE TRIGGER attempts_stay_in_consent BEFORE UPDATE OF device, epoch, batch, target, hits, source, rule, scope, list,
  list_name, list_version, category ON attempts WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND epoch = OLD.epoch AND device = NEW.device AND feature = 'protection' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
CREATE TRIGGER usage_in_consent BEFORE INSERT ON usage WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch
  AND device = NEW.device AND feature = 'usage' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
CREATE TRIGGER usage_stay_in_consent BEFORE UPDATE OF device, epoch, batch, day, minutes, alone ON usage
  WHEN NOT EXISTS (SELECT 1 FROM epochs WHERE epoch = NEW.epoch AND epoch = OLD.epoch AND device = NEW.device
  AND feature = 'usage' AND closed IS NULL)
  BEGIN SELECT RAISE(FAIL, 'outside consent'); END;
""",
)
