# shellcheck shell=bash disable=SC2154
# Mode verify of the lab's engine-backup: what it looks at, and what it passes over (facts/engine-backup.md 0, 5).

newer() { # an archive's version than this engine's; of other x.y only 4.3 and 4.4 are fit for 4.5
    case "${1%.*} ${PRODUCT_VERSION%.*}" in '4.3 4.5' | '4.4 4.5') return 1 ;; esac
    [ "${1%.*}" = "${PRODUCT_VERSION%.*}" ] || return 0
    [ "$(printf '%s\n' "$1" "$PRODUCT_VERSION" | sort -V | tail -n 1)" != "$PRODUCT_VERSION" ]
}

doverify() {
    local dump="$TEMP_FOLDER/db/engine_backup.db" version hashes=''
    output "Verifying:"
    output "- Unpacking file '$FILE'"
    log "Opening tarball $FILE to $TEMP_FOLDER"
    tar -C "$TEMP_FOLDER" -pSsxf "$FILE" 2>>"$LOG" || logdie "cannot open $TEMP_FOLDER"
    nap "$LAB_STEP"
    log "Verifying hash"
    for version in sha256sum md5sum; do [ -n "$hashes" ] || [ ! -e "$TEMP_FOLDER/$version" ] || hashes=$version; done
    [ -n "$hashes" ] || logdie "No supported hash file found"
    (cd "$TEMP_FOLDER" && "$hashes" -c --quiet "$hashes" >/dev/null 2>"$TEMP_FOLDER/.hash-log") || {
        grep 'No such file' "$TEMP_FOLDER/.hash-log" >&2
        logdie "Checksum verification failed"
    }
    log "Verifying version"
    version=$(cat "$TEMP_FOLDER/version")
    ! newer "$version" || logdie "Backup was created by version '$version' and can not be restored using the installed version $PRODUCT_VERSION"
    log "Reading config"
    DB_DUMP_FORMAT=custom DB_DUMP_COMPRESSOR=''
    # shellcheck disable=SC1091 # as the real one does: an archive is code
    . "$TEMP_FOLDER/config"
    hooks doverify
    if wanted db && [ -s "$dump" ] && [ -n "$ENGINE_DB_USER" ]; then
        output "- Engine database '$ENGINE_DB_DATABASE'"
        log "Verifying engine database backup at $dump"
        log "verifyEngineDb: backupfile $dump compressor $DB_DUMP_COMPRESSOR format $DB_DUMP_FORMAT"
        verify_dump "$dump"
    fi
    output "Done."
}

# only the table vdc_options is read back, and errors in the reader's log, which plain dumps never make, are what counts
verify_dump() {
    local list="$TEMP_FOLDER/pg-restore-log"
    if [ "$DB_DUMP_FORMAT" = custom ]; then
        if [ -z "$DB_DUMP_COMPRESSOR" ]; then
            pg_restore -f /dev/null -t vdc_options "$1" >"$list" 2>&1
        else
            "$DB_DUMP_COMPRESSOR" -dc "$1" | pg_restore -f /dev/null -t vdc_options >"$list" 2>&1
        fi
    fi
    if [ -e "$list" ] && ! grep -qi 'error: ' "$list"; then return; fi
    log "Errors in pg_restore log:"
    grep . "$list" >>"$LOG" 2>&1
    logdie "Errors while running pg_restore "
}
