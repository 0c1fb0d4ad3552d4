-- SPDX-License-Identifier: BSD-2-Clause
-- The reader of Kamailio's log (tests/e2e/support/kamailio_log.lua): lines that were written in pieces.
local kamailio_log = require "kamailio_log"
local tap = require "tap"

local function line(pid, length)
    local text = (" 1(%d) INFO: <core> [x.c:1]: f(): "):format(pid)
    return text .. ("%d"):format(pid):rep(length):sub(1, length - #text)
end

-- What the reader makes of it, read at once, and byte by byte.
local function read(t, text)
    local whole, bytes = kamailio_log.new(), kamailio_log.new()
    local at_once, one_by_one = whole:read(text) .. whole:rest(), {}
    for byte in text:gmatch "." do
        one_by_one[#one_by_one + 1] = bytes:read(byte)
    end
    t:equal(table.concat(one_by_one) .. bytes:rest(), at_once)
    return at_once
end

local first, second, third = line(101, 300), line(202, 60), line(303, 200)

tap.test("lines that are whole stay as they are", function(t)
    local text = table.concat({ first, "a line of its own", second, "", third, "unfinished" }, "\n")
    t:equal(read(t, text), text)
end)

tap.test("a line inside of another one comes before it", function(t)
    for _, at in ipairs { 128, 256 } do
        local text = first:sub(1, at) .. second .. "\n" .. first:sub(at + 1) .. "\n" .. third .. "\n"
        t:equal(read(t, text), table.concat({ second, first, third, "" }, "\n"))
    end
end)

tap.test("two lines inside of another one, after each of its pieces", function(t)
    local text = first:sub(1, 128) .. second .. "\n" .. first:sub(129, 256) .. third .. "\n" .. first:sub(257) .. "\n"
    t:equal(read(t, text), table.concat({ second, third, first, "" }, "\n"))
end)

tap.test("a line whose end has not come is there at the end of the log", function(t)
    t:equal(read(t, first:sub(1, 128) .. second .. "\n"), second .. "\n" .. first:sub(1, 128))
end)

tap.done()
