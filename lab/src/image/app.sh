#!/bin/sh
# The program of windlass/app. Its behaviour is described in lab/src/image/mod.rs.
# `app describe` prints the answer for the files as they are now (for cgi-bin/live).

quoted() {
    printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

describe() {
    printf '{"host":%s,"version":%s,"secrets":{' "$(quoted "$(hostname)")" "$(quoted "$APP_VERSION")"
    comma=
    for file in /run/secrets/* $SECRET_FILES; do
        [ -e "$file" ] || [ "$file" != '/run/secrets/*' ] || continue
        if ! [ -r "$file" ]; then
            echo "app: can't read the secret $file as $(id -un)" >&2
            return 4
        fi
        if [ -n "$REFUSE" ]; then
            value=$(cat "$file")
            case $value in
            "$REFUSE"*)
                [ "$LEAK" = 1 ] || value='(not shown)'
                echo "app: refused to start: $file holds a value that is not accepted: $value" >&2
                return 3
                ;;
            esac
        fi
        digest=$({ printf '%s\n' "${APP_KEY:-lab}" && cat "$file"; } | sha256sum | cut -c1-64)
        printf '%s%s:{"fingerprint":"%s",' "$comma" "$(quoted "$file")" "$digest"
        stat -L -c '"uid":%u,"gid":%g,"mode":"%a","size":%s}' "$file" | tr -d '\n'
        comma=,
    done
    echo '}}'
}

[ "$1" != describe ] || { describe; exit; }

# A container with a read-only root still has /dev/shm.
www=$(mktemp -d /tmp/www.XXXXXX 2>/dev/null || mktemp -d /dev/shm/www.XXXXXX) || exit 5
describe >"$www/index.json" || exit
ln -s /cgi-bin "$www/cgi-bin"
export WWW="$www"

# The listener's child processes serve one request each. When it is gone they become ours.
stop() {
    kill "$listener" 2>/dev/null
    wait "$listener"
    rounds=40
    while [ $rounds -gt 0 ] && pidof httpd >/dev/null; do
        usleep 50000
        rounds=$((rounds - 1))
    done
    exit 0
}
trap stop TERM INT
httpd -f -p "${PORT:-8080}" -c /etc/httpd.conf -h "$www" &
listener=$!
wait $listener
