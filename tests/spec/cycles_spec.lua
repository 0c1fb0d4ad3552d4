-- SPDX-License-Identifier: BSD-2-Clause
-- tests/support/cycles.lua: what `make lint` says of the symbols that files use of each other. A stand-in for nm gives
-- the symbols.
local tap = require "tap"
local temporary = require "temporary"
local write = require("file").write

local test = tap.test

-- uses: { "from to"... }, where each file defines one symbol: its name with "_" for "/". Returns whether there is no
-- finding, and what was printed.
local function lint(t, uses)
    local folder = temporary.path()
    assert(os.execute("mkdir -p " .. folder))
    t:defer(function()
        os.execute("rm -r " .. folder)
    end)
    local files, lines = {}, {}
    local function add(path)
        if not files[path] then
            files[path] = true
            files[#files + 1] = ("module/%s.c"):format(path)
            lines[#lines + 1] = ("o/module/%s.o: %s T 0 0"):format(path, (path:gsub("/", "_")))
        end
    end
    for _, use in ipairs(uses) do
        local from, to = use:match "(%S+) ?(%S*)"
        add(from)
        if to ~= "" then
            add(to)
            lines[#lines + 1] = ("o/module/%s.o: %s U"):format(from, (to:gsub("/", "_")))
        end
    end
    write(folder .. "/nm", "#!/bin/sh\ncat <<'END'\n" .. table.concat(lines, "\n") .. "\nEND\n")
    assert(os.execute("chmod 755 " .. folder .. "/nm"))
    local pipe = assert(io.popen(("PATH='%s':\"$PATH\" lua5.4 tests/support/cycles.lua o %s 2>&1"):format(folder,
        table.concat(files, " "))))
    local text = pipe:read "a"
    return pipe:close() == true, text
end

test("files that use each other downward are no finding", function(t)
    local fine, text = lint(t, { "cli/main standalone/serve/serve", "standalone/serve/serve standalone/net/peer",
        "standalone/net/peer core/code", "kamailio/glue/pv core/code" })
    t:equal(text, "")
    t:ok(fine)
end)

test("a layer that uses a higher one is a finding", function(t)
    local fine, text = lint(t, { "core/code sip/message", "sip/message flow/target" })
    t:ok(not fine)
    t:match(text, "module/core/code%.c: core may not use sip/message%.c: sip_message\n")
    t:match(text, "module/sip/message%.c: sip may not use flow/target%.c")
end)

test("the hosts are linked apart: the same name in both is no use", function(t)
    local fine, text = lint(t, { "kamailio/call/rest standalone/server/rest", "standalone/server/rest core/code" })
    t:equal(text, "")
    t:ok(fine)
end)

test("two folders that use each other are a finding that names the symbols", function(t)
    local fine, text = lint(t, { "script/engine/a script/bind/b", "script/bind/c script/engine/d" })
    t:ok(not fine)
    t:match(text, "a cycle of folders: script/bind script/engine\n")
    t:match(text, "script/engine/a %-> script/bind/b: script_bind_b")
    t:match(text, "script/bind/c %-> script/engine/d: script_engine_d")
end)

test("four files may use each other in a circle, five may not", function(t)
    local four = { "flow/a flow/b", "flow/b flow/c", "flow/c flow/d", "flow/d flow/a" }
    t:ok((lint(t, four)))
    local fine, text = lint(t, { "flow/a flow/b", "flow/b flow/c", "flow/c flow/d", "flow/d flow/e", "flow/e flow/a" })
    t:ok(not fine)
    t:match(text, "a cycle of 5 files, at most 4 are allowed: flow/a flow/b flow/c flow/d flow/e")
end)

test("a folder of more than 22 files is a finding", function(t)
    local files = {}
    for i = 1, 22 do
        files[i] = "sip/file" .. i
    end
    t:ok((lint(t, files)))
    files[23] = "sip/file23"
    local fine, text = lint(t, files)
    t:ok(not fine)
    t:match(text, "module/sip: 23 C files, at most 22 are allowed")
end)

test("a layer that nobody knows is a fault", function(t)
    local fine, text = lint(t, { "attic/a" })
    t:ok(not fine)
    t:match(text, "not a C file of a known layer: module/attic/a%.c")
end)

tap.done()
