-- SPDX-License-Identifier: BSD-2-Clause
-- A spec of a tenant that wants what belongs to its server: @KEYS@ is the file of the server's token keys, @OUTSIDE@ a
-- file beside the tenant's folder, @MARK@ a file that would be made. Each way must fail.

local sip = require "reflow"

local ways = {
    token_keys = function() return assert(sip.token_keys "@KEYS@"):rotate() end,
    token_keys_in_memory = function() return sip.token_keys() end,
    token_keys_raw = function() return rawget(sip, "token_keys")("@KEYS@"):rotate() end,
    token_keys_global = function()
        sip.globals()
        return sip_token_keys "@KEYS@"
    end,
    io_open = function() return assert(io.open("@MARK@", "w")) end,
    io_lines = function() return io.lines "@OUTSIDE@" end,
    os_execute = function() return os.execute "touch @MARK@" end,
    os_remove = function() return assert(os.remove "@OUTSIDE@") end,
    os_rename = function() return assert(os.rename("@OUTSIDE@", "@MARK@")) end,
    debug_registry = function() return debug.getregistry() end,
    load_text = function() return load "return io"() end,
    load_file = function() return loadfile "@OUTSIDE@" () end,
    do_file = function() return dofile "@OUTSIDE@" end,
    package_loaded = function() return package.loaded.io.open("@MARK@", "w") end,
    package_loadlib = function() return assert(package.loadlib("@OUTSIDE@", "*")) end,
    globals_of_the_program = function() return _G.io or _G._G.os end,
    string_metatable = function() return ("").io or getmetatable("").__index.open end,
    coroutine = function() return coroutine.wrap(function() end) end,
    outbound_sockets = function() return require "reflow.ua".new {} end,
    environment_of_a_module = function()
        local run = require "reflow.spec"
        return run({ open = function() return true end, begin = function() end }, "return io.open", "x", 1, print)
    end,
}
for _, name in ipairs { "io", "os", "debug", "package", "luv", "posix", "socket", "@OUTSIDE@", "outside",
    "reflow.ua", "reflow.ua.transport", "reflow/ua", "reflow.spec_net" } do
    ways["require_" .. name] = function() return require(name) end
end

for name, way in pairs(ways) do
    local went, what = pcall(way)
    if went and what ~= nil and what ~= false then error(("%s gave %s"):format(name, tostring(what)), 0) end
end

-- A finalizer runs when the state is closed, after everything else.
setmetatable({}, { __gc = function() pcall(function() return io.open("@MARK@", "w") end) end })

test("nothing is there", function()
    for name, way in pairs(ways) do
        local went, what = pcall(way)
        if went and what ~= nil and what ~= false then error(("%s gave %s in a test"):format(name, tostring(what)), 0) end
    end
    -- A pure state machine is what is there of sip.outbound: it has no sockets.
    local agent = sip.outbound { proxies = { {} } }
    equal(type(agent), "userdata")
end)
