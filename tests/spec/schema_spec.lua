-- SPDX-License-Identifier: BSD-2-Clause
-- One schema: what is made of it is as it would be made now, and the module offers that and nothing else.
local tap = require "tap"
local test = tap.test
local schema = require "schema"
local sip = require "reflow"

local known = schema.read()

local function read_all(path)
    local file = io.open(path, "rb")
    local text = file and file:read "a"
    return text, file and file:close()
end

for _, made in ipairs(schema.files) do
    test(made.path .. " is what `make generate` would write", function(t)
        local there, now = read_all(made.path), made.make(known)
        local line = 1
        for old, new in (there or ""):gmatch "([^\n]*)\n()" do
            local fresh = now:match("^[^\n]*", new - #old - 1)
            t:equal(old, fresh, ("%s:%d is stale: make generate"):format(made.path, line))
            line = line + 1
        end
        t:ok(there == now, made.path .. " is stale: make generate")
    end)
end

local function names(items)
    local set = {}
    for _, item in ipairs(items) do
        set[item.name] = true
    end
    return set
end

local function set_of(row)
    local set = {}
    for _, item in schema.each(known, row) do
        set[item.name] = true
    end
    return set
end

-- Both have the same keys.
local function same_keys(t, got, expected, what)
    for name in pairs(got) do
        t:ok(expected[name], what .. " lacks a row for " .. tostring(name))
    end
    for name in pairs(expected) do
        t:ok(got[name] ~= nil, what .. " has a row for " .. tostring(name) .. ", which is not there")
    end
end

test("every function of the module has its row, every row its function", function(t)
    local functions = {}
    for name, value in pairs(sip) do
        if type(value) == "function" then
            functions[name] = true
        end
    end
    same_keys(t, functions, set_of "FUNCTION", "FUNCTION")
end)

test("what else the module has is store and the constants", function(t)
    local constants = names(known.codes)
    for name, value in pairs(sip) do
        if type(value) ~= "function" and name ~= "store" then
            t:ok(constants[name], tostring(name))
            t:equal(math.type(value), "integer")
        end
    end
    for _, code in ipairs(known.codes) do
        t:equal(sip[code.name], tonumber(code.number))
    end
end)

test("every row of store has its function", function(t)
    local count = 0
    for name in pairs(set_of "ENTRY") do
        t:equal(type(sip.store[name]), "function", name)
        count = count + 1
    end
    t:equal(count, 10)
    t:ok(not pcall(function() return sip.store.nothing end))
end)

test("globals sets the names that luacheck knows", function(t)
    local before = {}
    for name in pairs(_G) do
        before[name] = true
    end
    sip.globals()
    local set = {}
    for name in pairs(_G) do
        if not before[name] then
            set[name] = true
        end
    end
    local expected = {}
    for _, name in ipairs(dofile "lua/meta/luacheck_std.lua".read_globals) do
        expected[name] = true
    end
    same_keys(t, set, expected, "luacheck_std.lua")
end)

test("every field of a message has its row, every row its field", function(t)
    local message = sip.parse(table.concat({
        "INVITE sip:bob@example.com SIP/2.0", "Via: SIP/2.0/UDP h;branch=z9hG4bK1", "From: <sip:a@h>;tag=1",
        "To: <sip:b@h>", "Call-ID: 1", "CSeq: 1 INVITE", "Max-Forwards: 70", "", "",
    }, "\r\n"))
    local class = schema.class(known, "Message")
    for _, field in ipairs(class.fields) do
        t:ok(pcall(function() return message[field.name] end), field.name)
    end
    for _, method in ipairs(class.methods) do
        t:equal(type(message[method.name]), "function", method.name)
    end
    t:ok(not pcall(function() return message.nothing end))
end)

local verdicts = {
    sip.accept(), sip.route("sip:a@h", { next_after = 2, recurse = true }), sip.relay("sip:a@h", { recurse = true }),
    sip.reply(486, "Busy"), sip.drop(), sip.next_flow(), sip.next_target(), sip.fail(480), sip.retry_after(3),
    sip.rest("h:5060", 4), sip.challenge(), sip.forward("sip:h"),
}

test("every field of a verdict is one that some verdict has", function(t)
    for _, field in ipairs(schema.class(known, "Verdict").fields) do
        local found
        for _, verdict in ipairs(verdicts) do
            found = found or verdict[field.name] ~= nil
        end
        t:ok(found, field.name)
    end
end)

test("every kind of verdict is a word of its alias", function(t)
    local words
    for _, alias in schema.each(known, "ALIAS") do
        words = alias.name == "VerdictKind" and alias.type or words
    end
    local count = 0
    for _, verdict in ipairs(verdicts) do
        t:ok(words:find('"' .. verdict.kind .. '"', 1, true), verdict.kind)
        count = count + 1
    end
    t:equal(select(2, words:gsub("|", "")) + 1, count)
end)

local function fields_with(class, more)
    local set = {}
    for _, field in ipairs(schema.class(known, class).fields) do
        set[field.name] = field
    end
    for _, field in ipairs(more or {}) do
        set[field.name] = field
    end
    return set
end

-- Every key has a row; every row that cannot be nil its key.
local function fits(t, value, fields, what)
    for name in pairs(value) do
        t:ok(fields[name], what .. " lacks a row for " .. tostring(name))
    end
    for name, field in pairs(fields) do
        t:ok(value[name] ~= nil or field.type:find "%?$" or field.type:find "|nil$", what .. " has no " .. name)
    end
end

test("what decide gives has its rows, flags among them", function(t)
    local fields = fields_with("Decided", known.flags.list)
    for code = 100, 699 do
        fits(t, sip.decide(code), fields, "Decided")
        fits(t, sip.decide(code, { role = "uac", method = "REGISTER", retry_after = 3, min_expires = 60,
            flow_timer = 30, supports_outbound = true, requires_outbound = true }), fields, "Decided")
    end
end)

test("decide takes every field of a context, and no other", function(t)
    local values = { integer = 1, boolean = true, string = "INVITE" }
    for _, field in ipairs(schema.class(known, "Context").fields) do
        local value = values[field.type] or field.type:match '"(.-)"'
        t:ok(pcall(sip.decide, 486, { [field.name] = value }), field.name)
    end
    t:ok(not pcall(sip.decide, 486, { nothing = 1 }))
end)

test("actions are words of their alias", function(t)
    local words
    for _, alias in schema.each(known, "ALIAS") do
        words = alias.name == "Action" and alias.type or words
    end
    for code = 100, 699 do
        for _, role in ipairs { "proxy", "edge", "registrar", "uac" } do
            local action = sip.decide(code, { role = role }).action
            t:ok(words:find('"' .. action .. '"', 1, true), action)
        end
    end
end)

test("rows of code, explain and compare", function(t)
    fits(t, sip.code(430), fields_with "CodeRow", "CodeRow")
    fits(t, sip.code(499), fields_with "CodeRow", "CodeRow")
    fits(t, sip.explain(430), fields_with "Explanation", "Explanation")
    fits(t, sip.compare(480, 486), fields_with "Comparison", "Comparison")
end)

test("options of hooks, routes and relays are those of their classes", function(t)
    for _, field in ipairs(schema.class(known, "RouteOptions").fields) do
        t:ok(pcall(sip.route, { [field.name] = field.type:find "number" and 1 or true }), field.name)
    end
    for _, field in ipairs(schema.class(known, "RelayOptions").fields) do
        t:ok(pcall(sip.relay, "sip:a@h", { [field.name] = true }), field.name)
    end
    for _, field in ipairs(schema.class(known, "HookOptions").fields) do
        local value = field.type:find '"core"' and "core" or 1
        t:ok(pcall(sip.on_success, function() end, { [field.name] = value }), field.name)
    end
end)

test("every name in a type is a class or an alias", function(t)
    local there = set_of "CLASS"
    for name in pairs(set_of "ALIAS") do
        there[name] = true
    end
    for _, made in ipairs(schema.files) do
        for name in made.make(known):gmatch "reflow%.(%u%w*)" do
            t:ok(there[name], name)
        end
    end
end)

tap.done()
