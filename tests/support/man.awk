# SPDX-License-Identifier: BSD-2-Clause
# Turns a text of --help (-v from=help) or a manual in Markdown (-v from=markdown) into the body of a man page. It knows
# what our texts use and no more. `level` is the heading below which a text of --help stands: SH or SS.

# Text as it is: no request, no escape.
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text
}

function line(text) {
    if (text ~ /^[.']/)
        text = "\\&" text
    print text
}

function link(text,    before, inside) {
    while (match(text, /!?\[[^][]*\]\([^()]*\)/)) {
        before = substr(text, 1, RSTART - 1)
        inside = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (inside ~ /^!/)
            inside = ""
        sub(/^\[/, "", inside)
        sub(/\]\([^()]*\)$/, "", inside)
        text = before inside text
    }
    return text
}

# **bold** and *italic*, in text that is no code. Bold may go on over code: strong says whether it does.
function emphasis(text,    out) {
    if (from == "help")
        return text
    while (match(text, /\*\*|\*[^* ][^*]*\*/)) {
        out = out substr(text, 1, RSTART - 1)
        if (RLENGTH == 2) {
            strong = !strong
            out = out (strong ? "\\fB" : "\\fR")
        } else
            out = out "\\fI" substr(text, RSTART + 1, RLENGTH - 2) "\\fR"
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

# A type of many words may be broken between them.
function breakable(code) {
    gsub(/[|(]/, "&\\:", code)
    return code
}

# Links, code and emphasis of a paragraph that was joined into one line.
function inline(text,    parts, count, i, out) {
    strong = 0
    count = split(link(text), parts, "`")
    for (i = 1; i <= count; i++)
        out = out (i % 2 == 0 && i < count ? "\\fB" breakable(plain(parts[i])) (strong ? "" : "\\fR") : emphasis(plain(parts[i])))
    return out
}

function end_paragraph() {
    if (paragraph != "") {
        print bullet ? ".IP \\(bu 2" : ".PP"
        line(inline(paragraph))
    }
    paragraph = ""
    bullet = 0
}

function join(text) {
    sub(/^ +/, "", text)
    paragraph = paragraph (paragraph == "" ? "" : " ") text
}

# A row of a table: its first cell is the term, each other one a line below its column's name.
function row(text,    cells, count, i) {
    gsub(/\\\|/, "\001", text)
    sub(/^\| */, "", text)
    sub(/ *\|$/, "", text)
    count = split(text, cells, / +\| */)
    for (i in cells)
        gsub(/\001/, "|", cells[i])
    if (!in_table) {
        for (i in columns)
            delete columns[i]
        for (i = 1; i <= count; i++)
            columns[i] = cells[i]
        in_table = 1
        return
    }
    if (text ~ /^-+/)
        return
    print ".TP"
    line("\\fB" inline(cells[1]) "\\fR")
    for (i = 2; i <= count; i++) {
        if (i > 2)
            print ".br"
        if (cells[i] != "")
            line((count > 2 && columns[i] != "" ? "\\fI" inline(columns[i]) ":\\fR " : "") inline(cells[i]))
    }
}

from == "markdown" && /^```/ {
    if (code) {
        print ".fi\n.RE"
        code = 0
    } else {
        end_paragraph()
        print ".PP\n.RS 4\n.nf"
        code = 1
    }
    next
}
from == "markdown" && code { line(plain($0)); next }
from == "markdown" && /^(<!--|# )/ { next }
from == "markdown" && /^\|/ { end_paragraph(); row($0); next }
from == "markdown" { in_table = 0 }
from == "markdown" && /^## Contents$/ { end_paragraph(); next }
from == "markdown" && /^## / { end_paragraph(); print ".SH " toupper(plain(substr($0, 4))); next }
from == "markdown" && /^###+ / { end_paragraph(); sub(/^#+ /, ""); print ".SS \"" inline($0) "\""; next }
# A contents list is of no use here.
from == "markdown" && /^- \[[^]]*\]\(#/ { end_paragraph(); skipping = 1; next }
from == "markdown" && /^(- |$)/ { skipping = 0 }
from == "markdown" && skipping { next }
from == "markdown" && /^- / { end_paragraph(); bullet = 1; join(substr($0, 3)); next }
from == "markdown" && /^$/ { end_paragraph(); next }
from == "markdown" { join($0); next }

# --- a text of --help ---

function end_item() {
    if (term != "") {
        print ".TP"
        line("\\fB" plain(term) "\\fR")
        line(inline(text))
    }
    term = text = ""
}

# What stands before the usage describes the program.
function heading(title) {
    end_item()
    end_paragraph()
    print level == "SH" ? ".SH " toupper(title) : ".PP\n" title ":"
}

function end_usage() {
    usage = 0
    if (level == "SH") {
        print ".SH DESCRIPTION"
        if (before != "") {
            paragraph = before
            end_paragraph()
        }
    }
}

{ sub(/^usage:/, "Usage:") }
/^Usage: / {
    before = paragraph
    paragraph = ""
    usage = began = 1
    print level == "SH" ? ".SH SYNOPSIS" : ".PP"
    sub(/^Usage: /, "")
    line("\\fB" plain($0) "\\fR")
    next
}
usage && /^ +reflow / { sub(/^ +/, ""); print ".br"; line("\\fB" plain($0) "\\fR"); next }
usage { end_usage() }
/^$/ { end_item(); if (began) end_paragraph(); next }
/^[A-Z][a-z ]*:$/ { heading(substr($0, 1, length($0) - 1)); next }
/^          / && term != "" { sub(/^ +/, ""); text = text " " $0; next }
/^  [^ ]/ {
    end_item()
    end_paragraph()
    item = substr($0, 3)
    if (!match(item, /  +/))
        match(item, / +/)
    term = substr(item, 1, RSTART - 1)
    text = substr(item, RSTART + RLENGTH)
    next
}
{ end_item(); join($0) }
END { if (from == "help") end_item(); end_paragraph() }
