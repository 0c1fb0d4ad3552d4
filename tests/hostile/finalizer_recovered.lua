-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- setmetatable reached in another way.
sip_on_response(486, function(reply, call, decision)
    local set = getmetatable('') or setmetatable
    set({}, {__gc = true})
end)
