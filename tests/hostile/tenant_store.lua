-- SPDX-License-Identifier: BSD-2-Clause
-- expect: default overrun
-- The store is filled, and emptied of what others keep.
sip_on_response(486, function()
    local store = require "reflow".store
    for _, name in ipairs { "calls", "seen", "last" } do
        store.forget(name)
        store.put(name, "mine")
    end
    for i = 1, 2000 do store.put("x" .. i, ("y"):rep(200)) end
end)
