-- SPDX-License-Identifier: BSD-2-Clause
-- expect: overrun
-- Back references to half a megabyte, compared at each place.
sip_on_response(486, function(reply, call, decision)
    return (("a"):rep(1 << 20)):find("(.*)%1b")
end)
