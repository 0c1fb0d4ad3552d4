-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A width of a hundred million.
sip_on_response(486, function(reply, call, decision)
    return ('%99999999d'):format(1)
end)
