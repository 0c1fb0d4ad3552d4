-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- An error object that is a hook's object, kept from before.
sip_on_response(486, function(reply, call, decision)
    kept = rawget(_G, 'kept') or reply
    error(kept)
end)
