# shellcheck shell=bash disable=SC2154,SC2153
# Mode backup of the lab's engine-backup. Sourced by it.

tar_flag() {
    case $1 in gzip) echo z ;; bzip2) echo j ;; xz) echo J ;; esac
}
existing() {
    local path
    while IFS= read -r path; do
        [ ! -e "$path" ] || printf '%s\n' "${path#/}"
    done
}

backup_files() {
    local into="$TEMP_FOLDER/tar/files" paths=$LIST path
    output "- Files"
    log "Backing up files to $into"
    for path in /var/lib/ovirt-engine/* /var/lib/grafana/*; do
        case $path in *'*' | */backups | */jboss_runtime | */ansible-runner* | */.ansible | */grafana.db) continue ;; esac
        paths="$paths
$path"
    done
    nap "$LAB_STEP"
    existing <<<"$paths" | tar -C / --files-from=- -cpS"$(tar_flag "$FILES")"f "$into" 2>>"$LOG"
    [ "${PIPESTATUS[1]}" = 0 ] || logdie "Failed backing up $paths"
    if fault file-changed; then
        echo "tar: var/lib/ovirt-engine/content/big: file changed as we read it" >>"$LOG"
        logdie "Failed backing up $paths"
    fi
    if fault tmp-full-early; then
        : >"$into"
        printf '%s\n' 'xz: (stdout): Write error: No space left on device' \
            "tar: $into: Wrote only 2048 of 10240 bytes" 'tar: Child returned status 1' \
            'tar: Error is not recoverable: exiting now' >>"$LOG"
        LAB_FAULTS="$LAB_FAULTS tmp-full"
        logdie "Failed backing up $paths"
    fi
}

backup_database() { # kind words-of-the-line word-in-the-log member
    local base=$1_DB_DATABASE into="$TEMP_FOLDER/tar/db/$4" options="-E UTF8 --disable-dollar-quoting --disable-triggers"
    local format=${FORMAT[$1]} compressor=${COMPRESSOR[$1]} failed=''
    options="$options --format=$format"
    [ "$format" = custom ] || options="$options --no-owner --no-privileges"
    output "- $2 database '${!base}'"
    log "Backing up $3database to $into"
    nap "$LAB_STEP"
    [ "$1" != DWH ] || mishap "$options"
    # shellcheck disable=SC2086 # options are words
    if [ -z "$compressor" ]; then # into a file, where pg_dump can write the places of its parts
        pg_cmd pg_dump "$1" $options >"$into" 2>>"$LOG" || failed=1
    else
        pg_cmd pg_dump "$1" $options 2>>"$LOG" | "$compressor" -c >"$into"
        [ "${PIPESTATUS[0]}" = 0 ] || failed=1
    fi
    [ -z "$failed" ] || logdie "Database ${!base} backup failed"
    rot "$4" "$into"
}

# what befalls a run in its longest part
mishap() {
    if fault kill; then
        # shellcheck disable=SC2086
        pg_cmd pg_dump DWH $1 >"$TEMP_FOLDER/tar/db/dwh_backup.db" 2>>"$LOG" &
        nap 0.1
        kill -KILL $$
    fi
    if fault tmp-full; then
        : >"$TEMP_FOLDER/tar/db/dwh_backup.db"
        log "pg_cmd running: pg_dump -w -U $DWH_DB_USER -h $DWH_DB_HOST -p $DWH_DB_PORT  $DWH_DB_DATABASE $1"
        logdie "Database $DWH_DB_DATABASE backup failed"
    fi
}

# damage before the hashes are made: nothing but a full read finds it
rot() {
    local size
    size=$(stat -c %s "$2")
    if [ "$1" = engine_backup.db ] && fault corrupt-after; then
        head -c 20000 /dev/zero | dd of="$2" bs=1 seek=$((size * 2 / 5)) conv=notrunc 2>/dev/null
    fi
    [ "$1" != dwh_backup.db ] || ! fault dwh-truncated || truncate -s $((size / 2)) "$2"
}

backup_databases() {
    mkdir "$TEMP_FOLDER/tar/db"
    if wanted db && flag OVESETUP_ENGINE_CORE/enable && [ -n "$ENGINE_DB_USER" ]; then
        backup_database ENGINE Engine '' engine_backup.db
    fi
    if wanted dwhdb && flag OVESETUP_DWH_CORE/enable && [ -n "$DWH_DB_USER" ]; then
        backup_database DWH DWH 'dwh ' dwh_backup.db
    fi
    if wanted keycloakdb && flag OVESETUP_CONFIG/keycloakEnable && [ -n "$KEYCLOAK_DB_USER" ]; then
        backup_database KEYCLOAK KEYCLOAK 'keycloak ' keycloak_backup.db
    fi
    if wanted grafanadb && flag OVESETUP_GRAFANA_CORE/enable; then
        output "- Grafana database '/var/lib/grafana/grafana.db'"
        log "Backing up grafana database to $TEMP_FOLDER/tar/db/grafana.db"
        backup_grafana /var/lib/grafana/grafana.db "$TEMP_FOLDER/tar/db/grafana.db"
    fi
}

# sqlite3, when the file is gone, makes an empty one and saves that, without a word
backup_grafana() {
    if [ ! -s "$1" ]; then
        : >>"$1"
        printf 'SQLite format 3\0\20\0\1\1\0@  \0\0\0\1\0\0\0\1' >"$2"
        printf '\0%.0s' {1..63} >>"$2"
        printf '\1\0.c\1\r\0\0\0\0\20' >>"$2"
        truncate -s 4096 "$2"
        return
    fi
    cp "$1" "$2" 2>>"$LOG" || logdie "failed to backup $1 with sqlite3"
}

pack() {
    local kind how
    echo "$PRODUCT_VERSION" >"$TEMP_FOLDER/tar/version"
    # shellcheck disable=SC1091
    (. /etc/os-release && [ "$ID" = ol ] && ID=oracle && echo "$ID${VERSION_ID%%.*}") >"$TEMP_FOLDER/tar/os_version"
    for kind in ENGINE DWH KEYCLOAK CINDERLIB; do
        printf '%s\n' "${kind}_DB_DUMP_COMPRESSOR=${COMPRESSOR[$kind]}" "${kind}_DB_DUMP_FORMAT=${FORMAT[$kind]}"
    done | sed 's/^ENGINE_//' >"$TEMP_FOLDER/tar/config"
    hooks dobackup
    log "Creating sha256sum at $TEMP_FOLDER/tar/sha256sum"
    (cd "$TEMP_FOLDER/tar" && find . -type f ! -name sha256sum -printf '%P\0' | xargs -0 sha256sum >sha256sum)
    output "Packing into file '$FILE'"
    log "Creating tarball $FILE"
    how=-$(tar_flag "$ARCHIVE")
    [ "${LAB_STEP%%0.000}" = '' ] || [ "$how" = - ] || how="--use-compress-program=$LAB_PROGRAM/packer $ARCHIVE"
    [ "$how" != - ] || how=--no-auto-compress
    tar -C "$TEMP_FOLDER/tar" "$how" -cpSf "$FILE" . 2>&1 | tee -a "$LOG"
    [ "${PIPESTATUS[0]}" = 0 ] || logdie "Cannot create '$FILE'"
    if fault target-full; then
        truncate -s $(($(stat -c %s "$FILE") / 2)) "$FILE"
        printf '%s\n' '' 'gzip: stdout: No space left on device' "tar: $FILE: Wrote only 8192 of 10240 bytes" \
            'tar: Child returned status 1' 'tar: Error is not recoverable: exiting now' | tee -a "$LOG"
        logdie "Cannot create '$FILE'"
    fi
}

dobackup() {
    output "Backing up:"
    pgpass
    notify 0 "Backup Started"
    log "Creating temp folder $TEMP_FOLDER/tar"
    mkdir "$TEMP_FOLDER/tar"
    ! wanted files || backup_files
    backup_databases
    pack
    notify 1 "Backup Finished"
    output "Done."
}
