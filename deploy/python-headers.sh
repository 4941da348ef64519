#!/bin/sh
# Unpacks Debian's headers of Python into a folder, for machines that have Python but not python3.11-dev.
# Installs nothing and needs no root: apt works on lists and a cache of its own inside the folder.
#
#   deploy/python-headers.sh FOLDER VERSION     for example: deploy/python-headers.sh .venv/headers 3.11
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
package="libpython$2-dev"
refuse() {
  echo "the headers of Python $2 (Python.h) are missing: apt-get install python$2-dev, then make again" >&2
  exit 1
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || refuse "$@"
echo "Python.h is missing: unpacking $package into $1"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
apt() {
  apt-get -qq -o Dir::State::Lists="$folder/apt/lists" -o Dir::Cache="$folder/apt/cache" \
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}
(cd "$folder" && apt update && apt download "$package") >"$folder/apt/log" 2>&1 || refuse "$@"
dpkg-deb -x "$folder"/"$package"_*.deb "$folder"
rm -rf "$folder/apt" "$folder"/*.deb
