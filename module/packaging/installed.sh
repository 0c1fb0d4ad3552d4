#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# installed.sh put STAGE DESTDIR LIST: copies the tree STAGE into DESTDIR, and writes the list of what it has put there, with
# the folders that it had to make. Removes what an earlier version has put there and this one does not have.
# installed.sh remove DESTDIR LIST...: removes what is in the lists, and the lists themselves; folders only if they are empty.
# LIST is a path below DESTDIR. In a list, "f PATH" is a file and "d PATH" a folder.
# Files that a Debian package has installed at the same path are neither replaced nor removed.
set -eu

# Prints the paths of standard input that belong to Debian packages. Below a DESTDIR there are none.
owned_by_packages() {
    [ -z "$dest" ] && command -v dpkg-query >/dev/null || return 0
    xargs -r -d '\n' dpkg-query -S 2>/dev/null | sed 's,^[^/]*: ,,'
}

refuse_files_of_packages() {
    owned=$( (cd "$stage" && find . ! -type d) | sed 's,^\.,,' | owned_by_packages | head -n 1)
    [ -n "$owned" ] || return 0
    echo "$owned belongs to the package $(dpkg-query -S "$owned" | sed 's,[:,].*,,;q'). Remove the package first." >&2
    exit 1
}

known_folder() {
    [ -e "$dest$list" ] && grep -qxF "d $1" "$dest$list"
}

put_folders() {
    (cd "$stage" && find . -mindepth 1 -type d) | sed 's,^\.,,' | LC_ALL=C sort | while read -r path; do
        if [ ! -d "$dest$path" ]; then
            mkdir -m 755 "$dest$path"
            echo "d $path"
        elif known_folder "$path"; then
            echo "d $path"
        fi
    done
}

put_files() {
    (cd "$stage" && find . ! -type d) | sed 's,^\.,,' | LC_ALL=C sort | while read -r path; do
        # A program that runs is replaced, not written into.
        cp --remove-destination --preserve=mode "$stage$path" "$dest$path"
        echo "f $path"
    done
}

# owned: the files that stay
remove_file() {
    if printf '%s\n' "$owned" | grep -qxF "$1"; then
        echo "$1 stays: it belongs to a Debian package." >&2
    else
        rm -f "$dest$1"
    fi
}

remove_old() {
    [ -e "$dest$list" ] || return 0
    owned=$(sed -n 's/^f //p' "$dest$list" | owned_by_packages)
    sed -n 's/^f //p' "$dest$list" | while read -r path; do
        grep -qxF "f $path" "$new" || remove_file "$path"
    done
    # A folder of an earlier version stays in the list as long as it exists.
    sed -n 's/^d //p' "$dest$list" | LC_ALL=C sort -r | while read -r path; do
        grep -qxF "d $path" "$new" || rmdir "$dest$path" 2>/dev/null || [ ! -d "$dest$path" ] || echo "d $path" >>"$new"
    done
}

put() {
    refuse_files_of_packages
    new=$(mktemp)
    trap 'rm -f "$new"' EXIT
    mkdir -p "$dest/"
    mkdir -p "$stage${list%/*}"
    {
        put_folders
        put_files
        echo "f $list"
    } >"$new"
    remove_old
    cp "$new" "$dest$list"
    chmod 644 "$dest$list"
}

remove() {
    sed -n 's/^f //p' "$dest$list" >"$old"
    sed -n 's/^d //p' "$dest$list" | LC_ALL=C sort -r >"$old.folders"
    owned=$(owned_by_packages <"$old")
    while read -r path; do
        remove_file "$path"
    done <"$old"
    while read -r path; do
        rmdir "$dest$path" 2>/dev/null || true
    done <"$old.folders"
}

case $1 in
put)
    stage=$2 dest=$3 list=$4
    put
    ;;
remove)
    dest=$2
    shift 2
    old=$(mktemp)
    trap 'rm -f "$old" "$old.folders"' EXIT
    found=
    for list; do
        [ -e "$dest$list" ] || continue
        found=yes
        remove
    done
    [ -n "$found" ] || echo "Nothing to remove: there is no list $dest$1." >&2
    ;;
esac
