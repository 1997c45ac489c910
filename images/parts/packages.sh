#!/bin/sh
# packages.sh NAME…: installs Debian packages while an image is built, and leaves nothing of the
# installing behind: lists, caches, logs, and what tells the time.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* \
  /var/log/* /var/lib/dpkg/*-old /tmp/* /root/.cache
