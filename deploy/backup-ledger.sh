#!/bin/sh
# Copies each ledger of a data folder into a backup folder, with SQLite's own online copy, and keeps 35 days.
# usage: backup-ledger.sh DATA_FOLDER BACKUP_FOLDER
set -eu
data=${1:?name the data folder}
backups=${2:?name the folder of the backups}
python=${ZONEDESK_PYTHON:-$(dirname "$0")/../.venv/bin/python}
mkdir -p "$backups"
for mode in paper live replay; do
  ledger=$data/$mode/ledger.sqlite
  [ -f "$ledger" ] || continue
  copy=$backups/$mode-$(date -u +%Y%m%dT%H%M%SZ).sqlite
  "$python" - "$ledger" "$copy.part" <<'COPY'
import sqlite3
import sys
from contextlib import closing

source, target = sys.argv[1:]
with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as here, closing(sqlite3.connect(target)) as there:
    here.backup(there)
    [[verdict]] = there.execute("pragma integrity_check").fetchall()
if verdict != "ok":
    sys.exit(f"the copy of {source} is damaged: {verdict}")
COPY
  mv "$copy.part" "$copy"
  echo "$copy"
done
find "$backups" -name '*.sqlite' -mtime +35 -delete
