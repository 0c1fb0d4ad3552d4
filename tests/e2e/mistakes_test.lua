-- SPDX-License-Identifier: BSD-2-Clause
-- What a careless operator does: the error names the option or the file and the reason, and no file is lost.
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local uv = require "luv"

local test = tap.test

local function write(path, text)
    local file <close> = assert(io.open(path, "wb"))
    file:write(text)
end

local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

local function refused(t, pattern, ...)
    local result = server.run { "serve", "examples/registrar.lua", "--listen",
        "udp:127.0.0.1:" .. server.free_port(), ... }
    t:equal(result.status, 2)
    t:match(result.err, "^reflow serve: [^\n]*" .. pattern .. "[^\n]*\n$")
end

local function path_for(t)
    local path = temporary.path()
    t:defer(function()
        for _, ending in ipairs { "", ".keys", ".policy", ".old" } do
            os.remove(path .. ending)
        end
    end)
    return path
end

test("--last-good never replaces a file that has something else in it", function(t)
    local path = path_for(t)
    write(path, "return 'my own script'\n")
    local s = server.start(t, { args = { "--last-good", path } })
    s:expect_log "the last good policy could not be kept in [^\n]*: the file has something else in it"
    s:stop()
    t:equal(read(path), "return 'my own script'\n")
    os.remove(path)
    assert(os.execute("mkfifo '" .. path .. "'"))
    s = server.start(t, { args = { "--last-good", path } })
    s:expect_log "the last good policy could not be kept in [^\n]*: the file has something else in it"
    s:stop()
    t:equal(uv.fs_stat(path).type, "fifo")
end)

test("a FIFO in place of a file does not hold up the start", function(t)
    local path = path_for(t)
    assert(os.execute("mkfifo -m 600 '" .. path .. "'"))
    refused(t, "no key ring", "--token-keys", path)
    refused(t, "not a regular file", "--domain-file", path)
end)

test("the sockets of --status and --control: the error names the option, the path and the reason", function(t)
    local path = path_for(t)
    write(path, "")
    for _, option in ipairs { "--status", "--control" } do
        local pattern = "cannot create the socket " .. option:gsub("%-", "%%-") .. " "
        refused(t, pattern .. "[^\n]*: it exists and is not a socket", option, path)
        refused(t, pattern .. "/no/such: its folder does not exist", option, "/no/such")
        refused(t, option:gsub("%-", "%%-") .. " needs a value", option, "")
    end
    local s = server.start(t, { args = { "--status", path .. ".old" } })
    refused(t, "another process uses this socket", "--status", path .. ".old")
    s:stop()
end)

test("an address that this machine does not have", function(t)
    refused(t, "cannot listen on udp:192%.0%.2%.1:5060: this machine does not have the address", "--listen",
        "udp:192.0.2.1:5060")
end)

tap.done()
