-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Back references that try everything.
sip_on_response(486, function(reply, call, decision)
    return (('ab'):rep(3000)):find('(.-)(.-)%1%2c')
end)
