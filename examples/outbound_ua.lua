-- SPDX-License-Identifier: BSD-2-Clause
-- A user agent that keeps two flows (RFC 5626 section 4), and a phone that is always busy. Run it against a registrar:
--
--     build/reflow serve examples/registrar.lua
--     LUA_CPATH="build/?.so;;" lua5.4 examples/outbound_ua.lua
--
-- Arguments, where others are wanted: a user, and the outbound proxies, which are edges or the registrar itself:
--
--     ... outbound_ua.lua bob "sip:127.0.0.1:5070;transport=tcp" "sip:127.0.0.1:5080"
--
-- DOMAIN and PASSWORD are taken from the environment. Ctrl-C unregisters.

local uv = require "luv"
local ua = require "reflow.ua"

local user = arg[1] or "bob"
local proxies = { table.unpack(arg, 2) }
if #proxies == 0 then
  proxies = { "sip:127.0.0.1:5060;transport=tcp", "sip:127.0.0.1:5060;transport=udp" }
end

local agent = ua.new {
  aor = "sip:" .. user .. "@" .. (os.getenv "DOMAIN" or "127.0.0.1"),
  proxies = proxies,
  password = os.getenv "PASSWORD",
  on_event = print, -- registered, failed and when it is tried again, unregistered
  on_request = function(request)
    print(request.method .. " from " .. request.from)
    request:reply(request.method == "INVITE" and 486 or 200)
  end,
}

local interrupted = uv.new_signal()
interrupted:start("sigint", function()
  interrupted:close()
  agent:stop()
end)

io.stdout:setvbuf "line"
agent:start()
uv.run()
