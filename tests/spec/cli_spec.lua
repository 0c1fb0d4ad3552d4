-- SPDX-License-Identifier: BSD-2-Clause
-- `reflow` as a process: what it prints, where, and its exit status.
local tap = require "tap"
local temporary = require "temporary"
local sip = require "reflow"

local reflow = os.getenv "REFLOW_BIN" or "build/reflow"

-- Standard output, standard error, exit status of a shell command; $reflow is the program.
local function run(command)
    local name = temporary.path()
    local script = ("reflow='%s'; { %s; } 2>%s"):format(reflow, command, name)
    local pipe = assert(io.popen(script))
    local out = pipe:read "a"
    local _, _, status = pipe:close()
    local file = assert(io.open(name))
    local err = file:read "a"
    file:close()
    os.remove(name)
    return out, err, status
end

local function one_line(t, err, start)
    t:equal(err:sub(1, #start), start)
    t:equal(select(2, err:gsub("\n", "")), 1)
    t:equal(err:sub(-1), "\n")
end

tap.test("--version names the version and the build", function(t)
    t:match((run "$reflow --version"), "^reflow %d+%.%d+%.%d+ %([^()\n]+%)\n$")
end)

tap.test("explain RULE names the tests that prove it, wherever the program is started", function(t)
    local out, err, status = run 'program=$(realpath "$reflow"); cd / && "$program" explain 5626-7.c'
    t:equal(status, 0)
    t:equal(err, "")
    t:match(out, "^5626%-7%.c %(guardrail: no policy can override it%)\n")
    t:match(out, "\nTests that prove it:\n")
    t:match(out, "\n  tests/unit/test_guard%.c: test_5626_7_c_[%w_]+\n")
    t:match(out, "\n  tests/e2e/[%w_/]+%.lua: 5626%-7%.c [^\n]+\n")
    local es = run "$reflow explain 5626-7.c --lang es"
    t:match(es, "\nPruebas que la demuestran:\n  tests/")
end)

tap.test("codes --tsv is the registry, byte for byte", function(t)
    local file = assert(io.open("tests/data/registry/codes.tsv", "rb"))
    local out, err, status = run "$reflow codes --tsv"
    t:equal(out, file:read "a")
    t:equal(err, "")
    t:equal(status, 0)
    file:close()
end)

tap.test("explain and compare print what a script gets", function(t)
    t:equal(run "$reflow explain 430", sip.explain(430).text)
    t:equal(run "$reflow explain 430 --lang es", sip.explain(430, "es").text)
    t:equal(run "$reflow compare 486 600", sip.compare(486, 600).text)
    t:equal(run "$reflow compare 486 600 --lang es --markdown", sip.compare(486, 600, "es").markdown)
end)

tap.test("what makes no sense ends with status 2 and one line", function(t)
    for command, start in pairs {
        ["$reflow"] = "reflow: a command is missing",
        ["$reflow trunk"] = "reflow: unknown command 'trunk'",
        ["$reflow --trunk"] = "reflow: unknown option '--trunk'",
        ["$reflow codes --trunk"] = "reflow codes: unknown option '--trunk'",
        ["$reflow explain"] = "reflow explain: a code is missing",
        ["$reflow explain 99"] = "reflow explain: 99 is not a SIP status code",
        ["$reflow explain 700"] = "reflow explain: 700 is not a SIP status code",
        ["$reflow explain ''"] = "reflow explain: '' is not a SIP status code",
        ["$reflow explain 486 --lang xx"] = "reflow explain: no texts in 'xx'",
        ["$reflow compare 486 6OO"] = "reflow compare: '6OO' is not a SIP status code",
        ["$reflow decide x"] = "reflow decide: 'x' is not a response code",
        ["$reflow decide </dev/null"] = "reflow decide: standard input is empty",
        ["echo x | $reflow decide"] = "reflow decide: standard input, byte",
    } do
        local out, err, status = run(command)
        t:equal(status, 2, command)
        t:equal(out, "", command)
        one_line(t, err, start)
    end
end)

tap.test("help and version go to standard output with status 0", function(t)
    for _, command in ipairs { "--help", "--version", "codes --help", "explain --help", "compare --help",
        "decide --help" } do
        local out, err, status = run("$reflow " .. command)
        t:equal(status, 0, command)
        t:equal(err, "", command)
        t:match(out, "reflow", command)
        for line in out:gmatch "[^\n]+" do t:at_most(#line, 80, command .. ": " .. line) end
    end
end)

tap.test("an unregistered code is explained, with status 0", function(t)
    local out, _, status = run "$reflow explain 499"
    t:equal(status, 0)
    t:match(out, "^499, not registered: acts as 400 Bad Request\n")
end)

tap.test("decide reads a response from a pipe", function(t)
    local response = [[printf 'SIP/2.0 503 Busy\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\n]]
        .. [[To: <sip:b@h>;tag=2\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\nRetry-After: 30\r\n\r\n']]
    local out, err, status = run(response .. " | $reflow decide")
    t:equal(err, "")
    t:equal(status, 0)
    t:match(out, "\n  status    500 Server Internal Error\n")
    t:match(out, "\n  rest      30 s\n")
    t:match(out, "\n  rule      ")
    t:match(out, "\n  why       ")
end)

tap.test("an output that cannot be written gives status 1", function(t)
    for _, command in ipairs { "codes", "codes --json", "explain 486", "compare 486 600 --json", "decide 486",
        "--help" } do
        for _, where in ipairs { ">/dev/full", ">&-" } do
            local _, err, status = run(("$reflow %s %s"):format(command, where))
            t:equal(status, 1, command .. where)
            one_line(t, err, "reflow: standard output: ")
        end
    end
end)

tap.done()
