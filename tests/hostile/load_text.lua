-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Compiling a text.
sip_on_response(486, function(reply, call, decision)
    return load('while true do end')()
end)
