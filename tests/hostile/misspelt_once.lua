-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun error
-- A name that is nearly that of forty thousand globals.
for i = 1, 40000 do _G[('globals_of_a_script_with_names_%06d'):format(i)] = i end
sip_on_response(486, function(reply, call, decision)
    return globals_of_a_script_with_names_00000x
end)
