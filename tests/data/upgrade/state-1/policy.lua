local sip = require "reflow"
sip.on_request("OPTIONS", function() return sip.reply(200, "The last good policy") end)
