# SPDX-License-Identifier: BSD-2-Clause
# awk -f kamailio_flags.awk file=1 PRINTED file=2 VER_DEFS file=3 FLAGS: the flags of FLAGS, changed so that a module compiled
# with them has the version, architecture, system and flags of the Kamailio whose output for -V is the file PRINTED.
# VER_DEFS is core/ver_defs.h of its source, which names the macros that Kamailio compares. If PRINTED has no line of flags,
# those of FLAGS stay.

function want_flag(word) {
    # The words of ver_defs.h that are not the name of their macro.
    if (sub(/-NOSMP$/, "", word))
        wanted["NOSMP"]
    if (sub(/^EXTRA_DEBUG/, "", word))
        wanted["EXTRA_DEBUG"]
    if (word == "TLS_PTHREAD_MUTEX_SHARED")
        word = "KSR_PTHREAD_MUTEX_SHARED"
    if (word ~ /^FAST_LOCK-/) {
        wanted["FAST_LOCK"]
        sub(/^FAST_LOCK-/, "", word)
    }
    if (word != "")
        wanted[word]
}

function remove(macro) {
    while (match(line, "[ \t]-D" macro "(=('[^']*'|[^ \t]*))?[ \t]"))
        line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
}

function put_text(macro, value) {
    remove(macro)
    line = line "-D" macro "='\"" value "\"' "
}

file == 1 && /^version: / {
    name = $2
    version = $3
    split($4, platform, /[(\/)]/)
}
file == 1 && sub(/^flags: /, "") {
    has_flags = 1
    count = split($0, words, /, */)
    for (i = 1; i <= count; i++)
        want_flag(words[i])
}
file == 1 && $1 == "ADAPTIVE_WAIT_LOOPS" { loops = $2 + 0 }

# Only the macros of this list: ver_defs.h defines texts for others, too.
file == 2 && /^#define SER_COMPILE_FLAGS/ { in_list = 1 }
file == 2 && in_list {
    for (i = 1; i <= NF; i++)
        if (sub(/_STR$/, "", $i))
            compared[$i]
    if ($0 !~ /\\$/)
        in_list = 0
}

file == 3 { line = line " " $0 }

END {
    line = line " "
    if (version != "") {
        put_text("NAME", name)
        put_text("VERSION", version)
        put_text("ARCH", platform[2])
        put_text("OS_QUOTED", platform[3])
    }
    if (has_flags) {
        if ("FAST_LOCK" in compared) {
            compared["BUSY_WAIT"]
            compared["ADAPTIVE_WAIT"]
        }
        for (macro in compared)
            if (!(macro in wanted))
                remove(macro)
        for (macro in wanted)
            if (!match(line, "[ \t]-D" macro "[ \t=]"))
                line = line "-D" macro " "
        if (loops && "ADAPTIVE_WAIT" in wanted) {
            remove("ADAPTIVE_WAIT_LOOPS")
            line = line "-DADAPTIVE_WAIT_LOOPS=" loops " "
        }
    }
    sub(/^[ \t]+/, "", line)
    print line
}
