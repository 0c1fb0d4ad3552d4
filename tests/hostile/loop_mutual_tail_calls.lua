-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Two functions that end by calling each other.
sip_on_response(486, function(reply, call, decision)
    local one, two
    function one() return two() end
    function two() return one() end
    return one()
end)
