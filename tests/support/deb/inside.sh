#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# In the fresh chroot, without network: the life of the packages in /packages. Prints a line for each check.
set -u
passed=0 failed=0
log=/run/check.log

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        tail -n 15 "$log"
    fi
}

refuse() {
    ! "$@"
}

apt() {
    # The new conffiles of a package do not replace changed ones.
    apt-get -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold -o APT::Sandbox::User=root "$@"
}

# The packages of a version, without debug symbols.
packages() { # FOLDER
    find "$1" -name '*.deb' ! -name '*-dbgsym_*' | sort
}

owner() {
    stat -c '%U:%G %a' "$1"
}

is_running() {
    local pid
    pid=$(cat /run/services/reflow.service.pid) && [ "$(stat -c %U "/proc/$pid")" = reflow ]
}

phone() { # ACTION PORT
    (cd /reflow && LUA_PATH="tests/e2e/support/?.lua;tests/support/?.lua;;" lua5.4 tests/support/deb/phone.lua "$@")
}

# A copy of a package with a higher version, whose options file has one more line.
raise_version() { # PACKAGE FOLDER
    local work
    work=$(mktemp -d)
    dpkg-deb -R "$1" "$work"
    sed -i 's/^Version: .*/&.1/' "$work/DEBIAN/control"
    if [ -e "$work/etc/reflow/options" ]; then
        echo "# A line of the next version." >>"$work/etc/reflow/options"
        (cd "$work" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    fi
    dpkg-deb -b "$work" "$2" >/dev/null
    rm -rf "$work"
}

# lo is down in a new network namespace; a minimal Debian has no ip(8).
perl -e 'use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 0); my $up = pack("a16s", "lo", 0x41);
    ioctl($s, 0x8914, $up) or die $!'

# Without this folder, the scripts of packages start no service; the stand-in for systemctl knows the unit of reflow alone.
check "Kamailio and what the test needs" apt install kamailio lua-luv systemd kamailio-outbound-modules
# apt gives the scripts of packages a PATH of its own.
dpkg-divert --quiet --local --rename --divert /usr/bin/systemctl.systemd /usr/bin/systemctl
ln -s /reflow/tests/support/deb/systemctl.pl /usr/bin/systemctl
mkdir -p /run/systemd/system

# shellcheck disable=SC2046
check "install" apt install $(packages /packages)
check "debug symbols of each package" test "$(find /packages -name '*-dbgsym_*.deb' | wc -l)" -eq 3
check "the service runs as its own user" is_running
check "it is enabled" test -L /etc/systemd/system/multi-user.target.wants/reflow.service
check "state is for the service alone" test "$(owner /var/lib/reflow) $(owner /run/reflow)" = \
    "reflow:reflow 750 reflow:reflow 750"
check "the unit is well formed" systemd-analyze verify --man=no /lib/systemd/system/reflow.service
check "the unit is hardened" systemd-analyze security --offline=true --threshold=20 /lib/systemd/system/reflow.service
check "man pages" test -e /usr/share/man/man1/reflow.1.gz -a -e /usr/share/man/man8/reflow-serve.8.gz
check "register and call" phone call 5060
check "examples load" reflow check /usr/share/doc/reflow/examples/policies/voicemail.lua
check "ctl" reflow ctl --socket /run/reflow/control status
check "lua5.4 finds the library" test "$(lua5.4 -e 'print(require("reflow").decide(430, {flows_left = 1}).action)')" = next_flow
check "lua5.4 finds the user agent" lua5.4 -e 'require("reflow.ua")'
check "stubs" test -e /usr/share/reflow/meta/reflow.lua

# --- the module ---

kamailio_start() {
    mkdir -p /run/kamailio-test
    /usr/sbin/kamailio -DD -E -f /usr/share/doc/kamailio-reflow-module/examples/registrar.cfg -Y /run/kamailio-test \
        -P /run/kamailio-test/pid -w /run/kamailio-test -m 64 -A PORT=5080 -A CHILDREN=2 >/run/kamailio.log 2>&1 &
    kamailio=$!
}
kamailio_start
check "Kamailio loads the module, register and call" phone call 5080
kill $kamailio
wait $kamailio
cp /run/kamailio.log "$log"
! grep -qi 'mismatch' "$log" || check "versions of module and Kamailio" false

# --- configuration ---

cat >/etc/reflow/options <<'END'
# Changed by the operator.
LISTEN="--listen udp:127.0.0.1:5070 --listen tcp:127.0.0.1:5070"
DOMAINS="--domain example.com"
ACCESS="--users /var/lib/reflow/users.db"
OPTIONS="--verbose"
END
check "a user is added" sh -c \
    'echo secret | runuser -u reflow -- reflow user add bob@example.com --users /var/lib/reflow/users.db'
check "restart with other options" systemctl restart reflow
check "a challenge for the user" phone challenge 5070
sed -i 's,^ACCESS=.*,ACCESS="--open",' /etc/reflow/options
check "restart without users" systemctl restart reflow
echo "-- changed by the operator" >>/etc/reflow/reflow.lua
check "reload" systemctl reload reflow
check "the manager hears of it" sh -c \
    'for i in $(seq 300); do grep -q "; policy reloaded" /run/services/reflow.service.notify && exit; sleep 0.1; done; exit 1'
echo "this is no Lua" >/tmp/broken && cp /etc/reflow/reflow.lua /tmp/good && cp /tmp/broken /etc/reflow/reflow.lua
check "reload of a broken script" systemctl reload reflow
check "the manager hears why it failed" sh -c \
    'for i in $(seq 300); do grep -q "not reloaded: .*reflow.lua" /run/services/reflow.service.notify && exit; sleep 0.1; done; exit 1'
cp /tmp/good /etc/reflow/reflow.lua

# --- upgrade ---

mkdir -p /next
for package in $(packages /packages); do
    raise_version "$package" /next
done
phone upgrade 5070 >/run/upgrade.log 2>&1 &
upgrade=$!
for i in $(seq 300); do
    ! grep -q established /run/upgrade.log || break
    sleep 0.1
done
pid=$(cat /run/services/reflow.service.pid)
# shellcheck disable=SC2046
check "upgrade" apt install $(packages /next)
cp "$log" /run/apt.log
touch /run/upgraded
check "the service was restarted, and runs" sh -c "test \$(cat /run/services/reflow.service.pid) != $pid"
check "it was not killed" refuse grep -q "has to be killed" /run/apt.log
wait $upgrade
status=$?
cp /run/upgrade.log "$log"
check "calls and registrations survive the upgrade" sh -c "cat /run/upgrade.log; exit $status"
check "changed conffiles survive" grep -q "Changed by the operator" /etc/reflow/options
check "a changed script survives" grep -q "changed by the operator" /etc/reflow/reflow.lua
check "the new options file lies beside it" grep -q "A line of the next version" /etc/reflow/options.dpkg-dist

# --- Kamailio upgraded under the module ---

kamailio_upgrade() {
    local work
    work=$(mktemp -d)
    dpkg-deb -R "$(find /var/cache/apt/archives -name 'kamailio_*.deb')" "$work"
    sed -i 's/^Version: .*/&.1/' "$work/DEBIAN/control"
    mkdir -p /kamailio
    dpkg-deb -b "$work" /kamailio >/dev/null
    rm -rf "$work"
    apt-get -s --no-install-recommends install "$(find /kamailio -name '*.deb')" | grep '^Remv kamailio-reflow-module'
}
check "another Kamailio does not come under the module" kamailio_upgrade

# --- removal ---

check "remove" apt remove reflow lua-reflow kamailio-reflow-module
check "the service has ended" refuse is_running
check "configuration and state stay" test -e /etc/reflow/options -a -e /var/lib/reflow/state.db
check "nothing else stays" refuse find /usr/bin/reflow /usr/share/reflow /usr/share/doc/kamailio-reflow-module
# shellcheck disable=SC2046
check "install again" apt install $(packages /next)
check "with the operator's options" phone call 5070 example.com
check "a registration of before is there" sh -c 'reflow ctl --socket /run/reflow/control flows | grep kept@example.com'
touch /etc/reflow/key.pem
check "purge" apt purge reflow lua-reflow kamailio-reflow-module
check "state and logs are gone" refuse find /var/lib/reflow /var/log/reflow /run/reflow
check "configuration is gone, the operator's key is not" test "$(ls /etc/reflow)" = key.pem
check "the unit is not enabled any more" refuse test -L /etc/systemd/system/multi-user.target.wants/reflow.service
# shellcheck disable=SC2046
check "install after a purge" apt install $(packages /packages)
check "register and call again" phone call 5060
check "purge at once" apt purge reflow
check "nothing is left running" refuse is_running

echo "$passed passed, $failed failed"
