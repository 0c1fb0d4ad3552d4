-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default error
-- Every table that might be shared with the hooks of others is changed.
sip_on_response(486, function()
    local pcall, rawset, next, _G = pcall, rawset, next, _G
    local function spoil(table)
        for name, value in next, table do
            if type(value) == "function" then pcall(rawset, table, name, error) end
        end
    end
    local sip = require "reflow"
    for _, library in ipairs { string, table, math, utf8 } do spoil(library) end
    pcall(function() getmetatable("").__index.format = nil end)
    pcall(function() getmetatable("").__index = function() return error end end)
    pcall(function() setmetatable("", {}) end)
    pcall(function() getmetatable(sip.store).__index.put = error end)
    pcall(function() sip.store.put = error end)
    pcall(function() setmetatable(sip, {}) end)
    pcall(function() getmetatable(sip).__index = nil end)
    pcall(function() require "reflow.catalog.en".spoiled = true end)
    pcall(function() debug.getregistry() end)
    pcall(function() debug.setmetatable("", nil) end)
    pcall(spoil, sip)
    pcall(spoil, _G)
    for name in next, _G do rawset(_G, name, nil) end
end)
