-- SPDX-License-Identifier: BSD-2-Clause
-- Runs attackers.lua beside a test: a program of its own, so that those who call do not wait for it.
local uv = require "luv"
local wait = require "wait"

local strangers = {}
local directory = package.searchpath("strangers", package.path):match "^(.*)/"

-- Attacks the port until the function that this returns is called. That returns what they have to say, and how many
-- bytes reached a third party for each byte that named it.
function strangers.start(port, seed)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    local ended
    local handle, pid = uv.spawn(uv.exepath(), { args = { directory .. "/attackers.lua", tostring(port),
        tostring(seed) }, stdio = { nil, out, err } }, function(status)
        ended = status
    end)
    assert(handle, pid)
    local text = ""
    for _, pipe in ipairs { out, err } do
        pipe:read_start(function(_, bytes)
            text = text .. (bytes or "")
        end)
    end
    return function()
        handle:kill "sigterm"
        assert(wait.until_true(10000, function()
            return ended and text:find "for each byte"
        end), "the attackers do not end: " .. text)
        assert(ended == 0, text)
        return text, tonumber(text:match "([%d.]+) bytes to the third party for each")
    end
end

return strangers
