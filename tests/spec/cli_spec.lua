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
        ["$reflow codes --tsv --json"] = "reflow codes: --tsv and --json exclude each other",
        ["$reflow compare 480 486 --json --markdown"] = "reflow compare: --json and --markdown exclude each other",
        ["$reflow decide --origin timeout 486"] = "reflow decide: a code (486) and --origin timeout exclude each other",
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

-- Otherwise the file has the number of standard output or standard error, and gets what is printed there.
tap.test("a closed output does not get into a file that is written", function(t)
    local name = temporary.path()
    local command = "$reflow simulate --agents 10 --duration 400 --csv " .. name
    local _, err, status = run(command)
    t:equal(status, 0, err)
    local file = assert(io.open(name))
    local whole = file:read "a"
    file:close()
    for _, closed in ipairs { ">&-", ">&- 2>&-", "<&- >&- 2>&-" } do
        _, _, status = run(("%s %s"):format(command, closed))
        t:equal(status, 1, closed)
        file = assert(io.open(name))
        t:equal(file:read "a", whole, closed)
        file:close()
    end
    os.remove(name)
end)

-- The limit of the shell stands for a full disk.
tap.test("a file of simulate that cannot be written to its end stays as it was", function(t)
    local folder = temporary.path()
    assert(os.execute(("mkdir '%s'; echo old >'%s/a'; chmod 600 '%s/a'"):format(folder, folder, folder)))
    for _, option in ipairs { "--csv", "--svg" } do
        local _, err, status = run(("(trap '' XFSZ; ulimit -f 1; $reflow simulate --agents 10 --duration 3600 " ..
            "%s %s/a)"):format(option, folder))
        t:equal(status, 1, option)
        one_line(t, err, ("reflow simulate: %s/a: "):format(folder))
        t:equal(run(("ls '%s'; cat '%s/a'"):format(folder, folder)), "a\nold\n", option)
    end
    local out, _, status = run(("ln -s a '%s/b'; $reflow simulate --agents 10 --duration 400 --csv '%s/b' >&2; " ..
        "cd '%s'; ls; stat -c %%a a; head -c 9 a"):format(folder, folder, folder))
    t:equal(status, 0)
    t:match(out, "^a\nb\n600\n[^\n]+$")
    t:ok(not out:find "old")
    assert(os.execute(("rm -r '%s'"):format(folder)))
end)

-- The lines of a policy's hooks in explain-policy, without those about layers and priorities.
local function explained(t, arguments)
    local out, err, status = run("$reflow explain-policy " .. arguments)
    t:equal(err, "", arguments)
    t:equal(status, 0, arguments)
    local list = {}
    for line in out:gmatch "[^\n]+" do
        if line:find "^ *%d+%. " then list[#list + 1] = line end
    end
    return list, out
end

tap.test("explain-policy lists exhausted hooks for a final failure, after those for the response", function(t)
    local voicemail = "examples/policies/voicemail.lua"
    local list = explained(t, "486 " .. voicemail)
    t:equal(#list, 1)
    t:match(list[1], "^ 1%. [%w_/]*voicemail%.lua:%d+  for %*, when no target is left$")
    for _, code in ipairs { 180, 200 } do
        local none, out = explained(t, code .. " " .. voicemail)
        t:equal(#none, 0)
        t:match(out, "\nno hook is asked: the core decides\n$")
    end
    local name = temporary.path ".lua"
    local file <close> = assert(io.open(name, "w"))
    file:write("sip_on_exhausted(function() end)\nsip_on_response('4xx', function() end)\n",
        "sip_on_exhausted(function() end)\n")
    file:flush()
    local both, out = explained(t, "486 " .. name)
    t:equal(#both, 3)
    t:match(both[1], ":2  for 4xx$")
    t:match(both[2], "  for %*, when no target is left$")
    t:match(both[3], "^ 3%. .*  for %*, when no target is left$")
    t:match(out, "\nthe first that returns a verdict decides, about the response and again when no target is left; "
        .. "after the last, the core\n$")
    t:equal(#explained(t, "302 " .. name), 2)
    t:equal(#explained(t, "603 " .. name), 2)
    os.remove(name)
end)

tap.test("explain-policy --request REGISTER lists the hooks of sip_on_register", function(t)
    local list, out = explained(t, "--request REGISTER examples/registrar.lua")
    t:equal(#list, 1)
    t:match(list[1], "registrar%.lua:%d+  for REGISTER$")
    t:match(out, "^REGISTER\n")
    list = explained(t, "examples/registrar.lua --request INVITE")
    t:equal(#list, 1)
    t:match(list[1], "registrar%.lua:%d+  for INVITE$")
end)

tap.test("explain-policy --aor names the user as the server does", function(t)
    local tenants = "--request INVITE examples/tenants/site.lua --tenant red.example=examples/tenants/red.lua --aor "
    local aors = { ["sip:bob@red.example"] = "sip:bob@red.example", ["sip:bob@RED.example."] = "sip:bob@red.example",
        ["SIPS:b%6Fb@Red.Example:5070;user=phone"] = "sip:bob@red.example" }
    for aor, normal in pairs(aors) do
        local list, out = explained(t, tenants .. "'" .. aor .. "'")
        t:match(list[1], "red%.lua:%d+  for INVITE$", aor)
        t:equal(out:match "^[^\n]+", "INVITE for " .. normal)
    end
    local _, out = explained(t, tenants .. "'tel:+49-30-1;x=y'")
    t:equal(out:match "^[^\n]+", "INVITE for tel:+49301")
    _, out = explained(t, tenants .. "URN:service:SOS")
    t:equal(out:match "^[^\n]+", "INVITE for urn:service:sos")
end)

tap.test("explain-policy refuses arguments that make no sense", function(t)
    local script = " examples/registrar.lua"
    for command, start in pairs {
        ["486" .. script .. " --aor bob"] = "'bob' is not a SIP, tel or urn URI",
        ["486" .. script .. " --aor ''"] = "'' is not a SIP, tel or urn URI",
        ["486" .. script .. " --aor http://example.com"] = "'http://example.com' is not a SIP, tel or urn URI",
        ["486" .. script .. " --aor sip:bob@"] = "'sip:bob@' is not a SIP, tel or urn URI",
        ["486" .. script .. " --aor sip:" .. ("b"):rep(2000) .. "@example.com"] = "--aor is too long",
        ["486" .. script .. " --aor \"$(printf 'sip:\\033[31m\\nb')\""]
            = "'sip:\\x1b[31m b' is not a SIP, tel or urn URI",
        ["--request ''" .. script] = "--request wants a method, such as INVITE",
        ["--request invite" .. script] = "'invite' is not a method: methods are written in capitals",
        ["--request 'IN VITE'" .. script] = "'IN VITE' is not a method",
        ["--request INVITE 486" .. script] = "a code (486) and --request exclude each other",
        ["486 --request INVITE" .. script] = "a code (486) and --request exclude each other",
        ["486" .. script .. " --request INVITE"] = "a code (486) and --request exclude each other",
        ["--request INVITE" .. script .. script] = "one script only, and not 'examples/registrar.lua'",
        ["--request INVITE"] = "a method and a script are wanted",
        ["486" .. script .. script] = "one script only, and not 'examples/registrar.lua'",
        ["486"] = "a code and a script are wanted",
        [script] = "'examples/registrar.lua' is not a response code (100 to 699)",
    } do
        local out, err, status = run("$reflow explain-policy " .. command)
        t:equal(status, 2, command)
        t:equal(out, "", command)
        one_line(t, err, "reflow explain-policy: " .. start)
    end
end)

tap.done()
