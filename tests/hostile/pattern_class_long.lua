-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- A set of a hundred thousand characters, looked through at each place.
sip_on_response(486, function(reply, call, decision)
    return (('b'):rep(100000)):find('[' .. ('a'):rep(100000) .. ']c')
end)
