-- SPDX-License-Identifier: BSD-2-Clause
-- sip.store and sip.save in stock Lua, where the store is the state's own.
local tap = require "tap"
local test = tap.test
local sip = require "reflow"
local store = sip.store

local failure = tap.failure

local function sorted(list)
    table.sort(list)
    return table.concat(list, " ")
end

-- Busy for so many seconds: there is no clock to be told.
local function wait(seconds)
    local start = os.clock()
    while os.clock() - start < seconds do end
end

test("counters add up and begin at 0", function(t)
    t:equal(store.count "calls", 0)
    t:equal(store.add "calls", 1)
    t:equal(store.add("calls", 4), 5)
    t:equal(store.add("calls", -7), -2)
    t:equal(store.count "calls", -2)
    t:equal(math.type(store.count "calls"), "integer")
    t:equal(store.forget "calls", true)
    t:equal(store.forget "calls", false)
    t:equal(store.count "calls", 0)
end)

test("values come back as they were put", function(t)
    local values = { "", "text", "with\0zero", ("x"):rep(4095), 5, 5.0, 0.1, -1, math.mininteger, math.maxinteger,
        math.huge, -0.0, true, false }
    for _, value in ipairs(values) do
        t:equal(store.put("value", value), true)
        local got = store.get "value"
        t:equal(got, value)
        t:equal(math.type(got), math.type(value))
        t:equal(type(got), type(value))
    end
    store.put("value", 0 / 0)
    local got = store.get "value"
    t:ok(got ~= got)
    t:equal(tostring(1 / (store.put("value", -0.0) and store.get "value")), "-inf")
    t:equal(select("#", store.get "absent"), 1)
    t:equal(store.get "absent", nil)
end)

test("a value is gone after its time", function(t)
    t:equal(store.put("short", "a", 0.02), true)
    t:equal(store.put("long", "b", 60), true)
    t:equal(store.get "short", "a")
    wait(0.03)
    t:equal(store.get "short", nil)
    t:equal(store.get "long", "b")
    t:equal(store.put("long", "c", 0), true)
    t:equal(store.get "long", nil)
    t:equal(store.put("endless", "d", math.huge), true)
    t:equal(store.get "endless", "d")
end)

test("sets hold each member once", function(t)
    t:equal(store.size "busy", 0)
    t:equal(#store.members "busy", 0)
    t:equal(store.insert("busy", "bob"), true)
    t:equal(store.insert("busy", "eve", 60), true)
    t:equal(store.insert("busy", "bob"), true)
    t:equal(store.size "busy", 2)
    t:equal(store.contains("busy", "bob"), true)
    t:equal(store.contains("busy", "pat"), false)
    t:equal(sorted(store.members "busy"), "bob eve")
    t:equal(store.erase("busy", "bob"), true)
    t:equal(store.erase("busy", "bob"), false)
    t:equal(sorted(store.members "busy"), "eve")
    t:equal(store.insert("busy", "eve", 0), true)
    t:equal(store.size "busy", 0)
end)

test("a member is gone after its time", function(t)
    store.insert("window", "a", 0.02)
    store.insert("window", "b", 60)
    wait(0.03)
    t:equal(store.size "window", 1)
    t:equal(store.contains("window", "a"), false)
    t:equal(sorted(store.members "window"), "b")
end)

test("what does not fit gives nil, a message and a code", function(t)
    local function fails(code, value, why, got)
        t:equal(value, nil)
        t:equal(type(why), "string")
        t:equal(got, code)
    end
    local long = ("n"):rep(129)
    fails("EINVAL", store.add "")
    fails("ENAMETOOLONG", store.put(long, 1))
    fails("ENAMETOOLONG", store.insert("set", long))
    fails("ENAMETOOLONG", store.get(long))
    fails("EMSGSIZE", store.put("big", ("x"):rep(4096)))
    store.put("kind", 1)
    fails("EEXIST", store.add "kind")
    fails("EEXIST", store.insert("kind", "m"))
    fails("EEXIST", store.members "kind")
    fails("EEXIST", store.count "kind")
    store.add("many", math.maxinteger)
    fails("EOVERFLOW", store.add "many")
    t:equal(store.count "many", math.maxinteger)
    t:equal(store.contains("set", long), false)
    t:equal(store.forget(long), false)
end)

test("a full store says so and keeps what it has", function(t)
    local n, kept, why, code = 0, true, "", ""
    while kept and n < 100000 do
        n = n + 1
        kept, why, code = store.put("fill " .. n, n)
    end
    t:equal(code, "ENOSPC")
    t:equal(why, "the store is full")
    t:ok(n > 60000 and n <= 65536, tostring(n))
    t:equal(store.get "fill 1", 1)
    t:equal(store.put("fill 1", 2), true)
    for i = 1, n - 1 do
        t:equal(store.forget("fill " .. i), true)
    end
    t:equal(store.put("room", 1), true)
end)

test("what no call could mean raises", function(t)
    t:match(failure(store.add), "string expected")
    t:match(failure(store.put, 5, "v"), "string expected, got number")
    t:match(failure(store.put, "v"), "value expected")
    t:match(failure(store.put, "v", nil), "string, number or boolean expected, got nil")
    t:match(failure(store.put, "v", {}), "string, number or boolean expected, got table")
    t:match(failure(store.add, "c", 1.5), "whole number expected")
    t:match(failure(store.add, "c", "1"), "whole number expected")
    t:match(failure(store.put, "v", 1, -1), "0 or more")
    t:match(failure(store.put, "v", 1, 0 / 0), "0 or more")
    t:match(failure(store.insert, "s", "m", "60"), "number expected")
    t:match(failure(store.insert, "s"), "string expected")
    t:equal(store.get "v", nil)
end)

test("the store cannot be changed, and misspelt names are reported", function(t)
    t:match(failure(function() return store.contain end), "did you mean sip.store.contains")
    t:equal(pcall(function() store.get = print end), false)
    t:equal(pcall(rawset, store, "get", print), false)
    t:equal(getmetatable(store), false)
end)

test("save and restore take one function each", function(t)
    t:match(failure(sip.save), "function expected")
    t:match(failure(sip.restore, {}), "function expected")
    sip.save(function() return {} end)
    sip.restore(function() end)
    t:match(failure(sip.save, print), "has its function already")
end)

tap.done()
