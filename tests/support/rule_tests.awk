# SPDX-License-Identifier: BSD-2-Clause
# awk -f rule_tests.awk module/core/rules.def TEST...: which tests name which rule, as `make rules` counts them: a line
# with rule, file and name, between tabs, for each. The program carries them: `reflow explain RULE` prints them.

# Whether word stands in text by itself: no letter, digit or character of `joins` around it.
function stands_in(text, word, joins,    from, at, before, after) {
    for (from = 1; (at = index(substr(text, from), word)) > 0; from = at + 1) {
        at += from - 1
        before = at > 1 ? substr(text, at - 1, 1) : ""
        after = substr(text, at + length(word), 1)
        if (before !~ joins && after !~ joins)
            return 1
    }
    return 0
}

# The rules that a name proves: the longest whose id it begins with, and those whose ids stand further on in it.
function name_found(name,    key, i, longest) {
    key = tolower(name)
    gsub(/[.-]/, "_", key)
    sub(/^test_/, "", key)
    longest = 0
    for (i = 1; i <= count; i++)
        if (index(key, keys[i]) == 1 && substr(key, length(keys[i]) + 1, 1) !~ /[a-z0-9]/ &&
            (longest == 0 || length(keys[i]) > length(keys[longest])))
            longest = i
    for (i = 1; i <= count; i++)
        if (i == longest || stands_in(tolower(name), ids[i], "[a-z0-9-]") ||
            (ids[i] ~ /^[0-9]/ && stands_in(key, keys[i], "[a-z0-9]")))
            if (!seen[i, FILENAME, name]++)
                print ids[i] "\t" FILENAME "\t" name
}

/^RULE\(/ && FILENAME ~ /rules\.def$/ {
    split($0, parts, "\"")
    ids[++count] = parts[2]
    keys[count] = tolower(parts[2])
    gsub(/[.-]/, "_", keys[count])
    next
}

FILENAME ~ /\.c$/ && /^static void test_[a-z0-9_]+\(/ {
    name = substr($3, 1, index($3, "(") - 1)
    name_found(name)
    next
}

# A name has words after the id; what has a $ is a command.
FILENAME ~ /\.lua$/ && /"[^"]*[0-9]/ {
    parts_count = split($0, parts, "\"")
    for (part = 2; part <= parts_count; part += 2)
        if (parts[part] ~ / / && parts[part] ~ /[a-z0-9]-[0-9]/ && parts[part] !~ /[\\%$]/)
            name_found(parts[part])
}
