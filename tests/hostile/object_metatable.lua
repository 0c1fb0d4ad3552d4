-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Changing what all objects of hooks share.
sip_on_response(486, function(reply, call, decision)
    getmetatable(reply).__index = error
end)
