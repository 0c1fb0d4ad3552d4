-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- Compiling by what the globals hide.
sip_on_response(486, function(reply, call, decision)
    return rawget(_G, 'load') or rawget(_G, 'loadstring') or rawget(string, 'dump')()
end)
