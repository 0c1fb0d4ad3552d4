-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Changing what all verdicts share.
sip_on_response(486, function(reply, call, decision)
    getmetatable(sip_accept()).__index = error
end)
