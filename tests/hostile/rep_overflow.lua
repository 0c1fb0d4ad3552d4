-- SPDX-License-Identifier: BSD-2-Clause
-- expect: error
-- A repetition whose length overflows.
sip_on_response(486, function(reply, call, decision)
    return ('xxxx'):rep(1 << 62, 'xx')
end)
