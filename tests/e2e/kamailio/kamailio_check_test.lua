-- SPDX-License-Identifier: BSD-2-Clause
-- kamailio -c: what it finds in the parameters of the module, in its policies and key files.
local kamailio = require "kamailio"
local server = require "server"
local tap = require "tap"
local uv = require "luv"

local test = tap.test
local SECRET <const> = ("00112233445566778899aabbccddeeff"):rep(2)

local function temporary(t, suffix, text, mode)
    local path = server.temporary(suffix)
    t:defer(function()
        os.remove(path)
    end)
    if text then
        server.write(path, text)
        assert(uv.fs_chmod(path, tonumber(mode or "600", 8)))
    end
    return path
end

-- Checks a configuration whose parameters of the module are these lines, from line 8 on. Returns whether it is fine,
-- what was printed, and the name of the file.
local function check(t, ...)
    local path = temporary(t, ".cfg", ([[
#!KAMAILIO
listen=udp:127.0.0.1:5060
mpath="%s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "outbound.so"
loadmodule "%s"
%s
request_route { exit; }
]]):format(kamailio.module_path(), uv.fs_realpath(kamailio.module), table.concat({ ... }, "\n")))
    local fine, text = kamailio.check(("-f '%s'"):format(path))
    return fine, text, path
end

local function param(name, value)
    return type(value) == "number" and ('modparam("reflow", "%s", %d)'):format(name, value)
        or ('modparam("reflow", "%s", "%s")'):format(name, value)
end

-- It is refused with this text; "FILE" stands for the name of the configuration.
local function refuses(t, expected, ...)
    local fine, text, path = check(t, ...)
    t:ok(not fine, "refused: " .. expected)
    expected = expected:gsub("FILE", (path:gsub("%%", "%%%%")))
    t:ok(text:find(expected, 1, true), ("%q in: %s"):format(expected, text))
end

local function accepts(t, ...)
    local fine, text = check(t, ...)
    t:ok(fine, text)
    t:ok(not text:find "ERROR", text)
end

test("kamailio -c accepts what is right", function(t)
    local policy = temporary(t, ".lua", 'local sip = require "reflow"\nsip_on_flow_failed(function() end)\n')
    local keys = temporary(t, ".keys", ("reflow token keys 1\n1 1700000000 %s\n"):format(SECRET))
    accepts(t, "")
    accepts(t, param("policy", policy))
    accepts(t, param("policy", policy), param("layer", "night:20=" .. policy),
        param("tenant", "example.com=" .. policy), param("policy_last_good", server.temporary ".good"),
        param("token_keys", keys), param("route_keys", keys),
        param("min_expires", 30), param("default_expires", 60), param("max_expires", 90))
    -- Files that a start would make are not made.
    local missing = temporary(t, ".keys")
    accepts(t, param("token_keys", missing), param("route_keys", missing))
    t:equal(uv.fs_stat(missing), nil)
end)

test("kamailio -c refuses a policy, a layer or a tenant that is missing", function(t)
    local policy = temporary(t, ".lua", "\n")
    refuses(t, "FILE:8: modparam policy: a path in modparam policy, layer or tenant names nothing: /nonexistent/p",
        param("policy", "/nonexistent/policy"))
    refuses(t, "FILE:9: modparam layer: ", param("policy", policy), param("layer", "night:20=/nonexistent/night"))
    refuses(t, "FILE:10: modparam tenant: ", param("policy", policy), param("layer", "night:20=" .. policy),
        param("tenant", "example.com=/nonexistent/folder"))
    refuses(t, "FILE:8: modparam policy_last_good: /nonexistent/good: No such file or directory",
        param("policy_last_good", "/nonexistent/good"))
end)

test("kamailio -c refuses a broken policy, with its file and line", function(t)
    local good = temporary(t, ".lua", "\n")
    local broken = temporary(t, ".lua", "local a = 1\nlocal b = = 2\n")
    local fails = temporary(t, ".lua", "\n\nerror 'not today'\n")
    local endless = temporary(t, ".lua", "while true do end\n")
    refuses(t, broken:match "[^/]+$" .. ":2:", param("policy", broken))
    refuses(t, fails:match "[^/]+$" .. ":3:", param("policy", good), param("tenant", "example.com=" .. fails))
    refuses(t, "not today", param("policy", good), param("layer", "night:20=" .. fails))
    refuses(t, "FILE:8: modparam policy: ", param("policy", endless), param("policy_load_time", 200))
    -- The good version of an earlier run does not make the new one right.
    refuses(t, broken:match "[^/]+$" .. ":2:", param("policy", broken),
        param("policy_last_good", temporary(t, ".good", "")))
end)

test("kamailio -c checks a policy with the limits that follow it", function(t)
    local large = temporary(t, ".lua", 'texts = {}\nfor i = 1, 12 do texts[i] = ("x"):rep(1000000) .. i end\n')
    refuses(t, "FILE:8: modparam policy: ", param("policy", large))
    accepts(t, param("policy", large), param("policy_memory", 65536))
end)

test("kamailio -c refuses parameters that do not fit together", function(t)
    refuses(t, "FILE:9: modparam min_expires, default_expires, max_expires: 100, 3600, 200 are not in rising order",
        param("min_expires", 100), param("max_expires", 200), param("max_contacts", 4))
    refuses(t, "modparam layer, tenant: they need modparam policy", param("layer", "night:20=/tmp"))
end)

test("kamailio -c refuses key files that a start would refuse, and leaves them as they are", function(t)
    for _, name in ipairs { "token_keys", "route_keys" } do
        local text = "reflow token keys 1\n1 1700000000 0011\n"
        local damaged = temporary(t, ".keys", text)
        refuses(t, ("FILE:8: modparam %s: %s: line 2 is damaged"):format(name, damaged), param(name, damaged))
        local file <close> = assert(io.open(damaged, "rb"))
        t:equal(file:read "a", text)
        refuses(t, "no key in it", param(name, temporary(t, ".keys", "")))
        refuses(t, "chmod 600", param(name, temporary(t, ".keys", "", "640")))
        refuses(t, ("FILE:8: modparam %s: /nonexistent/keys: No such file"):format(name),
            param(name, "/nonexistent/keys"))
        refuses(t, ("modparam %s: the name of a file"):format(name), param(name, ""))
    end
end)

test("kamailio -c leaves errors of the syntax to Kamailio", function(t)
    local fine, text = check(t, param("policy", "/nonexistent/policy.lua"), "loadmodule 5")
    t:ok(not fine)
    t:ok(not text:find "/nonexistent/policy.lua", text)
end)

tap.done()
